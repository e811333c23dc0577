"""What the engine needs from the parts around it, as Protocols. The engine imports none of those parts.

Concrete parts are chosen in ``fairlead.bootstrap`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.http import HttpRequest, HttpResponse

Json = Any
"""A decoded JSON value (``fairlead.domain.jsonvalue``): dict, list, str, int, bool, None; a number that is no plain integer is a
``msgspec.Raw`` that keeps its digits."""


# -- time ---------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time as a port (D14): tests move it by hand."""

    def now(self) -> datetime:
        """Wall clock, UTC, aware."""

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps; deadlines are points on it."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the clock's monotonic axis. ``callers`` is true when the caller set it (gRPC deadline), false for our own limit."""

    at: float
    callers: bool = False

    def left(self, clock: Clock) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - clock.monotonic())


# -- store --------------------------------------------------------------------------------------------------------


class DuplicateKey(Exception):
    """``insert`` met a document of the same kind with the same id or unique key."""


class StoreUnavailable(Exception):
    """The store is away; translated to 503."""


class Store(Protocol):
    """Documents by kind, account and id (D9). Every write is one atomic single-document operation, durable when it returns. Dates
    keep their milliseconds. Every call raises ``StoreUnavailable`` when the store is away or busy for too long; a call that is
    cancelled may have been carried out. One store serves one event loop."""

    async def insert(self, document: Document) -> None:
        """Store a new document; raises ``DuplicateKey``."""

    async def get(self, kind: str, account: AccountId, id: str) -> Document | None:
        """The document of that account, or nothing (also when it belongs to another account)."""

    async def find(self, kind: str, key: str) -> Document | None:
        """The document with that unique key, whatever its account: for tokens and accounts only."""

    async def list(
        self,
        kind: str,
        account: AccountId,
        *,
        filters: Mapping[str, Sequence[str]],
        skip: int = 0,
        limit: int = 1000,
    ) -> Sequence[Document]:
        """Documents in order of id; ``filters``: dotted path in ``fields`` -> accepted values (OR within, AND between)."""

    async def list_everywhere(self, kind: str, *, skip: int = 0, limit: int = 1000) -> Sequence[Document]:
        """Documents of all accounts, for the operator's commands only."""

    async def replace(self, document: Document) -> bool:
        """Put ``document`` in the place of version ``document.version - 1`` with runtime version ``document.runtime_version - 1``; false
        when either is gone. Raises ``DuplicateKey`` when its ``key`` is another document's."""

    async def replace_runtime(self, document: Document, runtime: Tree) -> Document | None:
        """Write ``runtime`` if the stored ``runtime_version`` is still ``document.runtime_version``; the new document, or nothing."""

    async def delete(self, kind: str, account: AccountId, id: str, *, version: int | None = None) -> bool:
        """Delete; with ``version`` only that version. False when nothing was deleted."""

    async def ping(self) -> None:
        """Raises ``StoreUnavailable`` when the store does not answer."""

    async def close(self) -> None:
        """Release connections and files."""


# -- templates ----------------------------------------------------------------------------------------------------


class Place(Enum):
    """Where a rendered text stands; decides how double braces format a value (handlebars.md 3)."""

    URI = "uri"
    JSON = "json"
    XML = "xml"
    FORM = "form"
    PLAIN = "plain"


class TemplateError(Exception):
    """A template cannot be compiled, or went over a bound while rendering. ``message`` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class RegexTime:
    """Seconds that the regular expressions of one call of the API may still take (handlebars.md 6.6)."""

    left: float = 2.0


@dataclass(slots=True)
class Scope:
    """What a template sees while it renders.

    ``context``: the names at the top level (handlebars.md 2.1). ``record_names``: when set, the members of ``context["record"]`` are
    names at the top level too, context names first. ``lookups``: static lookups by name, ``value -> result`` or ``None`` for no match.
    ``signing``: the members of ``hashOptions`` and ``hmacOptions`` of the request in the making, for ``hmac``, ``hash`` and ``aws4``;
    ``aws4`` adds ``X-Amz-Date`` and ``X-Amz-Security-Token`` to its ``headers`` when they are missing. ``regex_time`` is shared by the
    scopes of one call.
    """

    context: Mapping[str, Json] = field(repr=False)
    now: datetime
    lookups: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    signing: Callable[[], Mapping[str, Json]] | None = None
    record_names: bool = False
    regex_time: RegexTime = field(default_factory=RegexTime)


class Template(Protocol):
    """A compiled template."""

    @property
    def text(self) -> str:
        """The source."""

    @property
    def paths(self) -> frozenset[str]:
        """Dotted paths that it reads, as written (``export.http.paging.page``)."""

    @property
    def helpers(self) -> frozenset[str]:
        """Inline helpers that it calls."""

    def render(self, scope: Scope) -> str:
        """The text; raises ``TemplateError`` when a bound is exceeded or, in strict mode, a path finds nothing."""


class Templates(Protocol):
    """Compiles templates; compiling the same text twice is cheap."""

    def compile(self, text: str, place: Place, *, strict: bool = False) -> Template:
        """Raises ``TemplateError``."""


# -- mapping ------------------------------------------------------------------------------------------------------


class Operation(Enum):
    """What a record's request will do (exports-imports.md 9.4)."""

    CREATE = "create"
    UPDATE = "update"


