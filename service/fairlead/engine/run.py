"""One call at work: the connection, the time it has, and the one way to reach the application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fairlead.domain import jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import Answer, ApplicationPage, Clock, Deadline, Json, RecordResult, RegexTime, Scope
from fairlead.engine.verdict import ResponseRules

_UNREAD = object()


@dataclass(slots=True)
class RunStats:
    """What a call cost at the application; goes into the log line of the request."""

    calls: int = 0
    seconds: float = 0.0


class Send(Protocol):
    """The attempt loop as executors see it."""

    async def __call__(
        self, request: HttpRequest, rules: ResponseRules, rebuild: Callable[[], HttpRequest] | None = None
    ) -> Answer:
        """The answer to ``request``; ``rebuild`` makes the same request anew when it has to be repeated."""


@dataclass(slots=True)
class Run:
    """Handed to executors. ``send`` is the attempt loop (D8): signs, waits for a slot, sends, judges, repeats where allowed. It returns
    an answer with the verdict SUCCESS, END_OF_PAGES or FAILED, and raises ``fairlead.domain.errors.ApplicationFailure`` when
    there is no usable answer, authentication failed for good or the rate limit outlasts the deadline."""

    connection: Connection
    deadline: Deadline
    clock: Clock
    purpose: str
    """``ping``, ``export``, ``import`` or ``lookup``: the resource type of the debug log (contract.md 2.5)."""
    send: Send
    reach: Callable[[str], Awaitable[None]]
    """Connect to a URL through the slot of the connection without sending a request."""
    sign_in: Callable[[], Awaitable[bool]]
    """The authentication step alone: get credentials anew; false when the connection has nothing to get."""
    level: Callable[[], int | None]
    """The level of the pool that the connection uses now; nothing in burst mode."""
    change: Callable[[], Awaitable[object]]
    """Wait until the limits of some connection change, from the call on."""
    context: Tree = field(default_factory=dict, repr=False)
    """Names that templates see beside the executor's own: ``connection`` (with its secrets in clear), ``settings``, ``testMode``."""
    stats: RunStats = field(default_factory=RunStats)
    lookups: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    """Static lookups of the resource, for templates."""
    regex_time: RegexTime = field(default_factory=RegexTime)

    def scope(
        self,
        names: Mapping[str, Json],
        *,
        record_names: bool = False,
        dynamic: Callable[[str], Json] | None = None,
    ) -> Scope:
        """What a template of this run sees: its context with ``names`` over it. ``dynamic``: results of dynamic lookups for the record in
        hand."""
        return Scope(
            {**self.context, **names},
            self.clock.now(),
            self.lookups,
            record_names=record_names,
            dynamic=dynamic,
            regex_time=self.regex_time,
        )


