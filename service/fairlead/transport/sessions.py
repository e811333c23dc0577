"""One aiohttp session with one connector per connection, closed when nobody used it for a while (D12)."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver

from fairlead.engine.ports import Clock, TransportProfile
from fairlead.transport.guards import GuardedProtocol, GuardedRequest

IDLE_SECONDS: Final = 60.0
MOST_SESSIONS: Final = 256
"""Beyond so many the longest unused one is closed: a connection that is not stored leaves a session at each call."""
_SWEEP_SECONDS: Final = 15.0
_MAX_LINE: Final = 16 * 1024
_MAX_HEADERS: Final = 200
_AUTOMATIC_HEADERS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")  # requests bring their own

Key = tuple[str, bool, str]


@dataclass(slots=True)
class _Entry:
    session: ClientSession
    users: int = 0
    idle_since: float = 0.0


class Sessions:
    """Sessions by connection and TLS settings: sockets are never shared across connections, nor across identities of one."""

    def __init__(self, resolver: AbstractResolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._entries: dict[Key, _Entry] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def of(self, profile: TransportProfile) -> AsyncIterator[ClientSession]:
        """The connection's session; it stays open as long as somebody is inside."""
        key = (profile.key, profile.strict_tls, profile.identity.digest if profile.identity else "")
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(self._open())
            if self._sweeper is None or self._sweeper.done():
                self._sweeper = asyncio.create_task(self._sweep())
        entry.users += 1
        try:
            yield entry.session
        finally:
            entry.users -= 1
            entry.idle_since = self._clock.monotonic()
            if self._entries.get(key) is entry:
                self._entries[key] = self._entries.pop(key)  # to the end: the order is that of the last use
            if len(self._entries) > MOST_SESSIONS:
                self._retire_oldest()

    def __len__(self) -> int:
        return len(self._entries)

    async def close(self) -> None:
        """Close every session, used or not."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for key in list(self._entries):
            self._retire(key)
        await asyncio.gather(*self._closing)

    def _open(self) -> ClientSession:
        connector = TCPConnector(resolver=self._resolver, limit=0, ttl_dns_cache=10)
        protocol = functools.partial(GuardedProtocol, loop=asyncio.get_running_loop())
        connector._factory = protocol  # type: ignore[assignment]  # the library has no public way to give it a protocol
        return ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            request_class=GuardedRequest,
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_AUTOMATIC_HEADERS,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
        )

    def _retire(self, key: Key) -> None:
        """Forget the session now and close it in a task of its own: no cancelled request leaves it half closed."""
        task = asyncio.create_task(self._entries.pop(key).session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _retire_oldest(self) -> None:
        oldest = next((key for key, entry in self._entries.items() if not entry.users), None)
        if oldest is not None:
            self._retire(oldest)

    async def _sweep(self) -> None:
        """Close what is idle, until nothing is left."""
        while self._entries:
            await self._clock.sleep(_SWEEP_SECONDS)
            limit = self._clock.monotonic() - IDLE_SECONDS
            idle = [key for key, entry in self._entries.items() if not entry.users and entry.idle_since <= limit]
            for key in idle:
                self._retire(key)
