"""The records of one call on their way: sent in parallel, one bad record never touching another (exports-imports.md 9.7, 13)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, Problem
from fairlead.engine.batches import Batch, Batches
from fairlead.engine.crew import BURST, share_out, width
from fairlead.engine.import_plan import Plan, Transform
from fairlead.engine.lookups import DynamicLookups, Refusal
from fairlead.engine.ports import RecordResult
from fairlead.engine.preparation import Preparation, RecordError, problem_of
from fairlead.engine.prepare import Prepared
from fairlead.engine.results import Results
from fairlead.engine.run import Parcel, Run, Submission
from fairlead.engine.runs import refusal_of

_NOT_SENT: Final = Problem("connection_timeout", "not sent: the time of the call was over", source="connection")
_IN_DOUBT: Final = Problem(
    "in_doubt", "sent, and the time of the call was over before an answer came; it is not sent again", source="internal"
)


class Delivery:
    """Results keep the order of the input. ``asking`` is the run of the dynamic lookups."""

    def __init__(self, run: Run, asking: Run, plan: Plan, prepared: Prepared, records: Sequence[bytes]) -> None:
        self._run = run
        self._plan = plan
        self._records = records
        self._refusal = Refusal(refusal_of(prepared))
        self._results = Results(len(records))
        lookups = DynamicLookups(asking, self._refusal)
        self._preparation = Preparation(run, plan, lookups, self._refusal, self._results, self._fail)

    async def deliver(self) -> list[RecordResult]:
        """Requests run in parallel as far as the connection's slots allow, started in the order of the input. Raises what is no
        matter of a record: ``NotSupported``."""
        if self._refusal.problem is not None:
            for index, record in enumerate(self._records):
                self._fail(Submission(index, record), self._refusal.problem)
            return self._results.all()
        importer, wide = self._plan.importer, partial(width, self._run)
        async with aclosing(self._preparation.ready(self._records, wide)) as ready:
            batches = Batches(ready, importer.batch_size)

            async def send_next() -> bool:
                batch = await batches.next()
                if batch is not None:
                    await self._send(batch)
                return batch is not None

            # Records that wait for their lock key must not keep others from the slots.
            size = (lambda: BURST) if importer.locks else wide
            most = len(self._records) if self._plan.many is None else BURST
            await share_out(self._run, send_next, size, most)
        return self._results.all()

    async def _send(self, batch: Batch) -> None:
        try:
            await batch.turn()
            for parcel in self._plan.importer.parcels(self._run, batch.position, batch.records):
                await self._submit(parcel)
        finally:
            batch.done.set()

    async def _submit(self, parcel: Parcel) -> None:
        run = self._run
        if self._refusal.problem is not None:
            return self._fail_all(parcel, self._refusal.problem)
        if parcel.problem is not None:
            return self._fail_all(parcel, parcel.problem)
        if run.deadline.left(run.clock) <= 0:
            return self._fail_all(parcel, _NOT_SENT)
        try:
            results = await self._plan.importer.submit(run, parcel)
        except AuthenticationFailed as failure:
            self._refusal.problem = failure.problems[0]
            return self._fail_all(parcel, failure.problems[0])
        except ApplicationFailure as failure:
            return self._fail_all(parcel, _IN_DOUBT if failure.in_doubt else failure.problems[0])
        except RecordError as error:
            return self._fail_all(parcel, problem_of(error))
        response = None if self._plan.steps is None else self._plan.steps.response
        for submission, result in zip(parcel.records, results, strict=True):
            if response is not None and not response.rules.is_identity:
                await self._reshape(response, submission, result)
            if result.status_code != 200:
                result.data_uri = self._plan.importer.data_uri(run, submission)
            self._results.put(submission, result)
        return None

    async def _reshape(self, response: Transform, submission: Submission, result: RecordResult) -> None:
        """``responseTransform``: what the application said, by the rules. The record is where it is already: when they fail, its result
        says so and keeps the answer as it came."""
        if result.json is None:
            return
        try:
            await self._preparation.turn(submission)
            value = await self._preparation.transformed(response, jsonvalue.loads(result.json))
            result.json = jsonvalue.dumps(value)
        except (*RecordError, AuthenticationFailed) as error:
            problem = error.problems[0] if isinstance(error, AuthenticationFailed) else problem_of(error)
            message = self._run.connection.redactor(problem.message)
            result.errors.append((problem.code, message, problem.source or "transformation"))

    def _fail_all(self, parcel: Parcel, problem: Problem) -> None:
        for submission in parcel.records:
            self._fail(submission, problem)

    def _fail(self, submission: Submission, problem: Problem) -> None:
        """The result of a record that was not sent, or has no answer."""
        message = self._run.connection.redactor(problem.message)
        uri = self._plan.importer.data_uri(self._run, submission)
        status = 401 if problem is self._refusal.problem else 422
        result = RecordResult(status, errors=[(problem.code, message, problem.source or "mapping")], data_uri=uri)
        self._results.put(submission, result)
