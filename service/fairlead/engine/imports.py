"""Push records: mapping, position, request, result, one by one and in order (exports-imports.md 9, 13; contract.md 2.10, 2.11)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.dialect import counting_block, http_import
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import (
    ApplicationFailure,
    AuthenticationFailed,
    InvalidContent,
    NotSupported,
    Problem,
)
from fairlead.domain.rules.import_model import check_import
from fairlead.engine.model import adaptor_block, placed, refuse_unsupported_import
from fairlead.engine.ports import MappingError, Mappings, RecordMapper, RecordResult
from fairlead.engine.positions import Choice, Positions
from fairlead.engine.prepare import Prepared, Preparer, decoded
from fairlead.engine.run import Importer, Run, RunStats, Submission
from fairlead.engine.runs import RUN_SECONDS, Runs, refusal_of

MAXIMUM_RECORDS: Final = 10_000
"""Records in one call (contract.md 1.15)."""

_NOT_SENT: Final = Problem("connection_timeout", "not sent: the time of the call was over", source="connection")
_IN_DOUBT: Final = Problem(
    "in_doubt", "sent, and the time of the call was over before an answer came; it is not sent again", source="internal"
)
_TURN: Final = 100
"""Records that are mapped in one go."""

_BURST_WORKERS: Final = 256
"""Requests of one call in flight when the connection has no level of its own; the pool's own cap still holds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An import compiled for one call."""

    importer: Importer
    mapper: RecordMapper
    positions: Positions


class Imports:
    """The two use cases: import, and mapping alone."""

    def __init__(self, preparer: Preparer, runs: Runs, mappings: Mappings) -> None:
        self._preparer = preparer
        self._runs = runs
        self._mappings = mappings

    async def execute(
        self,
        account: AccountId,
        connection_id: str,
        import_model: Tree,
        data: bytes,
        settings: Tree,
        timeout: float | None,
        stats: RunStats,
    ) -> list[RecordResult]:
        """One result per record, in the order of ``data``. Raises 404, model errors and ``NotSupported``; what happens to a
        record is in its result."""
        prepared = await self._preparer.stored(account, connection_id)
        plan = self._plan(prepared, import_model)
        records = _split(data)
        run = self._open(prepared, plan, import_model, settings, timeout, stats)
        return await _Delivery(run, plan, prepared).deliver(records)

    async def map_records(
        self, account: AccountId, connection_id: str, import_model: Tree, data: bytes, settings: Tree
    ) -> bytes:
        """The mapped records as one JSON array. Raises ``InvalidContent`` with one entry per record that fails."""
        prepared = await self._preparer.stored(account, connection_id)
        plan = self._plan(prepared, import_model, mapping_only=True)
        records = _split(data)
        if plan.mapper.is_identity:
            return data
        run = self._open(prepared, plan, import_model, settings, None, None)
        redact = run.connection.redactor
        problems: list[Problem] = []
        mapped: list[bytes] = []
        for index, record in enumerate(records):
            submission = Submission(index, record)
            try:
                _map(plan, run, submission, plan.positions.choose(submission.pre))
            except MappingError as error:
                problems.append(Problem(error.code, redact(error.message), f"data.{index}", error.source))
            mapped.append(submission.post_raw)
            if index % _TURN == 0:
                await asyncio.sleep(0)  # mapping never waits: other calls want their turn
        if problems:
            raise InvalidContent(problems)
        return jsonvalue.join_array(mapped)

    def _open(
        self,
        prepared: Prepared,
        plan: Plan,
        import_model: Tree,
        settings: Tree,
        timeout: float | None,
        stats: RunStats | None,
    ) -> Run:
        """A run whose templates see what handlebars.md 2.1 lists for imports."""
        context = _context(prepared, import_model, settings)
        run = self._runs.open(prepared, "import", RUN_SECONDS, timeout, context=context, stats=stats)
        run.lookups = plan.mapper.static_lookups
        return run

    def _plan(self, prepared: Prepared, import_model: Tree, *, mapping_only: bool = False) -> Plan:
        """Compile the model; every problem of the model in one error, fields from the top of the request body."""
        connection = prepared.connection
        executor = self._runs.executor(prepared)
        notation = counting_block(import_model, connection.type)
        if not mapping_only:  # the mapping step alone asks no application (contract.md 2.11)
            adaptor_block(import_model, notation, "import")
        tree = decoded(http_import(import_model, connection.type))
        try:
            refuse_unsupported_import(tree, mapping_only=mapping_only)
            problems = check_import(tree)
            positions = Positions.of(tree, problems)
            importer = executor.importer(connection, tree, problems)
            mapper = self._mapper(tree, problems)
            unsupported = [problem for problem in problems if problem.code == "feature_not_supported"]
            if unsupported and not mapping_only:
                raise NotSupported(unsupported)
            if mapper is None or len(problems) > len(unsupported):
                raise InvalidContent(dict.fromkeys(problem for problem in problems if problem not in unsupported))
        except (InvalidContent, NotSupported) as error:
            raise type(error)(placed(problem, notation, "import") for problem in error.problems) from None
        return Plan(importer, mapper, positions)

    def _mapper(self, tree: Tree, problems: list[Problem]) -> RecordMapper | None:
        """The compiled mapping, or nothing and more ``problems``. Raises ``NotSupported``."""
        try:
            return self._mappings.compile(tree)
        except InvalidContent as error:
            problems.extend(error.problems)
            return None


