"""Where a token stands in a request: in a header, in the query or in the body (connections.md 3.2, placement)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.domain import jsonvalue, urls
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import Json

_BODY_METHODS: Final = frozenset(("POST", "PUT", "PATCH"))


def place(request: HttpRequest, settings: Mapping[str, Json], token: str, media_type: str | None) -> HttpRequest:
    """A copy of ``request`` that carries ``token`` where the members of ``auth.token`` in ``settings`` say, marked as a credential.
    ``media_type`` tells how the body is written when the request itself does not."""
    signed = request.copy()
    location = settings.get("location") or "header"
    if location == "url":
        parameter = settings.get("paramName") or "access_token"
        signed.url = urls.append_query(signed.url, parameter, token)
        signed.secret_query = (parameter, token)
    elif location == "body":
        if signed.method in _BODY_METHODS and signed.body:
            parameter = settings.get("paramName") or "access_token"
            signed.body = _in_body(signed.body, _kind(signed, media_type), parameter, token)
            signed.secret_body = True
    else:
        name = settings.get("headerName") or "Authorization"
        scheme = settings.get("scheme")
        scheme = "Bearer" if scheme is None else scheme.strip()
        signed.headers.set(name, f"{scheme} {token}" if scheme else token)
        signed.secret_headers |= {name.lower()}
    return signed


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
