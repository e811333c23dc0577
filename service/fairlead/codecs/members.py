"""A record as the member names and texts of a body that is no JSON (exports-imports.md 9.3)."""

from __future__ import annotations

from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.jsonvalue import Json, JsonError, loads, text_of


def members_of(record: bytes, media_type: str) -> dict[str, Json]:
    """The members of a record. Raises ``InvalidContent`` for anything but an object: a text or an array has no names."""
    return _object(_loaded(record), media_type)


def rows_of(record: bytes, media_type: str) -> list[dict[str, Json]]:
    """The same, for formats of rows: a record that is an array of objects is as many rows."""
    value = _loaded(record)
    return [_object(row, media_type) for row in (value if isinstance(value, list) else [value])]


def text_in_body(value: Json) -> str:
    """A value as text: strings as they are, digits as in the source, JSON text of objects and arrays, nothing for null."""
    return "" if value is None else text_of(value)


def in_utf8(text: str, media_type: str) -> bytes:
    """The text of a body. Raises ``InvalidContent`` for half of a surrogate pair, which only JSON can write."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(error.object[error.start]):04X}"
        raise unwritable(media_type, f"it holds {half}, half of a surrogate pair, which UTF-8 does not have") from None


def unwritable(media_type: str, what: str, field: str | None = None) -> InvalidContent:
    """The error of a record that a format cannot hold."""
    return InvalidContent(Problem("invalid_field", f"the record cannot be written as {media_type}: {what}", field))


def shown(name: str) -> str:
    """A member's name in a message, cut when it is long."""
    return repr(name if len(name) <= 40 else f"{name[:40]}...")


def _loaded(record: bytes) -> Json:
    try:
        return loads(record)
    except JsonError as error:
        raise InvalidContent(Problem("invalid_field", f"the record cannot be written: {error}")) from None


def _object(value: Json, media_type: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise unwritable(media_type, "it is no object, so that its values have no names")
    return value
