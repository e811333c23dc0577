"""Mapping of an import: compiled once, with every problem at once, then applied per record (exports-imports.md 10 to 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, NotSupported, Problem
from fairlead.engine.ports import Json, Operation, Scope, Templates
from fairlead.mapping.code import Mapped
from fairlead.mapping.entries import Members
from fairlead.mapping.entry_compiler import compile_entries
from fairlead.mapping.fields import Rule, compile_field
from fairlead.mapping.generator import generated_entries, generated_rules
from fairlead.mapping.lists import ListRule, compile_list
from fairlead.mapping.lookups import compile_lookups
from fairlead.mapping.overlap import keep_apart
from fairlead.mapping.source import Work
from fairlead.mapping.steps import Compiling

FEW_RECORDS: Final = 50
"""So many records are mapped rule by rule before a function is made for the rest: making it costs as much as some hundred records."""


class CompiledMapping:
    """Mapping 1.0 or 2.0 of one import with its lookups."""

    __slots__ = ("_apply", "_entries", "_rules", "_waiting", "dynamic_names", "static_lookups")

    def __init__(
        self,
        rules: Sequence[Rule | ListRule],
        entries: Members | None,
        static_lookups: Mapping[str, Callable[[Json], Json]],
        dynamic_names: frozenset[str],
    ) -> None:
        self._rules = rules
        self._entries = entries
        self.static_lookups = static_lookups
        """Static lookups by name, for templates: ``None`` for no match; raise ``MappingError`` where failures are not allowed."""
        self.dynamic_names = dynamic_names
        """Names of the dynamic lookups that fields and templates ask for."""
        self._apply: Mapped = self._warming
        self._waiting = FEW_RECORDS

    @property
    def is_identity(self) -> bool:
        """No rules: records stay as they are, byte for byte."""
        return not self._rules and self._entries is None

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """A new object; ``record`` is not changed. An ``operation`` of ``None`` counts as create. Raises ``MappingError``, and what
        ``scope.dynamic`` raises."""
        return self._apply(record, operation, scope)

    def _warming(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        if self.is_identity:
            return record
        self._waiting -= 1
        if self._waiting < 0:
            self._apply = self.generated()
        return self.by_rules(record, operation, scope)

    def by_rules(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """What ``map`` does, rule by rule."""
        work = self._work(record, operation, scope)
        if self._entries is not None:
            return self._entries.made(work)
        made: dict[str, Json] = {}
        for rule in self._rules:
            rule.apply(work, made)
        return made

    def generated(self) -> Mapped:
        """A function made for these rules that does what ``by_rules`` does, several times as fast."""
        if self._entries is not None:
            return generated_entries(self._entries, self.by_rules, self._work)
        return generated_rules(self._rules, self.by_rules, self._work)

    def _work(self, record: Json, operation: Operation | None, scope: Scope) -> Work:
        return Work(record, operation, scope, self.static_lookups)


class MappingCompiler:
    """Compiles ``mapping`` or ``mappings`` with the lookups of the document and its ``http`` block."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def compile(self, import_tree: Tree) -> CompiledMapping:
        """``mappings``, when it is not empty, wins over ``mapping``. Raises ``InvalidContent`` (``invalid_mapping``,
        ``invalid_template``, ``invalid_ref``, ``missing_required_field``) and ``NotSupported`` (cached lookups that a field uses);
        fields are relative to the import."""
        lookups = compile_lookups(import_tree)
        strict = bool((import_tree.get("http") or {}).get("strictHandlebarEvaluation"))
        tools = Compiling(self._templates, lookups, strict, [], set())
        rules: list[Rule | ListRule] = []
        entries: Members | None = None
        if import_tree.get("mappings"):
            entries = Members(compile_entries(import_tree["mappings"], tools))
        else:
            rules = _rules(import_tree.get("mapping") or {}, tools)
        _refuse(tools.problems)
        keep_apart([rule.target for rule in rules])
        return CompiledMapping(rules, entries, lookups.for_templates(), frozenset(tools.dynamic_names))


def _rules(mapping: Mapping[str, Any], tools: Compiling) -> list[Rule | ListRule]:
    fields = [
        compile_field(field, f"mapping.fields.{index}", tools)
        for index, field in enumerate(mapping.get("fields") or ())
    ]
    lists = [
        compile_list(tree, f"mapping.lists.{index}", tools) for index, tree in enumerate(mapping.get("lists") or ())
    ]
    return [rule for rule in (*fields, *lists) if rule is not None]


def _refuse(problems: Sequence[Problem]) -> None:
    wrong = list(dict.fromkeys(problem for problem in problems if problem.code != "feature_not_supported"))
    if wrong:
        raise InvalidContent(wrong)
    if problems:
        raise NotSupported(dict.fromkeys(problems))
