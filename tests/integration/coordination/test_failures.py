"""Replicas that are killed, paused or cut off from the store (connections.md 8.2). These tests take the half minute that they are about."""

from __future__ import annotations

import asyncio
import signal
import time

from tests.integration.coordination.conftest import WIRE_URI, Start, wire_url
from tests.integration.coordination.parts import Application, Proxy, Replica, soon
from tests.slow import slow

pytestmark = slow


async def test_killed_and_paused_replicas(start: Start, application: Application) -> None:
    """Level 6 over three processes; one is killed, one paused: never more than six in flight, and all six again after 25 to 30 s. The
    paused one ends what it had, and takes part again."""
    replicas = [await start() for _ in range(3)]
    for i, each in enumerate(replicas):
        for k in range(6):
            each.call("loop", pool="p", level=6, name=f"{i}.{k}-", count=2000, ms=100)
    seen = application.pools["p"]
    await asyncio.sleep(3)
    assert {name[0] for _, name in seen.starts[-30:]} >= {"0", "1"}
    replicas[0].signal(signal.SIGKILL)
    replicas[1].signal(signal.SIGSTOP)
    gone = time.monotonic()
    await asyncio.sleep(1)
    full = 0.0
    for _ in range(600):
        await asyncio.sleep(0.05)
        if seen.in_flight == 6 and not full:
            full = time.monotonic() - gone
    assert 24.5 <= full <= 30.5
    assert seen.most == 6
    replicas[1].signal(signal.SIGCONT)
    before = len(seen.starts)
    assert await soon(lambda: any(name[0] == "1" for _, name in seen.starts[before:]), 20)
    await asyncio.sleep(2)
    assert seen.most == 6


async def test_a_replica_that_is_cut_off_from_the_store(application: Application) -> None:
    """It starts nothing after 15 s and takes part again when the store is back; meanwhile the other one gets its slots, and at no time are
    there too many."""
    url = wire_url()
    proxy = Proxy(WIRE_URI.removeprefix("mongodb://"))
    await proxy.open()
    cut_url = f"mongodb://{proxy.address}/{url.rpartition('/')[2]}?timeoutMS=2000&directConnection=true"
    replicas = [await Replica.start(cut_url, application), await Replica.start(url, application)]
    try:
        for i, each in enumerate(replicas):
            for k in range(4):
                each.call("loop", pool="p", level=4, name=f"{i}.{k}-", count=4000, ms=100)
        await asyncio.sleep(3)
        seen = application.pools["p"]
        assert {name[0] for _, name in seen.starts[-30:]} == {"0", "1"}
        proxy.cut()
        cut = time.monotonic()
        await asyncio.sleep(31)
        late = [at - cut for at, name in seen.starts if name[0] == "0" and at > cut]
        assert max(late, default=0.0) <= 15.5
        assert seen.in_flight == 4
        assert {name[0] for _, name in seen.starts[-20:]} == {"1"}
        proxy.mend()
        before = len(seen.starts)
        assert await soon(lambda: any(name[0] == "0" for _, name in seen.starts[before:]), 20)
        await asyncio.sleep(2)
        assert seen.most == 4
    finally:
        for each in replicas:
            await each.close()
        await proxy.close()


async def test_a_slow_store(application: Application) -> None:
    """200 ms to the store and back again: slower hand-overs, the same limit."""
    url = wire_url()
    proxy = Proxy(WIRE_URI.removeprefix("mongodb://"), delay=0.2)
    await proxy.open()
    slow = f"mongodb://{proxy.address}/{url.rpartition('/')[2]}?directConnection=true"
    replicas = [await Replica.start(slow, application), await Replica.start(url, application)]
    try:
        calls = [each.call("run", pool="p", level=3, name=f"{i}-", count=100, ms=10) for i, each in enumerate(replicas)]
        assert await asyncio.gather(*calls) == [{"good": 100}] * 2
        assert application.pools["p"].most == 3
    finally:
        for each in replicas:
            await each.close()
        await proxy.close()
