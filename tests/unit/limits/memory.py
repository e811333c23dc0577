"""Several replicas in one process: the coordination documents in memory, hints without sockets, and a store that can be away."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import count
from typing import Any

from fairlead.engine.ports import Note, StoreUnavailable, Written
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from tests.unit.clock import ManualClock


class MemoryCoordination:
    """``engine.ports.coordination.Coordination`` in a dict; ``calls`` counts what would travel."""

    def __init__(self, clock: ManualClock) -> None:
        self.notes: dict[str, Note] = {}
        self.calls = 0
        self.away = False
        self.clock = clock
        self.ahead = 1_000.0
        """Seconds that the store's clock shows more than ours."""
        self._versions = count(1)

    async def read(self, key: str) -> Note | None:
        """See ``Coordination``."""
        self._call()
        return copy.deepcopy(self.notes.get(key))

    async def read_all(self, prefix: str) -> Mapping[str, Note]:
        """See ``Coordination``."""
        self._call()
        return {key.removeprefix(prefix): note for key, note in self.notes.items() if key.startswith(prefix)}

    async def write(self, key: str, value: Mapping[str, Any], version: int) -> Written | None:
        """See ``Coordination``."""
        self._call()
        if (self.notes[key].version if key in self.notes else 0) != version:
            return None
        self.notes[key] = Note(copy.deepcopy(value), next(self._versions))
        return Written(self.notes[key].version, self.clock.monotonic() + self.ahead)

    async def remove(self, key: str, version: int) -> bool:
        """See ``Coordination``."""
        self._call()
        if key not in self.notes or self.notes[key].version != version:
            return False
        del self.notes[key]
        return True

    def beacon(self) -> tuple[str, int]:
        """Never asked."""
        raise AssertionError

    def _call(self) -> None:
        self.calls += 1
        if self.away:
            raise StoreUnavailable("away")


class Hints:
    """``Wakeups`` between replicas of one process; ``lost`` swallows them."""

    def __init__(self) -> None:
        self.replicas: dict[str, Replica] = {}
        self.lost = False

    def send(self, address: str, key: str) -> None:
        """See ``Wakeups``."""
        if not self.lost and address in self.replicas:
            self.replicas[address].hinted(key)


class Island:
    """What one replica sees of the store: it can be cut off alone, or far from it: ``delay`` seconds each way."""

    def __init__(self, store: MemoryCoordination) -> None:
        self.store = store
        self.cut_off = False
        self.delay = 0.0

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if self.cut_off:
                raise StoreUnavailable("cut off")
            if not self.delay:
                return await getattr(self.store, name)(*arguments)
            await self.store.clock.sleep(self.delay)
            answer = await getattr(self.store, name)(*arguments)
            await self.store.clock.sleep(self.delay)
            return answer

        return call


async def replica(clock: ManualClock, store: MemoryCoordination, hints: Hints) -> tuple[Replica, Pools, Island]:
    """One more process on the store."""
    island = Island(store)
    made = Replica(island, clock, hints)
    address = str(len(hints.replicas))
    hints.replicas[address] = made
    await made.start(address)
    return made, Pools(clock, random=lambda: 0.0, replica=made), island
