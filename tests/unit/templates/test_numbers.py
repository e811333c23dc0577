"""Numbers as JavaScript reads and prints them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec import Raw

from fairlead.templates.numbers import number_of, print_double, settled


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, "5"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (-1234.5, "-1234.5"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_printing(number: float, text: str) -> None:
    """Doubles print as `String(number)` does."""
    assert print_double(number) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [(" 12.50 ", 12.5), (".5", 0.5), ("5.", 5), ("-1e3", -1000), ("0x1F", 31), ("0b11", 3), ("Infinity", math.inf), (Raw(b"1e400"), math.inf), (10**400, math.inf), (-(10**400), -math.inf), (True, 1)],
)  # fmt: skip
def test_reading(value: Any, number: float) -> None:
    """Numeric text, digits of the source, integers of any size and booleans are numbers."""
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value", ["", " ", "1_000", "nan", "inf", "1,5", "٣", "12px", "--1", "1e", [], {}, None, "9" * 2000]
)
def test_no_numbers(value: Any) -> None:
    """Everything else is NaN."""
    assert math.isnan(number_of(value))


def test_settled() -> None:
    """Whole results become integers while a double holds them exactly."""
    assert type(settled(5.0)) is int
    assert type(settled(2.0**53)) is float
    assert type(settled(0.5)) is float
