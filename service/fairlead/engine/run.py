"""One call at work: the connection, the time it has, and the one way to reach the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import Answer, ApplicationPage, Clock, Deadline, Json, RecordResult
from fairlead.engine.verdict import ResponseRules


@dataclass(slots=True)
class RunStats:
    """What a call cost at the application; goes into the log line of the request."""

    calls: int = 0
    seconds: float = 0.0


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
    send: Callable[[HttpRequest, ResponseRules], Awaitable[Answer]]
    context: Tree = field(default_factory=dict)
    """Names that templates see beside the executor's own: ``connection``, ``settings``, ``testMode``."""
    stats: RunStats = field(default_factory=RunStats)


@dataclass(slots=True)
class Submission:
    """One record on its way to the application: as it came in and as the mapping left it (raw JSON and decoded)."""

    index: int
    pre: Json
    post: Json
    post_raw: bytes


class Executor(Protocol):
    """One adaptor type (design: executors). ``check_*`` compile every template and path of a document and return all problems,
    fields relative to the document; the other calls raise ``ApplicationFailure`` and ``NotSupported``."""

    def check_connection(self, connection: Connection) -> Sequence[Problem]:
        """Problems of a connection that only show when it is compiled; called on save and before a virtual ping."""

    def check_export(self, connection: Connection, export: Tree) -> Sequence[Problem]:
        """The same for an export model in the ``http`` dialect."""

    def check_import(self, connection: Connection, import_model: Tree) -> Sequence[Problem]:
        """The same for an import model in the ``http`` dialect."""

    async def ping(self, run: Run) -> Answer:
        """One test request; the answer carries the verdict."""

    def pages(self, run: Run, export: Tree, position: Tree | None) -> AsyncIterator[ApplicationPage]:
        """The application's pages from ``position`` on (``None``: from the start)."""

    async def submit(self, run: Run, import_model: Tree, position: int, batch: Sequence[Submission]) -> list[RecordResult]:
        """Send one batch through position ``position`` of the import; one result per record, in order."""
