"""``token`` (connections.md 3.2): a token in a header, in the query or in the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from fairlead.auth.refresh import refuse_refresh
from fairlead.domain import jsonvalue, urls
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, Json, Verdict

_BODY_METHODS: Final = frozenset(("POST", "PUT", "PATCH"))


class Token:
    """One token, sent as configured."""

    name = "token"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """The token as the query shows it, when that is not the token itself."""
        token = _settings(http).get("token") or ""
        encoded = quote(token, safe="")
        return (encoded,) if encoded != token else ()

    def flow(self, request: HttpRequest, http: Mapping[str, Json]) -> AuthFlow:
        """One request with the token. Raises ``NotSupported`` when a renewal would be due: no token yet, or a refused one."""
        settings = _settings(http)
        if not settings.get("token"):
            refuse_refresh(http)
        answer = yield _place(request.copy(), settings, http.get("mediaType"))
        if answer.verdict is Verdict.AUTHENTICATION_FAILED:
            refuse_refresh(http)


def _settings(http: Mapping[str, Json]) -> Mapping[str, Json]:
    return (http.get("auth") or {}).get("token") or {}


def _place(request: HttpRequest, settings: Mapping[str, Json], media_type: str | None) -> HttpRequest:
    token = settings.get("token") or ""
    location = settings.get("location") or "header"
    parameter = settings.get("paramName") or "access_token"
    if location == "url":
        request.url = urls.append_query(request.url, parameter, token)
        request.secret_query = (parameter, token)
    elif location == "body":
        if request.method in _BODY_METHODS and request.body:
            request.body = _in_body(request.body, _kind(request, media_type), parameter, token)
            request.secret_body = True
    else:
        name = settings.get("headerName") or "Authorization"
        scheme = settings.get("scheme")
        scheme = "Bearer" if scheme is None else scheme.strip()
        request.headers.set(name, f"{scheme} {token}" if scheme else token)
        request.secret_headers |= {name.lower()}
    return request


def _kind(request: HttpRequest, media_type: str | None) -> str:
    """How the body is written: by its own header, else by the connection's media type."""
    content_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if content_type == "application/x-www-form-urlencoded":
        return "urlencoded"
    if content_type == "application/json" or content_type.endswith("+json"):
        return "json"
    return "" if content_type else media_type or ""


def _in_body(body: bytes, kind: str, name: str, token: str) -> bytes:
    """The body with the token as a member or field, every other byte as it was. One that has such a member, is an array or cannot
    be read stays untouched."""
    if kind == "urlencoded":
        return urls.append_form(body.decode("utf-8", "surrogateescape"), name, token).encode("utf-8", "surrogateescape")
    if kind != "json":
        return body
    try:
        value = jsonvalue.loads(body)
    except jsonvalue.JsonError:
        return body
    if not isinstance(value, dict) or name in value:
        return body
    member = jsonvalue.dumps(name) + b":" + jsonvalue.dumps(token)
    end = body.rindex(b"}")
    return body[:end] + (b"," if value else b"") + member + body[end:]
