"""This process among those on the same store (D13): its heartbeat, the way to wake others, and its part in each pool."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator
from typing import Final, Protocol

from fairlead.engine.ports import Clock, Coordination, StoreUnavailable
from fairlead.limits.heartbeat import PROCESSES, Heartbeat
from fairlead.limits.ledger import Ledger
from fairlead.limits.member import KEEP_SECONDS, Member, Owner
from fairlead.limits.pool import Pool
from fairlead.limits.wakeups import Datagrams, Wakeups

POOLS: Final = "pool/"
WATCH: Final = "watch/"
"""Prefix of the hints that somebody watches a pool, and of the documents that answer them."""
BUCKETS: Final = "bucket/"
"""Prefix of the documents by which processes ask each other for tokens of our own limit."""
CONNECTIONS: Final = "connection/"
"""Prefix of the hints that a PUT has changed the limits of a connection."""
_SIZE_SECONDS: Final = 0.4
"""How old the lengths of queues may be that are read; they were written at most half a second before."""
_LEAVING: Final = 5.0
"""Seconds for giving everything back; whatever is not given back by then is free for others with the heartbeat's end."""


class Pooling(Owner, Protocol):
    """Who owns pools, and what it does when this process may no longer hold what it holds."""

    def lapsed(self) -> None:
        """End what is in flight."""


class Watcher(Protocol):
    """Who looks at pools over all processes, and answers those who look from elsewhere."""

    def hinted(self, key: str) -> None:
        """Another process watches the pool."""

    def asks(self) -> Iterable[str]:
        """The pools that this process watches."""

    async def close(self) -> None:
        """Stop, and leave nothing behind."""


class Sharer(Protocol):
    """Who shares our own limit with the other processes."""

    def hinted(self, key: str) -> None:
        """Somebody asks for tokens, or has answered."""

    def asks(self) -> Iterable[str]:
        """Questions that others may not have heard of."""

    def changed(self) -> None:
        """Processes came or went, or this one has another name."""

    async def close(self) -> None:
        """Leave."""


class Listener(Protocol):
    """Who hears of limits that were changed elsewhere, and tells of its own."""

    def hinted(self, key: str) -> None:
        """Another process has carried out a PUT."""

    def asks(self) -> Iterable[str]:
        """What others may not have heard of."""

    async def catch_up(self) -> None:
        """This process was away and may have missed PUTs. Raises ``StoreUnavailable``."""

    async def close(self) -> None:
        """Stop."""


class Replica:
    """One process on a store."""

    def __init__(self, store: Coordination, clock: Clock, wakeups: Wakeups | None = None) -> None:
        """``wakeups``: datagrams, if there are none yet."""
        self.store = store
        self.clock = clock
        self.heartbeat = Heartbeat(store, clock)
        self._datagrams = Datagrams(self.hinted) if wakeups is None else None
        self._wakeups = wakeups or self._datagrams
        self._members: dict[str, tuple[Member, Pooling]] = {}
        self._owners: list[Pooling] = []
        self.watcher: Watcher | None = None
        self.sharer: Sharer | None = None
        self.news: Listener | None = None
        self._sizes: dict[str, int] = {}
        self._sizes_at = float("-inf")
        beat = self.heartbeat
        beat.asks, beat.on_asked, beat.on_gone = self._asks, self.hinted, self._stir
        beat.on_return, beat.on_lapse, beat.on_changed = self._stir, self._lapse, self._changed
        beat.catch_up = self._catch_up

    async def start(self, address: str = "") -> None:
        """Be one of the processes on the store. ``address``: by which given ``wakeups`` reach it. Raises ``StoreUnavailable``."""
        self.heartbeat.address = address
        await self.store.read(POOLS)  # a client knows where its servers are once it has reached one
        if self._datagrams is not None:
            self.heartbeat.address = await self._datagrams.open(self.store.beacon())
        await self.heartbeat.start()
        self.wake({*self.heartbeat.alive} - {self.me}, PROCESSES)

    async def close(self) -> None:
        """Give everything back, and be gone."""
        if self.watcher is not None:
            await self.watcher.close()
        if self.sharer is not None:
            await self.sharer.close()
        if self.news is not None:
            await self.news.close()
        members = [member for member, _ in self._members.values()]
        if members:
            leaving = [asyncio.ensure_future(member.leave()) for member in members]
            await asyncio.wait(leaving, timeout=_LEAVING)
            for task in leaving:
                task.cancel()
        for member in members:
            member.close()
        others = {*self.heartbeat.alive} - {self.me}
        await self.heartbeat.close()
        for key in (*self._members, PROCESSES):
            self.wake(others, key)
        if self._datagrams is not None:
            self._datagrams.close()

    @property
    def me(self) -> str:
        """The name of this process."""
        return self.heartbeat.id

    def join(self, pool: Pool, owner: Pooling, *, prefix: str = POOLS, keep: float = KEEP_SECONDS) -> Member:
        """Take part in a pool; ``keep``: for how many seconds unused slots are kept."""
        if owner not in self._owners:
            self._owners.append(owner)
        key = prefix + pool.key
        member = Member(self, pool, owner, key, keep)
        self._members[key] = (member, owner)
        return member

    def part(self, key: str) -> None:
        """A pool was left."""
        self._members.pop(key, None)

    def wake(self, processes: Collection[str], key: str) -> None:
        """Tell these processes that a pool has changed."""
        if self._wakeups is not None:
            for process in processes:
                if address := self.heartbeat.alive.get(process):
                    self._wakeups.send(address, key)

    def hinted(self, key: str) -> None:
        """Another process says that a pool has changed, or that it is new."""
        if key == PROCESSES:
            self.heartbeat.look_soon()
        if key.startswith(WATCH) and self.watcher is not None:
            self.watcher.hinted(key.removeprefix(WATCH))
        if key.startswith(BUCKETS) and self.sharer is not None:
            self.sharer.hinted(key)
        if key.startswith(CONNECTIONS) and self.news is not None:
            self.news.hinted(key.removeprefix(CONNECTIONS))
        found = self._members.get(key)
        if found is not None:
            found[0].poke(reread=True)

    async def waiting_elsewhere(self, key: str) -> int:
        """Requests of other processes that wait in a pool, at most one second ago; 0 when the store does not say."""
        if self.heartbeat.is_alone:
            return 0
        now = self.clock.monotonic()
        if now - self._sizes_at > _SIZE_SECONDS:
            try:
                notes = await self.store.read_all(POOLS)
            except StoreUnavailable:
                return 0
            self._sizes = {
                each: Ledger.of(note.value).waiting(self.me, self.heartbeat.alive) for each, note in notes.items()
            }
            self._sizes_at = now
        return self._sizes.get(key, 0)

    def _asks(self) -> Iterator[str]:
        yield from (key for key, (member, _) in self._members.items() if member.asks)
        if self.watcher is not None:
            yield from (WATCH + key for key in self.watcher.asks())
        if self.sharer is not None:
            yield from self.sharer.asks()
        if self.news is not None:
            yield from (CONNECTIONS + key for key in self.news.asks())

    def _changed(self) -> None:
        if self.sharer is not None:
            self.sharer.changed()

    async def _catch_up(self) -> None:
        if self.news is not None:
            await self.news.catch_up()

    def _stir(self) -> None:
        for member, _ in [*self._members.values()]:
            member.poke(reread=True)

    def _lapse(self) -> None:
        for member, _ in self._members.values():
            member.lapse()
        for owner in self._owners:
            owner.lapsed()
