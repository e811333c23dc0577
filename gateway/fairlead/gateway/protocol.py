"""HTTP that cannot be parsed, answered in our own words.

aiohttp's default quotes the offending bytes in the answer and in the log; they may be half an ``Authorization`` header.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from aiohttp import web

from fairlead.contract.problems import INVALID_JSON
from fairlead.gateway.errors import Refused
from fairlead.gateway.load import Load
from fairlead.gateway.shedding import early_answer, is_whole


class Protocol(web.RequestHandler):
    """One connection. What the process cannot take on is refused before it is parsed, where that is possible."""

    __slots__ = ("_has_part", "_load")

    def __init__(self, server: HttpServer, load: Load, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._load = load
        self._has_part = False

    def data_received(self, data: bytes) -> None:
        """Called by the loop: bytes of the client."""
        if self._awaits_request() and not self._has_part and not self._load.stopping and is_whole(data):
            seconds = self._load.refusal()
            if seconds and self.transport is not None:
                assert isinstance(self.transport, asyncio.WriteTransport)
                self.transport.write(early_answer(data, seconds))
                self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                return
        super().data_received(data)
        self._has_part = self._awaits_request()

    def _awaits_request(self) -> bool:
        """Whether nothing is being read or answered: the next byte begins a request, or goes on with its header."""
        return self._waiter is not None and not self._waiter.done()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """400 for what is no HTTP/1.1 within the bounds of a header; the connection is closed.

        A method that the parser does not know is such a thing: it gives up at the first line, before the header with the token.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        refused = Refused.because(status, INVALID_JSON, "the request is not valid HTTP/1.1, or its header is too long")
        answer = refused.answer()
        headers = {**dict(answer.headers), "X-Request-Id": secrets.token_hex(16), "Server": "fairlead"}
        response = web.Response(status=status, body=answer.body, headers=headers)
        response.force_close()
        return response


class HttpServer(web.Server):
    """Makes a ``Protocol`` of ours for each connection."""

    def __init__(self, handler: Any, load: Load, **options: Any) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._load = load
        self._options = options

    def __call__(self) -> Protocol:
        """Called by the listener for each new connection."""
        return Protocol(self, self._load, **self._options)
