"""``basic`` (connections.md 3.1, RFC 7617)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from fairlead.auth.fixed import Fixed
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json


class Basic(Fixed):
    """User name and password in every request."""

    name = "basic"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """The Base64 of user name and password."""
        return (credentials(http),)

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with ``Authorization``."""
        signed = request.copy()
        signed.headers.set("Authorization", f"Basic {credentials(session.http)}")
        signed.secret_headers |= {"authorization"}
        yield signed


def credentials(http: Mapping[str, Json]) -> str:
    """Base64 of user name, colon, password, both UTF-8."""
    basic = (http.get("auth") or {}).get("basic") or {}
    text = f"{basic.get('username') or ''}:{basic.get('password') or ''}"
    return b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
