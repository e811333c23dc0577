"""A server on a real socket that says exactly the bytes it is told to, and counts what arrives."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Peer:
    """One request on one connection, and the ways to answer it."""

    head: str
    body: bytes
    writer: asyncio.StreamWriter
    number: int
    """Requests of the whole server, this one included."""

    @property
    def target(self) -> str:
        """Method and path."""
        return " ".join(self.head.split(" ")[:2])

    @property
    def headers(self) -> dict[str, str]:
        """Header fields, names in lower case."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return {name.lower(): value.strip() for name, _, value in lines if name}

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: str, body: bytes = b"", *headers: str) -> None:
        """A proper answer with its length."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.say("\r\n".join(lines).encode() + body)

    def hang_up(self) -> None:
        """Close, as a server that is done."""
        self.writer.close()

    def reset(self) -> None:
        """Close with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Peer], Awaitable[None]]


@dataclass
class RawServer:
    """Answers each request as ``behaviour`` says; ``connections`` and ``requests`` are what came in."""

    behaviour: Behaviour
    connections: int = 0
    hung_up: int = 0
    """Connections that the client closed."""
    requests: list[Peer] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """The URL of a path here."""
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{path}"

    @property
    def targets(self) -> list[str]:
        """Method and path of every request."""
        return [peer.target for peer in self.requests]

    async def __aenter__(self) -> RawServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except asyncio.CancelledError:
            pass  # the stream's own callback would report it as an error
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.hung_up += 1
        finally:
            with suppress(ConnectionError):
                writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
            )
            peer = Peer(head, await reader.readexactly(length), writer, len(self.requests) + 1)
            self.requests.append(peer)
            await self.behaviour(peer)
