"""What a single value must be: ranges, lengths, case, dates and masks, each rule once for REST and gRPC (D20)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final, TypeVar

from fairlead.contract.plan import FieldPlan
from fairlead.contract.problems import INVALID_FIELD, Problems
from fairlead.v1 import options_pb2

MASK: Final = "******"
"""What answers show in place of a secret (contract.md 1.7)."""

MASK_REFUSED: Final = frozenset({options_pb2.MODE_CREATE, options_pb2.MODE_VIRTUAL_CONNECTION})
"""Modes in which nothing is stored that a mask could stand for."""

NOT_THE_MASK: Final = f"not be the mask {MASK}: there is no stored value to keep"
NOT_IN_A_LIST: Final = f"not be the mask {MASK}: an element of a list has no name by which a stored value could be kept"

_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)

MAX_DOCUMENT: Final = 2**20
"""Bytes of a connection, export, import or flow document (contract.md 1.15)."""

Number = TypeVar("Number", int, float)


def judge_text(field: FieldPlan, value: str, path: str, mode: int, problems: Problems) -> str:
    """The text as it is kept: folded, dates normalised. Adds what is wrong to ``problems``; the value is then as it was."""
    if field.secret and value == MASK:
        if mode in MASK_REFUSED:
            problems.invalid(path, NOT_THE_MASK)
        return value
    if field.fold:
        value = value.lower() if field.fold == options_pb2.FOLD_LOWER else value.upper()
    if field.one_of and value.lower() not in field.one_of and (value or mode not in field.required):
        problems.invalid(path, f"be one of {', '.join(field.one_of.values())}")
    if field.max_length and len(value) > field.max_length:
        problems.invalid(path, f"have at most {field.max_length} characters, not {len(value)}")
    if field.date:
        date = normal_date(value)
        if date is None:
            problems.invalid(path, "be a date as ISO 8601 writes it, such as 2026-01-31T12:00:00Z")
        else:
            value = date
    return value


def judge_number(field: FieldPlan, value: Number, path: str, problems: Problems) -> Number:
    """The number as it is kept: lowered to the maximum where the field says so. Adds to ``problems`` when out of range."""
    low, high = field.minimum, field.maximum
    if high is not None and value > high and field.lowered:
        return type(value)(high)
    if (low is not None and value < low) or (high is not None and value > high) or not _is_finite(value):
        problems.invalid(path, f"be {_range(low, high)}, not {_shown(value)}")
    return value


def refuse_word(field: FieldPlan, path: str, problems: Problems) -> None:
    """Add that a value is no word of the field's enum."""
    assert field.words is not None
    problems.invalid(path, f"be one of {field.words.allowed}")


def judge_items(field: FieldPlan, count: int, path: str, problems: Problems) -> None:
    """Add to ``problems`` when a list that is there is too short."""
    if count < field.min_items:
        noun = "entry" if field.min_items == 1 else "entries"
        problems.invalid(path, f"have at least {field.min_items} {noun}")


def judge_size(size: int, path: str, problems: Problems) -> bool:
    """Whether a stored document is small enough to be looked at; adds to ``problems`` when it is not.

    ``size`` is that of compact JSON over REST, of the message over gRPC.
    """
    if size > MAX_DOCUMENT:
        message = f"{path or 'the document'} must be at most {MAX_DOCUMENT} bytes long, not {size}"
        problems.add(INVALID_FIELD, message, path)
        return False
    return True


def normal_date(text: str) -> str | None:
    """``YYYY-MM-DDTHH:mm:ss.SSSZ`` of an ISO 8601 date, UTC when it names no zone; ``None`` for anything else (contract.md 1.6)."""
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return "a number" if high is None else f"at most {_shown(high)}"
    return f"at least {_shown(low)}" if high is None else f"between {_shown(low)} and {_shown(high)}"


def _shown(value: float) -> str:
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of that size"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