class Submission:
    """One record on its way to the application: as it came in and as the mapping left it, decoded only when somebody looks.

    ``index`` is the place of its record in the call, ``child`` its place among the children of that record (exports-imports.md 9.8):
    templates and mapping then see the record above as ``_PARENT``, which is no part of the body unless they put it there.
    """

    __slots__ = ("_own", "_own_raw", "_post", "_post_raw", "_pre", "child", "index", "looked_up", "parent")

    def __init__(
        self,
        index: int,
        raw: bytes | None = None,
        *,
        value: Json = _UNREAD,
        child: int | None = None,
        parent: Json = None,
    ) -> None:
        self.index = index
        self.child = child
        self.parent = parent
        self.looked_up: Mapping[str, Json] = {}
        """Results of the dynamic lookups that the templates of its request read."""
        self._own_raw = raw
        self._own: Json = value
        self._pre: Json = _UNREAD
        self._post_raw: bytes | None = None
        self._post: Json = _UNREAD

    @property
    def pre_raw(self) -> bytes:
        """The record before the mapping, as JSON, without ``_PARENT``."""
        if self._own_raw is None:
            self._own_raw = jsonvalue.dumps(self._own)
        return self._own_raw

    @property
    def own(self) -> Json:
        """The record before the mapping, without ``_PARENT``."""
        if self._own is _UNREAD:
            self._own = jsonvalue.loads(self.pre_raw)
        return self._own

    @property
    def pre(self) -> Json:
        """The record before the mapping, as templates and mapping see it."""
        if self._pre is _UNREAD:
            self._pre = self._with_parent(self.own)
        return self._pre

    @property
    def post_raw(self) -> bytes:
        """The record after the mapping, as JSON."""
        return self.pre_raw if self._post_raw is None else self._post_raw

    @property
    def post(self) -> Json:
        """The record after the mapping."""
        return self.own if self._post_raw is None else self._post

    @property
    def post_seen(self) -> Json:
        """The record after the mapping, as templates of the body see it."""
        return self._with_parent(self.post)

    def _with_parent(self, record: Json) -> Json:
        if self.child is None or not isinstance(record, dict):
            return record
        return {"_PARENT": self.parent, **record}

    def mapped(self, post: Json) -> None:
        """Take the mapping's result. Raises ``JsonError`` when it cannot be written."""
        self._post_raw = jsonvalue.dumps(post)
        self._post = post


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records that share one request, and its body; or the ``problem`` that keeps them from being sent."""

    position: int
    records: Sequence[Submission]
    body: bytes | None = None
    problem: Problem | None = None


class DynamicLookup(Protocol):
    """A dynamic lookup, compiled for one connection (exports-imports.md 12)."""

    @property
    def name(self) -> str:
        """By which mapping and templates call it."""

    @property
    def extract(self) -> str | None:
        """Where the result stands in the answer; nothing: the whole body."""

    @property
    def allow_failures(self) -> bool:
        """No match is no failure of the record."""

    @property
    def default(self) -> Json:
        """The result of no match where that is allowed; ``NOTHING`` for none."""

    @property
    def uses(self) -> frozenset[str]:
        """Other dynamic lookups whose results its templates read."""

    def request(self, run: Run, record: Json, results: Mapping[str, Json]) -> HttpRequest:
        """The request for a record (before the mapping); ``results`` are those of ``uses``. Raises ``InvalidContent`` and
        ``MappingError``."""

    def key(self, request: HttpRequest) -> Hashable:
        """What makes two requests of a call the same question."""

    async def ask(self, run: Run, build: Callable[[], HttpRequest]) -> Mapping[str | None, Json]:
        """The results in the application's answer by ``extract``: of this lookup and of those that ask the same; ``NOTHING`` for no
        match. Raises ``MappingError`` with source ``lookup`` and ``AuthenticationFailed``."""


class Importer(Protocol):
    """An import compiled for one connection."""

    @property
    def batch_size(self) -> int:
        """Records in one request, at most."""

    @property
    def locks(self) -> bool:
        """Whether there is an ``idLockTemplate``."""

    @property
    def lookups(self) -> Mapping[str, DynamicLookup]:
        """The dynamic lookups of the document and its adaptor block, by name."""

    def lookups_read(self, position: int) -> frozenset[str]:
        """Dynamic lookups whose results the templates of that position's request read."""

    def uri_has_values(self, run: Run, submission: Submission, found: Callable[[str], bool]) -> bool:
        """Whether every lookup that the URI of the first position uses has a value for this record (exports-imports.md 9.4); ``found`` says
        it of the dynamic ones."""

    def lock_key(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``idLockTemplate``; nothing when it renders to nothing. Raises ``InvalidContent`` and ``MappingError``."""

    def parcels(self, run: Run, position: int, batch: Sequence[Submission]) -> Iterator[Parcel]:
        """The requests of one batch, in order: more than one when a body would be too long. Made when they are asked for."""

    async def submit(self, run: Run, parcel: Parcel) -> list[RecordResult]:
        """Send one parcel; one result per record, in order. Raises ``ApplicationFailure`` when the request as a whole has no usable
        answer, ``InvalidContent`` and ``MappingError`` when it cannot be made."""

    def data_uri(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``dataURITemplate``, for the result of a record that failed."""


class Exporter(Protocol):
    """An export compiled for one connection."""

    def pages(self, run: Run, position: Tree | None, *, whole_run: bool) -> AsyncGenerator[ApplicationPage, None]:
        """The application's pages from ``position`` on (``None``: from the start). ``whole_run``: the loop guard looks back over every
        request of this run, else over those that the position remembers. Raises ``ApplicationFailure``."""

    @property
    def names_data(self) -> bool:
        """Whether there is a ``dataURITemplate``."""

    def data_uri(self, run: Run, record: Json) -> str:
        """The rendered ``dataURITemplate`` of a record, ``""`` for none. Raises ``InvalidContent``."""

    @property
    def traces(self) -> bool:
        """Whether there is a ``traceKeyTemplate``."""

    def trace_key(self, run: Run, record: Json) -> str:
        """The rendered ``traceKeyTemplate``, by which errors name the record; ``""`` for none, or one that does not render."""

    def lookups_read(self, names: Collection[str]) -> frozenset[str]:
        """Which of these dynamic lookups the templates of its requests read."""

    async def call_back(self, run: Run, record: Json) -> Problem | None:
        """Send the ``once`` callback for one raw record; why it failed (exports-imports.md 3.2). Raises ``ApplicationFailure`` when there is
        no usable answer and ``InvalidContent`` when it cannot be made."""

    def first_request(self, run: Run) -> HttpRequest:
        """The first request, not yet signed. Raises ``InvalidContent``."""

    async def ask(self, run: Run) -> Answer:
        """Send the first request. Raises ``ApplicationFailure``."""

    async def records_of(self, answer: Answer) -> Sequence[bytes]:
        """The raw records in a good answer to it. Raises ``ApplicationFailure`` (``invalid_response``)."""

    def date_text(self, moment: datetime) -> str:
        """A date as templates of this export see it (exports-imports.md 3.1)."""


class Executor(Protocol):
    """One adaptor type (design: executors). ``check_connection``, ``importer`` and ``exporter`` compile every template and path and
    add what is wrong to ``problems``, fields relative to the document in the ``http`` dialect."""

    def check_connection(self, connection: Connection) -> list[Problem]:
        """Problems of a connection that only show when it is compiled."""

    def importer(self, connection: Connection, import_model: Tree, problems: list[Problem]) -> Importer:
        """Compile an import in the ``http`` dialect."""

    def lookups(
        self, connection: Connection, document: Tree, entries: Sequence[tuple[str, Tree]], problems: list[Problem]
    ) -> Mapping[str, DynamicLookup]:
        """Compile the dynamic lookups among ``entries`` (each with its field) of a document in the ``http`` dialect; a later one wins on
        equal names."""

    def exporter(self, connection: Connection, export: Tree, problems: list[Problem]) -> Exporter:
        """Compile an export in the ``http`` dialect."""

    async def ping(self, run: Run) -> Answer | None:
        """One test request; the answer carries the verdict. Nothing when connecting was all that could be tried."""
