"""Values of templates: what is missing, what is true, how values print and compare (handlebars.md 3, 4 and 5).

A value is a decoded JSON value, ``NOTHING`` (JavaScript's ``undefined``), a ``float`` that a helper computed, or one of the marked texts below. Templates never touch an
attribute of a value: only dict, list, text and numbers are looked into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from msgspec import Raw

from fairlead.domain.jsonvalue import NOTHING, JsonError, dumps
from fairlead.engine.ports import Place, TemplateError
from fairlead.templates.numbers import LONGEST_NUMBER, NAN, SPACES, digits_of, number_of, print_double

Value = Any
_INTEGER: Final = re.compile(r"(?:-?[0-9]+)?")


class MadeText(str):
    """Text that a helper made for one place: printed there as it is, so that nothing is encoded twice."""

    __slots__ = ()
    place: ClassVar[Place]


class UriText(MadeText):
    """Percent-encoded."""

    __slots__ = ()
    place = Place.URI


class XmlText(MadeText):
    """With entities."""

    __slots__ = ()
    place = Place.XML


class JsonText(MadeText):
    """JSON text, or the inside of a JSON string."""

    __slots__ = ()
    place = Place.JSON


class PrintedList(list[Any]):
    """An array that double braces print joined with commas where the text around it is no JSON (``sort``)."""

    __slots__ = ()


def text_of(value: Value) -> str:
    """The value as JavaScript turns it into text; nothing and null are empty."""
    if isinstance(value, str):
        return value
    if value is None or value is NOTHING:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return print_double(value)
    if isinstance(value, Raw):
        return digits_of(value)
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return "[object Object]" if isinstance(value, Mapping) else ""


def json_of(value: Value) -> str:
    """Compact JSON text, digits as in the source; nothing is ``null``."""
    try:
        return "null" if value is NOTHING else dumps(_unmarked(value)).decode("utf-8")
    except JsonError as error:
        raise TemplateError(str(error)) from None


def _unmarked(value: Value) -> Value:
    """The value without marks on its texts, which the encoder does not know; only ``arrayify`` puts a marked one into an array."""
    if isinstance(value, MadeText):
        return str(value)
    if isinstance(value, list) and any(isinstance(element, MadeText) for element in value):
        return [_unmarked(element) for element in value]
    return value


def truth(value: Value) -> bool:
    """JavaScript's truth: false, null, nothing, ``""``, 0 and NaN are false."""
    if isinstance(value, (list, dict)):
        return True
    if isinstance(value, Raw):
        return number_of(value) != 0
    if isinstance(value, float):
        return value == value and value != 0
    return value is not NOTHING and bool(value)


def condition(value: Value) -> bool:
    """Truth of ``#if`` and ``#unless``, which take ``[]`` as false too."""
    return bool(value) if isinstance(value, list) else truth(value)


def type_name(value: Value) -> str:
    """``typeof``, with ``array`` for arrays."""
    if value is NOTHING:
        return "undefined"
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Raw)):
        return "number"
    return "array" if isinstance(value, list) else "object"


def strictly_equal(left: Value, right: Value) -> bool:
    """JavaScript's ``===``; arrays and objects are equal to themselves only."""
    kind = type_name(left)
    if kind != type_name(right):
        return False
    if kind == "number":
        return _same_number(left, right)
    if kind in ("string", "boolean"):
        return bool(left == right)
    return kind == "undefined" or left is right


def loosely_equal(left: Value, right: Value) -> bool:
    """JavaScript's ``==``."""
    absent = (left is None or left is NOTHING, right is None or right is NOTHING)
    if any(absent):
        return all(absent)
    if type_name(left) == type_name(right):
        return strictly_equal(left, right)
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return bool(left == right)
    return _comparable(left) == _comparable(right)


def less(left: Value, right: Value) -> bool:
    """JavaScript's ``<``: two texts by code units, everything else as numbers."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return unit_key(left) < unit_key(right)
    return _comparable(left) < _comparable(right)


def unit_key(text: str) -> bytes:
    """Sort key in the order of UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")


def unit_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _same_number(left: Value, right: Value) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    return number_of(left) == number_of(right)


def _primitive(value: Value) -> Value:
    return text_of(value) if isinstance(value, (list, Mapping)) else value


def _comparable(value: Value) -> float | int:
    """The number that JavaScript compares: exact for integers; null and blank text are 0 here, nothing is NaN."""
    if isinstance(value, int):
        return int(value)
    if value is None:
        return 0
    if isinstance(value, str):
        word = value.strip(SPACES)
        return int(word or 0) if len(word) <= LONGEST_NUMBER and _INTEGER.fullmatch(word) else number_of(word)
    return NAN if value is NOTHING else number_of(value)
