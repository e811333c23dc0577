"""PUTs while imports run: whatever starts after one counts by the new document, in all processes (connections.md 7.4, 8)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.counted.figures import Figure, at_least, at_most, exactly, most_at_once, rate
from tests.counted.installation import Server, Store
from tests.counted.seen import Application, Seen

HEARD = 0.5
"""Seconds after the answer to a PUT: 50 ms for the other processes, a request that was just on its way, and the rest for a busy machine."""
HOLDS = 2.5
"""Seconds that each state lasts."""
LENDER = "_borrowConcurrencyFromConnectionId"


async def put(server: Server, id: str, **block: Any) -> float:
    """Change members of a connection; when the answer came. ``lender``: whose pool it uses from now on, its own without one."""
    document = await server.rest.get(id)
    document.pop(LENDER, None)
    if lender := block.pop("lender", None):
        document[LENDER] = lender
    document["http"] |= block
    await server.rest.update(id, document)
    return time.monotonic()


def crowd(seen: Seen, flows: str, since: float, until: float) -> int:
    """The most that any request found in flight, itself included, when it came in that time. Only flows that begin with ``flows``."""
    ours = [each for each in seen.requests if each.flow.startswith(flows)]
    most = 0
    for request in ours:
        if since + HEARD < request.start < until:
            most = max(most, sum(each.start <= request.start < each.end for each in ours))
    return most


async def borrowing(application: Application, store: Store, processes: int, *, records: int = 300) -> list[Figure]:
    """A connection of level 10 begins to borrow from one of level 2 that is at work, too, and ends again, with level 5; then 8."""
    async with store.installation(processes) as installed:
        base = await application.count("moves", ms=50)
        lender, id = await installed.connect(base, 2), await installed.connect(base, 10)
        last = installed.servers[-1]
        calls = [asyncio.create_task(each.push(id, "own", range(records))) for each in installed.servers]
        calls.append(asyncio.create_task(installed.servers[0].push(lender, "lender", range(400))))
        await application.has_seen("moves", 40)
        start = time.monotonic()
        begins = await put(last, id, lender=lender)
        await asyncio.sleep(HOLDS)
        queues = [(await server.rest.get(id))["queues"][0]["name"] for server in installed.servers]
        in_flight = [(await server.rest.pool(id))["inFlight"] for server in installed.servers]
        ends = await put(installed.servers[0], id, concurrencyLevel=5)
        await asyncio.sleep(HOLDS)
        raised = await put(last, id, concurrencyLevel=8)
        await asyncio.gather(*calls)
        seen = await application.seen("moves")
    what = f"a connection that begins to borrow in mid-run, {processes} process(es)"
    reached = Seen(0, 0, [each for each in seen.requests if each.flow == "own"], []).reached(8, raised)
    return [
        most_at_once(f"{what}: most before", 12, crowd(seen, "", start - 1, start)),
        most_at_once(f"{what}: most at the start of a request", 2, crowd(seen, "", begins, ends - 2 * HEARD)),
        rate(f"{what}: requests a second", 30, _rate(seen, begins + HEARD, ends - 2 * HEARD)),
        exactly(f"{what}: its queue", [lender] * processes, queues),
        exactly(f"{what}: at most 2 in flight, as each process says", True, max(in_flight) <= 2),
        most_at_once(f"{what}, and ends: most of its own", 5, crowd(seen, "own", ends, raised - 2 * HEARD)),
        most_at_once(f"{what}, and ends: most of the lender's", 2, crowd(seen, "lender", ends, raised)),
        at_most(f"{what}, level 5 raised to 8: until 8 are in flight", 0.5, (reached or raised + 99) - raised, " s"),
        most_at_once(f"{what}: most of its own then", 8, crowd(seen, "own", raised, raised + 99)),
        exactly(f"{what}: records", {"200": processes * records + 400}, installed.ends),
    ]


async def pausing(application: Application, store: Store, processes: int) -> list[Figure]:
    """The pause of an import that runs in one process is changed through another."""
    async with store.installation(processes) as installed:
        id = await installed.connect(await application.count("pauses"), 1, rateLimit={"limit": 50})
        call = asyncio.create_task(installed.servers[0].push(id, "f", range(20)))
        await application.has_seen("pauses", 8)
        at = await put(installed.servers[-1], id, rateLimit={"limit": 300})
        await call
        seen = await application.seen("pauses")
    gaps = [gap for gap, request in zip(seen.gaps, seen.requests[1:], strict=True) if request.start > at + HEARD]
    what = f"a pause of 50 ms that becomes 300 in mid-run, {processes} process(es)"
    return [
        at_least(f"{what}: smallest gap", 300, min(gaps), " ms"),
        exactly(f"{what}: records", {"200": 20}, installed.ends),
    ]


async def lowered(application: Application, store: Store, processes: int) -> list[Figure]:
    """A level of 10 that becomes 1, and 10 again, while imports run in all processes; at level 1 their order is that of the input."""
    async with store.installation(processes) as installed:
        id = await installed.connect(await application.count("levels", ms=20), 10)
        calls = [asyncio.create_task(each.push(id, f"f{n}", range(400))) for n, each in enumerate(installed.servers)]
        await application.has_seen("levels", 60)
        down = await put(installed.servers[-1], id, concurrencyLevel=1)
        await asyncio.sleep(HOLDS)
        up = await put(installed.servers[0], id, concurrencyLevel=10)
        await asyncio.gather(*calls)
        seen = await application.seen("levels")
    what = f"a level of 10 that becomes 1 and 10 again in mid-run, {processes} process(es)"
    alone = [each for each in seen.requests if down + 2 * HEARD < each.start < up - HEARD]
    numbers = [[each.number for each in alone if each.flow == f"f{n}"] for n in range(processes)]
    return [
        most_at_once(f"{what}: most at the start of a request", 1, crowd(seen, "", down, up - 2 * HEARD)),
        exactly(f"{what}: in order meanwhile", True, all(each == sorted(each) for each in numbers)),
        at_most(f"{what}: until 10 are in flight again", 0.5, (seen.reached(10, up) or up + 99) - up, " s"),
        most_at_once(f"{what}: most then", 10, crowd(seen, "", up, up + 99)),
        exactly(f"{what}: records", {"200": processes * 400}, installed.ends),
    ]


def _rate(seen: Seen, since: float, until: float) -> float:
    return sum(since < each.start < until for each in seen.requests) / (until - since)
