"""What happens in a pool over all processes, while somebody watches (connections.md 8.2): otherwise nothing runs here, and nothing is written.

A pool is watched for three seconds after each question. The process that is asked tells the others: by a datagram, and by its heartbeat
for those whom none reaches. Whoever has the pool in memory then writes its part to the store, one document a process, at most twice a
second. All take their samples at the same instants, the half seconds of the store's clock: what is added up was so at one instant, and
a slot that changes sides is not counted twice.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from fairlead.engine.ports import Note, PoolState, PoolTotals, StoreUnavailable
from fairlead.limits.replica import WATCH, Replica

INSTANT: Final = 0.5
"""Seconds between two samples."""
LASTS: Final = 3.0
"""Seconds that a pool is watched after a question."""
_HEARD: Final = 0.2
"""Seconds in which a hint arrives: the first figures are of an instant at least that far away."""
_WRITTEN: Final = 0.1
"""Seconds in which a sample can be read by others."""
_RATE_OVER: Final = 2.0
_CALL: Final = 2.0
"""Seconds for writing a sample."""
_FRESH: Final = 2
"""Instants after which a process that says nothing new is left out."""


class States(Protocol):
    """The pools of this process."""

    def state(self, key: str) -> PoolState | None:
        """What happens in a pool here; nothing when it is not in memory."""


class Part(NamedTuple):
    """One process' part in a pool at one instant; ``per_second``: requests sent."""

    effective: int | None
    in_flight: int
    waiting: int
    cooling: float
    refused: int
    per_second: float


Sample = tuple[int, Mapping[str, Part]]
"""An instant, counted in half seconds of the store's clock, and the parts by pool."""


class Watched:
    """One pool while it is watched: who asks, and how many requests were sent so far."""

    def __init__(self, now: float, state: PoolState | None) -> None:
        self.here = -math.inf
        """When a caller of this process asked last."""
        self.elsewhere = -math.inf
        """When another process said last that it is asked."""
        self.told = -math.inf
        self.known_at = -math.inf
        """From when on what others have can be read."""
        self.sampled = False
        self._sent = 0
        self._last = state.requests if state is not None else 0
        self._counts = deque([(now, 0)], maxlen=1 + round(_RATE_OVER / INSTANT))

    def part(self, state: PoolState | None, now: float) -> Part | None:
        """What this process has of the pool."""
        self.sampled = True
        sent = state.requests if state is not None else 0
        if sent < self._last:  # it was left, and is in use again
            self._last = 0
        self._sent += sent - self._last
        self._last = sent
        self._counts.append((now, self._sent))
        if state is None:
            return None
        since, before = self._counts[0]
        rate = (self._sent - before) / (now - since) if now > since else 0.0
        return Part(state.effective, state.in_flight, state.waiting, state.cooling, state.refused, rate)


