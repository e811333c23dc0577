"""``wsse`` (connections.md 3.6): the UsernameToken of WS-Security as a header, with a digest of password, nonce and time."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from fairlead.auth.clocks import explain_clock
from fairlead.auth.fixed import Fixed
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json

_HEADER: Final = "X-WSSE"
_AUTHORIZATION: Final = 'WSSE profile="UsernameToken"'


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
        explain_clock(answer, session, "the token", "wsse sends the time")


def username_token(basic: Mapping[str, Json], nonce: bytes, now: datetime) -> str:
    """The value of the header. The digest is over the bytes of ``nonce``, which is sent in Base64."""
    created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    secret = nonce + created.encode() + (basic.get("password") or "").encode()
    digest = b64encode(hashlib.sha1(secret, usedforsecurity=False).digest()).decode()
    username = (basic.get("username") or "").replace("\\", "\\\\").replace('"', '\\"')
    encoded = b64encode(nonce).decode()
    return f'UsernameToken Username="{username}", PasswordDigest="{digest}", Nonce="{encoded}", Created="{created}"'
