"""Hints between processes that a pool has changed: datagrams, never the truth, which is in the store (D13)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol, cast

import structlog

_LONGEST: Final = 200

log: Final = structlog.get_logger("fairlead.limits")


class Wakeups(Protocol):
    """How hints travel."""

    def send(self, address: str, key: str) -> None:
        """Tell that process to look at the pool again; it may get lost."""


class Datagrams(asyncio.DatagramProtocol):
    """``Wakeups`` over UDP. A hint that anybody may send costs its receiver one look into the store, for a pool that it has in use or a
    connection; connections are looked at one after the other."""

    def __init__(self, received: Callable[[str], None]) -> None:
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None
        self._addresses: dict[str, tuple[str, int]] = {}

    async def open(self, beacon: tuple[str, int]) -> str:
        """Listen where processes that reach ``beacon`` reach this one; the address, or nothing when there is no way: then everybody
        reads the store again now and then."""
        loop = asyncio.get_running_loop()
        try:
            (family, _, _, _, address), *_ = await loop.getaddrinfo(*beacon, type=socket.SOCK_DGRAM)
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(address)  # sends nothing
                host = probe.getsockname()[0]
            transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        except OSError as error:
            log.warning("no datagrams: other processes are noticed later", reason=error.strerror or str(error))
            return ""
        host, port = transport.get_extra_info("sockname")[:2]
        return f"{host}|{port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.DatagramProtocol``."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See ``asyncio.DatagramProtocol``."""
        if len(data) <= _LONGEST:
            self._received(data.decode(errors="replace"))

    def error_received(self, exc: Exception) -> None:
        """A process that is gone: it will not miss the hint."""

    def send(self, address: str, key: str) -> None:
        """See ``Wakeups``."""
        if not address or self._transport is None or self._transport.is_closing():
            return
        host, _, port = address.partition("|")
        self._transport.sendto(key.encode(), (host, int(port)))

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
