"""What each media type of the contract is called on the wire, and how templates inside it are escaped: a row a type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fairlead.engine.ports import Place


@dataclass(frozen=True, slots=True)
class MediaType:
    """One word of the contract. ``content_type`` is written over bodies (connections.md 13.3), ``accept`` asks for such answers (13.2),
    ``place`` is how double braces format a value inside (handlebars.md 3), ``known_as`` matches the ``Content-Type`` of answers."""

    content_type: str
    accept: str
    place: Place
    known_as: re.Pattern[str] | None


def _type(content_type: str, place: Place, known_as: str | None, *, accept: str = "*/*") -> MediaType:
    return MediaType(content_type, accept, place, re.compile(known_as) if known_as else None)


_JSON: Final = r"(application|text)/(x-)?json|[^/]+/[^/]+\+json"
_XML: Final = r"(application|text)/xml|[^/]+/[^/]+\+xml"
_FORM: Final = "application/x-www-form-urlencoded"

MEDIA_TYPES: Final[Mapping[str, MediaType]] = {
    "json": _type("application/json", Place.JSON, _JSON, accept="application/json"),
    "xml": _type("application/xml", Place.XML, _XML, accept="application/xml"),
    "csv": _type("text/csv", Place.PLAIN, r"text/csv|application/csv", accept="text/csv"),
    "urlencoded": _type(_FORM, Place.FORM, re.escape(_FORM)),
    "form-data": _type("multipart/form-data", Place.PLAIN, r"multipart/form-data"),
    "plaintext": _type("text/plain; charset=utf-8", Place.PLAIN, r"text/plain", accept="text/plain"),
    "octet-stream": _type("application/octet-stream", Place.PLAIN, None),
}
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_BOUNDARY: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,70}?)(?:--)?\r?\n")
"""The first line of parts (RFC 2046, 5.1.1)."""
_TOKEN: Final = re.compile(r"[0-9A-Za-z'+_.-]+")
_WRITTEN_FROM_JSON: Final = ("form-data", "urlencoded")
_ANY: Final = "*/*"


def accept(word: str) -> str:
    """What ``Accept`` asks for; a word without a type of its own asks for anything."""
    known = MEDIA_TYPES.get(word)
    return known.accept if known is not None else _ANY


def body_place(word: str | None, text: object = None) -> Place:
    """How double braces format a value inside a body of that media type, written by the template ``text``; without a word it is JSON."""
    known = MEDIA_TYPES.get(word or "json")
    if is_json_template(word, text):
        return Place.JSON
    return known.place if known is not None else Place.PLAIN


def is_json_template(word: str | None, text: object) -> bool:
    """Whether a body template is a JSON object that is sent as a form or in parts (exports-imports.md 2.1, handlebars.md 3)."""
    if word not in _WRITTEN_FROM_JSON or not isinstance(text, str):
        return False
    start = text.lstrip()
    return start.startswith("{") and not start.startswith("{{")


def content_type(word: str, body: bytes) -> str | None:
    """The ``Content-Type`` of a body; ``None`` for a word that says none. The boundary of parts is read from their first line."""
    known = MEDIA_TYPES.get(word)
    if known is None:
        return None
    found = _BOUNDARY.match(body) if word == "form-data" else None
    if found is None:
        return known.content_type
    boundary = found[1].decode()
    return f"{known.content_type}; boundary=" + (boundary if _TOKEN.fullmatch(boundary) else f'"{boundary}"')


@lru_cache(maxsize=512)
def codec_for_content_type(header: str) -> tuple[str | None, str | None]:
    """The contract's word for a ``Content-Type`` (``None``: it says nothing that we know) and its charset. The word may name a media
    type without a codec in this build."""
    if len(header) > 1000:
        return None, None
    essence = header.partition(";")[0].strip().lower()
    matching = (word for word, known in MEDIA_TYPES.items() if known.known_as and known.known_as.fullmatch(essence))
    charset = next((value for name, value in _PARAMETER.findall(header) if name.lower() == "charset"), "")
    return next(matching, None), charset.strip().strip('"') or None
