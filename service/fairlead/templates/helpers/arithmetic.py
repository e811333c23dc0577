"""Arithmetic on doubles (handlebars.md 6.1); rounding to digits as ECMA-262 21.1.3 has it."""

from __future__ import annotations

import math
import secrets
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from fairlead.engine.ports import TemplateError
from fairlead.templates.budget import bounded
from fairlead.templates.helpers.arguments import Arguments, Helper, Known, known_text, one_of
from fairlead.templates.numbers import NAN, number_of, print_double, settled
from fairlead.templates.values import Value

_RANDOM_KINDS: Final = ("crypto", "uuid", "number")


def divide(left: float, right: float) -> float:
    """JavaScript's ``/``."""
    if right:
        return left / right
    if not left or left != left or right != right:
        return NAN
    return math.copysign(math.inf, left) * math.copysign(1, right)


def modulo(left: float, right: float) -> float:
    """JavaScript's ``%``: the sign of the left side."""
    if not right or math.isinf(left):
        return NAN
    return math.fmod(left, right)


def nearest(number: float) -> float:
    """JavaScript's ``Math.round``: halves go up."""
    if not math.isfinite(number):
        return number
    down = math.floor(number)
    return float(down + (number - down >= 0.5))


def to_fixed(number: float, digits: int) -> str:
    """``Number.prototype.toFixed``: the exact value of the double, halves away from zero."""
    if not math.isfinite(number) or abs(number) >= 1e21:
        return print_double(number)
    text = f"{Decimal(abs(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=200)):f}"
    return f"-{text}" if number < 0 else text


def to_significant(number: float, digits: int) -> tuple[str, int]:
    """That many significant digits of a number that is not 0, and the exponent of the first."""
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).plus(Decimal(abs(number)))
    text = "".join(map(str, rounded.as_tuple().digits))
    return text.ljust(digits, "0"), rounded.adjusted()


def _binary(step: Callable[[float, float], float]) -> Helper:
    return Helper(lambda arguments: settled(step(arguments.number(0), arguments.number(1))))


def _unary(step: Callable[[float], float]) -> Helper:
    return Helper(lambda arguments: settled(step(arguments.number(0))))


def _whole(step: Callable[[float], int]) -> Helper:
    return _unary(lambda number: float(step(number)) if math.isfinite(number) else number)


def _add(arguments: Arguments) -> Value:
    if len(arguments) < 2:
        return NAN
    return settled(sum(map(number_of, arguments.values)))


def _sum(arguments: Arguments) -> Value:
    return settled(sum(map(number_of, arguments.flattened())))


def _average(arguments: Arguments) -> Value:
    numbers = [number_of(value) for value in arguments.flattened()]
    return settled(divide(sum(numbers), len(numbers)))


def _digits(arguments: Arguments, helper: str, lowest: int, default: int) -> int:
    digits = arguments.integer(1, default)
    if not lowest <= digits <= 100:
        raise TemplateError(f"{helper}: {digits} digits; allowed are {lowest} to 100")
    return digits


def _to_fixed(arguments: Arguments) -> Value:
    return to_fixed(arguments.number(0), _digits(arguments, "toFixed", 0, 0))


def _scientific(digits: str, exponent: int) -> str:
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent:+d}"


def _to_exponential(arguments: Arguments) -> Value:
    number = arguments.number(0)
    if not math.isfinite(number):
        return print_double(number)
    digits = _digits(arguments, "toExponential", 0, 0) if arguments.given(1) else -1
    if number == 0:
        return _scientific("0" * (max(digits, 0) + 1), 0)
    shown, exponent = to_significant(number, digits + 1 if digits >= 0 else 17)
    if digits < 0:
        shortest = Decimal(repr(abs(number))).normalize()
        shown, exponent = "".join(map(str, shortest.as_tuple().digits)), shortest.adjusted()
    return ("-" if number < 0 else "") + _scientific(shown, exponent)


def _to_precision(arguments: Arguments) -> Value:
    number = arguments.number(0)
    if not arguments.given(1) or not math.isfinite(number):
        return print_double(number)
    digits = _digits(arguments, "toPrecision", 1, 0)
    sign = "-" if number < 0 else ""
    shown, exponent = to_significant(number, digits) if number else ("0" * digits, 0)
    if exponent < -6 or exponent >= digits:
        return sign + _scientific(shown, exponent)
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{shown}"
    whole, fraction = shown[: exponent + 1], shown[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _random(arguments: Arguments) -> Value:
    kind, length = arguments.text(0, "crypto"), max(arguments.integer(1, 32), 0)
    bounded(length)
    if kind == "crypto":
        return secrets.token_hex((length + 1) // 2)[:length]
    if kind == "uuid":
        return "".join(uuid.uuid4().hex for _ in range((length + 31) // 32))[:length]
    if kind == "number":
        digits = str(secrets.randbelow(9) + 1) + "".join(str(byte % 10) for byte in _even_bytes(length))
        return digits[:length]
    raise one_of("kind of random", kind, _RANDOM_KINDS)


def _even_bytes(count: int) -> bytes:
    """Random bytes below 250, so that their last decimal digit is evenly spread."""
    found = b""
    while len(found) < count:
        found += bytes(byte for byte in secrets.token_bytes(count - len(found) + 8) if byte < 250)
    return found


def _check_random(known: Known) -> None:
    kind = known_text(known, 0)
    if kind is not None and kind not in _RANDOM_KINDS:
        raise one_of("kind of random", kind, _RANDOM_KINDS)


HELPERS: Final = {
    "abs": _unary(abs),
    "add": Helper(_add),
    "subtract": _binary(lambda left, right: left - right),
    "multiply": _binary(lambda left, right: left * right),
    "divide": _binary(divide),
    "modulo": _binary(modulo),
    "sum": Helper(_sum),
    "avg": Helper(_average),
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "round": _unary(nearest),
    "toFixed": Helper(_to_fixed),
    "toExponential": Helper(_to_exponential),
    "toPrecision": Helper(_to_precision),
    "random": Helper(_random, _check_random),
}
