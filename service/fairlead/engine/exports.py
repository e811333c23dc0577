"""Pull records: all pages in one answer, or page by page (contract.md 2.6, 2.7)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.dates import parse_moment
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.engine.explain import Trace
from fairlead.engine.export_input import ExportInput
from fairlead.engine.export_plan import ExportPlanner, Plan
from fairlead.engine.lookups import DynamicLookups, Refusal
from fairlead.engine.once import CallBacks
from fairlead.engine.page_cache import PageCache, PageKey
from fairlead.engine.page_steps import PageSteps
from fairlead.engine.paged_state import Cursor, PagedStates, StateScope, export_digest
from fairlead.engine.pages import cut
from fairlead.engine.ports import ApplicationPage
from fairlead.engine.prepare import Preparer
from fairlead.engine.run import Run, RunStats
from fairlead.engine.runs import RUN_SECONDS, Runs

MAXIMUM_RECORDS: Final = 10_000
MAXIMUM_BYTES: Final = 20 << 20
"""What one answer of ``execute`` may hold (contract.md 1.15)."""

DEFAULT_PAGE_SIZE: Final = 20
LAST: Final = "lastExportDateTime"
CURRENT: Final = "currentExportDateTime"
START: Final = "exportStartTime"
BEGINNING: Final = "1970-01-01T00:00:00.000Z"
"""``lastExportDateTime`` of an export that never ran and has no start date (exports-imports.md 3.1)."""


@dataclass(slots=True)
class Exported:
    """Records as raw JSON, their data URIs (``""`` for none), records that failed, and the state of the next page."""

    records: list[bytes]
    data_uris: list[str]
    errors: list[Problem] = field(default_factory=list)
    state: Tree | None = None


@dataclass(slots=True)
class ExportRun:
    """One call at work on a plan: what its templates see, and where problems of single records gather."""

    plan: Plan
    run: Run
    input: ExportInput
    steps: PageSteps
    errors: list[Problem]

    @classmethod
    def open(
        cls,
        runs: Runs,
        plan: Plan,
        data: bytes | None,
        timeout: float | None,
        stats: RunStats,
        trace: Trace | None = None,
    ) -> ExportRun:
        """Templates see what handlebars.md 2.1 lists for exports. ``trace`` notes the requests of the export itself."""
        scopes = {"export": plan.written.get("settings") or {}, "connection": plan.prepared.connection.settings}
        names: Tree = {"export": {**plan.written, "http": plan.tree.get("http") or {}}, "settings": scopes, "job": {}}
        run, asking = (
            runs.open(plan.prepared, purpose, RUN_SECONDS, timeout, context=names, stats=stats, trace=noted)
            for purpose, noted in (("export", trace), ("lookup", None))
        )
        run.lookups = asking.lookups = plan.static_lookups
        asking.regex_time = run.regex_time
        errors: list[Problem] = []
        lookups = DynamicLookups(asking, Refusal())
        asked = ExportInput(plan, run, data, lookups, errors)
        return cls(plan, run, asked, PageSteps(plan, run, lookups, errors), errors)

    def dates(self, post_data: Mapping[str, Any]) -> None:
        """Give templates the dates of exports-imports.md 3.1."""
        plan, run = self.plan, self.run
        start = (plan.tree.get("delta") or {}).get("startDate") or BEGINNING
        last = _moment(post_data, LAST) or parse_moment(str(start))
        current = _moment(post_data, CURRENT) or run.clock.now()
        now = plan.exporter.date_text(current)
        run.context |= {LAST: plan.exporter.date_text(last), CURRENT: now, START: now}

    def goes_on(self, cursor: Cursor) -> None:
        """Give templates the dates of the run that a state belongs to."""
        self.run.context |= {LAST: cursor.last, CURRENT: cursor.current, START: cursor.current}

    async def finished(self, raws: list[bytes]) -> Exported:
        """The answer for these raw records: transform, filter, data URIs, callbacks (exports-imports.md 8). What has more than 20 MiB is
        not decoded: it cannot be delivered."""
        if sum(map(len, raws)) > MAXIMUM_BYTES:
            raise _too_large()
        records, uris = await self.steps.finished(raws)
        if sum(map(len, records)) > MAXIMUM_BYTES:
            raise _too_large()
        if self.plan.calls_back:
            self.errors += await CallBacks(self.plan, self.run).send(raws)
        return Exported(records, uris, self.errors)


class Exports:
    """The two use cases. Raises 404, model errors, ``NotSupported``, ``ConditionNotMet`` (offline, state), ``ApplicationFailure``."""

    def __init__(
        self, preparer: Preparer, runs: Runs, states: PagedStates, planner: ExportPlanner, cache: PageCache
    ) -> None:
        self._preparer = preparer
        self._runs = runs
        self._states = states
        self._planner = planner
        self._cache = cache

    async def execute(
        self,
        account: AccountId,
        connection_id: str,
        export: Tree,
        post_data: Mapping[str, Any],
        data: bytes | None,
        timeout: float | None,
        stats: RunStats,
    ) -> Exported:
        """All pages of the application joined. ``post_data``: ``lastExportDateTime`` and ``currentExportDateTime``; ``data``: the
        record that templates see, raw JSON. Raises ``InvalidContent`` with ``export_too_large``, never a part."""
        plan = await self._plan(account, connection_id, export)
        call = ExportRun.open(self._runs, plan, data, timeout, stats)
        call.dates(post_data)
        records: list[bytes] = []
        size = 2
        with plan.placing():
            async with aclosing(call.input.pages(None, whole_run=True)) as pages:
                async for page in pages:
                    if plan.limit is not None and len(records) + len(page.records) >= plan.limit:
                        records += page.records[: plan.limit - len(records)]
                        break
                    if len(records) + len(page.records) > MAXIMUM_RECORDS:
                        raise _too_large()
                    for record in page.records:
                        records.append(record)
                        size += len(record) + 1
                        if size > MAXIMUM_BYTES:
                            raise _too_large()
            return await call.finished(records)

    async def page(
        self,
        account: AccountId,
        connection_id: str,
        export: Tree,
        state: Tree | None,
        post_data: Mapping[str, Any],
        data: bytes | None,
        timeout: float | None,
        stats: RunStats,
    ) -> Exported:
        """The first page, or the one that ``state`` fetches. After a state that is done: nothing, no state and no request."""
        plan = await self._plan(account, connection_id, export)
        scope = StateScope(account, "connection", connection_id, export_digest(export), plan.paging_method)
        cursor = self._states.read(scope, state) if state is not None else None
        if state is not None and cursor is None:
            return Exported([], [])
        call = ExportRun.open(self._runs, plan, data, timeout, stats)
        if cursor is not None:
            call.goes_on(cursor)
        else:
            call.dates(post_data)
        with plan.placing():
            return await self._cut(call, scope, state or {}, cursor, data)

    async def _cut(
        self, call: ExportRun, scope: StateScope, state: Tree, cursor: Cursor | None, data: bytes | None
    ) -> Exported:
        plan = call.plan
        size = int(plan.tree.get("pageSize") or DEFAULT_PAGE_SIZE)
        taken = cursor.taken if cursor is not None else 0
        dates = (call.run.context[LAST], call.run.context[CURRENT])
        keys = _Keys(plan, scope, dates, data)
        kept = self._cache.find(keys.at(cursor.position), cursor.kept) if cursor is not None and cursor.kept else None
        page = await cut(
            _pages(call, cursor, kept),
            delivered=cursor.delivered if cursor is not None else 0,
            size=size,
            limit=None if plan.limit is None else plan.limit - taken,
        )
        exported = await call.finished(page.records)
        following = None
        name = self._kept(keys, page.in_progress, kept, cursor)
        if page.position is not None:
            taken += len(page.records)
            following = Cursor(scope.method, page.position, page.delivered, taken, *dates, name)
        total_records = _known(page.total_records, state.get("totalRecords"))
        total_pages = -(-total_records // size) if total_records is not None else page.total_pages
        exported.state = self._states.issue(
            scope,
            page_index=state.get("pageIndex", 1) + 1,
            page_size=size,
            cursor=following,
            total_pages=_known(total_pages, state.get("totalPages")),
            total_records=total_records,
        )
        return exported

    def _kept(
        self, keys: _Keys, page: ApplicationPage | None, before: ApplicationPage | None, cursor: Cursor | None
    ) -> str:
        """The name of the page in progress, for the state: the one that it has, or a new one. The page ``before`` it is used up."""
        if cursor is not None and page is not None and page is before:
            return cursor.kept
        if cursor is not None and before is not None:
            self._cache.drop(keys.at(cursor.position), cursor.kept)
        return self._cache.keep(keys.at(page.position), page) if page is not None else ""

    async def _plan(self, account: AccountId, connection_id: str, export: Tree) -> Plan:
        """Compile the model; every problem of the model in one error, fields from the top of the request body."""
        prepared = await self._preparer.stored(account, connection_id)
        if export.get("_connectionId") not in (None, "", connection_id):
            message = "export._connectionId names another connection than the path"
            raise InvalidContent(Problem("invalid_field", message, "export._connectionId"))
        return self._planner.plan(prepared, export)


@dataclass(frozen=True, slots=True)
class _Keys:
    """To whom the kept pages of one call belong."""

    plan: Plan
    scope: StateScope
    dates: tuple[str, str]
    data: bytes | None

    def at(self, position: Tree) -> PageKey:
        """The key of the page at that position."""
        seen = jsonvalue.canonical([*self.dates, self.plan.prepared.connection.version])
        digest = hashlib.sha256(b"\0".join((seen, self.scope.export.encode(), self.data or b"")))
        return PageKey(
            self.scope.account, self.scope.kind, self.scope.resource, digest.hexdigest(), jsonvalue.canonical(position)
        )


async def _pages(
    call: ExportRun, cursor: Cursor | None, kept: ApplicationPage | None
) -> AsyncGenerator[ApplicationPage, None]:
    """The application's pages from the state on, the first of them without a request when this process holds it."""
    position = cursor.position if cursor is not None else None
    if kept is not None:
        yield kept
        if kept.following is None:
            return
        position = kept.following
    async with aclosing(call.input.pages(position, whole_run=False)) as pages:
        async for page in pages:
            yield page


def _moment(post_data: Mapping[str, Any], name: str) -> datetime | None:
    value = post_data.get(name)
    if value in (None, ""):
        return None
    try:
        return parse_moment(jsonvalue.text_of(value))
    except ValueError:
        field = f"postData.{name}"
        message = f"{field} must be an ISO 8601 date, or seconds or milliseconds since 1970"
        raise InvalidContent(Problem("invalid_field", message, field)) from None


def _known(value: int | None, before: int | None) -> int | None:
    return value if value is not None else before


def _too_large() -> InvalidContent:
    message = f"the export has more than {MAXIMUM_RECORDS} records or {MAXIMUM_BYTES >> 20} MiB; pull it page by page with /export/pages"
    return InvalidContent(Problem("export_too_large", message))