class Watching:
    """``engine.ports.Watching``, and this process' answers to those who watch elsewhere."""

    def __init__(self, replica: Replica, pools: States) -> None:
        self._replica = replica
        self._pools = pools
        self._clock = replica.clock
        self._watched: dict[str, Watched] = {}
        self._samples: deque[Sample] = deque(maxlen=3)
        self._sampler: asyncio.Task[None] | None = None
        self._written: tuple[str, int] | None = None
        """Key and version of our document."""
        self._notes: Mapping[str, Note] = {}
        self._read_at = -math.inf
        replica.watcher = self

    async def totals(self, key: str) -> PoolTotals:
        """See ``engine.ports.Watching``."""
        watched, now = self._watch(key), self._clock.monotonic()
        if now - watched.here > LASTS:
            first = math.ceil((self._store_time() + _HEARD) / INSTANT) * INSTANT
            watched.known_at = now + first - self._store_time() + _WRITTEN
        watched.here = now
        if now - watched.told >= INSTANT / 2:
            watched.told = now
            self._replica.wake({*self._replica.heartbeat.alive} - {self._replica.me}, WATCH + key)
        while (wait := watched.known_at - self._clock.monotonic()) > 0 or not watched.sampled:
            await self._clock.sleep(max(_WRITTEN, wait))
            watched.here = self._clock.monotonic()
        mine = [*self._samples]
        instant, samples = _of_one_instant(mine, await self._others())
        parts = [parts[key] for parts in samples if key in parts]
        return _total(parts, max(0.0, self._store_time() - instant * INSTANT))

    # -- called by the replica

    def hinted(self, key: str) -> None:
        """Another process is asked about a pool: it hears of it when the pool is in memory here."""
        if self._pools.state(key) is not None:
            self._watch(key).elsewhere = self._clock.monotonic()

    def asks(self) -> Iterable[str]:
        """Pools that are watched from here, for the heartbeat."""
        since = self._clock.monotonic() - LASTS
        return [key for key, watched in self._watched.items() if watched.here > since]

    async def close(self) -> None:
        """Stop, and leave nothing behind."""
        if self._sampler is not None:
            self._sampler.cancel()
            await asyncio.gather(self._sampler, return_exceptions=True)
        with suppress(StoreUnavailable):
            await self._withdraw()

    # -- samples of this process

    def _watch(self, key: str) -> Watched:
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = Watched(self._clock.monotonic(), self._pools.state(key))
        if self._sampler is None:
            self._sampler = asyncio.create_task(self._keep_sampling())
        return watched

    async def _keep_sampling(self) -> None:
        """At every instant, as long as somebody watches."""
        try:
            while self._watched or self._written is not None:
                instant = math.floor(self._store_time() / INSTANT) + 1
                await self._clock.sleep(instant * INSTANT - self._store_time())
                asked = self._sample(instant)
                with suppress(StoreUnavailable, TimeoutError):
                    async with asyncio.timeout(_CALL):
                        await (self._publish(asked) if asked else self._withdraw())
        finally:
            self._samples.clear()
            self._sampler = None

    def _sample(self, instant: int) -> Collection[str]:
        """Look at all pools that are still watched; those that others ask about."""
        now = self._clock.monotonic()
        since = now - LASTS
        self._watched = {key: each for key, each in self._watched.items() if max(each.here, each.elsewhere) > since}
        parts = {key: each.part(self._pools.state(key), now) for key, each in self._watched.items()}
        self._samples.append((instant, {key: part for key, part in parts.items() if part is not None}))
        return {key for key, each in self._watched.items() if each.elsewhere > since}

    async def _publish(self, asked: Collection[str]) -> None:
        """Write the last two samples of what others ask for."""
        key, store = WATCH + self._replica.me, self._replica.store
        last = [*self._samples][-2:]
        document = {
            "samples": [
                {"at": at, "pools": {key: [*part] for key, part in parts.items() if key in asked}} for at, parts in last
            ]
        }
        version = self._written[1] if self._written is not None and self._written[0] == key else 0
        written = await store.write(key, document, version)
        if written is None:  # a write that seemed to fail was carried out, or somebody took us for gone
            note = await store.read(key)
            written = await store.write(key, document, note.version if note is not None else 0)
        self._written = (key, written.version if written is not None else 0)

    async def _withdraw(self) -> None:
        if self._written is not None:
            await self._replica.store.remove(*self._written)
            self._written = None

    # -- samples of others

    async def _others(self) -> list[list[Sample]]:
        """The latest samples of each other process. Documents that a process left behind when it was killed are removed."""
        replica = self._replica
        if replica.heartbeat.is_alone:
            return []
        now = self._clock.monotonic()
        if now - self._read_at >= _WRITTEN:
            self._notes = await replica.store.read_all(WATCH)
            self._read_at = now
            for process, note in self._notes.items():
                if process not in replica.heartbeat.alive:
                    await replica.store.remove(WATCH + process, note.version)
        alive = replica.heartbeat.alive
        return [_samples(note.value) for each, note in self._notes.items() if each != replica.me and each in alive]

    def _store_time(self) -> float:
        return self._replica.heartbeat.about(self._clock.monotonic())


def _samples(document: Mapping[str, Any]) -> list[Sample]:
    return [(each["at"], {key: Part(*part) for key, part in each["pools"].items()}) for each in document["samples"]]


def _of_one_instant(mine: list[Sample], others: list[list[Sample]]) -> tuple[int, list[Mapping[str, Part]]]:
    """The latest instant that all know, and everybody's parts; when there is none, everybody's latest."""
    newest = mine[-1][0]
    fresh = [samples for samples in others if abs(newest - samples[-1][0]) <= _FRESH]
    for instant, parts in reversed(mine):
        found = [parts]
        found += [others_parts for samples in fresh for at, others_parts in samples if at == instant]
        if len(found) == len(fresh) + 1:
            return instant, found
    return newest, [samples[-1][1] for samples in [mine, *fresh]]


def _total(parts: list[Part], age: float) -> PoolTotals:
    levels = [part.effective for part in parts if part.effective is not None]
    return PoolTotals(
        age=age,
        processes=len(parts),
        effective=max(levels, default=None),  # all hear at once when it falls, not when it rises
        in_flight=sum(part.in_flight for part in parts),
        waiting=sum(part.waiting for part in parts),
        cooling=max(0.0, max((part.cooling for part in parts), default=0.0) - age),
        requests_per_second=sum(part.per_second for part in parts),
        refused=sum(part.refused for part in parts),
    )
