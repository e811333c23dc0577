"""Push records: mapping, position, request, result, one by one and in order (exports-imports.md 9, 13; contract.md 2.10, 2.11)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.dialect import counting_block, http_import, written_field
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import (
    ApplicationFailure,
    AuthenticationFailed,
    FairleadError,
    InvalidContent,
    NotSupported,
    Problem,
)
from fairlead.domain.rules.import_model import check_import
from fairlead.engine.model import adaptor_block, refuse_unsupported_import
from fairlead.engine.ports import MappingError, Mappings, RecordMapper, RecordResult, Scope
from fairlead.engine.positions import Choice, Positions
from fairlead.engine.prepare import Prepared, Preparer, decoded
from fairlead.engine.run import Importer, Run, RunStats, Submission
from fairlead.engine.runs import RUN_SECONDS, Runs

MAXIMUM_RECORDS: Final = 10_000
"""Records in one call (contract.md 1.15)."""

_BURST_WORKERS: Final = 64
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
        if prepared.connection.offline:
            return [_offline() for _ in records]
        run = self._runs.open(
            prepared, "import", RUN_SECONDS, timeout, context=_context(prepared, import_model, settings), stats=stats
        )
        return await _Delivery(run, plan, prepared).deliver(records)

    async def map_records(
        self, account: AccountId, connection_id: str, import_model: Tree, data: bytes, settings: Tree
    ) -> bytes:
        """The mapped records as one JSON array. Raises ``InvalidContent`` with one entry per record that fails."""
        prepared = await self._preparer.stored(account, connection_id)
        plan = self._plan(prepared, import_model)
        records = _split(data)
        if plan.mapper.is_identity:
            return data
        run = self._runs.open(prepared, "import", RUN_SECONDS, None, context=_context(prepared, import_model, settings))
        problems: list[Problem] = []
        mapped: list[bytes] = []
        for index, record in enumerate(records):
            submission = Submission(index, record)
            try:
                _map(plan, run, submission, plan.positions.choose(submission.pre))
            except MappingError as error:
                problems.append(Problem(error.code, error.message, f"data.{index}", error.source))
            mapped.append(submission.post_raw)
        if problems:
            raise InvalidContent(problems)
        return jsonvalue.join_array(mapped)

    def _plan(self, prepared: Prepared, import_model: Tree) -> Plan:
        """Compile the model; every problem of the model in one error, fields from the top of the request body."""
        connection = prepared.connection
        notation = counting_block(import_model, connection.type)
        adaptor_block(import_model, notation, "import")
        tree = decoded(http_import(import_model, connection.type))
        try:
            refuse_unsupported_import(tree)
        except NotSupported as error:
            raise NotSupported([_placed(p, notation) for p in error.problems]) from None
        problems = check_import(tree)
        if problems:
            raise InvalidContent([_placed(p, notation) for p in problems])
        positions = Positions.of(tree, problems)
        importer = self._runs.executor(prepared).importer(connection, tree, problems)
        mapper: RecordMapper | None = None
        try:
            mapper = self._mappings.compile(tree)
        except NotSupported as error:
            raise NotSupported([_placed(p, notation) for p in error.problems]) from None
        except InvalidContent as error:
            problems.extend(error.problems)
        unsupported = [p for p in problems if p.code == "feature_not_supported"]
        if unsupported:
            raise NotSupported([_placed(p, notation) for p in unsupported])
        if problems or mapper is None:
            raise InvalidContent([_placed(p, notation) for p in problems])
        return Plan(importer, mapper, positions)


class _Delivery:
    """The records of one call on their way; results keep the order of the input, one bad record never touches another."""

    def __init__(self, run: Run, plan: Plan, prepared: Prepared) -> None:
        self._run = run
        self._plan = plan
        self._workers = prepared.pool.level or _BURST_WORKERS
        self._refused: AuthenticationFailed | None = None

    async def deliver(self, records: Sequence[bytes]) -> list[RecordResult]:
        """Requests run in parallel as far as the connection's slots allow, started in the order of the input."""
        results: list[RecordResult | None] = [None] * len(records)
        waiting: Iterator[tuple[int, bytes]] = iter(enumerate(records))

        async def work() -> None:
            for index, record in waiting:
                results[index] = await self._one(Submission(index, record))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._workers, len(records))):
                group.create_task(work())
        return [result for result in results if result is not None]

    async def _one(self, submission: Submission) -> RecordResult:
        if self._refused is not None:
            return _refused(self._refused)
        run, plan = self._run, self._plan
        try:
            choice = plan.positions.choose(submission.pre if plan.positions.looks_at_records else None)
            if choice.ignored:
                return RecordResult(200, ignored=True)
            _map(plan, run, submission, choice)
            if run.deadline.left(run.clock) <= 0:
                return self._failed(
                    submission, "connection_timeout", "not sent: the time of the call was over", "connection"
                )
            (result,) = await plan.importer.submit(run, choice.position, [submission])
        except MappingError as error:
            return self._failed(submission, error.code, error.message, error.source)
        except AuthenticationFailed as failure:
            self._refused = failure
            return _refused(failure)
        except ApplicationFailure as failure:
            problem = failure.problems[0]
            code = "in_doubt" if failure.in_doubt else problem.code
            return self._failed(submission, code, problem.message, problem.source or "application")
        except InvalidContent as error:
            problem = error.problems[0]
            return self._failed(submission, problem.code, problem.message, problem.source or "mapping")
        if result.status_code != 200:
            result.data_uri = plan.importer.data_uri(run, submission)
        return result

    def _failed(self, submission: Submission, code: str, message: str, source: str) -> RecordResult:
        uri = self._plan.importer.data_uri(self._run, submission)
        return RecordResult(422, errors=[(code, message, source)], data_uri=uri)


def _map(plan: Plan, run: Run, submission: Submission, choice: Choice) -> None:
    if not plan.mapper.is_identity:
        scope = Scope(run.context, run.clock.now())
        submission.mapped(plan.mapper.map(submission.pre, choice.operation, scope))


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


def _placed(problem: Problem, notation: str | None) -> Problem:
    """A problem of the model, its field as it was written and from the top of the request body."""
    if problem.field is not None and problem.field != "":
        field = written_field(problem.field, notation or "http", "import")
        message = problem.message.replace(problem.field, f"import.{field}", 1)
        return Problem(problem.code, message, f"import.{field}", problem.source)
    return Problem(problem.code, problem.message, "import", problem.source)


def _offline() -> RecordResult:
    message = "the connection is offline; ping it once its credentials are right"
    return RecordResult(401, errors=[("connection_offline", message, "connection")])


def _refused(failure: FairleadError) -> RecordResult:
    problem = failure.problems[0]
    return RecordResult(401, errors=[(problem.code, problem.message, "connection")])
