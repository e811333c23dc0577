"""One call at work: the connection, the time it has, and the one way to reach the application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
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
    context: Tree = field(default_factory=dict, repr=False)
    """Names that templates see beside the executor's own: ``connection`` (with its secrets in clear), ``settings``, ``testMode``."""
    stats: RunStats = field(default_factory=RunStats)
    lookups: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    """Static lookups of the resource, for templates."""
    regex_time: RegexTime = field(default_factory=RegexTime)

    def scope(self, names: Mapping[str, Json], *, record_names: bool = False) -> Scope:
        """What a template of this run sees: its context with ``names`` over it."""
        return Scope(
            {**self.context, **names},
            self.clock.now(),
            self.lookups,
            record_names=record_names,
            regex_time=self.regex_time,
        )


class Submission:
    """One record on its way to the application: as it came in and as the mapping left it, decoded only when somebody looks."""

    __slots__ = ("_post", "_pre", "index", "post_raw", "pre_raw")

    def __init__(self, index: int, pre_raw: bytes) -> None:
        self.index = index
        self.pre_raw = pre_raw
        self.post_raw = pre_raw
        self._pre: Json = _UNREAD
        self._post: Json = _UNREAD

    @property
    def pre(self) -> Json:
        """The record before the mapping."""
        if self._pre is _UNREAD:
            self._pre = jsonvalue.loads(self.pre_raw)
        return self._pre

    @property
    def post(self) -> Json:
        """The record after the mapping."""
        if self._post is _UNREAD:
            self._post = self.pre if self.post_raw is self.pre_raw else jsonvalue.loads(self.post_raw)
        return self._post

    def mapped(self, post: Json) -> None:
        """Take the mapping's result."""
        self._post = post
        self.post_raw = jsonvalue.dumps(post)


class Importer(Protocol):
    """An import compiled for one connection."""

    async def submit(self, run: Run, position: int, batch: Sequence[Submission]) -> list[RecordResult]:
        """Send one batch through position ``position``; one result per record, in order. Raises ``ApplicationFailure`` when the
        request as a whole has no usable answer."""

    def data_uri(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``dataURITemplate``, for the result of a record that failed."""


class Exporter(Protocol):
    """An export compiled for one connection."""

    def pages(self, run: Run, position: Tree | None, *, whole_run: bool) -> AsyncGenerator[ApplicationPage, None]:
        """The application's pages from ``position`` on (``None``: from the start). ``whole_run``: the loop guard looks back over every
        request of this run, else over those that the position remembers. Raises ``ApplicationFailure``."""

    def data_uris(self, run: Run, records: Sequence[bytes]) -> list[str]:
        """The rendered ``dataURITemplate`` of each record, ``""`` for none."""

    def date_text(self, moment: datetime) -> str:
        """A date as templates of this export see it (exports-imports.md 3.1)."""


class Executor(Protocol):
    """One adaptor type (design: executors). ``check_connection``, ``importer`` and ``exporter`` compile every template and path and
    add what is wrong to ``problems``, fields relative to the document in the ``http`` dialect."""

    def check_connection(self, connection: Connection) -> list[Problem]:
        """Problems of a connection that only show when it is compiled."""

    def importer(self, connection: Connection, import_model: Tree, problems: list[Problem]) -> Importer:
        """Compile an import in the ``http`` dialect."""

    def exporter(self, connection: Connection, export: Tree, problems: list[Problem]) -> Exporter:
        """Compile an export in the ``http`` dialect."""

    async def ping(self, run: Run) -> Answer | None:
        """One test request; the answer carries the verdict. Nothing when connecting was all that could be tried."""
