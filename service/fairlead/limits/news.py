"""PUTs that concern limits, told to the other processes: whoever hears of one reads the connection's document again.

Most hear of it by datagram, within milliseconds; the others by the heartbeat of the process that carried it out, which names it for as long
as a process that did not look could count as alive. Whoever was away for longer reads the documents of all connections that its calls use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from fairlead.domain.document import AccountId
from fairlead.engine.ports import PoolSettings, StoreUnavailable
from fairlead.limits.changes import Changes
from fairlead.limits.replica import CONNECTIONS, Replica

NAMED_SECONDS: Final = 30.0
_MOST: Final = 1000
"""Documents that are still to be read, at most."""
_AT_ONCE: Final = 32
"""Documents that are read at the same time."""
_MOST_NAMED: Final = 300
"""The heartbeat stays short: of more PUTs than that in half a minute the last ones are named."""

Read = Callable[[AccountId, str], Awaitable[PoolSettings | None]]
"""Account and id of a connection -> its limits as they are stored now; nothing when it is gone."""


class News:
    """This process' part: tells of its own PUTs, and hears of others'."""

    def __init__(self, replica: Replica, changes: Changes, read: Read) -> None:
        self._replica = replica
        self._changes = changes
        self._read = read
        self._told: dict[str, float] = {}
        """Until when our heartbeat names them."""
        self._heard: set[str] = set()
        self._reader: asyncio.Task[None] | None = None
        changes.tell, replica.news = self.tell, self

    def tell(self, settings: PoolSettings) -> None:
        """This process has stored a document with these limits."""
        now = self._replica.clock.monotonic()
        key = f"{settings.connection}/{settings.version}"
        self._told[key] = now + NAMED_SECONDS
        for each in [*self._told][:-_MOST_NAMED]:
            del self._told[each]
        self._replica.wake({*self._replica.heartbeat.alive} - {self._replica.me}, CONNECTIONS + key)

    # -- called by the replica

    def hinted(self, key: str) -> None:
        """Another process has stored ``ACCOUNT/ID/VERSION``."""
        connection, _, version = key.rpartition("/")
        if not version.isdecimal() or self._changes.knows(connection, int(version)) or len(self._heard) >= _MOST:
            return
        self._heard.add(connection)
        if self._reader is None:
            self._reader = asyncio.create_task(self._keep_reading())

    def asks(self) -> Iterable[str]:
        """What others may not have heard of, for the heartbeat."""
        now = self._replica.clock.monotonic()
        self._told = {key: until for key, until in self._told.items() if until > now}
        return [*self._told]

    async def catch_up(self) -> None:
        """Read the connections again that calls of this process use. Raises ``StoreUnavailable``."""
        used = [*self._changes.used()]
        for start in range(0, len(used), _AT_ONCE):
            await asyncio.gather(*map(self._learn, used[start : start + _AT_ONCE]))

    async def close(self) -> None:
        """Stop listening."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _keep_reading(self) -> None:
        try:
            while self._heard:
                with suppress(StoreUnavailable):  # the next heartbeat names it again
                    await self._learn(self._heard.pop())
        finally:
            self._reader = None

    async def _learn(self, connection: str) -> None:
        account, _, id = connection.rpartition("/")
        settings = await self._read(AccountId(account), id)
        if settings is not None:
            self._changes.learn(settings)
