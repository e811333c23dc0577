"""Mapping of an import: compiled once, with every problem at once, then applied per record (exports-imports.md 10, 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, NotSupported, Problem, feature_not_supported
from fairlead.engine.ports import Json, Operation, Scope, Templates
from fairlead.mapping.fields import Apply, Compiling, applier, compile_field
from fairlead.mapping.lists import compile_list
from fairlead.mapping.lookups import compile_lookups
from fairlead.mapping.overlap import keep_apart
from fairlead.mapping.source import Work


class CompiledMapping:
    """Mapping 1.0 of one import with its static lookups."""

    __slots__ = ("_rules", "_static_lookups")

    def __init__(self, rules: Sequence[Apply], static_lookups: Mapping[str, Callable[[Json], Json]]) -> None:
        self._rules = rules
        self._static_lookups = static_lookups

    @property
    def is_identity(self) -> bool:
        """No rules: records stay as they are, byte for byte."""
        return not self._rules

    @property
    def static_lookups(self) -> Mapping[str, Callable[[Json], Json]]:
        """Static lookups by name, for templates: ``None`` for no match; raise ``MappingError`` where failures are not allowed."""
        return self._static_lookups

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """A new object; ``record`` is not changed. An ``operation`` of ``None`` counts as create. Raises ``MappingError``."""
        if not self._rules:
            return record
        work = Work(record, operation, scope, self._static_lookups)
        made: dict[str, Json] = {}
        for rule in self._rules:
            rule(work, made)
        return made


class MappingCompiler:
    """Compiles ``mapping`` with the lookups of the document and its ``http`` block."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def compile(self, import_tree: Tree) -> CompiledMapping:
        """Raises ``InvalidContent`` (``invalid_mapping``, ``invalid_template``, ``invalid_ref``, ``missing_required_field``) and
        ``NotSupported`` (mapping 2.0; dynamic and cached lookups that a field uses); fields are relative to the import."""
        if import_tree.get("mappings"):
            raise feature_not_supported("mappings", "mapping 2.0")
        mapping = import_tree.get("mapping") or {}
        lookups = compile_lookups(import_tree)
        problems: list[Problem] = []
        strict = bool((import_tree.get("http") or {}).get("strictHandlebarEvaluation"))
        tools = Compiling(self._templates, lookups, strict, problems)
        fields = [
            compile_field(field, f"mapping.fields.{index}", tools)
            for index, field in enumerate(mapping.get("fields") or ())
        ]
        lists = [
            compile_list(tree, f"mapping.lists.{index}", tools) for index, tree in enumerate(mapping.get("lists") or ())
        ]
        _refuse(problems)
        field_rules = [rule for rule in fields if rule is not None]
        list_rules = [rule for rule in lists if rule is not None]
        keep_apart([*(rule.target for rule in field_rules), *(rule.target for rule in list_rules)])
        rules = [*map(applier, field_rules), *(rule.apply for rule in list_rules)]
        return CompiledMapping(rules, lookups.for_templates())


def _refuse(problems: Sequence[Problem]) -> None:
    wrong = list(dict.fromkeys(problem for problem in problems if problem.code != "feature_not_supported"))
    if wrong:
        raise InvalidContent(wrong)
    if problems:
        raise NotSupported(dict.fromkeys(problems))
