"""Pull records: all pages in one answer, or page by page (contract.md 2.6, 2.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.dates import parse_moment
from fairlead.domain.dialect import counting_block, http_export
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import InvalidContent, NotSupported, Problem
from fairlead.domain.rules.export import check_export
from fairlead.engine.model import adaptor_block, placed, refuse_unsupported_export
from fairlead.engine.paged_state import Cursor, PagedStates, StateScope, export_digest
from fairlead.engine.pages import cut
from fairlead.engine.ports import Json, Mappings
from fairlead.engine.prepare import Prepared, Preparer, decoded
from fairlead.engine.run import Exporter, Run, RunStats
from fairlead.engine.runs import RUN_SECONDS, Runs, refuse_offline

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


@dataclass(frozen=True, slots=True)
class Plan:
    """An export compiled for one call."""

    prepared: Prepared
    tree: Tree
    """The model in the ``http`` dialect, decoded."""
    written: Tree
    """The model as written, decoded."""
    notation: str | None
    exporter: Exporter
    lookups: Mapping[str, Callable[[Json], Json]]
    """Static lookups, for templates."""

    @property
    def paging_method(self) -> str | None:
        """The word of the ``http`` dialect."""
        method: str | None = ((self.tree.get("http") or {}).get("paging") or {}).get("method")
        return method

    @property
    def limit(self) -> int | None:
        """Raw records over all pages, when the export is a test (exports-imports.md 3.3)."""
        return int((self.tree.get("test") or {}).get("limit") or 1) if self.tree.get("type") == "test" else None


class Exports:
    """The two use cases. Raises 404, model errors, ``NotSupported``, ``ConditionNotMet`` (offline, state), ``ApplicationFailure``."""

    def __init__(self, preparer: Preparer, runs: Runs, states: PagedStates, mappings: Mappings) -> None:
        self._preparer = preparer
        self._runs = runs
        self._states = states
        self._mappings = mappings

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
        run = self._open(plan, data, timeout, stats)
        self._date(run, plan, post_data)
        records: list[bytes] = []
        size = 2
        with _placing(plan.notation):
            async with aclosing(plan.exporter.pages(run, None, whole_run=True)) as pages:
                async for page in pages:
                    records += page.records
                    if plan.limit is not None and len(records) >= plan.limit:
                        del records[plan.limit :]
                        break
                    size += sum(map(len, page.records)) + len(page.records)
                    if len(records) > MAXIMUM_RECORDS or size > MAXIMUM_BYTES:
                        raise _too_large()
            return Exported(records, plan.exporter.data_uris(run, records))

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
        run = self._open(plan, data, timeout, stats)
        if cursor is not None:
            run.context |= {LAST: cursor.last, CURRENT: cursor.current, START: cursor.current}
        else:
            self._date(run, plan, post_data)
        with _placing(plan.notation):
            return await self._cut(plan, run, scope, state or {}, cursor)

    async def _cut(self, plan: Plan, run: Run, scope: StateScope, state: Tree, cursor: Cursor | None) -> Exported:
        size = int(plan.tree.get("pageSize") or DEFAULT_PAGE_SIZE)
        taken = cursor.taken if cursor is not None else 0
        page = await cut(
            plan.exporter.pages(run, cursor.position if cursor is not None else None, whole_run=False),
            delivered=cursor.delivered if cursor is not None else 0,
            size=size,
            limit=None if plan.limit is None else plan.limit - taken,
        )
        following = None
        if page.position is not None:
            taken += len(page.records)
            dates = (run.context[LAST], run.context[CURRENT])
            following = Cursor(scope.method, page.position, page.delivered, taken, *dates)
        total_records = _known(page.total_records, state.get("totalRecords"))
        total_pages = -(-total_records // size) if total_records is not None else page.total_pages
        issued = self._states.issue(
            scope,
            page_index=state.get("pageIndex", 1) + 1,
            page_size=size,
            cursor=following,
            total_pages=_known(total_pages, state.get("totalPages")),
            total_records=total_records,
        )
        return Exported(page.records, plan.exporter.data_uris(run, page.records), state=issued)

    async def _plan(self, account: AccountId, connection_id: str, export: Tree) -> Plan:
        """Compile the model; every problem of the model in one error, fields from the top of the request body."""
        prepared = await self._preparer.stored(account, connection_id)
        connection = prepared.connection
        if export.get("_connectionId") not in (None, "", connection_id):
            message = "export._connectionId names another connection than the path"
            raise InvalidContent(Problem("invalid_field", message, "export._connectionId"))
        executor = self._runs.executor(prepared)
        notation = counting_block(export, connection.type)
        adaptor_block(export, notation, "export")
        tree = decoded(http_export(export, connection.type))
        with _placing(notation):
            refuse_unsupported_export(tree)
            problems = check_export(tree)
            exporter = executor.exporter(connection, tree, problems)
            unsupported = [problem for problem in problems if problem.code == "feature_not_supported"]
            if unsupported:
                raise NotSupported(unsupported)
            if problems:
                raise InvalidContent(problems)
            lookups = self._mappings.compile({"lookups": tree.get("lookups")}).static_lookups
        refuse_offline(prepared)
        return Plan(prepared, tree, decoded(export), notation, exporter, lookups)

    def _open(self, plan: Plan, data: bytes | None, timeout: float | None, stats: RunStats) -> Run:
        """A run whose templates see what handlebars.md 2.1 lists for exports."""
        scopes = {
            "export": plan.written.get("settings") or {},
            "connection": plan.prepared.connection.settings,
        }
        context: Tree = {"export": {**plan.written, "http": plan.tree.get("http") or {}}, "settings": scopes, "job": {}}
        if data is not None:
            record = jsonvalue.loads(data)
            context["record"] = record
            context["data"] = {**record, "_INITDATA": record} if isinstance(record, dict) else record
        run = self._runs.open(plan.prepared, "export", RUN_SECONDS, timeout, context=context, stats=stats)
        run.lookups = plan.lookups
        return run

    def _date(self, run: Run, plan: Plan, post_data: Mapping[str, Any]) -> None:
        """Give the templates of ``run`` the dates of exports-imports.md 3.1."""
        start = (plan.tree.get("delta") or {}).get("startDate") or BEGINNING
        last = _moment(post_data, LAST) or parse_moment(str(start))
        current = _moment(post_data, CURRENT) or run.clock.now()
        now = plan.exporter.date_text(current)
        run.context |= {LAST: plan.exporter.date_text(last), CURRENT: now, START: now}


@contextmanager
def _placing(notation: str | None) -> Iterator[None]:
    """Problems of the model are told with their field as written and from the top of the request body."""
    try:
        yield
    except (InvalidContent, NotSupported) as error:
        raise type(error)([placed(problem, notation, "export") for problem in error.problems]) from None


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
