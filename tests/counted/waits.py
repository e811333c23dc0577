"""Pauses and cool-downs: never too early, and no longer than asked (connections.md 7)."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass, field
from typing import Any

from tests.counted.figures import Figure, at_least, at_most, exactly, told
from tests.counted.installation import Store
from tests.counted.seen import Application, Seen

BINDS = 0.05
"""Seconds within which a cool-down binds other replicas; one more is on its way to the process that was refused."""


async def paused(application: Application, store: Store, processes: int, *, requests: int = 24) -> list[Figure]:
    """500 ms from the end of each answer to the next request."""
    async with store.installation(processes) as installed:
        base = await application.count("paused", ms=20)
        id = await installed.connect(base, 1, rateLimit={"limit": 500})
        await installed.push(id, requests)
        seen = await application.seen("paused")
    what = f"pause of 500 ms, {processes} process(es)"
    return [
        exactly(f"{what}: records", {"200": requests}, installed.ends),
        at_least(f"{what}: smallest gap", 500.0, min(seen.gaps), " ms"),
        at_most(f"{what}: median gap", 520.0, statistics.median(seen.gaps), " ms"),
        told(f"{what}: longest gap", f"{max(seen.gaps):.1f} ms"),
    ]


@dataclass(frozen=True)
class Kind:
    """One way to say that it is too much: what the application answers, and the rule by which fairlead knows."""

    answer: dict[str, Any]
    rule: dict[str, Any] = field(default_factory=dict)


THROTTLED = {"status": "Throttled"}
BY_BODY = {"failPath": "status", "failValues": ["Throttled"]}
KINDS = {
    "seconds": Kind({"seconds": 2, "says": "seconds"}),
    "date": Kind({"seconds": 2, "says": "date"}),
    "none": Kind({"seconds": 2.5}),
    "own header": Kind(
        {"seconds": 1.5, "says": "milliseconds", "header": "X-Wait"},
        {"retryHeader": "x-wait"},
    ),
    "garbage": Kind({"seconds": 2.5, "says": "soon"}),
    "status plus body value": Kind(
        {"seconds": 1, "says": "milliseconds", "header": "try-after", "status": 400, "body": THROTTLED},
        {"retryHeader": "try-after", "rateLimit": {"failStatusCode": 400, **BY_BODY}},
    ),
    "200 plus body value": Kind(
        {"seconds": 2, "says": "seconds", "status": 200, "body": THROTTLED}, {"rateLimit": BY_BODY}
    ),
    "500": Kind({"seconds": 2.5, "status": 500}, {"rateLimit": {"failStatusCode": 500}}),
    "503": Kind({"seconds": 2, "says": "seconds", "status": 503}, {"rateLimit": {"failStatusCode": 503}}),
}


async def refused(
    application: Application, store: Store, processes: int, *, level: int = 1, requests: int = 40, every: int = 8
) -> list[Figure]:
    """All kinds at once, each with a connection of its own; the application refuses after ``every`` requests that it took."""
    async with store.installation(processes) as installed:

        async def one(name: str, kind: Kind) -> Seen:
            counter = name.replace(" ", "-")
            base = await application.count(counter, ms=5, refusals={"every": every, **kind.answer})
            await installed.push(await installed.connect(base, level, **kind.rule), requests)
            return await application.seen(counter)

        seen = await asyncio.gather(*(one(name, kind) for name, kind in KINDS.items()))
    what = f"{processes} process(es), level {level}"
    figures = []
    for name, each in zip(KINDS, seen, strict=True):
        on_the_way = 0.0 if level == 1 else BINDS
        early = [after for after in each.early if after > on_the_way]
        figures.append(exactly(f"refused by {name}, {what}: too early", [], early))
        figures.append(exactly(f"refused by {name}, {what}: served", requests, each.served))
        idle = at_most(f"refused by {name}, {what}: idle beyond", 10, each.idle() * 100, " %")
        figures.append(idle if processes == 1 else told(idle.what, idle.seen))
        if level > 1:
            figures.append(told(f"refused by {name}, {what}: on their way", str(len(each.early))))
    return [*figures, exactly(f"refused, {what}: records", {"200": requests * len(KINDS)}, installed.ends)]
