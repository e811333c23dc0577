"""What happens with the records of an answer: transform, filter, data URIs (exports-imports.md 6, 7, 8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.jsonvalue import JsonError
from fairlead.engine.export_plan import Plan
from fairlead.engine.lookups import DynamicLookups, RecordLookups, settled
from fairlead.engine.ordered import Turns, each, in_order
from fairlead.engine.ports import Json, MappingError
from fairlead.engine.run import Run

_UNREAD: Final = object()
_AHEAD: Final = 32
"""Records of a page whose lookups are asked for at the same time."""
_SOURCES: Final = {"filter": "output_filter", "mapping": "transformation"}


class PageRecord:
    """One record of an answer, decoded when somebody looks and encoded when somebody changed it. ``number`` counts the raw records of
    the answer from 1."""

    __slots__ = ("_raw", "_value", "number")

    def __init__(self, number: int, raw: bytes | None = None, value: Json = _UNREAD) -> None:
        self.number = number
        self._raw = raw
        self._value = value

    @property
    def value(self) -> Json:
        """The record, decoded."""
        if self._value is _UNREAD:
            self._value = jsonvalue.loads(self.raw)
        return self._value

    @property
    def raw(self) -> bytes:
        """The record as JSON. Raises ``JsonError`` when it cannot be written."""
        if self._raw is None:
            self._raw = jsonvalue.dumps(self._value)
        return self._raw


Records = Sequence[PageRecord]


def numbered(records: Sequence[bytes]) -> list[PageRecord]:
    """The raw records of an answer."""
    return [PageRecord(number, raw) for number, raw in enumerate(records, start=1)]


class PageSteps:
    """The steps of one call. Problems of records gather in ``errors``; the records are left out."""

    def __init__(self, plan: Plan, run: Run, lookups: DynamicLookups, errors: list[Problem]) -> None:
        self._plan = plan
        self._run = run
        self._lookups = lookups
        self._errors = errors
        self._turns = Turns()

    async def finished(self, raws: Sequence[bytes]) -> tuple[list[bytes], list[str]]:
        """The records after transform and filter, and their data URIs (``""`` for none). Where nothing looks at the records they pass as
        they are. Raises ``InvalidContent`` for a data URI that goes over the bounds of a template."""
        if self._plan.steps.is_identity:
            names = self._plan.exporter.names_data
            return list(raws), await self.data_uris(numbered(raws)) if names else [""] * len(raws)
        records = await self.filtered(await self.transformed(numbered(raws)))
        return [record.raw for record in records], await self.data_uris(records)

    async def data_uris(self, records: Records) -> list[str]:
        """The rendered ``dataURITemplate`` of each record, ``""`` without one. Raises ``InvalidContent``."""
        exporter = self._plan.exporter
        if not exporter.names_data:
            return [""] * len(records)
        uris: list[str] = []
        for record in records:
            await self._turns.after(len(record.raw))
            uris.append(exporter.data_uri(self._run, record.value))
        return uris

    async def transformed(self, records: Records) -> Records:
        """The records after the transform."""
        steps = self._plan.steps
        if steps.transform.is_identity:
            return records
        plain = self._run.scope({})

        async def apply(record: PageRecord) -> PageRecord:
            if not steps.lookups:
                made = PageRecord(record.number, value=steps.transform.apply(record.value, plain))
            else:
                lookups = RecordLookups(self._lookups, steps.lookups, lambda: record.value)
                scope = self._run.scope({}, dynamic=lookups.for_mapper)
                value = await settled(lookups, lambda: steps.transform.apply(record.value, scope))
                made = PageRecord(record.number, value=value)
            made.raw  # noqa: B018  # written here, so that what cannot be written is told as this record's problem
            return made

        return await self._each(records, apply, _AHEAD if steps.lookups else 0, "transformation")

    async def filtered(self, records: Records) -> Records:
        """The records that pass the filter, as they are."""
        rules = self._plan.steps.filter
        if rules.passes_all:
            return records
        scope = self._run.scope({})

        async def passes(record: PageRecord) -> PageRecord | None:
            return record if rules.passes(record.value, scope) else None

        return await self._each(records, passes, 0, "output_filter")

    async def _each(
        self, records: Records, step: Callable[[PageRecord], Awaitable[PageRecord | None]], ahead: int, source: str
    ) -> Records:
        async def one(record: PageRecord) -> PageRecord | None:
            await self._turns.after(len(record.raw))
            try:
                return await step(record)
            except (MappingError, InvalidContent, JsonError) as error:
                self._errors.append(self._told(record, error, source))
                return None

        async with aclosing(in_order(each(records), one, ahead)) as outcomes:
            return [record async for record in outcomes if record is not None]

    def _told(self, record: PageRecord, error: Exception, source: str) -> Problem:
        if isinstance(error, MappingError):
            code, message, source = error.code, error.message, _SOURCES.get(error.source, error.source)
        elif isinstance(error, InvalidContent):
            code, message = error.problems[0].code, error.problems[0].message
        else:
            code, message = "mapping_error", f"the record cannot be written: {error}"
        return record_problem(self._plan, self._run, record, Problem(code, message, source=source))


def record_problem(plan: Plan, run: Run, record: PageRecord, problem: Problem) -> Problem:
    """The problem of one record, which the message names by its ``traceKeyTemplate``, else by its number."""
    key = plan.exporter.trace_key(run, record.value) if plan.exporter.traces else ""
    name = f"record {key!r}" if key else f"record {record.number}"
    message = run.connection.redactor(f"{name}: {problem.message}")
    return Problem(problem.code, message, source=problem.source)
