"""Answers of token endpoints, good and bad (connections.md 3, 3.2, 3.3; RFC 6749 5)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from fairlead.auth.token_answer import TokenPaths, credentials_of
from fairlead.engine.ports import Answer, Credentials, RenewalFailed, RenewalRefused
from tests.unit.auth.sessions import answer
from tests.unit.clock import START

BEFORE = Credentials("0ld", "r1")
FORM = "application/x-www-form-urlencoded"
LOGIN_PAGE = "<!DOCTYPE html><html><body>Sign in, please</body></html>"


def _read(given: Answer, *, refreshed: bool = False, **paths: Any) -> Credentials:
    return credentials_of(given, TokenPaths(**paths), now=START, before=BEFORE, refreshed=refreshed)


def _jwt(payload: bytes) -> str:
    parts = (b'{"alg":"none"}', payload)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".c2ln"


@pytest.mark.parametrize(
    ("given", "paths", "token"),
    [
        (answer({"access_token": "n3w"}), {}, "n3w"),
        (answer('{"access_token":"n3w"}'), {}, "n3w"),
        (answer({"access_token": "n3w"}, 201), {}, "n3w"),
        (answer('{"access_token":"n3w"}', content_type="text/html; charset=utf-8"), {}, "n3w"),
        (answer("access_token=n%2F3+w&scope=", content_type=FORM), {}, "n/3 w"),
        (answer("a.b=n3w", content_type=f"{FORM}; charset=utf-8"), {"token": "['a.b']"}, "n3w"),
        (answer({"access_token": 9007199254740993}), {}, "9007199254740993"),
        (answer({"data": [{"session": "n3w"}]}), {"token": "data[0].session"}, "n3w"),
        (answer('"n3w"'), {"token": "$"}, "n3w"),
        (answer("n3w\n", content_type="text/plain"), {"token": "$"}, "n3w"),
        (answer("<r><access_token>n3w</access_token></r>", content_type="application/xml"), {}, "n3w"),
        (answer({"access_token": "n3w", "error": "warning"}), {}, "n3w"),
        (answer({"access_token": "n" * 16_384}), {}, "n" * 16_384),
    ],
)
def test_good_answers(given: Answer, paths: dict[str, Any], token: str) -> None:
    """Status 2xx and a text or number that is not empty at the path, in JSON, a form, XML or plain text."""
    assert _read(given, **paths) == Credentials(token, "r1")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answer(LOGIN_PAGE, content_type="text/html"), "the token endpoint answered HTML - a login page?"),
        (answer(LOGIN_PAGE), "the token endpoint answered HTML - a login page?"),
        (
            answer({"error": "invalid_client", "error_description": "No such client."}),
            "the token endpoint answered 200: invalid_client: No such client.",
        ),
        (
            answer({"error": {"code": 190, "message": "Expired."}}),
            "the token endpoint answered 200: 190: Expired.",
        ),
        (answer("error=bad_code", content_type=FORM), "the token endpoint answered 200: bad_code"),
        (answer({"access_token": ""}), "the token endpoint answered 200 with an empty token at access_token"),
        (
            answer({"token": "s3cr3t", "expires_in": 5}),
            "the token endpoint answered 200 with nothing (its members: token, expires_in) at access_token",
        ),
        (answer("[]"), "the token endpoint answered 200 with nothing at access_token"),
        (
            answer({"access_token": {"v": "s3cr3t"}}),
            "the token endpoint answered 200 with an object instead of a token at access_token",
        ),
        (
            answer({"access_token": ["s3cr3t"]}),
            "the token endpoint answered 200 with an array instead of a token at access_token",
        ),
        (
            answer({"access_token": True}),
            "the token endpoint answered 200 with true or false instead of a token at access_token",
        ),
        (
            answer({"access_token": None}),
            "the token endpoint answered 200 with nothing (its members: access_token) at access_token",
        ),
        (
            answer({"access_token": "s3cr3t\r\nX-Own: 1"}),
            "the token endpoint answered 200 with a token at access_token that holds a line break or another control character",
        ),
        (
            answer('{"access_token":"s3cr3t\\ud800"}'),
            "the token endpoint answered 200 with a token at access_token that holds a line break or another control character",
        ),
        (
            answer({"access_token": "x" * 65_536}),
            "the token endpoint answered 200 with a token of 64 KiB at access_token; 16 KiB is the most",
        ),
        (
            answer({"access_token": "n", "refresh_token": "x" * 16_385}),
            "the token endpoint answered 200 with a refresh token of 17 KiB at refresh_token; 16 KiB is the most",
        ),
        (answer('{"access_token":'), "the token endpoint answered 200, but the body is not JSON: JSON ends too early at byte 16"),
        (answer(b'{"access_token":"s3cr3t\xff"}'), "the token endpoint answered 200, but the body is not JSON: invalid UTF-8 at byte 23"),
        (answer(b"access_token=s3cr3t\xff", content_type=FORM), "the token endpoint answered 200, but the body is not valid UTF-8 at byte 19"),
        (answer(b""), "the token endpoint answered 200 without a body"),
        (answer(b"", 204), "the token endpoint answered 204 without a body"),
    ],
)  # fmt: skip
def test_good_status_without_a_token(given: Answer, sentence: str) -> None:
    """A refusal, told in one sentence that holds no value of a token."""
    with pytest.raises(RenewalRefused) as caught:
        _read(given)
    assert caught.value.message == sentence
    assert caught.value.status in (200, 204)
    assert not caught.value.spent


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            answer({"error": "invalid_grant", "error_description": "Token is expired."}, 400),
            "the token endpoint answered 400: invalid_grant: Token is expired.",
        ),
        (answer("Wrong key", 401), "the token endpoint answered 401: Wrong key"),
        (answer(b"", 403), "the token endpoint answered 403"),
        (answer(LOGIN_PAGE, 404), "the token endpoint answered 404: an HTML page"),
        (answer({"reason": "no", "refresh_token": "s3cr3t"}, 422), 'the token endpoint answered 422: {"reason":"no"}'),
        (answer("masked", 400, message="told by the verdict"), "the token endpoint answered 400: told by the verdict"),
        (answer("<e><error>no</error></e>", 400, content_type="text/xml"), "the token endpoint answered 400: no"),
    ],
)
def test_refusals(given: Answer, sentence: str) -> None:
    """Status 4xx: what the application says about the error, else its text."""
    with pytest.raises(RenewalRefused) as caught:
        _read(given)
    assert (caught.value.message, caught.value.status) == (sentence, given.response.status)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answer(b"", 500), "the token endpoint answered 500"),
        (answer("busy", 503), "the token endpoint answered 503: busy"),
        (answer({"error": "invalid_grant"}, 502), "the token endpoint answered 502: invalid_grant"),
        (answer("late", 408), "the token endpoint answered 408: late"),
        (answer("slow down", 429), "the token endpoint answered 429: slow down"),
        (answer(b"", 304), "the token endpoint answered 304"),
        (
            answer(b"", 302, headers={"Location": "https://u:p4ss@login.example.test/in?code=s3cr3t#t0k3n"}),
            "the token endpoint answered 302 (it wanted to redirect to https://login.example.test)",
        ),
        (
            answer(b"", 307, headers={"Location": "/in?code=s3cr3t"}),
            "the token endpoint answered 307 (it wanted to redirect elsewhere)",
        ),
    ],
)
def test_no_result(given: Answer, sentence: str) -> None:
    """Anything else says nothing about the credentials: the code is the status; where a redirect leads is told by its host only."""
    with pytest.raises(RenewalFailed) as caught:
        _read(given)
    assert (caught.value.code, caught.value.message) == (str(given.response.status), sentence)


@pytest.mark.parametrize("status", [200, 400, 401])
def test_invalid_grant(status: int) -> None:
    """Ends the refresh token that was sent, and no other."""
    for refreshed in (True, False):
        with pytest.raises(RenewalRefused) as caught:
            _read(answer({"error": "invalid_grant"}, status), refreshed=refreshed)
        assert caught.value.spent is refreshed


def test_long_errors() -> None:
    """At most 300 characters, never half a word: half a secret would not be masked."""
    said = " ".join(["word"] * 58 + ["s3cr3t" * 10])
    with pytest.raises(RenewalRefused) as caught:
        _read(answer({"error": "no", "error_description": said}, 400))
    shown = caught.value.message.removeprefix("the token endpoint answered 400: ")
    assert len(shown) <= 300
    assert shown.endswith("word")


@pytest.mark.parametrize(
    ("expires_in", "seconds", "margin"),
    [
        ("3600", 3600, 60),
        ('"3600"', 3600, 60),
        ("3599.5", 3599.5, 60),
        ("600", 600, 60),
        ("300", 300, 30),
        ("1", 1, 0.1),
        ("3.6e3", 3600, 60),
    ],
)
def test_the_end_of_a_token(expires_in: str, seconds: float, margin: float) -> None:
    """``expires_in`` counts from now; renewed ahead by a minute or a tenth of the life, whichever is less."""
    renewed = _read(answer(f'{{"access_token":"n","expires_in":{expires_in}}}'))
    expires = START + timedelta(seconds=seconds)
    assert (renewed.expires, renewed.renew_from) == (expires, expires - timedelta(seconds=margin))


@pytest.mark.parametrize(
    "expires_in",
    ["-1", "0", "1e309", "-1e309", "true", '"soon"', '""', "null", "[]", "{}", "1e10", "9" * 400, '"1e3"', '"٣"', '"-5"'],
)  # fmt: skip
def test_ends_that_nobody_knows(expires_in: str) -> None:
    """What is no positive finite number of at most ten years means: not known. The token is good all the same."""
    renewed = _read(answer(f'{{"access_token":"n","expires_in":{expires_in}}}'))
    assert (renewed.token, renewed.expires, renewed.renew_from) == ("n", None, None)


def test_beside_the_token() -> None:
    """What belongs to a token further down stands beside it."""
    body = {"data": {"token": "n", "expires_in": 300, "refresh_token": "r2"}, "expires_in": 5, "refresh_token": "r3"}
    renewed = _read(answer(body), token="data.token")
    assert (renewed.refresh_token, renewed.expires) == ("r2", START + timedelta(seconds=300))


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        ({"exp": START.timestamp() + 900}, 900),
        ({"exp": int(START.timestamp()) + 900, "iat": 1}, 900),
        ({"exp": START.timestamp() - 1}, None),
        ({"exp": "tomorrow"}, None),
        ({"exp": 1e300}, None),
        ({"exp": True}, None),
        ({"sub": "x"}, None),
        ({"exp": START.timestamp() + 900, "pad": "x" * 9000}, None),
    ],
)
def test_the_end_of_a_json_web_token(payload: dict[str, Any], seconds: int | None) -> None:
    """``exp`` of an access token is read when the answer says nothing; one that is over, or is too long, says nothing either."""
    renewed = _read(answer({"access_token": _jwt(json.dumps(payload).encode())}))
    assert renewed.expires == (None if seconds is None else START + timedelta(seconds=seconds))


def test_expires_in_comes_first() -> None:
    """The answer knows better than the token."""
    token = _jwt(b'{"exp":%d}' % (START.timestamp() + 900))
    renewed = _read(answer({"access_token": token, "expires_in": 60}))
    assert renewed.expires == START + timedelta(seconds=60)


@pytest.mark.parametrize(
    "token", ["eyJ.eyJ.eyJ", "eyJ.a.b", "eyJh.!!!.x", "eyJ" + "." * 2, _jwt(b"\xff"), _jwt(b"[" * 99), _jwt(b"[]")]
)
def test_what_only_looks_like_a_json_web_token(token: str) -> None:
    """No error: it is an opaque token."""
    assert _read(answer({"access_token": token})).expires is None
