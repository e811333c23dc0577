"""Most requests in flight: the level, exactly, and reached (connections.md 8.1, 8.2, 8.3)."""

from __future__ import annotations

import asyncio

from tests.counted.figures import Figure, exactly, most_at_once
from tests.counted.installation import Store
from tests.counted.seen import Application

LEVELS = (1, 2, 5, 10, 50, 100)
HTTP_MOST = 50
"""The highest level of the ``http`` notation; ``rest`` goes to 100."""


def notation_of(level: int) -> str:
    """The notation in which a level can be written."""
    return "http" if level <= HTTP_MOST else "rest"


async def levels(
    application: Application, store: Store, processes: int, *, which: tuple[int, ...] = LEVELS, requests: int = 1000
) -> list[Figure]:
    """One level after the other, through all processes at once, half of the records over REST and half over gRPC."""
    figures = []
    async with store.installation(processes) as installed:
        for level in which:
            counter = f"level-{level}"
            base = await application.count(counter, ms=max(4, 3 * level))
            await installed.push(await installed.connect(base, level, notation=notation_of(level)), requests)
            seen = await application.seen(counter)
            figures.append(most_at_once(f"level {level}, {processes} process(es): most in flight", level, seen.most))
            figures.append(exactly(f"level {level}, {processes} process(es): requests", requests, len(seen.requests)))
    figures.append(exactly(f"{processes} process(es): records", {"200": len(which) * requests}, installed.ends))
    return figures


async def burst(application: Application, store: Store, processes: int, *, requests: int = 1000) -> list[Figure]:
    """Without a level a process sends as many at once as its cap allows, alone: nothing is shared."""
    async with store.installation(processes) as installed:
        base = await application.count("burst", ms=400)
        await installed.push(await installed.connect(base, None), requests)
        seen = await application.seen("burst")
    most = Figure(
        "burst: most in flight", f"<= {256 * processes}, > 100", str(seen.most), 100 < seen.most <= 256 * processes
    )
    return [most, exactly("burst: records", {"200": requests}, installed.ends)]


async def borrowed(application: Application, store: Store, processes: int, *, requests: int = 300) -> list[Figure]:
    """A lender of level 2 and two borrowers, all three at once: 2 (the example of connections.md 8.3)."""
    async with store.installation(processes) as installed:
        base = await application.count("lender", ms=10)
        lender = await installed.connect(base, 2)
        three = [lender, *[await installed.borrow(base, lender) for _ in range(2)]]
        await asyncio.gather(*(installed.push(id, requests) for id in three))
        seen = await application.seen("lender")
    what = f"lender of level 2, two borrowers, {processes} process(es)"
    return [
        most_at_once(f"{what}: most in flight", 2, seen.most),
        exactly(f"{what}: records", {"200": 3 * requests}, installed.ends),
    ]
