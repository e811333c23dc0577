"""Numbers as JavaScript sees them: doubles, how they are read from text and how they print (ECMA-262 6.1.6.1, 7.1.4.1)."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from msgspec import Raw

from fairlead.domain.jsonvalue import number_text

NAN: Final = math.nan
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PREFIXED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITE: Final = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
LONGEST_NUMBER: Final = 1000
"""Characters: a longer text is no number to us, so that no hostile one is costly to read."""
_EXACT: Final = 2.0**53
SPACES: Final = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""White space of JavaScript's ``trim``."""


def digits_of(number: Raw) -> str:
    """The digits of a number of the source, as written."""
    return bytes(number).decode("ascii", "replace")


def number_of_text(text: str) -> float:
    """``Number(text)``, except that blank text is NaN here: arithmetic takes it for a missing value."""
    if len(text) > LONGEST_NUMBER:
        return NAN
    word = text.strip(SPACES)
    if _DECIMAL.fullmatch(word):
        return float(word)
    if _PREFIXED.fullmatch(word):
        return _to_float(int(word, 0))
    return _INFINITE.get(word, NAN)


def number_of(value: Any) -> float:
    """The double behind a number, a boolean or numeric text; NaN for everything else."""
    kind = type(value)
    if kind is int:
        return _to_float(value)
    if kind is float:
        return float(value)
    if kind is bool:
        return 1.0 if value else 0.0
    if isinstance(value, str):
        return number_of_text(value)
    if isinstance(value, Raw):
        return number_of_text(digits_of(value))
    return NAN


def _to_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def settled(number: float) -> int | float:
    """A result as a value of a tree: whole numbers that a double holds exactly become ``int``, so that they print without a point."""
    if -_EXACT < number < _EXACT and number == math.floor(number):
        return int(number)
    return number


def print_double(number: float) -> str:
    """How JavaScript prints a double, ``NaN`` and ``Infinity`` included."""
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number_text(number)
