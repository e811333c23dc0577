"""``wsse`` (connections.md 3.6): the UsernameToken of WS-Security as a header, with a digest of password, nonce and time."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from fairlead.auth.fixed import Fixed
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports import Answer, AuthFlow, AuthSession, Json, RenewalRefused, Verdict

_HEADER: Final = "X-WSSE"
_AUTHORIZATION: Final = 'WSSE profile="UsernameToken"'
_SUSPICIOUS_SECONDS: Final = 60.0  # applications commonly accept five minutes; some only one
_LONGEST_DATE: Final = 40


class Wsse(Fixed):
    """A new nonce, time and digest with every request."""

    name = "wsse"

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with the token in ``auth.token.headerName`` (default ``X-WSSE``) and ``Authorization`` that names the scheme, or
        with the token in ``Authorization`` where that is the configured name. Raises ``RenewalRefused`` when it is refused and the
        application's clock is far from ours."""
        auth: Mapping[str, Json] = session.http.get("auth") or {}
        name = (auth.get("token") or {}).get("headerName") or _HEADER
        now = session.clock.now()
        signed = request.copy()
        signed.headers.set("Authorization", _AUTHORIZATION)
        signed.headers.set(name, username_token(auth.get("basic") or {}, session.random(16), now))
        signed.secret_headers |= {"authorization", name.lower()}
        answer = yield signed
        if answer.verdict is Verdict.AUTHENTICATION_FAILED:
            _explain_clock(answer, session.clock.now())


def username_token(basic: Mapping[str, Json], nonce: bytes, now: datetime) -> str:
    """The value of the header. The digest is over the bytes of ``nonce``, which is sent in Base64."""
    created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    secret = nonce + created.encode() + (basic.get("password") or "").encode()
    digest = b64encode(hashlib.sha1(secret, usedforsecurity=False).digest()).decode()
    username = (basic.get("username") or "").replace("\\", "\\\\").replace('"', '\\"')
    encoded = b64encode(nonce).decode()
    return f'UsernameToken Username="{username}", PasswordDigest="{digest}", Nonce="{encoded}", Created="{created}"'


def _explain_clock(answer: Answer, now: datetime) -> None:
    ahead = _seconds_ahead(answer.response, now)
    if ahead is not None and abs(ahead) > _SUSPICIOUS_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        status = answer.response.status
        raise RenewalRefused(
            f"the application refused the token, and its clock is {abs(ahead):.0f} s {direction} this one: wsse sends the"
            f" time, so both must agree; correct the clock that is wrong. It says: {answer.message}",
            status=status if status >= 400 else 401,
        )


def _seconds_ahead(response: HttpResponse, now: datetime) -> float | None:
    """How far the application's clock is ahead, by its ``Date`` header; nothing when that is missing or no date."""
    text = response.headers.get("Date") or ""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - now).total_seconds()
