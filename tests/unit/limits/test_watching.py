"""A pool as somebody sees it who watches it from any process (connections.md 8.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fairlead.engine.ports import Deadline, PoolSettings, PoolState, PoolTotals, StoreUnavailable
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from fairlead.limits.watching import Watching
from tests.unit.clock import ManualClock
from tests.unit.limits.memory import Hints, Island, MemoryCoordination, replica

FIVE = PoolSettings("c", level=5)
BEAT_CALLS = 2
"""A process writes its heartbeat and reads those of the others."""


class Process:
    """One process: requests that are in flight until they are ended, and somebody who watches."""

    def __init__(self, clock: ManualClock, parts: tuple[Replica, Pools, Island]) -> None:
        self.clock = clock
        self.replica, self.pools, self.island = parts
        self.watching = Watching(self.replica, self.pools)
        self.requests: list[asyncio.Task[None]] = []
        self._end = asyncio.Event()

    async def send(self, count: int, settings: PoolSettings = FIVE) -> None:
        """So many requests at once."""
        self.requests += [asyncio.create_task(self._request(settings)) for _ in range(count)]
        await self.clock.settle()

    async def end(self) -> None:
        """Answer all, also those that still wait."""
        self._end.set()
        await self.clock.settle()
        await self.clock.settle()

    async def exchange(self, count: int, settings: PoolSettings) -> None:
        """So many requests that are answered at once."""

        async def one() -> None:
            async with self.pools.slot(settings, Deadline(1000)):
                pass
            self.pools.answered(settings)

        self.requests += [asyncio.create_task(one()) for _ in range(count)]
        await self.clock.settle()

    async def refused(self, seconds: float, settings: PoolSettings = FIVE) -> None:
        """A request whose answer is rate limited."""
        async with self.pools.slot(settings, Deadline(1000)):
            pass
        self.pools.cool_down(settings, seconds)

    async def look(self, key: str = "c") -> PoolTotals:
        """What somebody sees who asks here; time passes meanwhile."""
        asked = asyncio.create_task(self.watching.totals(key))
        await self.clock.settle()
        while not asked.done():
            await self.clock.advance(0.05)
        return await asked

    async def _request(self, settings: PoolSettings) -> None:
        async with self.pools.slot(settings, Deadline(1000)):
            await self._end.wait()


class Bench:
    """Processes on one store."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryCoordination(self.clock)
        self.hints = Hints()
        self.processes: list[Process] = []

    async def open(self) -> Process:
        made = Process(self.clock, await replica(self.clock, self.store, self.hints))
        self.processes.append(made)
        await self.clock.settle()
        return made

    def documents(self) -> list[str]:
        return [key for key in self.store.notes if key.startswith("watch/")]

    async def close(self) -> None:
        self.store.away = False
        for process in self.processes:
            process.island.cut_off = False
            for request in process.requests:
                request.cancel()
            await asyncio.gather(*process.requests, return_exceptions=True)
            process.pools.close()
            await process.replica.close()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    """An empty store."""
    made = Bench()
    yield made
    await made.close()


def numbers(totals: PoolTotals) -> tuple[int, int, int]:
    """In flight, waiting, processes."""
    return totals.in_flight, totals.waiting, totals.processes


async def test_what_other_processes_have_is_added(bench: Bench) -> None:
    """In flight and waiting of all, from whichever process one looks, also from one that has nothing of the pool."""
    here, there, idle = [await bench.open() for _ in range(3)]
    await here.send(3)
    await there.send(6)
    for process in (here, there, idle):
        seen = await process.look()
        assert (seen.in_flight, seen.in_flight + seen.waiting, seen.effective) == (5, 9, 5)
        assert seen.processes == 2


async def test_figures_are_at_most_a_second_old(bench: Bench) -> None:
    """connections.md 8.2, counted from the instant at which they were true."""
    here, there = await bench.open(), await bench.open()
    await there.send(7)
    assert numbers(await here.look()) == (5, 2, 1)
    await there.end()
    await bench.clock.advance(1.0)
    seen = await here.look()
    assert numbers(seen) == (0, 0, 1)
    assert seen.age <= 1.0


async def test_an_unwatched_pool_costs_the_store_nothing(bench: Bench) -> None:
    """No document and no call beside the heartbeats, however busy the pool is; three seconds after the last question again."""
    here, there = await bench.open(), await bench.open()
    await there.send(5)
    await bench.clock.advance(1.0)

    async def calls() -> int:
        before = bench.store.calls
        await bench.clock.advance(3.0)
        return bench.store.calls - before

    beats = 2 * 2 * BEAT_CALLS
    assert (await calls(), bench.documents()) == (beats, [])
    await here.look()
    assert bench.documents() == [f"watch/{there.replica.me}"]
    await bench.clock.advance(10.0)
    assert (await calls(), bench.documents()) == (beats, [])


async def test_a_process_that_is_alone_writes_nothing_while_it_is_watched(bench: Bench) -> None:
    """Its own numbers need no store."""
    alone = await bench.open()
    await alone.send(8)
    before = bench.store.calls
    seen = await alone.look()
    assert numbers(seen) == (5, 3, 1)
    assert bench.documents() == []
    assert bench.store.calls - before <= BEAT_CALLS


