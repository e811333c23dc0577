"""Filters: compiled once, with every problem at once, then applied per record (exports-imports.md 7)."""

from __future__ import annotations

from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.engine.ports import Json, Scope, Templates
from fairlead.mapping.filter_code import Passes, compile_tree
from fairlead.mapping.filter_tree import parse_rules
from fairlead.mapping.rules import refuse_script, rules_of


class CompiledFilter:
    """The rules of one filter."""

    __slots__ = ("_passes",)

    def __init__(self, passes: Passes | None) -> None:
        self._passes = passes

    @property
    def passes_all(self) -> bool:
        """No rules: records need not be decoded."""
        return self._passes is None

    def passes(self, record: Json, scope: Scope) -> bool:
        """Whether the record passes. ``scope.context`` holds ``settings`` and what ``["context", ...]`` names. Raises ``MappingError``
        with source ``filter`` when a regular expression (``invalid_filter``) or a template (``invalid_template``) goes over a bound."""
        return self._passes is None or self._passes(record, scope)


def compile_filter(expression: Tree | None, field: str, templates: Templates) -> CompiledFilter:
    """The filter that stands at ``field``. Raises ``InvalidContent`` (``invalid_filter``; the message holds the position in the rules,
    counted from 0) and ``NotSupported`` (``script_runtime_unavailable``)."""
    if expression is None:
        return CompiledFilter(None)
    refuse_script(expression, field)
    rules, place = rules_of(expression, field)
    if rules is None or rules == []:
        return CompiledFilter(None)
    problems: list[Problem] = []
    if isinstance(rules, list):
        tree = parse_rules(rules, place, templates, problems)
        if not problems:
            return CompiledFilter(compile_tree(tree, place))
    else:
        problems.append(Problem("invalid_filter", f"{place}: rules are an array [operator, operand, ...]", place))
    raise InvalidContent(problems)
