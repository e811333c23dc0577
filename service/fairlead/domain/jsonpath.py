"""The part of JSONPath that plain paths do not say (``$..x``, slices, unions, filters), over ``jsonpath-ng`` (D16).

Expressions come from tenants and cannot be interrupted, so only shapes whose cost grows with the size of the answer are let in: one
``..``, no query of the whole document inside a filter, no regular expressions, no arithmetic, no functions but ``len``.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import msgspec
from jsonpath_ng.ext.parser import parse

from fairlead.domain.jsonvalue import NOTHING, Json, number_of

MAX_PARTS: Final = 64
"""Nodes of an expression's tree."""

_ALLOWED: Final = frozenset(
    {
        "Root",
        "This",
        "Child",
        "Descendants",
        "Fields",
        "Wildcard",
        "Index",
        "Slice",
        "Filter",
        "Expression",
        "And",
        "Or",
        "Len",
    }
)


class JsonPathError(ValueError):
    """An expression cannot be compiled or is refused; the message is for the user."""


class JsonPath:
    """A compiled expression; has the manners of ``fairlead.domain.paths.Path``."""

    __slots__ = ("_expression", "text")
    steps = None
    spreads = True

    def __init__(self, text: str, expression: Any) -> None:
        self.text = text
        self._expression = expression

    def find(self, value: Json) -> list[Json]:
        """All matches; none in a value that is nested too deeply to be searched."""
        try:
            return [_digits_back(match.value) for match in self._expression.find(_with_numbers(value))]
        except RecursionError:
            return []

    def first(self, value: Json) -> Json:
        """The first match, or ``NOTHING``."""
        found = self.find(value)
        return found[0] if found else NOTHING


def compile_jsonpath(text: str) -> JsonPath:
    """Raises ``JsonPathError``."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what the library is going to drop is refused now
        try:
            expression = parse(text)
        except Exception as error:
            raise JsonPathError(f"path {text!r} cannot be read: {str(error).splitlines()[0]}") from None
    _check(text, expression)
    return JsonPath(text, expression)


def _check(text: str, expression: Any) -> None:
    waiting: list[tuple[Any, bool]] = [(expression, False)]
    descents = parts = 0
    while waiting:
        node, filtering = waiting.pop()
        kind = type(node).__name__
        parts += 1
        descents += kind == "Descendants"
        if kind not in _ALLOWED:
            raise JsonPathError(
                f"path {text!r} uses {kind.strip('_').lower()}, which paths of this service do not have"
            )
        if kind == "Expression" and node.op == "=~":
            raise JsonPathError(
                f"path {text!r} holds a regular expression; paths compare with ==, !=, <, <=, >, >= only"
            )
        if filtering and kind in ("Root", "Descendants"):
            raise JsonPathError(f"path {text!r} searches inside a filter; a filter may look at members of @ only")
        if descents > 1 or parts > MAX_PARTS:
            raise JsonPathError(f"path {text!r} is too costly: one '..' and {MAX_PARTS} parts at most")
        waiting += [(inner, filtering or kind == "Filter") for inner in _children(node)]


def _children(node: Any) -> list[Any]:
    inner = [getattr(node, name) for name in ("left", "right", "target") if hasattr(node, name)]
    for name in ("expressions", "operands"):
        inner += getattr(node, name, ())
    operand = getattr(node, "value", None)
    return [*inner, operand] if type(operand).__name__ in _ALLOWED else inner


class _Number(float):
    """A number that filters can compare and that remembers its digits."""

    __slots__ = ("raw",)
    raw: msgspec.Raw


def _with_numbers(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    if isinstance(value, msgspec.Raw):
        number = _Number(number_of(value) or 0.0)
        number.raw = value
        return number
    return value


def _digits_back(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _digits_back(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_digits_back(item) for item in value]
    return value.raw if isinstance(value, _Number) else value
