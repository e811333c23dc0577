"""Callers who hang up in mid-request: what the application still works on counts (connections.md 8.1, 8.2)."""

from __future__ import annotations

import asyncio
from random import Random

from tests.counted.figures import Figure, at_least, exactly, most_at_once, told
from tests.counted.installation import WAYS, Installation, Server, Store
from tests.counted.seen import Application

WORKS_MS = 300
PAUSE_MS = 100
LEFT_WITHIN = (0.02, 0.28)
"""Seconds after which a caller has gone: the application always works for longer."""


async def _hang_up(server: Server, id: str, way: str, random: Random, rounds: int) -> None:
    """One record again and again, each time without waiting for its result."""
    for _ in range(rounds):
        pushing = asyncio.ensure_future(server.push(id, "left", [1], way=way))
        await asyncio.wait((pushing,), timeout=random.uniform(*LEFT_WITHIN))
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)


async def _hang_ups(installed: Installation, id: str, callers: int, rounds: int) -> None:
    random = Random(8)
    callings = [(server, way) for server in installed.servers for way in WAYS for _ in range(callers)]
    await asyncio.gather(*(_hang_up(server, id, way, random, rounds) for server, way in callings))


async def hang_up(
    application: Application, store: Store, processes: int, *, which: tuple[int, ...] = (1, 2, 5), rounds: int = 20
) -> list[Figure]:
    """Everybody leaves in the middle of a request, over REST and gRPC; then some stay, and find the whole level."""
    figures = []
    async with store.installation(processes) as installed:
        for level in which:
            base = await application.count(f"left-{level}", ms=WORKS_MS)
            id = await installed.connect(base, level)
            await _hang_ups(installed, id, level, rounds)
            what = f"callers hang up, level {level}, {processes} process(es)"
            seen = await application.seen(f"left-{level}")
            figures.append(told(f"{what}: requests", str(len(seen.requests))))
            await installed.push(id, 8 * level)
            figures.append(
                most_at_once(f"{what}: most in flight", level, (await application.seen(f"left-{level}")).most)
            )
        base = await application.count("left-paused", ms=WORKS_MS)
        id = await installed.connect(base, 1, rateLimit={"limit": PAUSE_MS})
        await _hang_ups(installed, id, 1, rounds)
        await installed.push(id, 4)
        seen = await application.seen("left-paused")
    return [
        *figures,
        exactly(f"callers hang up, {processes} process(es): records of those who stay", {"200"}, {*installed.ends}),
        at_least(f"callers hang up, {processes} process(es): smallest gap", float(PAUSE_MS), min(seen.gaps), " ms"),
    ]
