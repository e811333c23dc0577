"""The filter language read a second time from exports-imports.md 7.1, 10.1 and 14, the simplest way, sharing nothing with what is judged.

No bounds, no compiling, no positions: it only says what comes out.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any


class Digits(str):
    """A number that is no plain integer, as written."""


def read(text: str) -> Any:
    """JSON with the digits of numbers kept."""
    return json.loads(
        text, parse_float=Digits, parse_int=lambda digits: Digits(digits) if digits == "-0" else int(digits)
    )


def is_number(value: Any) -> bool:
    """Whether it is a number, booleans excluded."""
    return isinstance(value, (int, float, Digits)) and not isinstance(value, bool)


def words(value: Any) -> str:
    """The operator ``string``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value) if isinstance(value, (str, int)) else written(value)


def written(value: Any) -> str:
    """Compact JSON text, digits as in the source."""
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Digits):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def to_number(value: Any) -> Any:
    """The operator ``number``."""
    if isinstance(value, bool):
        return 1 if value else 0
    if is_number(value):
        return value
    if isinstance(value, str):
        trimmed = value.strip()
        if re.fullmatch(r"-?(0|[1-9]\d*)", trimmed, re.ASCII):
            return int(trimmed)
        if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", trimmed, re.ASCII):
            return float(trimmed)
    return None


def magnitude(value: Any) -> Any:
    """What is compared: whole numbers exactly, others as doubles."""
    found = to_number(value)
    return float(found) if isinstance(found, Digits) else found


def milliseconds(value: Any) -> Any:
    """The operator ``epochtime``."""
    if is_number(value):
        return value
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def equal(one: Any, other: Any) -> bool:
    """The operator ``equals``."""
    if one is None or other is None:
        return one is None and other is None
    if isinstance(one, bool) or isinstance(other, bool):
        return words(one) == words(other)
    if is_number(one) or is_number(other):
        left, right = magnitude(one), magnitude(other)
        return left is not None and right is not None and left == right
    return words(one) == words(other)


def true(value: Any) -> bool:
    """Truth of handlebars.md 4."""
    if value is None or value is False or (is_number(value) and magnitude(value) == 0):
        return False
    return not (isinstance(value, str) and not isinstance(value, Digits) and value == "")


def at(value: Any, path: str) -> Any:
    """The value at a dotted path, else the member of that literal name, else null."""
    found = value[0] if isinstance(value, list) and value else value
    row = found
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return row.get(path) if isinstance(row, dict) else None
        found = found[name]
    return found


def ordered(one: Any, other: Any) -> tuple[Any, Any] | None:
    """What an order operator compares, nothing when it is false."""
    if isinstance(one, str) and isinstance(other, str) and not is_number(one) and not is_number(other):
        return [ord(letter) for letter in one], [ord(letter) for letter in other]
    left, right = magnitude(one), magnitude(other)
    return None if left is None or right is None else (left, right)


def evaluate(rules: Any, record: Any, context: dict[str, Any]) -> Any:
    """The value of an expression."""
    if not isinstance(rules, list):
        return rules
    name, operands = rules[0], rules[1:]
    if name == "extract":
        return at(record, operands[0])
    if name == "settings":
        return at(context["settings"], operands[0])
    if name == "context":
        return at(context, operands[0])
    if name == "anyof":
        value = evaluate(operands[0], record, context)
        return any(equal(value, element) for element in operands[1])
    if name == "and":
        return all(true(evaluate(operand, record, context)) for operand in operands)
    if name == "or":
        return any(true(evaluate(operand, record, context)) for operand in operands)
    return apply(name, *(evaluate(operand, record, context) for operand in operands))


def apply(name: str, value: Any, other: Any = None) -> Any:
    """An operator on values."""
    if name == "string":
        return words(value)
    if name == "number":
        return to_number(value)
    if name == "boolean":
        if isinstance(value, str) and not is_number(value):
            return value == "1" or value.lower() == "true"
        return value is True or (is_number(value) and magnitude(value) != 0)
    if name == "epochtime":
        return milliseconds(value)
    if name == "lowercase":
        return None if value is None else words(value).lower()
    if name == "uppercase":
        return None if value is None else words(value).upper()
    if name in ("floor", "ceiling", "abs"):
        found = magnitude(value)
        if found is None or name == "abs":
            return None if found is None else abs(found)
        return math.floor(found) if name == "floor" else math.ceil(found)
    if name == "not":
        return not true(value)
    if name in ("empty", "isempty"):
        return value is None or (isinstance(value, (str, list, dict)) and len(value) == 0)
    if name in ("notempty", "isnotempty"):
        return not apply("empty", value)
    if name == "equals":
        return equal(value, other)
    if name == "notequals":
        return not equal(value, other)
    if name == "doesnotcontain":
        return not apply("contains", value, other)
    if name in ("contains", "startswith", "endswith", "matches"):
        return value is not None and other is not None and found_in(name, value, other)
    pair = ordered(value, other)
    if pair is None:
        return False
    left, right = pair
    return {
        "greaterthan": left > right,
        "greaterthanequals": left >= right,
        "lessthan": left < right,
        "lessthanequals": left <= right,
    }[name]


def found_in(name: str, value: Any, other: Any) -> bool:
    """The operators that look into a text."""
    if name == "contains" and isinstance(value, list):
        return any(equal(element, other) for element in value)
    if name == "matches":
        return re.search(words(other), words(value)) is not None
    text, part = words(value), words(other)
    return {"contains": part in text, "startswith": text[: len(part)] == part, "endswith": text.endswith(part)}[name]


def passes(rules: str, record: str, context: dict[str, Any]) -> bool:
    """Whether the record passes, from JSON texts."""
    parsed = read(rules)
    return not parsed or true(evaluate(parsed, read(record), context))