class _Delivery:
    """The records of one call on their way; results keep the order of the input, one bad record never touches another."""

    def __init__(self, run: Run, plan: Plan, prepared: Prepared) -> None:
        self._run = run
        self._plan = plan
        self._workers = prepared.pool.level or _BURST_WORKERS
        self._mapping = asyncio.Lock()
        self._refused: Problem | None = refusal_of(prepared)

    async def deliver(self, records: Sequence[bytes]) -> list[RecordResult]:
        """Requests run in parallel as far as the connection's slots allow, started in the order of the input. Raises what is no
        matter of a record: ``NotSupported``."""
        results: list[RecordResult | None] = [None] * len(records)
        waiting: Iterator[tuple[int, bytes]] = iter(enumerate(records))

        async def work() -> None:
            for index, record in waiting:
                results[index] = await self._one(Submission(index, record))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, len(records))):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [result for result in results if result is not None]

    async def _one(self, submission: Submission) -> RecordResult:
        if self._refused is not None:
            return self._failed(submission, self._refused, status=401)
        run, plan = self._run, self._plan
        try:
            choice = plan.positions.choose(submission.pre if plan.positions.looks_at_records else None)
            if choice.ignored:
                return RecordResult(200, ignored=True)
            async with self._mapping:
                await asyncio.sleep(0)  # mapping never waits: one record a turn, so that other calls get theirs
                _map(plan, run, submission, choice)
            if run.deadline.left(run.clock) <= 0:
                return self._failed(submission, _NOT_SENT)
            (result,) = await plan.importer.submit(run, choice.position, [submission])
        except MappingError as error:
            return self._failed(submission, Problem(error.code, error.message, source=error.source))
        except AuthenticationFailed as failure:
            self._refused = failure.problems[0]
            return self._failed(submission, self._refused, status=401)
        except ApplicationFailure as failure:
            return self._failed(submission, _IN_DOUBT if failure.in_doubt else failure.problems[0])
        except InvalidContent as error:
            return self._failed(submission, error.problems[0])
        if result.status_code != 200:
            result.data_uri = plan.importer.data_uri(run, submission)
        return result

    def _failed(self, submission: Submission, problem: Problem, *, status: int = 422) -> RecordResult:
        message = self._run.connection.redactor(problem.message)
        uri = self._plan.importer.data_uri(self._run, submission)
        return RecordResult(status, errors=[(problem.code, message, problem.source or "mapping")], data_uri=uri)


def _map(plan: Plan, run: Run, submission: Submission, choice: Choice) -> None:
    if not plan.mapper.is_identity:
        submission.mapped(plan.mapper.map(submission.pre, choice.operation, run.scope({})))


def _split(data: bytes) -> list[bytes]:
    records = jsonvalue.split_array(data)
    if len(records) > MAXIMUM_RECORDS:
        message = f"data: at most {MAXIMUM_RECORDS} records in one call, {len(records)} were sent"
        raise InvalidContent(Problem("invalid_field", message, "data"))
    return records


def _context(prepared: Prepared, import_model: Tree, settings: Tree) -> Tree:
    own = decoded(import_model.get("settings")) or {}
    scopes = {"import": own, "connection": prepared.connection.settings}
    return {"import": decoded(import_model), "settings": {**scopes, **settings}, "job": {}}
