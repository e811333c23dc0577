"""The configured refresh request of ``token`` and ``custom`` (connections.md 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.auth import expiry
from fairlead.auth.token_answer import ACCESS_TOKEN, TokenPaths, credentials_of
from fairlead.auth.token_request import address, form, set_headers, usual_headers
from fairlead.codecs.media_types import MEDIA_TYPES, accept
from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthSession, Json, Place, RenewalFlow, RenewalRequest

_FIELD: Final = "http.auth.token"


def token_settings(http: Mapping[str, Json]) -> Mapping[str, Json]:
    """``auth.token`` of a connection."""
    return (http.get("auth") or {}).get("token") or {}


def is_configured(http: Mapping[str, Json]) -> bool:
    """Whether the connection says how its token is renewed."""
    return bool(token_settings(http).get("refreshRelativeURI"))


def is_due(session: AuthSession) -> bool:
    """Whether a token must be fetched before anything is sent: there is none yet, or its end is near."""
    return is_configured(session.http) and (not session.credentials.token or expiry.is_near(session))


def renewal(session: AuthSession) -> RenewalFlow | None:
    """The refresh request; nothing when none is configured."""
    return _refresh(session) if is_configured(session.http) else None


def _refresh(session: AuthSession) -> RenewalFlow:
    settings = token_settings(session.http)
    media_type = settings.get("refreshResponseMediaType")
    before = session.credentials
    answer = yield RenewalRequest(_request(session, settings), media_type)
    paths = TokenPaths(settings.get("refreshTokenPath") or ACCESS_TOKEN, tuple(settings.get("tokenPaths") or ()))
    return credentials_of(
        answer, paths, now=session.clock.now(), before=before, refreshed=before.refresh_token is not None
    )


def _request(session: AuthSession, settings: Mapping[str, Json]) -> HttpRequest:
    """Rendered in the order of handlebars.md 2.3: URI, body, header fields."""
    written = MEDIA_TYPES[settings.get("refreshMediaType") or "urlencoded"]
    method = settings.get("refreshMethod") or "POST"
    url = address(session, settings["refreshRelativeURI"], f"{_FIELD}.refreshRelativeURI")
    in_header = settings.get("refreshTokenLocation") == "header"
    refresh_token = session.credentials.refresh_token
    if template := settings.get("refreshBody"):
        text = session.render(template, written.place)
    else:
        text = "" if in_header or not refresh_token or method == "GET" else _usual_body(written.place, refresh_token)
    headers = usual_headers(accept(settings.get("refreshResponseMediaType") or "json"))
    if text:
        headers.set("Content-Type", written.content_type)
    if in_header and refresh_token:
        headers.set("Authorization", f"Bearer {refresh_token}")
    marked = set_headers(session, headers, settings.get("refreshHeaders") or (), f"{_FIELD}.refreshHeaders")
    body = text.encode("utf-8", "surrogatepass") if text else None
    return HttpRequest(method, url, headers, body, marked | {"authorization"}, secret_body=body is not None)


def _usual_body(place: Place, refresh_token: str) -> str:
    """The refresh grant (RFC 6749 6) in the formats that have one."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if place is Place.FORM:
        return form(tuple(fields.items()))
    return jsonvalue.dumps(fields).decode() if place is Place.JSON else ""
