"""What a value is in the filter language: its text, number, boolean, time and truth (exports-imports.md 7.1, 14).

Operators compute numbers as ``int``, ``float`` and, where a double does not hold the digits, ``Decimal``; those of records and rules stay
as they are written until somebody compares them.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, Final

from msgspec import Raw

from fairlead.domain.jsonvalue import Json, number_text, text_of
from fairlead.templates.moment_reading import parse_date

Value = Any
"""A JSON value, or a number that an operator computed."""
Number = int | float | Decimal
"""Compared exactly whatever the pair of types."""

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_FROM_1_TO_9: Final = frozenset("123456789")
_MOST_DIGITS: Final = 4300
"""Digits that the interpreter turns into an ``int``."""
_EXACT: Final = 2.0**53
_ISO: Final = re.compile(r"\s*[0-9]{4}(?:$|[-WT ]|[0-9]{3,4}(?:$|[T ]))")
"""How an ISO 8601 date begins; other dates that templates know (RFC 2822, seconds as text) are none here."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def text(value: Value) -> str:
    """Null is ``""``; digits of numbers as in the source, computed ones as JavaScript prints them; JSON text of objects and arrays."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float):
        return number_text(value)
    return str(value) if isinstance(value, Decimal) else text_of(value)


def lowercase(value: Value) -> str | None:
    """The text in small letters; null of null."""
    return None if value is None else text(value).lower()


def uppercase(value: Value) -> str | None:
    """The text in capital letters; null of null."""
    return None if value is None else text(value).upper()


def numeric(value: Value) -> Number | None:
    """The number for comparing: of a number, of text by the grammar of JSON with blanks trimmed, 1 and 0 of booleans; else nothing."""
    kind = type(value)
    if kind is str:
        return _number_in(value)
    if kind is int or kind is float or kind is Decimal:
        return value  # type: ignore[no-any-return]  # one of Number by its type
    if kind is Raw:
        return _inexact(value)
    return int(value) if kind is bool else None


def number(value: Value) -> Value:
    """The operator ``number``: as ``numeric``, but a number keeps its digits."""
    if type(value) is str:
        return _number_in(value)
    return value if type(value) is Raw else numeric(value)


def _number_in(value: str) -> Number | None:
    if value.isdecimal() and value[0] in _FROM_1_TO_9 and len(value) <= _MOST_DIGITS and value.isascii():
        return int(value)  # the usual text, without the grammar
    word = value.strip()
    if _INTEGER.fullmatch(word):
        return int(word) if len(word) <= _MOST_DIGITS else Decimal(word)
    return _inexact(word) if _NUMBER.fullmatch(word) else None


def _inexact(digits: Raw | str) -> Number:
    """A double as far as it tells whole numbers apart, beyond that all digits; an exponent of more than 18 digits is infinite."""
    found = float(digits)  # of a Raw: its buffer
    if -_EXACT < found < _EXACT:
        return found
    try:
        return Decimal(digits if isinstance(digits, str) else bytes(digits).decode())
    except InvalidOperation:
        return Decimal(found)


def floor(value: Value) -> Number | None:
    """The greatest whole number that is not above; null of what is no number."""
    found = numeric(value)
    return found.to_integral_value(ROUND_FLOOR) if isinstance(found, Decimal) else _whole(found, math.floor)


def ceiling(value: Value) -> Number | None:
    """The least whole number that is not below; null of what is no number."""
    found = numeric(value)
    return found.to_integral_value(ROUND_CEILING) if isinstance(found, Decimal) else _whole(found, math.ceil)


def _whole(found: int | float | None, cut: Any) -> int | None:
    return None if found is None else int(cut(found))


def absolute(value: Value) -> Number | None:
    """The number without its sign; null of what is no number."""
    found = numeric(value)
    return found.copy_abs() if isinstance(found, Decimal) else None if found is None else abs(found)


def boolean(value: Value) -> bool:
    """Booleans; text ``true`` in any case and ``1``; numbers other than 0. All else is false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value == "1" or value.lower() == "true"
    found = numeric(value)
    return found is not None and found != 0


def epochtime(value: Value) -> Value:
    """Milliseconds since 1970 of an ISO 8601 date, UTC where it names no zone; a number as it is; else null."""
    if isinstance(value, str):
        found = parse_date(value, UTC) if _ISO.match(value) else None
        return None if found is None else (found - _EPOCH) // _MILLISECOND
    return None if isinstance(value, bool | list | dict) else value


def truth(value: Value) -> bool:
    """JavaScript's truth (handlebars.md 4): null, false, ``""`` and 0 are false; ``[]`` and ``{}`` are true."""
    if isinstance(value, list | dict):
        return True
    return numeric(value) != 0 if isinstance(value, Raw) else bool(value)


def row_of(record: Json) -> dict[str, Json]:
    """The object that plain paths read: the record, or the first row of a grouped one (10.1)."""
    if isinstance(record, list) and record:
        record = record[0]
    return record if isinstance(record, dict) else {}
