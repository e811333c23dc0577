"""An import compiled for one connection: every problem of the model in one error (contract.md 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fairlead.domain.connection import Connection
from fairlead.domain.dialect import counting_block, http_import
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, NotSupported, Problem
from fairlead.domain.rules.import_model import check_import
from fairlead.engine.lookups import lookup_entries
from fairlead.engine.model import adaptor_block, placed, refuse_unsupported_import
from fairlead.engine.one_to_many import OneToMany
from fairlead.engine.plan_cache import PlanCache
from fairlead.engine.ports import Expressions, Mappings, RecordFilter, RecordMapper, RecordTransform
from fairlead.engine.positions import Positions
from fairlead.engine.prepare import Prepared, decoded
from fairlead.engine.run import DynamicLookup, Executor, Importer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transform:
    """A transform and the dynamic lookups that its rules may use."""

    rules: RecordTransform
    lookups: Mapping[str, DynamicLookup]


@dataclass(frozen=True, slots=True)
class Steps:
    """What happens with a record before and after the mapping; nothing when only the mapping runs."""

    filter: RecordFilter
    transform: Transform
    response: Transform


@dataclass(frozen=True, slots=True)
class Plan:
    """An import compiled for one connection."""

    importer: Importer
    mapper: RecordMapper
    positions: Positions
    many: OneToMany | None
    steps: Steps | None

    @property
    def asks(self) -> bool:
        """Whether there are dynamic lookups that may have to be waited for before a record is sent."""
        return bool(self.importer.lookups) or (self.steps is not None and bool(self.steps.transform.lookups))


class Planner:
    """Compiles imports."""

    def __init__(self, mappings: Mappings, expressions: Expressions) -> None:
        self._mappings = mappings
        self._expressions = expressions
        self._plans: PlanCache[Plan] = PlanCache()

    def plan(self, executor: Executor, prepared: Prepared, import_model: Tree, *, mapping_only: bool = False) -> Plan:
        """The plan of a document; one that was compiled before is not compiled again. Raises ``InvalidContent`` and ``NotSupported``, fields from the top of the request body and in the notation of the model.
        ``mapping_only``: for the mapping step alone, which asks no application but for lookups (contract.md 2.11)."""
        key, weight = self._plans.key(prepared, import_model, "mapping" if mapping_only else "")
        plan = self._plans.find(key, prepared)
        if plan is not None:
            return plan
        plan = self._placed(executor, prepared.connection, import_model, mapping_only=mapping_only)
        return self._plans.keep(key, weight, prepared, plan)

    def _placed(self, executor: Executor, connection: Connection, import_model: Tree, *, mapping_only: bool) -> Plan:
        notation = counting_block(import_model, connection.type)
        if not mapping_only:
            adaptor_block(import_model, notation, "import")
        tree = decoded(http_import(import_model, connection.type))
        try:
            return self._compiled(executor, connection, tree, mapping_only=mapping_only)
        except (InvalidContent, NotSupported) as error:
            raise type(error)(placed(problem, notation, "import") for problem in error.problems) from None

    def _compiled(self, executor: Executor, connection: Connection, tree: Tree, *, mapping_only: bool) -> Plan:
        refuse_unsupported_import(tree, mapping_only=mapping_only)
        problems = check_import(tree)
        positions = Positions.of(tree, problems)
        many = OneToMany.of(tree, problems)
        importer = executor.importer(connection, tree, problems)
        mapper = _collected(lambda: self._mappings.compile(tree), problems)
        steps = None if mapping_only else self._steps(executor, connection, tree, problems)
        unsupported = [problem for problem in problems if problem.code == "feature_not_supported"]
        if unsupported and not mapping_only:
            raise NotSupported(dict.fromkeys(unsupported))
        if mapper is None or len(problems) > len(unsupported):
            raise InvalidContent(dict.fromkeys(problem for problem in problems if problem not in unsupported))
        return Plan(importer, mapper, positions, many, steps)

    def _steps(self, executor: Executor, connection: Connection, tree: Tree, problems: list[Problem]) -> Steps | None:
        rules = _collected(lambda: self._expressions.compile_filter(tree.get("filter"), "filter"), problems)
        transform = self._transform(executor, connection, tree, "transform", problems)
        response = self._transform(executor, connection, tree, "responseTransform", problems)
        return Steps(rules, transform, response) if rules and transform and response else None

    def _transform(
        self, executor: Executor, connection: Connection, tree: Tree, field: str, problems: list[Problem]
    ) -> Transform | None:
        """Its lookups are those of the document too: the inner one wins on equal names (exports-imports.md 12)."""
        outer = [entry for _, entry in lookup_entries(tree, "lookups", "http.lookups")]
        compiled = _collected(
            lambda: self._expressions.compile_transform(tree.get(field), field, lookups=outer), problems
        )
        if compiled is None:
            return None
        if compiled.is_identity:
            return Transform(compiled, {})
        fields = ("lookups", "http.lookups", f"{field}.expression.rulesTwoDotZero.lookups")
        return Transform(compiled, executor.lookups(connection, tree, list(lookup_entries(tree, *fields)), problems))


def _collected(compile: Callable[[], T], problems: list[Problem]) -> T | None:
    """What ``compile`` makes, or nothing and more ``problems``. Raises ``NotSupported``."""
    try:
        return compile()
    except InvalidContent as error:
        problems.extend(error.problems)
        return None
