"""Tells the application of each record that was pulled (exports-imports.md 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, InvalidContent, Problem
from fairlead.engine.crew import width
from fairlead.engine.export_plan import Plan
from fairlead.engine.ordered import Turns, each, in_order
from fairlead.engine.page_steps import PageRecord, numbered, record_problem
from fairlead.engine.run import Run

_SOURCE: Final = "application"


class CallBacks:
    """The callbacks of one page, in parallel as far as the connection's slots allow."""

    def __init__(self, plan: Plan, run: Run) -> None:
        self._plan = plan
        self._run = run
        self._refusal: Problem | None = None
        self._turns = Turns()

    async def send(self, raws: Sequence[bytes]) -> list[Problem]:
        """One callback per raw record; a problem, in the order of the records, for each that failed. Raises ``ApplicationFailure`` when
        the caller's own deadline is over."""
        async with aclosing(in_order(each(numbered(raws)), self._one, partial(width, self._run))) as outcomes:
            return [problem async for problem in outcomes if problem is not None]

    async def _one(self, record: PageRecord) -> Problem | None:
        await self._turns.after(len(record.raw))
        problem = self._refusal or await self._told(record)
        if problem is None:
            return None
        told = Problem(problem.code, f"the once callback failed: {problem.message}", source=_SOURCE)
        return record_problem(self._plan, self._run, record, told)

    async def _told(self, record: PageRecord) -> Problem | None:
        try:
            return await self._plan.exporter.call_back(self._run, record.value)
        except AuthenticationFailed as failure:
            self._refusal = failure.problems[0]
            return self._refusal
        except ApplicationFailure as failure:
            if failure.deadline:
                raise
            return failure.problems[0]
        except InvalidContent as error:
            return error.problems[0]
