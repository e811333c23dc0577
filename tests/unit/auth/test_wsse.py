"""``wsse`` (connections.md 3.6)."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest

from fairlead.auth.registry import strategy_for
from fairlead.auth.wsse import username_token
from fairlead.domain.challenges import read_parameters
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import Answer, AuthSession, RenewalRefused, Verdict
from tests.unit.clock import START, ManualClock

NONCE = bytes.fromhex("d36e316282959a9ed4c89851497a717f")
TOKEN = (
    'UsernameToken Username="bob", PasswordDigest="i/pKYrAHOKwgNnmEQQzmUaPQmjE=", Nonce="024xYoKVmp7UyJhRSXpxfw==",'
    ' Created="2026-01-15T09:30:00Z"'
)


def _session(
    username: str = "bob", password: str | None = "s3cr3t", nonce: bytes | None = NONCE, **token: Any
) -> AuthSession:
    numbers = count(1)
    auth = {"type": "wsse", "basic": {"username": username, "password": password}, "token": token}
    return AuthSession(
        http={"auth": auth},
        clock=ManualClock(),
        random=lambda n: nonce if nonce is not None else next(numbers).to_bytes(n, "big"),
        render=lambda text, place: text,
    )


def _request() -> HttpRequest:
    headers = [("authorization", "of the connection"), ("x-wsse", "of the connection"), ("Accept", "*/*")]
    return HttpRequest("GET", "https://api.example.test/v1", Headers(headers))


def _answer(status: int = 200, verdict: Verdict = Verdict.SUCCESS, date: str | None = None) -> Answer:
    headers = Headers([("Date", date)] if date is not None else [])
    return Answer(HttpResponse(status, headers, b""), verdict, lambda: None, message="the application's words")


def _signed(session: AuthSession) -> HttpRequest:
    flow = strategy_for(session.http).flow(_request(), session)
    signed = next(flow)
    with pytest.raises(StopIteration):
        flow.send(_answer())
    return signed


def test_example_of_the_reference() -> None:
    """connections.md 3.6: both headers, in the place of the connection's own, both marked as credentials; one request."""
    request = _request()
    session = _session()
    signed = next(strategy_for(session.http).flow(request, session))
    assert signed.headers.items() == [
        ("Accept", "*/*"),
        ("Authorization", 'WSSE profile="UsernameToken"'),
        ("X-WSSE", TOKEN),
    ]
    assert signed.secret_headers == {"authorization", "x-wsse"}
    assert request.headers.items() == _request().headers.items()
    assert request.secret_headers == frozenset()
    assert strategy_for(session.http).secrets(session.http) == ()


def test_header_name() -> None:
    """``auth.token.headerName``; where that is ``Authorization`` the token stands there alone."""
    signed = _signed(_session(headerName="X-Login"))
    assert signed.headers.get("X-Login") == TOKEN
    assert signed.headers.get("Authorization") == 'WSSE profile="UsernameToken"'
    assert signed.secret_headers == {"authorization", "x-login"}
    signed = _signed(_session(headerName="authorization"))
    assert signed.headers.get_all("Authorization") == [TOKEN]
    assert signed.secret_headers == {"authorization"}


def test_fresh_for_every_request() -> None:
    """Sixteen random bytes and the time of each request; the digest is over exactly what is sent."""
    session = _session(password="pässword", nonce=None)
    seen = [_signed(session).headers.get("X-WSSE") or "" for _ in range(3)]
    assert len(set(seen)) == 3
    for text in seen:
        fields = {name: field.value for name, field in read_parameters(text.removeprefix("UsernameToken ")).items()}
        nonce = base64.b64decode(fields["nonce"], validate=True)
        assert len(nonce) == 16
        digest = hashlib.sha1(nonce + fields["created"].encode() + "pässword".encode()).digest()
        assert base64.b64decode(fields["passworddigest"], validate=True) == digest


@pytest.mark.parametrize(
    ("now", "created"),
    [
        (datetime(2026, 1, 15, 9, 30, 0, 999999, tzinfo=UTC), "2026-01-15T09:30:00Z"),
        (datetime(2026, 1, 15, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-01-14T22:30:00Z"),
    ],
)
def test_created(now: datetime, created: str) -> None:
    """UTC, whole seconds, cut off."""
    assert username_token({"username": "bob"}, NONCE, now).endswith(f'Created="{created}"')


@pytest.mark.parametrize(
    ("username", "shown"), [('a"b\\c', 'a\\"b\\\\c'), ("Größe", "Größe"), ('", Nonce="x', '\\", Nonce=\\"x')]
)
def test_user_names(username: str, shown: str) -> None:
    """Quotes and backslashes are escaped: no user name ends its field."""
    text = username_token({"username": username, "password": None}, NONCE, START)
    assert text.startswith(f'UsernameToken Username="{shown}", PasswordDigest="')
    assert read_parameters(text.removeprefix("UsernameToken "))["username"].value == username


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Thu, 15 Jan 2026 09:35:00 GMT", "300 s ahead of this one"),
        ("Thu, 15 Jan 2026 09:25:00 GMT", "300 s behind this one"),
        ("Thu, 15 Jan 2026 09:31:00 GMT", None),
        ("Thu, 15 Jan 2026 09:29:00 GMT", None),
        ("Thursday", None),
        ("", None),
        ("9" * 70000, None),
        ("Thu, 15 Jan 2026 09:35:00 GMT" + " " * 70000, None),
        (None, None),
    ],
)
def test_clocks_that_do_not_agree(date: str | None, said: str | None) -> None:
    """A refusal by an application whose clock is more than a minute off says so, beside the application's words; without it those
    words stand alone."""
    session = _session()
    flow = strategy_for(session.http).flow(_request(), session)
    next(flow)
    answer = _answer(403, Verdict.AUTHENTICATION_FAILED, date)
    if said is None:
        with pytest.raises(StopIteration):
            flow.send(answer)
        return
    with pytest.raises(RenewalRefused) as caught:
        flow.send(answer)
    assert said in caught.value.message
    assert caught.value.message.endswith("the application's words")
    assert caught.value.status == 403
    assert "s3cr3t" not in caught.value.message


def test_clocks_do_not_matter_to_a_success() -> None:
    """Only a refusal is explained."""
    session = _session()
    flow = strategy_for(session.http).flow(_request(), session)
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(_answer(date="Thu, 15 Jan 1970 09:35:00 GMT"))
