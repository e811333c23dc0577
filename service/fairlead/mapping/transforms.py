"""Transforms: rules that reshape each record, compiled once to mappings (exports-imports.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fairlead.domain.document import Tree
from fairlead.domain.errors import FairleadError, InvalidContent, Problem
from fairlead.engine.ports import Json, MappingError, Mappings, Operation, RecordMapper, Scope
from fairlead.mapping.rules import refuse_script, rules_of

_RULE_MEMBERS: Final = frozenset(("extract", "generate"))


class _NoMembers:
    """``create`` without mappings: records with no members at all (6: only mapped members)."""

    is_identity: Final = False
    static_lookups: Final[Mapping[str, Callable[[Json], Json]]] = {}
    dynamic_names: Final[frozenset[str]] = frozenset()

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """``{}`` of any record."""
        return {}


class CompiledTransform:
    """The rules of one transform. ``modify``: what they make is set in the record, else it takes the record's place."""

    __slots__ = ("_mapper", "_modify")

    def __init__(self, mapper: RecordMapper | None, *, modify: bool = False) -> None:
        self._mapper = None if mapper is None or mapper.is_identity else mapper
        self._modify = modify

    @property
    def is_identity(self) -> bool:
        """No rules: records stay as they are, byte for byte, and need not be decoded."""
        return self._mapper is None

    @property
    def dynamic_names(self) -> frozenset[str]:
        """Names of the dynamic lookups that it may ask ``scope.dynamic`` for."""
        return frozenset() if self._mapper is None else self._mapper.dynamic_names

    def apply(self, record: Json, scope: Scope) -> Json:
        """The new record; the one given is not changed and may share members with it. Raises ``MappingError`` with source
        ``transformation`` or ``lookup``, and ``LookupPending``."""
        if self._mapper is None:
            return record
        try:
            made = self._mapper.map(record, None, scope)
        except MappingError as error:
            source = "lookup" if error.source == "lookup" else "transformation"
            raise MappingError(error.code, error.message, source, error.generate) from None
        return _modified(record, made) if self._modify else made


def _modified(record: Json, made: Mapping[str, Json]) -> Json:
    """The record with whole members replaced; of a grouped record every row."""
    if not made:
        return record
    if isinstance(record, list):
        return [_modified(row, made) for row in record]
    return {**record, **made} if isinstance(record, dict) else made


def compile_transform(
    expression: Tree | None, field: str, mappings: Mappings, *, lookups: Sequence[Tree] = ()
) -> CompiledTransform:
    """The transform that stands at ``field``; ``lookups`` are those of the document, of which equal names in the rules win. Raises
    ``InvalidContent`` with every problem at once, and ``NotSupported`` (``script_runtime_unavailable``)."""
    if expression is None:
        return CompiledTransform(None)
    refuse_script(expression, field)
    inner = expression.get("expression") or {}
    if _is_second_version(inner):
        return _second_version(
            inner.get("rulesTwoDotZero") or {}, f"{field}.expression.rulesTwoDotZero", mappings, lookups
        )
    rules, place = rules_of(expression, field)
    return _first_version(rules, place, mappings, lookups)


def _is_second_version(inner: Mapping[str, Any]) -> bool:
    """By ``version``; without one by the rules that are there, those of version 1 first."""
    version = inner.get("version")
    return version == "2" or (version is None and inner.get("rules") is None and bool(inner.get("rulesTwoDotZero")))


def _first_version(rules: Json, place: str, mappings: Mappings, lookups: Sequence[Tree]) -> CompiledTransform:
    """``lookups`` are there for templates."""
    if rules is None or rules == []:
        return CompiledTransform(None)
    problems: list[Problem] = []
    fields = _checked(rules, place, problems)
    _refuse(problems)
    tree = {"mapping": {"fields": fields}, "lookups": lookups}
    return CompiledTransform(_compiled(mappings, tree, {"mapping.fields": f"{place}.0"}))


def _checked(rules: Json, place: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """The first inner array, which counts, when it is one of ``{extract, generate}``."""
    if not isinstance(rules, list) or not isinstance(rules[0], list):
        problems.append(_wrong(place, "rules are an array of arrays of {extract, generate}"))
        return []
    for index, rule in enumerate(rules[0]):
        if not isinstance(rule, dict):
            problems.append(_wrong(f"{place}.0.{index}", "a rule is an object {extract, generate}"))
            continue
        wrong = [name for name in _RULE_MEMBERS if not isinstance(rule.get(name), str | None)]
        problems.extend(_wrong(f"{place}.0.{index}.{name}", "a path is a text") for name in wrong)
        for name in rule.keys() - _RULE_MEMBERS:
            where = f"{place}.0.{index}.{name[:100]}"
            problems.append(Problem("unknown_field", f"{where}: unknown; a rule is {{extract, generate}}", where))
    return rules[0]


def _wrong(field: str, message: str) -> Problem:
    return Problem("invalid_mapping", f"{field}: {message}", field)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidContent(problems)


def _second_version(rules: Tree, place: str, mappings: Mappings, outer: Sequence[Tree]) -> CompiledTransform:
    """The rules' own lookups stand where those of an import's block do: they win over the document's (12)."""
    if not rules.get("mappings"):
        return CompiledTransform(_NoMembers() if rules.get("mode") == "create" else None)
    tree = {"mappings": rules["mappings"], "lookups": outer, "http": {"lookups": rules.get("lookups") or ()}}
    mapper = _compiled(mappings, tree, {"mappings": f"{place}.mappings", "http.lookups": f"{place}.lookups"})
    return CompiledTransform(mapper, modify=rules.get("mode") == "modify")


def _compiled(mappings: Mappings, tree: Tree, places: Mapping[str, str]) -> RecordMapper:
    """Compile it as the mapping of an import; what is wrong is told where it stands in the transform."""
    try:
        return mappings.compile(tree)
    except FairleadError as error:
        raise type(error)([_moved(problem, places) for problem in error.problems]) from None


def _moved(problem: Problem, places: Mapping[str, str]) -> Problem:
    for start, place in places.items():
        if problem.field and (problem.field == start or problem.field.startswith(f"{start}.")):
            field = place + problem.field.removeprefix(start)
            return Problem(problem.code, problem.message.replace(problem.field, field, 1), field, problem.source)
    return problem
