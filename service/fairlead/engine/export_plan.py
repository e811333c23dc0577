"""An export compiled for one connection: every problem of the model in one error (contract.md 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from fairlead.domain.dialect import counting_block, http_export
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, NotSupported, Problem
from fairlead.domain.rules.export import check_export
from fairlead.engine.lookups import lookup_entries
from fairlead.engine.model import adaptor_block, as_written, refuse_unsupported_export
from fairlead.engine.one_to_many import OneToMany
from fairlead.engine.plan_cache import PlanCache
from fairlead.engine.ports import Expressions, Json, Mappings, RecordFilter, RecordMapper, RecordTransform
from fairlead.engine.prepare import Prepared, decoded
from fairlead.engine.run import DynamicLookup, Executor, Exporter
from fairlead.engine.runs import Runs, refuse_offline

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InputPlan:
    """What happens with the record that a lookup export is asked about, before its request (exports-imports.md 1.1, 3.4)."""

    filter: RecordFilter
    many: OneToMany | None
    mapper: RecordMapper
    lookups: Mapping[str, DynamicLookup]
    """The dynamic lookups of the document."""
    read: frozenset[str]
    """Those whose results the templates of a request read."""


@dataclass(frozen=True, slots=True)
class StepsPlan:
    """What happens with the records of an answer (exports-imports.md 8)."""

    transform: RecordTransform
    lookups: Mapping[str, DynamicLookup]
    """The dynamic lookups that the transform may use."""
    filter: RecordFilter

    @property
    def is_identity(self) -> bool:
        """Records come out as they came in, byte for byte, and need not be decoded."""
        return self.transform.is_identity and self.filter.passes_all


@dataclass(frozen=True, slots=True)
class Plan:
    """An export compiled for one connection, and that connection as the call sees it."""

    prepared: Prepared
    tree: Tree
    """The model in the ``http`` dialect, decoded."""
    written: Tree
    """The model as written, decoded."""
    notation: str | None
    prefix: str
    """Where the model stands in the request: ``export.``, or nothing."""
    exporter: Exporter
    input: InputPlan
    steps: StepsPlan

    @property
    def paging_method(self) -> str | None:
        """The word of the ``http`` dialect."""
        method: str | None = ((self.tree.get("http") or {}).get("paging") or {}).get("method")
        return method

    @property
    def limit(self) -> int | None:
        """Raw records over all pages, when the export is a test (exports-imports.md 3.3)."""
        return int((self.tree.get("test") or {}).get("limit") or 1) if self.tree.get("type") == "test" else None

    @property
    def calls_back(self) -> bool:
        """Whether the application is told of each record (exports-imports.md 3.2)."""
        return self.tree.get("type") == "once"

    @property
    def static_lookups(self) -> Mapping[str, Callable[[Json], Json]]:
        """For templates."""
        return self.input.mapper.static_lookups

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Problems of the model are told with their field as written and from the top of the request body."""
        with _placing(self.notation, self.prefix):
            yield


class ExportPlanner:
    """Compiles exports."""

    def __init__(self, runs: Runs, mappings: Mappings, expressions: Expressions) -> None:
        self._runs = runs
        self._mappings = mappings
        self._expressions = expressions
        self._plans: PlanCache[Plan] = PlanCache()

    def plan(self, prepared: Prepared, export: Tree, prefix: str = "export.") -> Plan:
        """Raises ``InvalidContent`` and ``NotSupported``, fields in the notation of the model and below ``prefix``; ``ConditionNotMet`` for
        a connection that is offline. A document that was compiled before is not compiled again."""
        key, weight = self._plans.key(prepared, export)
        plan = self._plans.find(key, prepared)
        if plan is None:
            plan = self._plans.keep(key, weight, prepared, self._compiled(prepared, export, prefix))
        refuse_offline(prepared)
        return replace(plan, prepared=prepared, prefix=prefix)

    def _compiled(self, prepared: Prepared, export: Tree, prefix: str) -> Plan:
        connection = prepared.connection
        executor = self._runs.executor(prepared)
        notation = counting_block(export, connection.type)
        adaptor_block(export, notation, "export")
        tree = decoded(http_export(export, connection.type))
        with _placing(notation, prefix):
            refuse_unsupported_export(tree)
            problems = check_export(tree)
            exporter = executor.exporter(connection, tree, problems)
            asked = self._input(executor, prepared, tree, exporter, problems)
            steps = self._steps(executor, prepared, tree, problems)
            unsupported = [problem for problem in problems if problem.code == "feature_not_supported"]
            if unsupported:
                raise NotSupported(dict.fromkeys(unsupported))
            if problems or asked is None or steps is None:
                raise InvalidContent(dict.fromkeys(problems))
        return Plan(prepared, tree, decoded(export), notation, prefix, exporter, asked, steps)

    def _input(
        self, executor: Executor, prepared: Prepared, tree: Tree, exporter: Exporter, problems: list[Problem]
    ) -> InputPlan | None:
        rules = _collected(lambda: self._expressions.compile_filter(tree.get("inputFilter"), "inputFilter"), problems)
        mapper = _collected(lambda: self._mappings.compile(tree), problems)
        many = OneToMany.of(tree, problems)
        entries = list(lookup_entries(tree, "lookups", "http.lookups"))
        lookups = executor.lookups(prepared.connection, tree, entries, problems) if entries else {}
        if rules is None or mapper is None:
            return None
        return InputPlan(rules, many, mapper, lookups, exporter.lookups_read(lookups.keys()))

    def _steps(self, executor: Executor, prepared: Prepared, tree: Tree, problems: list[Problem]) -> StepsPlan | None:
        outer = [entry for _, entry in lookup_entries(tree, "lookups", "http.lookups")]
        transform = _collected(
            lambda: self._expressions.compile_transform(tree.get("transform"), "transform", lookups=outer), problems
        )
        rules = _collected(lambda: self._expressions.compile_filter(tree.get("filter"), "filter"), problems)
        if transform is None or rules is None:
            return None
        lookups: Mapping[str, DynamicLookup] = {}
        if not transform.is_identity:
            fields = ("lookups", "http.lookups", "transform.expression.rulesTwoDotZero.lookups")
            entries = list(lookup_entries(tree, *fields))
            lookups = executor.lookups(prepared.connection, tree, entries, problems) if entries else {}
        return StepsPlan(transform, lookups, rules)


@contextmanager
def _placing(notation: str | None, prefix: str) -> Iterator[None]:
    try:
        yield
    except (InvalidContent, NotSupported) as error:
        raise type(error)([as_written(problem, notation, "export", prefix) for problem in error.problems]) from None


def _collected(compile: Callable[[], T], problems: list[Problem]) -> T | None:
    """What ``compile`` makes, or nothing and more ``problems``. Raises ``NotSupported``."""
    try:
        return compile()
    except InvalidContent as error:
        problems.extend(error.problems)
        return None
