"""Tests and formats (handlebars.md 6.8), and the tests that ``#some`` knows by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from msgspec import Raw

from fairlead.domain.jsonvalue import NOTHING
from fairlead.templates.helpers.arguments import Arguments, Helper
from fairlead.templates.numbers import digits_of, number_of_text, print_double
from fairlead.templates.scope import member
from fairlead.templates.values import Value, loosely_equal, text_of, truth, type_name

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_ORDINALS: Final = {1: "st", 2: "nd", 3: "rd"}

ELEMENT_TESTS: Final[dict[str, Callable[[Value], bool]]] = {
    "isString": lambda value: type_name(value) == "string",
    "isNumber": lambda value: type_name(value) == "number",
    "isBoolean": lambda value: type_name(value) == "boolean",
    "isArray": lambda value: isinstance(value, list),
    "isObject": lambda value: isinstance(value, dict),
    "isTruthy": truth,
    "isFalsy": lambda value: not truth(value),
}


def _eq(arguments: Arguments) -> Value:
    arguments.pay(arguments.value(0))
    arguments.pay(arguments.value(1))
    return loosely_equal(arguments.value(0), arguments.value(1))


def _has_own(arguments: Arguments) -> Value:
    return member(arguments.value(0), arguments.text(1)) is not NOTHING


def _has_no_items(arguments: Arguments) -> Value:
    value = arguments.value(0)
    return not value if isinstance(value, (list, dict)) else not arguments.given(0)


def _numeric_text(value: Value) -> str:
    """Plain decimal digits of a finite number or numeric text, as written where possible; empty for everything else."""
    if isinstance(value, bool) or value is None or value is NOTHING:
        return ""
    text = digits_of(value) if isinstance(value, Raw) else text_of(value).strip()
    number = number_of_text(text)
    if not math.isfinite(number):
        return ""
    return text if text.lstrip("+-").replace(".", "", 1).isdecimal() else print_double(number)


def _add_commas(arguments: Arguments) -> Value:
    text = _numeric_text(arguments.value(0))
    whole, point, fraction = text.partition(".")
    if "e" in text or not whole:
        return text
    digits = whole.lstrip("+-")
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    groups += [digits[at : at + 3] for at in range(head, len(digits), 3)]
    return ("-" if whole.startswith("-") else "") + ",".join(groups) + point + fraction


def _bytes(arguments: Arguments) -> Value:
    number = arguments.number(0)
    if not math.isfinite(number):
        number = float(len(arguments.text(0)))
    places = min(max(arguments.integer(1, 2), 0), 20)
    power = 0
    while abs(number) >= 1000 ** (power + 1) and power < len(_UNITS) - 1:
        power += 1
    scaled = Decimal(repr(number)) / 1000**power
    rounded = scaled.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if abs(number) < 1e28 else scaled
    text = f"{rounded:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{'0' if text == '-0' else text} {_UNITS[power]}"


def _ordinalize(arguments: Arguments) -> Value:
    number = arguments.number(0)
    if not math.isfinite(number):
        return arguments.text(0)
    whole = abs(int(number))
    suffix = "th" if whole % 100 in (11, 12, 13) else _ORDINALS.get(whole % 10, "th")
    return arguments.text(0).strip() + suffix


HELPERS: Final = {
    "eq": Helper(_eq),
    "isTruthy": Helper(lambda arguments: truth(arguments.value(0))),
    "isFalsey": Helper(lambda arguments: not truth(arguments.value(0))),
    "typeOf": Helper(lambda arguments: type_name(arguments.value(0))),
    "hasOwn": Helper(_has_own),
    "hasNoItems": Helper(_has_no_items),
    "addCommas": Helper(_add_commas),
    "bytes": Helper(_bytes),
    "ordinalize": Helper(_ordinalize),
}
