"""What limits cost: a slot nobody else wants, a full pool against a semaphore, and hand-overs between two processes on one store.

``python bench/limits.py [DATABASE_URL]``: on a SQLite file of its own unless a URL is given. Figures to compare are of one run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fairlead.engine.ports import Deadline, PoolSettings
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from fairlead.store.open import open_store
from fairlead.transport.clock import SystemClock
from tests.integration.coordination import parts

ROUNDS = 5
REQUEST = 0.005  # seconds: 10,000 requests a second at level 50
FAR = Deadline(float("inf"))


async def uncontended(pools: Pools, settings: PoolSettings, count: int = 20_000) -> float:
    """Microseconds for one slot, taken and given back by one task."""
    async with pools.slot(settings, FAR):
        pass
    started = time.perf_counter()
    for _ in range(count):
        async with pools.slot(settings, FAR):
            pass
    return (time.perf_counter() - started) / count * 1e6


async def full_pool(pools: Pools, level: int = 50, tasks: int = 500, count: int = 10) -> float:
    """Seconds for ``tasks`` tasks with ``count`` requests each."""
    settings = PoolSettings("full", level)
    deadline = Deadline(time.monotonic() + 300)

    async def work() -> None:
        for _ in range(count):
            async with pools.slot(settings, deadline):
                await asyncio.sleep(REQUEST)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    return time.perf_counter() - started


async def semaphore(level: int = 50, tasks: int = 500, count: int = 10) -> float:
    """The same with an ``asyncio.Semaphore``."""
    limit = asyncio.Semaphore(level)

    async def work() -> None:
        for _ in range(count):
            async with limit:
                await asyncio.sleep(REQUEST)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    return time.perf_counter() - started


async def hand_overs(url: str, loops: int, count: int = 1200) -> str:
    """Two processes at level 1, ``loops`` requests at a time each."""
    application = parts.Application()
    await application.open()
    replicas = [await parts.Replica.start(url, application) for _ in range(2)]
    started = time.monotonic()
    await asyncio.gather(
        *(
            replica.call("loop", pool="p", level=1, name=f"{number}.{loop}-", count=count // 2 // loops)
            for number, replica in enumerate(replicas)
            for loop in range(loops)
        )
    )
    seconds = time.monotonic() - started
    seen = application.pools["p"]
    order = [name[0] for _, name in seen.starts]
    gaps = sorted(gap for gap, one, other in zip(seen.gaps, order, order[1:], strict=False) if one != other)
    for replica in replicas:
        await replica.stop()
        await replica.close()
    await application.close()
    return (
        f"{loops} at a time: {count / seconds:5.0f} grants/s, {len(gaps) / seconds:4.0f} hand-overs/s, "
        f"median {statistics.median(gaps) * 1e3:.1f} ms, p98 {gaps[int(len(gaps) * 0.98)] * 1e3:.1f} ms, most in flight {seen.most}"
    )


async def main(url: str) -> None:
    clock = SystemClock()
    store = open_store(url)
    replica = Replica(store.coordination(), clock)
    await replica.start()
    shared, local = Pools(clock, replica=replica), Pools(clock)
    for name, pools, settings in (
        ("level 10, shared", shared, PoolSettings("a", 10)),
        ("level 10, one process", local, PoolSettings("a", 10)),
        ("burst, shared", shared, PoolSettings("b")),
    ):
        costs = [await uncontended(pools, settings) for _ in range(ROUNDS)]
        print(f"uncontended slot, {name}: {statistics.median(costs):.2f} microseconds")
    ratios = []
    for _ in range(ROUNDS):
        ours, theirs = await full_pool(shared), await semaphore()
        ratios.append(theirs / ours)
    print(f"level 50, throughput over a semaphore's: {statistics.median(ratios):.2f}")
    await replica.close()
    await store.close()
    for loops in (1, 4):
        print(f"two processes, level 1, {await hand_overs(url, loops)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'fairlead.db'}"))
