"""The request that ends a token when its connection is deleted (connections.md 3.2, ``token.revoke``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.auth.refresh import token_settings
from fairlead.auth.token_request import FORM, address, set_headers, usual_headers
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthSession, Json, Place, RenewalFlow, RenewalRequest

_FIELD: Final = "http.auth.token.revoke"


def revocation(session: AuthSession) -> RenewalFlow | None:
    """One POST whose answer does not matter; nothing when none is configured. The body is a form unless a header says otherwise."""
    settings = token_settings(session.http).get("revoke") or {}
    return _revocation(session, settings) if settings.get("uri") else None


def _revocation(session: AuthSession, settings: Mapping[str, Json]) -> RenewalFlow:
    url = address(session, settings["uri"], f"{_FIELD}.uri")
    body = session.render(settings.get("body") or "", Place.FORM)
    headers = usual_headers()
    if body:
        headers.set("Content-Type", FORM)
    marked = set_headers(session, headers, settings.get("headers") or (), f"{_FIELD}.headers")
    content = body.encode("utf-8", "surrogatepass") if body else None
    request = HttpRequest("POST", url, headers, content, marked | {"authorization"}, secret_body=content is not None)
    yield RenewalRequest(request)
    return session.credentials
