"""A process for which the store is far away, beside one for which it is near (connections.md 8.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count, pairwise

import pytest
import pytest_asyncio

from fairlead.engine.ports import PoolSettings
from tests.unit.limits.replicas import Bench

BEATS = 5.0
"""Seconds after which every process knows how far the others are from the store."""


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    """Replicas A and, 200 ms from the store, Z."""
    made = Bench()
    await made.open("A", "Z")
    made.replicas["Z"][2].delay = 0.2
    yield made
    made.replicas["Z"][2].delay = 0.0
    await made.clock.advance(1.0)
    await made.close()


class Crowd:
    """A process that always has more to send than it may; each request takes 100 ms, and now and then nobody waits for an instant."""

    def __init__(self, bench: Bench, letter: str, settings: PoolSettings, size: int) -> None:
        self._bench = bench
        self._letter = letter
        self._settings = settings
        self._size = size
        self._numbers = count()

    async def ask(self) -> None:
        """As many requests as are missing."""
        waiting = [name for name, task in self._bench.tasks.items() if name[0] == self._letter and not task.done()]
        for _ in range(self._size - len(waiting)):
            await self._bench.ask(f"{self._letter}{next(self._numbers)}", self._settings)

    async def answer(self) -> None:
        """Whatever is in flight."""
        for name in sorted(self._bench.in_flight):
            if name[0] == self._letter:
                await self._bench.end(name)


@pytest.mark.parametrize("level", [1, 2, 5])
async def test_a_process_far_from_the_store_gets_its_turn(bench: Bench, level: int) -> None:
    """Whatever the near one writes leaves it the time to write, too: neither waits for more than ten seconds, and both stay below the
    level together."""
    await bench.clock.advance(BEATS)
    settings = PoolSettings("p", level)
    crowds = [Crowd(bench, letter, settings, 2 * level) for letter in "AZ"]
    served: dict[str, list[float]] = {"A": [bench.clock.monotonic()], "Z": [bench.clock.monotonic()]}
    seen = 0
    for _ in range(400):
        for crowd in crowds:
            await crowd.ask()
        await bench.clock.advance(0.1)
        for name in bench.started[seen:]:
            served[name[0]].append(bench.clock.monotonic())
        seen = len(bench.started)
        for crowd in crowds:
            await crowd.answer()
    for times in served.values():
        times.append(bench.clock.monotonic())
        assert max(after - before for before, after in pairwise(times)) < 10
    assert bench.most == level
