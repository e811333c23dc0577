"""PUTs in mid-run (connections.md 8): calls that began before one know the old limits, and go by the new ones from then on.

Each request asks here where it is counted now. What waits in another pool moves, with its place in the order of arrival; what is in flight
counts in the new pool until it ends, so that the new pool starts nothing before there is room beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from fairlead.engine.ports import Clock, PoolSettings

if TYPE_CHECKING:
    from fairlead.limits.pools import Pools

PUT_SECONDS: Final = 0.05
"""In which other processes hear of a PUT."""
KEPT_SECONDS: Final = 900.0
"""Longer than any call runs (contract.md 1.15)."""


class Changes:
    """What the PUTs of the last quarter of an hour said, by connection and by pool. Most of the time that is nothing."""

    def __init__(self, pools: Pools, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock
        self._placed: dict[str, tuple[PoolSettings, float]] = {}
        self._levels: dict[str, tuple[PoolSettings, float]] = {}
        self._next = asyncio.Event()
        self.tell: Callable[[PoolSettings], None] = _nobody
        """Tells the other processes."""

    def learn(self, settings: PoolSettings) -> None:
        """A PUT, here or in another process, has made this of a connection. Costs nothing when nobody can be using it."""
        if self.knows(settings.connection, settings.version + 1):
            return
        self._note(settings)
        self._settle(settings)
        if settings.connection:
            self.gather(settings)
        self._next.set()
        self._next = asyncio.Event()

    def next(self) -> Awaitable[object]:
        """Wait until there is one, from the call on."""
        return self._next.wait()

    def knows(self, connection: str, version: int) -> bool:
        """Whether that version of the connection's document, or a later one, was heard of."""
        placed = self._placed.get(connection)
        return placed is not None and placed[0].version >= version

    def of(self, settings: PoolSettings) -> PoolSettings:
        """The settings, or what a later PUT of the connection has made of them."""
        if not self._placed:
            return settings
        placed = self._placed.get(settings.connection)
        return placed[0] if placed is not None and placed[0].version > settings.version else settings

    def level_of(self, settings: PoolSettings) -> PoolSettings:
        """The settings, or those of a later version of the document that the level is from."""
        known = self._levels.get(settings.key)
        return known[0] if known is not None and known[0].revision > settings.revision else settings

    def used(self) -> set[str]:
        """Stored connections that have requests in flight or waiting in pools that other processes share."""
        pools = self._pools
        waiting = (waiter for pool in pools.in_memory.values() if pool.member is not None for waiter in pool.waiters())
        sent = (slot.waiter for slot in pools.active)
        return {each.settings.connection for waiters in (waiting, sent) for each in waiters} - {""}

    def gather(self, settings: PoolSettings) -> None:
        """Whatever a connection has in other pools goes to the one that it uses now, and a cool-down with it."""
        connection, key = settings.connection, settings.key
        left = {each for each in self._pools.in_memory.values() if connection in each.connections and each.key != key}
        if not left:
            return
        sent = [each for each in (slot.waiter for slot in self._pools.active) if each.settings.connection == connection]
        pool = self._pools.pool(settings)
        for other in left:
            pool.inherit(other, connection)
            other.move(pool, settings)
        for waiter in sent:
            if waiter.pool in left:
                pool.take(waiter, settings)
        for each in (*left, pool):
            if each.member is not None:
                each.member.poke()
            self._pools.stepped(each)

    def _settle(self, settings: PoolSettings) -> None:
        """Nothing starts in the pool while other processes hear of it, so that what they have in flight is known."""
        pools = self._pools
        if settings.key in pools.in_memory or not pools.is_alone:
            pool = pools.pool(settings)
            now = self._clock.monotonic()
            if not pools.is_alone and pool.settles_at <= now:  # one after the other they do not stop it for longer
                pool.settles_at = now + PUT_SECONDS
            pools.stepped(pool)

    def _note(self, settings: PoolSettings) -> None:
        now = self._clock.monotonic()
        if settings.connection:
            _renew(self._placed, settings.connection, settings, now)
        known = self._levels.get(settings.key)
        if known is None or known[0].revision <= settings.revision:
            _renew(self._levels, settings.key, settings, now)


def _renew(known: dict[str, tuple[PoolSettings, float]], key: str, settings: PoolSettings, now: float) -> None:
    """Note what is known now, and forget what is old."""
    known.pop(key, None)
    known[key] = (settings, now)
    while known[oldest := next(iter(known))][1] < now - KEPT_SECONDS:
        del known[oldest]


def _nobody(_: PoolSettings) -> None:
    return
