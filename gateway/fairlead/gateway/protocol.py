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


class Protocol(web.RequestHandler):
    """One connection."""

    __slots__ = ()

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

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._options = options

    def __call__(self) -> Protocol:
        """Called by the listener for each new connection."""
        return Protocol(self, loop=asyncio.get_running_loop(), **self._options)
