"""Answers to Digest challenges (connections.md 3.5, RFC 7616 3.3 and 3.4), checked by published vectors and by the formulas."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from fairlead.auth.digest_answer import authorization, request_target
from tests.unit.auth.digests import (
    REALM,
    REFERENCE,
    RFC_7616_CNONCE,
    RFC_7616_NONCE,
    RFC_7616_OPAQUE,
    a_challenge,
    a_request,
    answer,
    best,
    digest_session,
    expected,
    fields_of,
    refused,
    start,
)

_RFC_7616 = (
    f'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="{RFC_7616_NONCE}", opaque="{RFC_7616_OPAQUE}"'
)
_RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
    ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


@pytest.mark.parametrize(
    ("challenge", "user", "password", "target", "cnonce", "response"),
    [
        (
            REFERENCE.replace('qop="auth", ', ""),
            "svc_orders",
            "Circle Of Life",
            "/v1/orders?limit=5",
            "",
            "be48d3aff99159abeec8948ee02ea9cd",
        ),
        (_RFC_2617, "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        (
            _RFC_2617.replace('qop="auth,auth-int", ', ""),  # RFC 2069 2.4 with its erratum 749
            "Mufasa",
            "CircleOfLife",
            "/dir/index.html",
            "",
            "1949323746fe6a43ef61f9606e7febea",
        ),
        (
            _RFC_7616 + ", algorithm=MD5",
            "Mufasa",
            "Circle of Life",
            "/dir/index.html",
            RFC_7616_CNONCE,
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            _RFC_7616 + ", algorithm=SHA-256",
            "Mufasa",
            "Circle of Life",
            "/dir/index.html",
            RFC_7616_CNONCE,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
    ids=["reference 3.5 without qop", "RFC 2617 3.5", "RFC 2069 2.4", "RFC 7616 3.9.1 MD5", "RFC 7616 3.9.1 SHA-256"],
)
def test_published_vectors(challenge: str, user: str, password: str, target: str, cnonce: str, response: str) -> None:
    """The responses that the reference and the RFCs print."""
    request = a_request(url=f"https://api.example.test{target}")
    value = authorization(best(challenge), user, password, request, count=1, cnonce=cnonce)
    assert f'response="{response}"' in value
    assert ("qop=" in value, "nc=" in value, "cnonce=" in value) == (bool(cnonce),) * 3
    assert f'uri="{target}"' in value


@pytest.mark.parametrize("qop", ["", "auth", "auth-int", "auth-int,auth", " Auth-Int , x", "x,AUTH"])
@pytest.mark.parametrize(
    ("algorithm", "hash_"),
    [
        ("", hashlib.md5),
        ("MD5", hashlib.md5),
        ("md5-SESS", hashlib.md5),
        ("SHA-256", hashlib.sha256),
        ("sha-256-sess", hashlib.sha256),
    ],
)
@pytest.mark.parametrize(("method", "body"), [("POST", '{"größe":1}'.encode()), ("GET", None)])
def test_every_form(qop: str, algorithm: str, hash_: Callable[[bytes], Any], method: str, body: bytes | None) -> None:
    """Each algorithm with each quality of protection, against the formulas; ``auth`` goes before ``auth-int``; the algorithm is
    echoed as received, and not at all when the challenge names none."""
    session = digest_session()
    flow = start(session, a_request(method, body))
    next(flow)
    challenge = f'Digest realm="{REALM}", nonce="n1"'
    challenge += f', qop="{qop}"' if qop else ""
    challenge += f", algorithm={algorithm}" if algorithm else ""
    fields = fields_of(flow.send(answer(401, challenge)))
    assert fields["response"] == expected(fields, hash_, "svc_orders", "Circle Of Life", method, body or b"")
    assert fields.get("algorithm", "") == algorithm
    wanted = "" if not qop else "auth" if "auth" in qop.lower().replace(" ", "").split(",") else "auth-int"
    assert fields.get("qop", "") == wanted
    assert ("nc" in fields) == bool(wanted)
    assert ("cnonce" in fields) == (bool(wanted) or algorithm.lower().endswith("sess"))
    assert "opaque" not in fields


@pytest.mark.parametrize(
    ("challenges", "nonce"),
    [
        (["Digest realm=r, nonce=a", "Digest realm=r, nonce=b, algorithm=SHA-256"], "b"),
        (["Digest realm=r, nonce=a, algorithm=SHA-256, Digest realm=r, nonce=b, algorithm=MD5"], "a"),
        (["Digest realm=r, nonce=a, algorithm=MD5-sess, Digest realm=r, nonce=b"], "a"),
        (["Negotiate, NTLM TlRM=, Basic realm=x", "digest realm=r, nonce=c"], "c"),
        (["Digest realm=r, nonce=a, algorithm=SHA-512-256, Digest realm=r, nonce=b"], "b"),
        (["Digest realm=r, nonce=a, qop=other, Digest realm=r, nonce=b"], "b"),
        (["Digest nonce=a, Digest realm=r, Digest realm=r, nonce=b"], "b"),
        (['Digest realm="broken', "Digest realm=r, nonce=b"], "b"),
        (['Digest realm=r, nonce=b, qop=""'], "b"),
    ],
)
def test_which_challenge_is_answered(challenges: list[str], nonce: str) -> None:
    """The strongest hash, of equals the first; what is not known, not complete or not readable is passed over."""
    assert best(*challenges).nonce.value == nonce


@pytest.mark.parametrize(
    ("challenges", "words"),
    [
        ([], ["without a challenge", "http.auth.type"]),
        (["NTLM, Negotiate, NTLM"], ["asks for NTLM, Negotiate,", "http.auth.type"]),
        (["a, b, c, d, e, f, g"], ["asks for a, b, c, d, e, which"]),
        (["x" * 1000], [f"asks for {'x' * 40},"]),
        (["Digest realm=r, nonce=n, algorithm=SHA-512-256"], ["its algorithm is SHA-512-256;", "SHA-256-sess"]),
        (['Digest realm=r, nonce=n, algorithm="ä\tb' + "c" * 100 + '"'], [f"its algorithm is b{'c' * 39};"]),
        (["Digest realm=r, nonce=n, qop=other"], ["its qop is other;", "auth-int"]),
        (["Digest realm=r"], ["no nonce"]),
        (['Digest realm=r, nonce=""'], ["no nonce"]),
        (["Digest nonce=n"], ["no realm"]),
        (['Digest realm="r'], ["WWW-Authenticate", "makes no sense from character 8"]),
        (["Digest " + ", ".join(f"p{i}=v" for i in range(1000))], ["more than 64 parameters"]),
        (["Digest nonce=" + "n" * 65536], ["longer than 16384"]),
    ],
)
def test_no_challenge_that_can_be_answered(challenges: list[str], words: list[str]) -> None:
    """Final, with a sentence that names what was offered or what is wrong with it."""
    flow = start(digest_session())
    next(flow)
    message = refused(flow, answer(401, *challenges))
    assert all(word in message for word in words), message
    assert len(message) < 300
    assert message.isascii()
    assert message.isprintable()


def test_quotes_and_backslashes() -> None:
    """Nonce, realm and opaque go back exactly as received and are hashed without escapes; the user name gets its own."""
    session = digest_session('DOM\\bo"b')
    flow = start(session)
    next(flow)
    signed = flow.send(answer(401, 'Digest realm="a \\"b\\", c", nonce="n\\"\\\\\\x", opaque="o\\"", qop="auth"'))
    fields = fields_of(signed)
    header = signed.headers.get("Authorization") or ""
    assert 'realm="a \\"b\\", c", nonce="n\\"\\\\\\x", ' in header
    assert header.endswith('opaque="o\\""')
    assert fields["username"] == 'DOM\\bo"b'
    assert fields["nonce"] == 'n"\\x'
    assert fields["response"] == expected(fields, hashlib.md5, 'DOM\\bo"b', "Circle Of Life", "GET")


@pytest.mark.parametrize(
    ("username", "charset", "field", "hashed"),
    [
        ("Jäsøn Doe", "UTF-8", "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", "Jäsøn Doe"),
        ("Ja\u0308søn", "utf-8", "username*=UTF-8''J%C3%A4s%C3%B8n", "Jäsøn"),
        ("Jäsøn Doe", "", 'username="Jäsøn Doe"', "Jäsøn Doe"),
        ("Jason", "UTF-8", 'username="Jason"', "Jason"),
    ],
)
def test_user_names_beyond_ascii(username: str, charset: str, field: str, hashed: str) -> None:
    """RFC 7616 3.4 and 4: ``username*`` and NFC when UTF-8 was offered, else the UTF-8 text in quotes; hashed as UTF-8."""
    session = digest_session(username, "pässwörd")
    flow = start(session)
    next(flow)
    signed = flow.send(answer(401, a_challenge(more=f", charset={charset}" if charset else "")))
    assert (signed.headers.get("Authorization") or "").startswith(f"Digest {field}, realm=")
    fields = fields_of(signed)
    assert fields["response"] == expected(fields, hashlib.md5, hashed, "pässwörd", "GET")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.test", "/"),
        ("https://a.test?q=1", "/?q=1"),
        ("https://a.test/x?", "/x"),
        ("https://a.test//x/%2f;p=1?a=b?c&d='%20'", "//x/%2f;p=1?a=b?c&d='%20'"),
        ('https://a.test/größe "a\\b"#top', "/gr%C3%B6%C3%9Fe%20%22a%5Cb%22"),
    ],
)
def test_uri_is_the_request_target(url: str, target: str) -> None:
    """Encoded, as it stands in the first line of the request."""
    assert request_target(url) == target
