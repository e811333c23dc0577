"""Both ends of ``bench/overload.py`` that must cost little: a client that opens a connection when none is idle, and an application.

``python bench/wire.py`` is the application: it prints its port and serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

MOST_CONNECTIONS: Final = 4000
GONE: Final = 0
"""Stands for the status of a request whose connection broke."""
LATE: Final = -1
"""Stands for a request that found no connection free: the client's own bound."""


class Wire(asyncio.Protocol):
    """One keep-alive connection that asks one thing at a time; cheap, so that the server is what is measured."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.closed = False
        self._answer: asyncio.Future[int] | None = None
        self._head = b""
        self._left = 0
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._done(GONE)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            self._status = int(head[9:12])
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._left = length - (len(self._head) - end - 4)
            self._head = b""
            if b"connection: close" in head:
                self.closed = True
        if self._left <= 0:
            self._left = 0
            self._done(self._status)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send; the status."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def _done(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)


class Rest:
    """Asks one request over as many connections as it needs."""

    def __init__(self, address: str, request: bytes, most: int = MOST_CONNECTIONS) -> None:
        self._host, _, self._port = address.partition(":")
        self._request = request
        self._most = most
        self._idle: list[Wire] = []
        self._open = 0

    async def ask(self) -> int:
        """One request; its status, or why there is none."""
        while self._idle:
            wire = self._idle.pop()
            if not wire.closed:
                break
            self._open -= 1
        else:
            if self._open >= self._most:
                return LATE
            self._open += 1
            try:
                _, wire = await asyncio.get_running_loop().create_connection(Wire, self._host, int(self._port))
            except OSError:
                self._open -= 1
                return GONE
        status = await wire.ask(self._request)
        if wire.closed:
            self._open -= 1
            wire.transport.close()
        else:
            self._idle.append(wire)
        return status

    async def close(self) -> None:
        """Close what is idle."""
        for wire in self._idle:
            wire.transport.close()


class Applied(asyncio.Protocol):
    """The application: answers every request ``{"id":1}`` after as many seconds as its path says (``/0.1``)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._head = b""
        self._left = 0
        self._wait = 0.0

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            at = head.find(b"content-length:")
            self._left = (int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0) - (len(self._head) - end - 4)
            self._wait = float(head.split(b" ", 2)[1].strip(b"/"))
            self._head = b""
        if self._left == 0:
            asyncio.get_running_loop().call_later(self._wait, self._answer)

    def _answer(self) -> None:
        self._transport.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}')


async def application() -> None:
    """Serve until stdin ends; the port on stdout."""
    server = await asyncio.get_running_loop().create_server(Applied, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(application())
