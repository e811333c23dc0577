"""The operators of the filter language on values (exports-imports.md 7.1, 14)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from msgspec import Raw

from fairlead.domain.jsonvalue import is_empty
from fairlead.engine.ports import RegexTime
from fairlead.mapping.filter_values import (
    Value,
    absolute,
    boolean,
    ceiling,
    epochtime,
    floor,
    lowercase,
    number,
    numeric,
    text,
    uppercase,
)
from fairlead.templates.helpers import regex

_NUMBERS: Final = frozenset((int, float, Raw, Decimal))


def equals(left: Value, right: Value) -> bool:
    """Null equals null alone; then a boolean on one side: as texts; a number on one side: as numbers; else as texts."""
    if left is None or right is None:
        return left is right
    one, other = type(left), type(right)
    if one is not bool and other is not bool and (one in _NUMBERS or other in _NUMBERS):
        if one in (list, dict) or other in (list, dict):
            return False
        found = numeric(left)
        return found is not None and found == numeric(right)
    return text(left) == text(right)


def notequals(left: Value, right: Value) -> bool:
    """The opposite of ``equals``."""
    return not equals(left, right)


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def ordered(left: Value, right: Value) -> bool:
        if type(left) is str and type(right) is str:
            return compare(left, right)
        one, other = numeric(left), numeric(right)
        return one is not None and other is not None and compare(one, other)

    return ordered


def contains(left: Value, right: Value) -> bool:
    """Text in text, or an element that is equal in an array; false with null on a side."""
    if left is None or right is None:
        return False
    return anyof(right, left) if isinstance(left, list) else text(right) in text(left)


def doesnotcontain(left: Value, right: Value) -> bool:
    """The opposite of ``contains``."""
    return not contains(left, right)


def startswith(left: Value, right: Value) -> bool:
    """Whether the text begins with the other; false with null on a side."""
    return left is not None and right is not None and text(left).startswith(text(right))


def endswith(left: Value, right: Value) -> bool:
    """Whether the text ends with the other; false with null on a side."""
    return left is not None and right is not None and text(left).endswith(text(right))


def matches(left: Value, right: Value, time: RegexTime) -> bool:
    """Whether the regular expression is found anywhere; false with null on a side. Raises ``TemplateError`` for a bad pattern and when
    it takes too long (handlebars.md 6.6)."""
    return left is not None and right is not None and regex.matches(text(right), text(left), time)


def notempty(value: Value) -> bool:
    """The opposite of ``empty``."""
    return not is_empty(value)


def anyof(value: Value, elements: Sequence[Value]) -> bool:
    """Whether an element is equal."""
    return any(equals(value, element) for element in elements)


class Result(Enum):
    """What an operator gives."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: how many operands it takes (``None``: any number), what it gives, and the function where operands are values."""

    operands: int | None
    result: Result
    function: Callable[..., Value] | None = None


OPERATORS: Final[Mapping[str, Operator]] = {
    "extract": Operator(1, Result.ANY),
    "settings": Operator(1, Result.ANY),
    "context": Operator(1, Result.ANY),
    "string": Operator(1, Result.TEXT, text),
    "number": Operator(1, Result.NUMBER, number),
    "boolean": Operator(1, Result.BOOLEAN, boolean),
    "epochtime": Operator(1, Result.NUMBER, epochtime),
    "lowercase": Operator(1, Result.TEXT, lowercase),
    "uppercase": Operator(1, Result.TEXT, uppercase),
    "floor": Operator(1, Result.NUMBER, floor),
    "ceiling": Operator(1, Result.NUMBER, ceiling),
    "abs": Operator(1, Result.NUMBER, absolute),
    "equals": Operator(2, Result.BOOLEAN, equals),
    "notequals": Operator(2, Result.BOOLEAN, notequals),
    "greaterthan": Operator(2, Result.BOOLEAN, _ordering(operator.gt)),
    "greaterthanequals": Operator(2, Result.BOOLEAN, _ordering(operator.ge)),
    "lessthan": Operator(2, Result.BOOLEAN, _ordering(operator.lt)),
    "lessthanequals": Operator(2, Result.BOOLEAN, _ordering(operator.le)),
    "contains": Operator(2, Result.BOOLEAN, contains),
    "doesnotcontain": Operator(2, Result.BOOLEAN, doesnotcontain),
    "startswith": Operator(2, Result.BOOLEAN, startswith),
    "endswith": Operator(2, Result.BOOLEAN, endswith),
    "matches": Operator(2, Result.BOOLEAN, matches),
    "empty": Operator(1, Result.BOOLEAN, is_empty),
    "isempty": Operator(1, Result.BOOLEAN, is_empty),
    "notempty": Operator(1, Result.BOOLEAN, notempty),
    "isnotempty": Operator(1, Result.BOOLEAN, notempty),
    "anyof": Operator(2, Result.BOOLEAN, anyof),
    "and": Operator(None, Result.BOOLEAN),
    "or": Operator(None, Result.BOOLEAN),
    "not": Operator(1, Result.BOOLEAN),
}
