"""``dataType`` and the date members of mapping 1.0 (exports-imports.md 10.2, 10.3, 14)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import msgspec

from fairlead.domain.jsonvalue import JsonError, loads, number_text, text_of
from fairlead.engine.ports import Json
from fairlead.templates.moment_reading import parse_date, parse_moment
from fairlead.templates.moment_writing import format_moment, zone_named

Convert = Callable[[Json], Json]
"""A value that is not empty to its new form; raises ``ConversionError``."""

_NUMBERS: Final = (int, float, msgspec.Raw)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = dict.fromkeys(("true", "yes", "y", "t", "1"), True) | dict.fromkeys(
    ("false", "no", "n", "f", "0"), False
)
_DATE_MEMBERS: Final = ("extractDateFormat", "extractDateTimezone", "generateDateFormat", "generateDateTimezone")
_ISO: Final = "YYYY-MM-DDTHH:mm:ss.SSS[Z]"
_ISO_WITH_OFFSET: Final = "YYYY-MM-DDTHH:mm:ss.SSSZ"


@dataclass(frozen=True, slots=True)
class Converting:
    """A conversion, and the type whose values it leaves as they are. ``blank``: it takes empty text, too."""

    convert: Convert
    unchanged: type | None = None
    blank: bool = False


class ConversionError(ValueError):
    """A value has no such form."""


def conversions(field: Mapping[str, Any], kind: str | None) -> list[Converting]:
    """What a field of this ``dataType``, in any case (fields.md), asks for, in order: date first, then the type; words that are not known
    convert nothing. Raises ``ZoneError``."""
    found: list[Converting] = []
    word = kind.lower() if isinstance(kind, str) else ""
    if word == "date" or any(field.get(name) for name in _DATE_MEMBERS):
        found.append(Converting(_date(field)))
    if word in _KINDS:
        found.append(_KINDS[word])
    return found


class ZoneError(ValueError):
    """``member`` names a time zone that does not exist."""

    def __init__(self, member: str, name: str) -> None:
        super().__init__(f"{name!r} is no IANA time zone")
        self.member = member


def _date(field: Mapping[str, Any]) -> Convert:
    source = _zone(field, "extractDateTimezone")
    target = _zone(field, "generateDateTimezone")
    pattern = field.get("extractDateFormat")
    layout = field.get("generateDateFormat") or (_ISO_WITH_OFFSET if field.get("generateDateTimezone") else _ISO)

    def convert(value: Json) -> Json:
        moment = parse_moment(_date_text(value), pattern, source) if pattern else parse_date(value, source)
        try:
            if moment is not None:
                return format_moment(moment.astimezone(target), layout)
        except OverflowError:  # the last hours of the year 9999
            pass
        form = f"a date of the form {pattern}" if pattern else "an ISO 8601 date"
        raise ConversionError(f"{shown(value)} is not {form}")

    return convert


def _date_text(value: Json) -> str:
    """What a pattern reads: of texts and numbers only, because it would find some digits in the JSON text of anything."""
    return "" if isinstance(value, (bool, dict, list)) else text_of(value)


def _zone(field: Mapping[str, Any], member: str) -> tzinfo:
    name = field.get(member) or "UTC"
    zone = zone_named(name)
    if zone is None:
        raise ZoneError(member, name)
    return zone


def to_number(value: Json) -> Json:
    """Digits of numbers stay; a boolean is 1 or 0; text by the grammar of JSON, blanks trimmed: integers exact at any size, decimals as
    JavaScript prints them."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, _NUMBERS):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if _INTEGER.fullmatch(text):
        return 0 if text == "-0" else loads(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return loads(number_text(number))
    raise ConversionError(f"{shown(value)} is not a number")


def _to_boolean(value: Json) -> Json:
    word = text_of(value).lower()
    if word not in _BOOLEANS:
        raise ConversionError(f"{shown(value)} is not a boolean; known words: {', '.join(_BOOLEANS)}")
    return _BOOLEANS[word]


def _to_json(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except JsonError as error:
        raise ConversionError(f"the text is not JSON: {error}") from None


def _to_object(value: Json) -> Json:
    """An object stays; of text, what templates and defaults give, the JSON text of one is read."""
    try:
        found = loads(value) if isinstance(value, str) else value
    except JsonError:
        found = None
    if not isinstance(found, dict):
        raise ConversionError(f"{shown(value)} is not an object")
    return found


def _to_array(value: Json) -> Json:
    """An array stays; a scalar, empty text too, and an object are the only element of one."""
    return value if isinstance(value, list) else [value]


_KINDS: Final[Mapping[str, Converting]] = {
    "string": Converting(text_of, str),
    "number": Converting(to_number, int),
    "boolean": Converting(_to_boolean, bool),
    "json": Converting(_to_json),
}
TO_OBJECT: Final = Converting(_to_object, dict)
TO_ARRAY: Final = Converting(_to_array, list, blank=True)
"""Of mapping 2.0."""


def shown(value: Json) -> str:
    """The value for a message, cut at 100 characters."""
    text = text_of(value)
    return repr(text if len(text) <= 100 else text[:100] + "...")
