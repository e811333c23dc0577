"""Challenges of ``WWW-Authenticate`` (RFC 9110 11.6.1)."""

from __future__ import annotations

import time

import pytest

from fairlead.domain.challenges import Parameter, read_challenges, read_parameters

Shown = list[tuple[str, dict[str, str] | str]]


def _shown(*headers: str) -> Shown:
    return [
        (c.scheme, c.token68 or {name: p.value for name, p in c.parameters.items()})
        for c in read_challenges(headers).found
    ]


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        ([], []),
        ([""], []),
        ([" , ,\t"], []),
        (["Negotiate"], [("Negotiate", {})]),
        (["Negotiate, NTLM"], [("Negotiate", {}), ("NTLM", {})]),
        (["Negotiate YIIabc/+=="], [("Negotiate", "YIIabc/+==")]),
        (["Digest realm="], [("Digest", "realm=")]),
        (["Negotiate YII= , Basic realm=a"], [("Negotiate", "YII="), ("Basic", {"realm": "a"})]),
        (['Basic realm="simple"'], [("Basic", {"realm": "simple"})]),
        (['Basic REALM = "simple" , charset = "UTF-8"'], [("Basic", {"realm": "simple", "charset": "UTF-8"})]),
        (
            ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'],
            [("Newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}), ("Basic", {"realm": "simple"})],
        ),
        (
            ['Digest realm="a, b=c", nonce="x"', ',,NTLM ,Digest realm="b\\\\",,nonce="y"'],
            [("Digest", {"realm": "a, b=c", "nonce": "x"}), ("NTLM", {}), ("Digest", {"realm": "b\\", "nonce": "y"})],
        ),
        (["Digest nonce=AbC/1==, stale=true"], [("Digest", {"nonce": "AbC/1==", "stale": "true"})]),
        (['Digest realm="", nonce=""'], [("Digest", {"realm": "", "nonce": ""})]),
        (['Digest realm="Größe"'], [("Digest", {"realm": "Größe"})]),
        (['Digest nonce="1", NONCE="2"'], [("Digest", {"nonce": "1"})]),
    ],
)
def test_what_is_read(headers: list[str], result: Shown) -> None:
    """Several challenges in one header and in several; commas and escapes in quotes; empty members of the list; token68; a value in
    plain Base64 without quotes; of two parameters of one name the first."""
    assert _shown(*headers) == result
    assert read_challenges(headers).problem == ""


def test_raw_values() -> None:
    """What is sent back is what was received, escapes included."""
    challenge = read_challenges(['Digest nonce="a\\"b\\\\c\\d", opaque=plain']).found[0]
    assert challenge.parameters == {
        "nonce": Parameter('a"b\\cd', 'a\\"b\\\\c\\d'),
        "opaque": Parameter("plain", "plain"),
    }


@pytest.mark.parametrize(
    ("header", "before", "place"),
    [
        ('Digest realm="a', [], 8),
        ('Digest realm="a\\"', [], 8),
        ('Digest realm="a" nonce="b"', [], 8),
        ('NTLM, Digest realm="a", nonce="b\r\nX: y"', ["NTLM"], 25),
        ("=", [], 1),
        ('realm="a"', [], 1),
        ("Negotiate YII=, a=b", ["Negotiate"], 17),
        ('NTLM, "Digest"', [], 7),
        ("<html>", [], 1),
    ],
)
def test_broken_headers(header: str, before: list[str], place: int) -> None:
    """A header is read as far as it makes sense; the challenge that does not end well is left out, other headers count. The message
    names the place and quotes nothing."""
    found, problem = read_challenges([header, "Other x=1"])
    assert problem == f"a header makes no sense from character {place} on"
    assert [challenge.scheme for challenge in found] == [*before, "Other"]


@pytest.mark.parametrize(
    ("headers", "found", "problem"),
    [
        (["Digest " + ", ".join(f'p{i}="v"' for i in range(64))], 1, ""),
        (["Digest " + ", ".join(f'p{i}="v"' for i in range(1000))], 0, "a challenge has more than 64 parameters"),
        (["Digest " + ", ".join(["p=1"] * 1000)], 1, ""),
        (["a," * 33], 32, "there are more than 32 challenges"),
        (["a," * 20, "b," * 20], 32, "there are more than 32 challenges"),
        (["Digest a=" + "x" * 65536], 0, "a header of 65545 characters is longer than 16384"),
    ],
)
def test_bounds(headers: list[str], found: int, problem: str) -> None:
    """Length of a header, parameters of a challenge, and challenges are bounded, and what was too much is named."""
    result = read_challenges(headers)
    assert (len(result.found), result.problem) == (found, problem)


@pytest.mark.parametrize(
    "header",
    [
        "a" * 16384,
        "a " * 8192,
        "Digest " + "," * 16000,
        "Digest " + " \t" * 8000,
        'Digest a="' + "\\" * 16000,
        'Digest a="' + "\\a" * 8000,
        "Digest " + "=" * 16000,
        "Digest " + "a=" * 8000,
        "Digest a" + " " * 16000 + "b",
        "Digest " + "a=b," * 4000,
        "Digest " + "A" * 8000 + "=" * 8000 + '"',
    ],
)
def test_no_header_takes_long(header: str) -> None:
    """The time grows with the length only: the longest header that is read is read within milliseconds."""
    started = time.process_time()
    read_challenges([header])
    read_parameters(header)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("header", "result"),
    [
        ('nextnonce="n\\"2", qop=auth, rspauth="6629", nc=00000001', "nextnonce qop rspauth nc"),
        (",NextNonce=n2 ,", "nextnonce"),
        ('Digest nextnonce="x"', ""),
        ('nextnonce="x', ""),
        ("", ""),
        (", ".join(f"p{i}=1" for i in range(65)), ""),
        ("p=" + "x" * 16384, ""),
    ],
)
def test_parameters_alone(header: str, result: str) -> None:
    """``Authentication-Info`` has parameters without a scheme; one that makes no sense has none."""
    assert list(read_parameters(header)) == result.split()
