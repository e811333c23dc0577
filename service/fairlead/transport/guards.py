"""What aiohttp is not left to do by itself: resend, reuse a spoiled socket, send too late, take a reset for an end, read 1xx answers for ever.

Each guard answers a measured default of the library (D12); the tests in ``tests/integration/transport`` fail without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import (
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ConnectionTimeoutError,
    ServerDisconnectedError,
)
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from fairlead.domain.http import HttpResponse, TransportFailure

MAX_INTERIM_ANSWERS: Final = 32
"""1xx answers before the final one."""


class SpoiledConnection(Exception):
    """An idle connection holds bytes that nobody asked for: an answer read from it could be somebody else's."""


class Interrupted(Exception):
    """The connection broke after it was established. No subclass of aiohttp's errors: on those the session sends PUT, DELETE and
    the like again by itself."""


class GuardedProtocol(ResponseHandler):
    """Counts 1xx answers, and tells a reset from the end of a body that has no announced length."""

    _interim = 0
    heard = False
    """Whether any message came on this connection."""

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """One message head; called by the parser's loop, which may hold more of them than are welcome."""
        if self.exception() is not None:
            return
        self.heard = True
        if 100 <= data[0].code < 200 and data[0].code != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM_ANSWERS:
                message = f"more than {MAX_INTERIM_ANSWERS} interim answers (1xx)"
                self.set_exception(
                    TransportFailure("response_too_large", message)
                )  # whoever reads it closes the socket
                return
        else:
            self._interim = 0
        super().feed_data(data, size)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is gone; with an error, a body in progress is not complete."""
        body = self._payload
        if exc is not None and body is not None and not body.is_eof():
            body.set_exception(ClientOSError(None, "connection lost"))
        super().connection_lost(exc)


class GuardedRequest(ClientRequest):
    """Goes out only on a clean connection and while it may, and remembers that it went."""

    attempt: Attempt
    started = False
    fresh = False
    """It went out on a connection on which nothing had come yet."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request. Raises ``SpoiledConnection``; the connection is then closed by the caller."""
        if conn.protocol is None or conn.protocol.should_close:
            raise SpoiledConnection
        if not self.attempt.may_send():
            raise _too_late()
        self.started = True
        self.fresh = isinstance(conn.protocol, GuardedProtocol) and not conn.protocol.heard
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write the body, and before it the head, which waited for it: a turn of the event loop later, in which the process may have been
        paused."""
        if self.attempt.may_send():
            await super().write_bytes(writer, conn, content_length)
        elif conn.protocol is not None:
            conn.protocol.set_exception(_too_late())


class Attempt:
    """One try of one request, as a middleware of the session: takes another connection when the pooled one is spoiled, and turns
    what aiohttp would answer with a silent resend into ``Interrupted``. ``may_send`` is asked right before the first byte leaves."""

    __slots__ = ("_request", "head", "may_send")

    def __init__(self, may_send: Callable[[], bool]) -> None:
        self._request: ClientRequest | None = None
        self.may_send = may_send
        self.head: HttpResponse | None = None
        """Of an answer whose body broke off."""

    @property
    def sent(self) -> bool:
        """Whether any byte of the request may have left."""
        return isinstance(self._request, GuardedRequest) and self._request.started

    @property
    def fresh(self) -> bool:
        """Whether it went out as the first request of its connection."""
        return isinstance(self._request, GuardedRequest) and self._request.fresh

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Connect and send. Raises ``Interrupted`` and aiohttp's connection errors."""
        self._request = request
        if isinstance(request, GuardedRequest):
            request.attempt = self
        while True:
            try:
                return await handler(request)
            except SpoiledConnection:
                continue  # that connection is closed now, so the pool runs out of them
            except (ClientConnectorError, ConnectionTimeoutError):
                raise
            except (ClientOSError, ServerDisconnectedError) as error:
                raise Interrupted(str(error)) from error


def _too_late() -> TransportFailure:
    message = "the process was paused, or has no heartbeat; the request was not sent so that the limit holds"
    return TransportFailure("connection_error", message, sent=False, repeatable=True)
