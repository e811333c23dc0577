"""Rules of a filter, checked and turned into a tree, with everything that is wrong at once (exports-imports.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import Json
from fairlead.domain.paths import PathError
from fairlead.engine.ports import TemplateError, Templates
from fairlead.mapping.filter_operators import OPERATORS, Operator
from fairlead.mapping.filter_values import text
from fairlead.mapping.source import Source, compile_source
from fairlead.mapping.steps import Label
from fairlead.templates.helpers.regex import check_pattern

MAX_DEPTH: Final = 50
"""Levels of operators, as many as blocks of a template (handlebars.md 1)."""
MAX_OPERATORS: Final = 1000
"""Operators of one filter."""

_READS: Final = frozenset(("extract", "settings", "context"))
_SCOPES: Final = ("flow", "export", "import", "integration", "connection")


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal operand: a scalar, or the list of ``anyof``."""

    value: Json


@dataclass(frozen=True, slots=True)
class Read:
    """``extract``, ``settings`` or ``context`` at a path."""

    root: str
    path: str
    source: Source


@dataclass(frozen=True, slots=True)
class Call:
    """An operator with its operands."""

    name: str
    operator: Operator
    operands: tuple[Node, ...]


Node = Constant | Read | Call


def parse_rules(rules: Json, field: str, templates: Templates, problems: list[Problem]) -> Node:
    """The tree of rules that are not empty. What is wrong goes to ``problems`` (``invalid_filter``); the tree is then of no use."""
    return _Parser(field, templates, problems).node(rules, (), 1)


class _Parser:
    """One walk over the rules of one filter."""

    def __init__(self, field: str, templates: Templates, problems: list[Problem]) -> None:
        self._field = field
        self._templates = templates
        self._problems = problems
        self._operators = 0

    def node(self, rules: Json, at: tuple[int, ...], depth: int) -> Node:
        """The node at that position; the rest of a rule that is wrong is not looked at."""
        if isinstance(rules, dict):
            return self._wrong(
                at, "an object is no operand; an operand is a text, a number, true, false, null or [operator, ...]"
            )
        if not isinstance(rules, list):
            return Constant(rules)
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            if self._operators == MAX_OPERATORS + 1:
                self._wrong(at, f"a filter has at most {MAX_OPERATORS} operators")
            return Constant(None)
        if depth > MAX_DEPTH:
            return self._wrong(at, f"operators nest at most {MAX_DEPTH} levels deep")
        if not rules or not isinstance(rules[0], str):
            return self._wrong(at, "an expression is an array that begins with the name of an operator")
        return self._operation(rules[0], rules[1:], at, depth)

    def _operation(self, name: str, operands: Sequence[Json], at: tuple[int, ...], depth: int) -> Node:
        operator = OPERATORS.get(name)
        if operator is None:
            close = get_close_matches(name[:40], OPERATORS, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(OPERATORS)}"
            return self._wrong((*at, 0), f"unknown operator {_shown(name)}; {hint}")
        if operator.operands is not None and len(operands) != operator.operands:
            wanted = "1 operand" if operator.operands == 1 else f"{operator.operands} operands"
            return self._wrong(at, f"{name} takes {wanted}, not {len(operands)}")
        if name in _READS:
            return self._read(name, operands[0], (*at, 1))
        if name == "anyof":
            elements = operands[1]
            if not isinstance(elements, list):
                return self._wrong((*at, 2), "the second operand of anyof is a list of values")
            for place, element in enumerate(elements):
                if isinstance(element, list | dict):
                    self._wrong(
                        (*at, 2, place), "the list of anyof holds values as they are: texts, numbers, true, false, null"
                    )
            return Call(name, operator, (self.node(operands[0], (*at, 1), depth + 1), Constant(elements)))
        nodes = tuple(self.node(operand, (*at, place), depth + 1) for place, operand in enumerate(operands, 1))
        if name == "matches":
            self._check_pattern(nodes[1], (*at, 2))
        return Call(name, operator, nodes)

    def _read(self, name: str, path: Json, at: tuple[int, ...]) -> Node:
        if not isinstance(path, str) or not path.strip():
            return self._wrong(at, f"the operand of {name} is a path")
        try:
            source = compile_source(path, self._templates, Label(self._field, path), strict=False)
        except PathError as error:
            return self._wrong(at, str(error))
        except TemplateError as error:
            return self._wrong(at, error.message)
        if source.steps is None and name != "extract":
            return self._wrong(at, f"the operand of {name} is a path, no template")
        if name == "settings" and source.steps and source.steps[0] not in _SCOPES:
            return self._wrong(at, f"unknown settings {_shown(str(source.steps[0]))}; known: {', '.join(_SCOPES)}")
        return Read(name, path, source)

    def _check_pattern(self, pattern: Node, at: tuple[int, ...]) -> None:
        if isinstance(pattern, Constant) and pattern.value is not None:
            try:
                check_pattern(text(pattern.value))
            except TemplateError as error:
                self._wrong(at, error.message)

    def _wrong(self, at: tuple[int, ...], message: str) -> Constant:
        position = "".join(f"[{index}]" for index in at)
        self._problems.append(Problem("invalid_filter", f"{self._field}{position}: {message}", self._field))
        return Constant(None)


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:40] + "...")