async def test_a_watched_process_writes_at_most_twice_a_second(bench: Bench) -> None:
    """However often somebody asks, and however many pools are watched: one document a process."""
    here, there = await bench.open(), await bench.open()
    await there.send(5)
    await there.send(5, PoolSettings("other", level=2))
    await asyncio.gather(here.look(), here.look("other"))
    before = bench.store.notes[f"watch/{there.replica.me}"].version
    written = set()
    for _ in range(40):
        await here.look()
        await here.look("other")
        written.add(bench.store.notes[f"watch/{there.replica.me}"].version)
        await bench.clock.advance(0.05)
    assert len(written - {before}) <= 4
    assert bench.documents() == [f"watch/{there.replica.me}"]


async def test_without_datagrams_the_heartbeat_says_who_watches(bench: Bench) -> None:
    """The other process hears of it at its next look at the heartbeats: within three seconds."""
    here, there = await bench.open(), await bench.open()
    await there.send(7)
    bench.hints.lost = True
    await here.look()
    for _ in range(6):
        await bench.clock.advance(0.5)
        seen = await here.look()
    assert numbers(seen) == (5, 2, 1)


async def test_what_is_added_was_so_at_one_instant(bench: Bench) -> None:
    """A slot that has changed sides is not counted twice, although the process that had it has not written since."""
    one = PoolSettings("c", level=1)
    here, there = await bench.open(), await bench.open()
    await there.send(1, one)
    await here.send(1, one)
    await here.look()
    await there.end()
    there.island.cut_off = True
    await bench.clock.advance(0.5)
    assert here.pools.state("c") == PoolState(1, 1, 0.0, 1, 0, 0.0, 1, 0)
    assert (await here.look()).in_flight == 1


async def test_requests_per_second_and_refusals_are_added(bench: Bench) -> None:
    """Twelve requests a second over two seconds, eight in one process and four in the other; the first figures come with a rate."""
    here, there = await bench.open(), await bench.open()
    free = PoolSettings("c")
    await here.refused(0.5, free)
    await there.look()
    await here.exchange(1, free)
    for _ in range(12):
        await here.exchange(2, free)
        await there.exchange(1, free)
        await bench.clock.advance(0.25)
        seen = await there.look()
    assert seen.requests_per_second == pytest.approx(12, abs=1)
    assert (seen.refused, seen.effective) == (1, None)


async def test_the_cool_down_is_told_with_what_is_left_of_it(bench: Bench) -> None:
    """The seconds count from the answer, not from the sample."""
    here, there = await bench.open(), await bench.open()
    await there.refused(30)
    started = bench.clock.monotonic()
    for _ in range(5):
        seen = await here.look()
        assert seen.cooling == pytest.approx(30 - (bench.clock.monotonic() - started), abs=0.05)
        await bench.clock.advance(0.3)


async def test_the_level_in_force_is_told(bench: Bench) -> None:
    """connections.md 8.4: halved by the refusal, wherever one looks."""
    recovering = PoolSettings("c", level=8, start=8)
    here, there = await bench.open(), await bench.open()
    await there.send(8, recovering)
    assert (await here.look()).effective == 8
    await there.end()
    await there.refused(5, recovering)
    await bench.clock.advance(0.5)
    for process in (here, there):
        assert (await process.look()).effective == 4


async def test_a_killed_process_is_left_out_and_its_document_goes(bench: Bench) -> None:
    """What it had in flight nobody knows any more; its document is removed by the next who watches."""
    here, there = await bench.open(), await bench.open()
    await there.send(5)
    await here.look()
    there.island.cut_off = True
    await bench.clock.advance(1.5)
    assert numbers(await here.look()) == (0, 0, 0)
    await bench.clock.advance(30)
    await bench.open()
    await here.look()
    assert bench.documents() == []


async def test_a_process_that_ends_takes_its_document_with_it(bench: Bench) -> None:
    """SIGTERM leaves nothing behind."""
    here, there = await bench.open(), await bench.open()
    await there.send(5)
    await here.look()
    await there.replica.close()
    assert bench.documents() == []


async def test_a_hint_for_a_pool_that_is_not_in_use_changes_nothing(bench: Bench) -> None:
    """Anybody may send a datagram; it makes no process write that has nothing to say."""
    here, _ = await bench.open(), await bench.open()
    for number in range(100):
        here.replica.hinted(f"watch/{number}")
    before = bench.store.calls
    await bench.clock.advance(1.0)
    assert (bench.store.calls, bench.documents()) == (before, [])


async def test_without_the_store_the_reason_is_told(bench: Bench) -> None:
    """Half of the numbers would be a lie; afterwards watching goes on by itself."""
    here, there = await bench.open(), await bench.open()
    await there.send(5)
    await here.look()
    bench.store.away = True
    await bench.clock.advance(1.0)
    with pytest.raises(StoreUnavailable):
        await here.look()
    bench.store.away = False
    await bench.clock.advance(1.0)
    assert numbers(await here.look()) == (5, 0, 1)