class MappingError(Exception):
    """A record cannot be mapped: ``code`` ``mapping_error`` or ``lookup_no_match``, ``source`` ``mapping`` or ``lookup``."""

    def __init__(self, code: str, message: str, source: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.source = source


class RecordMapper(Protocol):
    """A compiled mapping with its lookups."""

    @property
    def is_identity(self) -> bool:
        """No rules: records come back unchanged, byte for byte, and need not be decoded."""

    @property
    def static_lookups(self) -> Mapping[str, Callable[[Json], Json]]:
        """Static lookups by name, for templates."""

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """The mapped record; raises ``MappingError``. ``scope.context`` holds the names beside the record's."""


class Mappings(Protocol):
    """Compiles ``mapping`` (1.0) and ``mappings`` (2.0) of an import tree."""

    def compile(self, import_tree: Tree) -> RecordMapper:
        """Raises ``InvalidContent`` with every problem at once (fields relative to the import) or ``NotSupported``."""


# -- codecs -------------------------------------------------------------------------------------------------------


class UnreadableBody(Exception):
    """A body is not what its media type says. ``message`` names the position, never the content."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Codec(Protocol):
    """One media type, both directions (connections.md 13.3, exports-imports.md 2)."""

    media_type: str
    """The word of the contract: ``json``."""
    content_type: str
    """What ``Content-Type`` and ``Accept`` say: ``application/json``."""

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The decoded body; ``None`` for an empty one. Raises ``UnreadableBody``."""

    def records(self, body: bytes, charset: str | None, resource_path: str | None) -> list[bytes] | None:
        """The records at ``resource_path`` as raw JSON text each, verbatim where the format is JSON (exports-imports.md 2.2).
        ``None`` when the path finds nothing. Raises ``UnreadableBody``."""

    def write(self, record: bytes) -> bytes:
        """A request body from one record (raw JSON text)."""

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """A request body from several records."""


# -- signing in ---------------------------------------------------------------------------------------------------


class Verdict(Enum):
    """What an answer means: exactly one (D7, connections.md 5.3)."""

    SUCCESS = "success"
    RATE_LIMITED = "rate_limited"
    AUTHENTICATION_FAILED = "authentication_failed"
    END_OF_PAGES = "end_of_pages"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its verdict. ``code`` and ``message`` are those of contract.md 1.16 when the verdict is no success."""

    response: HttpResponse
    verdict: Verdict
    value: Callable[[], Json]
    """The decoded body, by the media type of the resource and connection; decoded once, on demand. Raises ``UnreadableBody``."""
    codec: Codec | None = None
    """What reads this answer: by the configured media type, else ``Content-Type``; ``None`` when no codec of this build does."""
    charset: str | None = None
    code: str = ""
    message: str = ""


AuthFlow = Generator[HttpRequest, Answer, None]
"""A strategy at work: yields a request, receives its answer, yields the next; the last answer received is the result. No socket,
no await; every request it yields goes through the attempt loop (D8)."""


class AuthStrategy(Protocol):
    """One authentication type (connections.md 3)."""

    name: str

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Texts computed from the credentials that logs must mask too (the Base64 of basic)."""

    def flow(self, request: HttpRequest, http: Mapping[str, Json]) -> AuthFlow:
        """Sign ``request`` with the credentials of ``http`` (the connection's block in the ``http`` dialect, secrets in clear,
        templates rendered)."""


# -- transport ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransportProfile:
    """How to reach one connection's application. ``key`` names the connection: sockets and TLS sessions are never shared across keys."""

    key: str
    strict_tls: bool = True
    skip_authorization_on_redirect: bool = False
    first_byte: float = 60.0
    """Seconds until the first byte of an answer (connections.md 13.5; lookups and pages: 120)."""


class Transport(Protocol):
    """The only outbound sockets (D12)."""

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        """One request and its answer, the body bounded and decompressed. Raises ``TransportFailure``. Follows no redirect and sends
        nothing twice: that is the attempt loop's (connections.md 13.4, 13.5)."""

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        """Connect (and shake hands for https) without sending a request: a ping with nothing else to try. Raises
        ``TransportFailure``."""

    async def close(self) -> None:
        """Close every socket."""


# -- limits -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The limit of one pool: the lender's values when the connection borrows (connections.md 8)."""

    key: str
    level: int | None = None
    pause: float = 0.0
    """Seconds between the end of one answer and the start of the next request (connections.md 7.4)."""


class WaitTooLong(Exception):
    """A slot cannot be had before the deadline; ``seconds`` is what is still to wait (0 when unknown)."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("no slot before the deadline")
        self.seconds = seconds


class Pools(Protocol):
    """Concurrency, pacing and cool-down of every connection (connections.md 7, 8)."""

    def slot(
        self, settings: PoolSettings, deadline: Deadline, *, first: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Hold one slot: waits for its turn (``first``: at the head of the queue), the pause and the cool-down. Raises ``WaitTooLong``."""

    def cool_down(self, settings: PoolSettings, seconds: float | None) -> float:
        """Start a cool-down of the pool after a rate-limited answer; ``None``: back-off. Returns the seconds it really lasts
        (floor and cap of connections.md 7.2)."""

    def answered(self, settings: PoolSettings) -> None:
        """An answer that was not rate limited arrived: the row of cool-downs ends."""

    def waiting(self, key: str) -> int:
        """Requests waiting in the pool (``queues[].size``)."""


class RateLimiter(Protocol):
    """Our own leaky buckets (contract.md 1.14)."""

    def take(self, bucket: str, *, anonymous: bool = False) -> int:
        """Take one token of the account's bucket (of the remote address' when ``anonymous``); 0, or whole seconds to wait."""


# -- paging -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """What a paging strategy may look at after an answer: the response, its decoded body on demand, and counts."""

    request: HttpRequest
    response: HttpResponse
    body: Callable[[], Json]
    records: int
    """Raw records of this page."""
    requests_made: int
    """In this run, this one included."""
    records_so_far: int
    """In this run, this page included."""
    rendered: Callable[[str], str]
    """``relativeURI`` or ``body`` of the paging settings, rendered with this page as ``previous_page``."""


class PagingStrategy(Protocol):
    """One paging method (exports-imports.md 4): pure, its state is a small JSON object that travels to the client in the cursor."""

    name: str
    requires: tuple[str, ...]
    """Settings that the method cannot do without."""
    variable: str | None
    """Member of ``export.http.paging`` that a template must read, unless the engine writes the parameter itself (``argument``)."""
    rewrites: frozenset[str]
    """Which of ``relativeURI`` and ``body`` of the paging settings, when given, replace the export's own from the second request on."""

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """State of the first request."""

    def variables(self, state: Tree) -> Tree:
        """What templates see as ``export.http.paging`` beside the settings (``page``, ``skip``, ``token``)."""

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """State of the next request, or ``None`` at the end (rules 4 and 5). Keys with a meaning to the caller: ``uri`` and ``body``
        (texts to send instead of the rendered ones; ``uri`` may be absolute), ``query`` (parameters to set or replace). Raises
        ``ApplicationFailure`` (``paging_origin_mismatch``, ``invalid_response``)."""


# -- executors ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ApplicationPage:
    """One page of the application: raw records, the position that fetches this very page again, and the one of the page after it.
    Positions are small JSON objects: another process goes on from one alone."""

    records: list[bytes]
    position: Tree
    following: Tree | None
    """``None`` when the end of the paging is known."""
    total_pages: int | None = None
    total_records: int | None = None


@dataclass(slots=True)
class RecordResult:
    """The result of one record (contract.md 4.4)."""

    status_code: int
    id: str | None = None
    json: bytes | None = None
    ignored: bool = False
    errors: list[tuple[str, str, str]] = field(default_factory=list)
    """(code, message, source)."""
    data_uri: str | None = None


class Coordinator(Protocol):
    """What must hold across processes (D13). The main job runs with one process's implementation."""

    def once(self, key: str) -> AbstractAsyncContextManager[None]:
        """At most one holder of ``key`` at a time, waiters in order of arrival."""
