"""What a lookup export is asked about: the record of the call, or its children one after another (exports-imports.md 1.1, 3.4)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.engine.export_plan import Plan
from fairlead.engine.lookups import DynamicLookups, RecordLookups, settled
from fairlead.engine.ports import ApplicationPage, Json, MappingError
from fairlead.engine.run import Run, Submission

_SOURCES: Final = {"filter": "input_filter"}


@dataclass(frozen=True, slots=True)
class Question:
    """One round of requests: the run whose templates see its record. ``index`` is its place among the children, ``is_last`` that of the
    last one."""

    index: int
    run: Run
    is_last: bool = True


class ExportInput:
    """The questions of one call. An element that cannot be asked about is a problem in ``errors``; without a record in the call it ends the
    call."""

    def __init__(
        self, plan: Plan, run: Run, data: bytes | None, lookups: DynamicLookups, errors: list[Problem]
    ) -> None:
        self._plan = plan
        self._run = run
        self._data = data
        self._lookups = lookups
        self._errors = errors

    async def questions(self, start: int = 0) -> AsyncGenerator[Question, None]:
        """From that place on; none when ``inputFilter`` does not let the record pass. Raises ``InvalidContent`` for a call without a record
        whose lookups fail."""
        if self._data is None:
            try:
                yield Question(0, await self._asking(None, None))
            except MappingError as error:
                raise InvalidContent(Problem(error.code, error.message, source=error.source)) from None
            return
        try:
            if not self._plan.input.filter.passes_all:
                scope = self._run.scope({})
                if not self._plan.input.filter.passes(jsonvalue.loads(self._data), scope):
                    return
        except MappingError as error:
            self._errors.append(self._problem(error, "the record of the call"))
            return
        elements = self._elements()
        for index, submission in enumerate(elements[start:], start=start):
            try:
                run = await self._asking(submission, await self._mapped(submission))
            except MappingError as error:
                name = "the record of the call" if self._plan.input.many is None else f"element {index + 1}"
                self._errors.append(self._problem(error, name))
                continue
            yield Question(index, run, index == len(elements) - 1)

    async def pages(self, position: Tree | None, *, whole_run: bool) -> AsyncGenerator[ApplicationPage, None]:
        """The application's pages of all questions, joined in order. With ``oneToMany`` a position names its question too."""
        many = self._data is not None and self._plan.input.many is not None
        start, at = (position["question"], position["at"]) if many and position is not None else (0, position)
        async with aclosing(self.questions(start)) as questions:
            async for question in questions:
                first = at if question.index == start else None
                async with aclosing(self._plan.exporter.pages(question.run, first, whole_run=whole_run)) as pages:
                    async for page in pages:
                        yield _placed(page, question) if many else page

    def _elements(self) -> list[Submission]:
        record = Submission(0, self._data)
        many = self._plan.input.many
        return [record] if many is None else list(many.children(record))

    async def _mapped(self, submission: Submission) -> Json:
        mapper = self._plan.input.mapper
        if mapper.is_identity:
            return submission.pre
        lookups = self._of(submission.pre)
        scope = self._run.scope({}, dynamic=None if lookups is None else lookups.for_mapper)
        mapped = await settled(lookups, lambda: mapper.map(submission.pre, None, scope))
        if submission.child is not None and isinstance(mapped, dict):
            return {"_PARENT": submission.parent, **mapped}
        return mapped

    async def _asking(self, submission: Submission | None, record: Json) -> Run:
        """The run with the record, and the lookups that its templates read, among the names that templates see (handlebars.md 2.1)."""
        names: Tree = {}
        if submission is not None:
            names["record"] = record
            names["data"] = {**record, "_INITDATA": submission.pre} if isinstance(record, dict) else record
        lookups = self._of(record if submission is not None else {})
        if lookups is not None and self._plan.input.read:
            read = sorted(self._plan.input.read)
            names["lookup"] = await lookups.settled(lambda: lookups.results(read))
        return replace(self._run, context={**self._run.context, **names})

    def _of(self, record: Json) -> RecordLookups | None:
        table = self._plan.input.lookups
        return RecordLookups(self._lookups, table, lambda: record) if table else None

    def _problem(self, error: MappingError, name: str) -> Problem:
        message = self._run.connection.redactor(f"{name}: {error.message}")
        return Problem(error.code, message, source=_SOURCES.get(error.source, error.source))


def _placed(page: ApplicationPage, question: Question) -> ApplicationPage:
    """A page that stands for one of several questions; totals of one question say nothing about all."""
    following: Tree | None = None
    if page.following is not None:
        following = {"question": question.index, "at": page.following}
    elif not question.is_last:
        following = {"question": question.index + 1, "at": None}
    return ApplicationPage(page.records, {"question": question.index, "at": page.position}, following)
