"""Order and fairness (connections.md 8.2 and its example B)."""

from __future__ import annotations

import asyncio
import statistics
import time

from tests.counted.figures import Figure, at_most, exactly, most_at_once, told
from tests.counted.installation import Installation, Server, Store
from tests.counted.seen import Application

CALL = 10_000
"""Most records of one call."""
SMALL = 10


async def ordered(application: Application, store: Store, *, records: int = CALL) -> list[Figure]:
    """At level 1 records are written in the order of the input."""
    figures = []
    async with store.installation(1) as installed:
        for way in ("rest", "grpc"):
            id = await installed.connect(await application.count("ordered"), 1)
            await installed.servers[0].push(id, "f", range(records), way=way)
            seen = await application.seen("ordered")
            in_order = seen.numbers("f") == list(range(records))
            figures.append(exactly(f"order of {records} writes at level 1, {way}", True, in_order))
    return [*figures, exactly("order of writes: records", {"200": 2 * records}, installed.ends)]


async def fair(application: Application, store: Store, *, records: int = 2 * CALL, rounds: int = 25) -> list[Figure]:
    """A flow of many records through Connection1 and one of ten through Connection2, level 5 each: the ten take as long as alone.
    Through one connection of level 10 they wait for requests that came before."""
    async with store.installation(1) as installed:
        server = installed.servers[0]
        ids = [await installed.connect(await application.count(name, ms=20), 5) for name in ("one", "two")]
        await _times(server, ids[1], 3)
        alone = await _times(server, ids[1], rounds)
        big = await _begin(application, installed, ids[0], "one", records)
        beside = await _times(server, ids[1], rounds)
        still = not any(call.done() for call in big)
        most = (await application.seen("one")).most
        rate = await _rate(application, "one")
        for call in big:
            call.cancel()
        await asyncio.gather(*big, return_exceptions=True)
    slower = statistics.median(beside) / statistics.median(alone)
    figures = [
        exactly("fairness: the flow of many was at work all the time", True, still),
        most_at_once("fairness: its most in flight", 5, most),
        told("fairness: its requests a second (250 at most)", f"{rate:.0f}"),
        told("fairness: ten records alone", _spread(alone)),
        told("fairness: ten records beside it, other connection", _spread(beside)),
        at_most("fairness: beside it against alone, medians", 1.5, slower),
    ]
    return [*figures, *await _stalled(application, store)]


async def _stalled(application: Application, store: Store, *, records: int = 2000) -> list[Figure]:
    async with store.installation(1) as installed:
        id = await installed.connect(await application.count("shared", ms=20), 10)
        big = await _begin(application, installed, id, "shared", records)
        [seconds] = await _times(installed.servers[0], id, 1)
        await asyncio.gather(*big)
        seen = await application.seen("shared")
    before = next(place for place, each in enumerate(seen.requests) if each.flow == "small")
    return [
        told("one connection: records of the large flow before the ten", f"{before} of {records}"),
        told("one connection: ten records", f"{seconds * 1e3:.0f} ms of {seen.seconds * 1e3:.0f} ms"),
    ]


async def _begin(
    application: Application, installed: Installation, id: str, counter: str, records: int
) -> list[asyncio.Task[None]]:
    """The large flow, in calls as large as they may be, and at work."""
    parts = [range(start, min(start + CALL, records)) for start in range(0, records, CALL)]
    calls = [asyncio.create_task(installed.servers[0].push(id, "large", part)) for part in parts]
    await application.has_seen(counter, 100)
    return calls


async def _times(server: Server, id: str, rounds: int) -> list[float]:
    """Seconds for ten records, again and again."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        await server.push(id, "small", range(SMALL))
        times.append(time.perf_counter() - started)
    return times


async def _rate(application: Application, counter: str) -> float:
    seen = await application.seen(counter)
    return len(seen.requests) / seen.seconds


def _spread(times: list[float]) -> str:
    return f"median {statistics.median(times) * 1e3:.0f} ms, worst {max(times) * 1e3:.0f} ms"
