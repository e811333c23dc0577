"""Push records, or map them only: the two use cases of imports (exports-imports.md 9, 13; contract.md 2.10, 2.11)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import AuthenticationFailed, ConditionNotMet, InvalidContent, Problem
from fairlead.domain.jsonwalk import is_large, walked_elements
from fairlead.engine.delivery import Delivery
from fairlead.engine.import_plan import Plan, Planner
from fairlead.engine.lookups import DynamicLookups, Refusal
from fairlead.engine.ordered import each, in_order
from fairlead.engine.ports import Expressions, Mappings, RecordResult
from fairlead.engine.preparation import Preparation, RecordError, problem_of
from fairlead.engine.prepare import Prepared, Preparer, decoded
from fairlead.engine.results import Results
from fairlead.engine.run import Run, RunStats, Submission
from fairlead.engine.runs import RUN_SECONDS, Runs, refusal_of

MAXIMUM_RECORDS: Final = 10_000
"""Records in one call (contract.md 1.15)."""
_MAPPED_AHEAD: Final = 32
"""Records of a call of ``map_records`` whose lookups are asked for at the same time."""


class Imports:
    """The two use cases: import, and mapping alone."""

    def __init__(self, preparer: Preparer, runs: Runs, mappings: Mappings, expressions: Expressions) -> None:
        self._preparer = preparer
        self._runs = runs
        self._planner = Planner(mappings, expressions)

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
        plan = self._planner.plan(self._runs.executor(prepared), prepared, import_model)
        records = _split(data)
        run, asking = self._open(prepared, plan, import_model, settings, timeout, stats)
        return await Delivery(run, asking, plan, prepared, records).deliver()

    async def map_records(
        self, account: AccountId, connection_id: str, import_model: Tree, data: bytes, settings: Tree
    ) -> bytes:
        """The mapped records, or their mapped children, as one JSON array. Raises ``InvalidContent`` with one entry per record that
        fails, and ``ConditionNotMet`` or ``ApplicationFailure`` when lookups cannot be asked for."""
        prepared = await self._preparer.stored(account, connection_id)
        executor = self._runs.executor(prepared)
        plan = self._planner.plan(executor, prepared, import_model, mapping_only=True)
        records = _split(data)
        if plan.mapper.is_identity and plan.many is None:
            return data
        run, asking = self._open(prepared, plan, import_model, settings, None, RunStats())
        refusal = Refusal(refusal_of(prepared))
        lookups = DynamicLookups(asking, refusal)
        results = Results(0)
        preparation = Preparation(run, plan, lookups, refusal, results, lambda submission, problem: None)
        redact = run.connection.redactor
        problems: dict[int, Problem] = {}

        async def one(submission: Submission) -> bytes:
            await preparation.turn(submission)
            try:
                await preparation.mapped(submission, deciding=False)
                return submission.post_raw
            except RecordError as error:
                problem = problem_of(error)
                field = f"data.{submission.index}"
                problems.setdefault(
                    submission.index, Problem(problem.code, redact(problem.message), field, problem.source)
                )
                return b"null"

        window = _MAPPED_AHEAD if plan.asks else 0
        try:
            async with (
                aclosing(_submissions(plan, records)) as submissions,
                aclosing(in_order(submissions, one, window)) as mapped,
            ):
                found = [record async for record in mapped]
        except AuthenticationFailed as failure:
            raise ConditionNotMet(failure.problems) if refusal.problem is not None else failure from None
        if problems:
            raise InvalidContent(problems[index] for index in sorted(problems))
        return jsonvalue.join_array(found)

    def _open(
        self,
        prepared: Prepared,
        plan: Plan,
        import_model: Tree,
        settings: Tree,
        timeout: float | None,
        stats: RunStats,
    ) -> tuple[Run, Run]:
        """The run of the records and that of their lookups; templates see what handlebars.md 2.1 lists for imports."""
        context = _context(prepared, import_model, settings)
        run, asking = (
            self._runs.open(prepared, purpose, RUN_SECONDS, timeout, context=context, stats=stats)
            for purpose in ("import", "lookup")
        )
        run.lookups = asking.lookups = plan.mapper.static_lookups
        asking.regex_time = run.regex_time
        return run, asking


async def _submissions(plan: Plan, records: Sequence[bytes]) -> AsyncGenerator[Submission, None]:
    async for index, record in each(enumerate(records)):
        submission = Submission(index, record)
        if plan.many is None:
            yield submission
            continue
        for child in plan.many.children(submission):
            yield child


def _split(data: bytes) -> list[bytes]:
    text = jsonvalue.checked(data)
    # Ten thousand are too many: the millions that a body has room for are not even cut.
    records = list(islice(walked_elements(text), MAXIMUM_RECORDS + 1)) if is_large(text) else jsonvalue.elements(text)
    if len(records) > MAXIMUM_RECORDS:
        message = f"data: at most {MAXIMUM_RECORDS} records in one call, more were sent"
        raise InvalidContent(Problem("invalid_field", message, "data"))
    return records


def _context(prepared: Prepared, import_model: Tree, settings: Tree) -> Tree:
    own = decoded(import_model.get("settings")) or {}
    scopes = {"import": own, "connection": prepared.connection.settings}
    return {"import": decoded(import_model), "settings": {**scopes, **settings}, "job": {}}
