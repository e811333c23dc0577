"""What happens with a record before it is sent: filter, transform, children, existence, mapping (exports-imports.md 13)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from contextlib import aclosing

from fairlead.domain.errors import AuthenticationFailed, InvalidContent, Problem
from fairlead.domain.jsonvalue import JsonError
from fairlead.engine.batches import Ready
from fairlead.engine.import_plan import Plan, Steps, Transform
from fairlead.engine.lookups import DynamicLookups, RecordLookups, Refusal, settled
from fairlead.engine.ordered import Turns, each, in_order
from fairlead.engine.ports import Json, MappingError, RecordResult
from fairlead.engine.positions import Choice, Evidence
from fairlead.engine.results import Results
from fairlead.engine.run import DynamicLookup, Run, Submission

Failed = Callable[[Submission, Problem], None]
RecordError = (MappingError, InvalidContent, JsonError)
"""What is the matter of one record alone."""


def problem_of(error: Exception) -> Problem:
    """The problem of a record."""
    if isinstance(error, MappingError):
        source = "import_filter" if error.source == "filter" else error.source
        return Problem(error.code, error.message, source=source)
    if isinstance(error, InvalidContent):
        problem = error.problems[0]
        return Problem(problem.code, problem.message, source=problem.source or "mapping")
    return Problem("mapping_error", f"the record cannot be written: {error}", source="mapping")


class Preparation:
    """Prepares the records of one call. Records that go no further have their result when they are passed by: ``failed`` makes that of a
    failure."""

    def __init__(
        self, run: Run, plan: Plan, lookups: DynamicLookups, refusal: Refusal, results: Results, failed: Failed
    ) -> None:
        self._run = run
        self._plan = plan
        self._lookups = lookups
        self._refusal = refusal
        self._results = results
        self._failed = failed
        self._turns = Turns()

    async def ready(self, records: Sequence[bytes], ahead: Callable[[], int]) -> AsyncGenerator[Ready, None]:
        """The records that are to be sent, in order. ``ahead``: of so many the lookups are asked for at the same time."""
        window = ahead if self._plan.asks else 0
        async with (
            aclosing(in_order(each(enumerate(records)), self._opened, window)) as opened,
            aclosing(_flat(opened)) as submissions,
            aclosing(in_order(submissions, self._prepared, window)) as prepared,
        ):
            async for one in prepared:
                if one is not None:
                    yield one

    async def mapped(self, submission: Submission, *, deciding: bool = True) -> Choice:
        """Map one record by what will be done with it. ``deciding``: lookups that only decide that are run. Raises what is the matter of
        the record, and ``AuthenticationFailed``."""
        run, plan = self._run, self._plan
        lookups = self._lookups_of(plan.importer.lookups, lambda: submission.pre)
        evidence = self._evidence(submission, lookups) if deciding else None
        choice = await settled(
            lookups,
            lambda: plan.positions.choose(submission.pre if plan.positions.looks_at_records else None, evidence),
        )
        if choice.ignored and deciding:
            return choice
        if not plan.mapper.is_identity:
            scope = run.scope({}, dynamic=None if lookups is None else lookups.for_mapper)
            submission.mapped(await settled(lookups, lambda: plan.mapper.map(submission.pre, choice.operation, scope)))
        if deciding and lookups is not None:
            names = sorted(plan.importer.lookups_read(choice.position))
            submission.looked_up = await lookups.settled(lambda: lookups.results(names))
        return choice

    async def transformed(self, transform: Transform, value: Json) -> Json:
        """The value after a transform. Raises as ``mapped``."""
        lookups = self._lookups_of(transform.lookups, lambda: value)
        scope = self._run.scope({}, dynamic=None if lookups is None else lookups.for_mapper)
        return await settled(lookups, lambda: transform.rules.apply(value, scope))

    async def turn(self, submission: Submission) -> None:
        """Let other calls run now and then."""
        await self._turns.after(len(submission.pre_raw) if submission.child is None else 0)

    async def _opened(self, record: tuple[int, bytes]) -> list[Submission]:
        """The record after filter and transform, or its children; nothing when it goes no further."""
        submission = Submission(*record)
        await self.turn(submission)
        plan = self._plan
        if self._refusal.problem is not None:
            self._failed(submission, self._refusal.problem)
            return []
        try:
            if plan.steps is not None:
                passed = await self._passed(submission, plan.steps)
                if passed is None:
                    self._results.put(submission, RecordResult(200, ignored=True))
                    return []
                submission = passed
            if plan.many is None:
                return [submission]
            children = list(plan.many.children(submission))
        except RecordError as error:
            self._failed(submission, problem_of(error))
            return []
        except AuthenticationFailed as failure:
            self._refuse(submission, failure)
            return []
        self._results.expect(submission.index, len(children))
        return children

    async def _passed(self, submission: Submission, steps: Steps) -> Submission | None:
        if not steps.filter.passes_all and not steps.filter.passes(submission.own, self._run.scope({})):
            return None
        if steps.transform.rules.is_identity:
            return submission
        return Submission(submission.index, value=await self.transformed(steps.transform, submission.own))

    async def _prepared(self, submission: Submission) -> Ready | None:
        if submission.child is not None:
            await self.turn(submission)
        importer = self._plan.importer
        try:
            choice = await self.mapped(submission)
            if choice.ignored:
                self._results.put(submission, RecordResult(200, ignored=True))
                return None
            key = importer.lock_key(self._run, submission) if importer.locks else None
            return Ready(submission, choice.position, key)
        except RecordError as error:
            self._failed(submission, problem_of(error))
        except AuthenticationFailed as failure:
            self._refuse(submission, failure)
        return None

    def _refuse(self, submission: Submission, failure: AuthenticationFailed) -> None:
        """From here on no record of the call is sent (contract.md 4.4)."""
        self._refusal.problem = failure.problems[0]
        self._failed(submission, failure.problems[0])

    def _evidence(self, submission: Submission, lookups: RecordLookups | None) -> Evidence | None:
        importer, run = self._plan.importer, self._run

        def found(name: str) -> bool:
            return lookups is not None and lookups.has_value(name)

        def exists(name: str) -> bool:
            return lookups is not None and lookups.exists(name)

        return Evidence(exists, lambda: importer.uri_has_values(run, submission, found))

    def _lookups_of(self, table: Mapping[str, DynamicLookup], record: Callable[[], Json]) -> RecordLookups | None:
        return RecordLookups(self._lookups, table, record) if table else None


async def _flat(groups: AsyncIterable[list[Submission]]) -> AsyncGenerator[Submission, None]:
    async for group in groups:
        for submission in group:
            yield submission
