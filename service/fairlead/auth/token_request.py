"""What requests to token endpoints are made of: their address, header fields, forms (connections.md 3, 3.2, 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from fairlead.domain import urls
from fairlead.domain.http import Headers
from fairlead.domain.product import ACCEPT_ENCODING, USER_AGENT
from fairlead.engine.ports import AuthSession, Json, Place, TemplateError

FORM: Final = "application/x-www-form-urlencoded"
_LINE_ENDS: Final = ("\r", "\n", "\0")


def address(session: AuthSession, template: str, field: str) -> str:
    """The URL that a template of a URI gives: an absolute one is taken as it is, anything else stands below ``baseURI``. Raises ``TemplateError``
    that names ``field`` when that is no URL of http or https."""
    text = session.render(template, Place.URI).strip()
    try:
        if "://" in text.partition("?")[0]:
            url = urls.encode(text)
        else:
            url = urls.join(session.render(session.http.get("baseURI") or "", Place.PLAIN), text)
        urls.origin(url)
    except urls.UrlError as error:
        raise TemplateError(f"{field}: {error}") from None
    return url


def usual_headers(accept: str = "application/json") -> Headers:
    """Header fields of every token request; ``http.headers`` are not among them."""
    return Headers([("Accept", accept), ("User-Agent", USER_AGENT), ("Accept-Encoding", ACCEPT_ENCODING)])


def set_headers(
    session: AuthSession, headers: Headers, entries: Sequence[Mapping[str, Json]], field: str
) -> frozenset[str]:
    """Render configured fields into ``headers``, in the place of those that are there; an empty value drops the field. Gives their
    names in lower case: any of them may carry a credential. Raises ``TemplateError`` that names ``field``."""
    for index, entry in enumerate(entries):
        name = str(entry.get("name") or "")
        value = session.render(entry.get("value") or "", Place.PLAIN).strip()
        if any(character in value for character in _LINE_ENDS):
            raise TemplateError(
                f"{field}.{index}.value: the rendered value of {name} holds a line break or a zero byte"
            )
        if value:
            headers.set(name, value)
        else:
            headers.remove(name)
    return frozenset(str(entry.get("name") or "").lower() for entry in entries)


def form(fields: Sequence[tuple[str, str]]) -> str:
    """``application/x-www-form-urlencoded`` text, a blank as ``%20``, which every reader of forms understands."""
    return "&".join(f"{name}={encoded(value)}" for name, value in fields)


def encoded(text: str) -> str:
    """Percent-encoding of everything but letters, digits and ``-._~``."""
    return quote(text, safe="", errors="replace")
