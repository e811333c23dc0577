"""Slots of requests whose callers have gone (connections.md 8.1, 8.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fairlead.engine.ports import PoolSettings
from fairlead.limits.slot import OUTLIVES_SECONDS, outlives
from tests.unit.limits.replicas import Bench

ONE = PoolSettings("p", level=1)
PAUSED = PoolSettings("p", level=1, pause=0.5)


class Sending(Bench):
    """Whatever is cancelled in its slot leaves something that was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, asyncio.Future[str]] = {}

    async def leave(self, name: str) -> None:
        """The caller of that request goes; the application works on."""
        self.tasks[name].cancel()
        await self.clock.settle()

    async def left(self, name: str) -> None:
        """In the slot, when its caller goes."""
        sent = self.sent[name] = asyncio.get_running_loop().create_future()
        outlives(sent)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Sending]:
    """Replicas A and B."""
    made = Sending()
    await made.open("A", "B")
    yield made
    await made.close()


@pytest.mark.parametrize("next_one", ["A2", "B2"])
async def test_the_slot_is_free_when_the_answer_comes(bench: Sending, next_one: str) -> None:
    """Whoever waits, here or in another process, starts at that moment and not before."""
    await bench.ask("A1", ONE)
    await bench.ask(next_one, ONE)
    await bench.leave("A1")
    await bench.clock.advance(1.0)
    assert bench.started == ["A1"]
    bench.sent["A1"].set_result("answer")
    await bench.clock.advance(0.1)
    assert bench.started == ["A1", next_one]


async def test_nobody_waits_for_long(bench: Sending) -> None:
    """After two seconds the request is ended, and its slot free."""
    await bench.ask("A1", ONE)
    await bench.ask("A2", ONE)
    await bench.leave("A1")
    await bench.clock.advance(OUTLIVES_SECONDS - 0.1)
    assert bench.started == ["A1"]
    assert not bench.sent["A1"].done()
    await bench.clock.advance(0.2)
    assert bench.started == ["A1", "A2"]
    assert bench.sent["A1"].cancelled()


async def test_the_pause_begins_with_the_answer(bench: Sending) -> None:
    """connections.md 7.4."""
    await bench.ask("A1", PAUSED)
    await bench.ask("A2", PAUSED)
    await bench.leave("A1")
    await bench.clock.advance(1.0)
    bench.sent["A1"].set_result("answer")
    await bench.clock.advance(0.4)
    assert bench.started == ["A1"]
    await bench.clock.advance(0.2)
    assert bench.started == ["A1", "A2"]


async def test_a_process_that_is_cut_off_ends_it(bench: Sending) -> None:
    """Whose slots others may take leaves nothing in flight, and ends nothing else."""
    await bench.ask("A1", ONE)
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(19.0)
    await bench.leave("A1")
    await bench.clock.advance(1.5)
    assert bench.sent["A1"].cancelled()
    assert not bench.pools("A").active


async def test_many_who_leave(bench: Sending) -> None:
    """Each slot is given back once."""
    three = PoolSettings("p", level=3)
    for number in range(30):
        await bench.ask(f"A{number}", three)
    for number in range(30):
        await bench.leave(f"A{number}")
        await bench.clock.advance(0.3)
    await bench.clock.advance(OUTLIVES_SECONDS)
    state = bench.pools("A").state("p")
    assert state is not None
    assert (state.in_flight, state.waiting) == (0, 0)
    for number in range(5):
        await bench.ask(f"B{number}", three)
    await bench.clock.advance(1.0)
    assert len(bench.in_flight) == 3
