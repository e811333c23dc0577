"""Replicas whose requests are answered by hand."""

from __future__ import annotations

import asyncio

from fairlead.engine.ports import Deadline, PoolSettings
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from tests.unit.clock import ManualClock
from tests.unit.limits.memory import Hints, Island, MemoryCoordination, replica


class Bench:
    """Replicas A, B, C ... whose requests are answered by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryCoordination(self.clock)
        self.hints = Hints()
        self.replicas: dict[str, tuple[Replica, Pools, Island]] = {}
        self.started: list[str] = []
        self.in_flight: set[str] = set()
        self.most = 0
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Future[str]] = {}

    async def open(self, *names: str) -> None:
        for name in names:
            self.replicas[name] = await replica(self.clock, self.store, self.hints)
        await self.clock.settle()

    def pools(self, name: str) -> Pools:
        return self.replicas[name][1]

    async def ask(self, name: str, settings: PoolSettings, seconds: float = 10_000) -> None:
        """A request; the first letter of its name is its replica's."""
        self.tasks[name] = asyncio.create_task(self._run(name, settings, self.clock.monotonic() + seconds))
        await self.clock.settle()

    async def end(self, name: str, answer: str = "good") -> None:
        """Answer it: ``good`` or ``limited:SECONDS``."""
        self._ends.pop(name).set_result(answer)
        await self.clock.settle()
        await self.clock.settle()

    async def _run(self, name: str, settings: PoolSettings, deadline: float) -> None:
        pools, first = self.pools(name[0]), False
        while True:
            async with pools.slot(settings, Deadline(deadline), first=first):
                self.started.append(name)
                self.in_flight.add(name)
                self.most = max(self.most, len(self.in_flight))
                end = self._ends[name] = asyncio.get_running_loop().create_future()
                try:
                    answer = await end
                except asyncio.CancelledError:
                    await self.left(name)
                    raise
                finally:
                    self.in_flight.discard(name)
            if answer == "good":
                return pools.answered(settings)
            pools.cool_down(settings, float(answer.partition(":")[2]))
            first = True

    async def left(self, name: str) -> None:
        """In the slot, when the caller goes: its request ends."""

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.store.away = False
        for each, pools, island in self.replicas.values():
            island.cut_off = False
            pools.close()
            await each.close()
