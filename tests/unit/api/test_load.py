"""Load shedding, with a clock and turns of the event loop that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fairlead.api.load import (
    BEAT_SECONDS,
    BURST_SECONDS,
    CALM_SECONDS,
    FEW,
    PACE_SECONDS,
    RETRY_AFTER,
    STANDING_SECONDS,
    STARTS,
    TURN_SECONDS,
    Load,
)
from fairlead.domain.errors import ServiceUnavailable


class Turns:
    """A loop whose turns take as long as the test says."""

    def __init__(self, **bounds: int) -> None:
        self.now = 0.0
        self._soon: list[Callable[[], None]] = []
        self.load = Load(lambda: self.now, self._soon.append, **bounds)

    def turn(self, seconds: float) -> None:
        """The next turn comes after that long."""
        self.now += seconds
        callbacks = self._soon[:]
        self._soon.clear()
        for callback in callbacks:
            callback()

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done in the next turn."""
        return not self._soon


class Calls:
    """Calls that stay in until they are let go, or cancelled; with ``ends`` they are over at once."""

    def __init__(self, load: Load, *, ends: bool = False) -> None:
        self.load = load
        self._ends = ends
        self.answers: list[int] = []
        self.told: list[bool] = []
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, count: int) -> list[int]:
        """So many more; what those were told that know it by now."""
        self.tasks += [asyncio.create_task(self._one()) for _ in range(count)]
        await settle()
        return self.answers

    async def leave(self, count: int) -> None:
        """So many of those that are in end."""
        for task in [task for task in self.tasks if task in self.load._running][:count]:
            task.cancel()
        await settle()

    async def end(self) -> None:
        """All end: those that are in as they want, those that wait are cancelled."""
        self.go.set()
        await settle()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _one(self) -> None:
        answer = await self.load.enter()
        self.answers.append(answer)
        if answer:
            return
        try:
            if not self._ends:
                await self.go.wait()
        except asyncio.CancelledError:
            ended = self.load.was_ended()
            self.told.append(ended)
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == (0 if ended else 1)
            if not ended:
                raise
        finally:
            self.load.leave()


async def settle() -> None:
    """Let tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_calls_and_not_one_more() -> None:
    """The bound counts calls that run and those that wait; a call that ends makes room."""
    turns = Turns(calls=3)
    calls = Calls(turns.load)
    assert await calls.come(4) == [0, 0, 0, RETRY_AFTER]
    assert turns.load.refused["calls"] == 1
    await calls.end()
    assert turns.load.running == 0
    assert await turns.load.enter() == 0
    turns.load.leave()


async def test_one_connection_leaves_places_for_others() -> None:
    """Through one connection there are at most as many calls as there are places left, through two that are slow a third each, and so on."""
    turns = Turns(calls=12)
    told: dict[str, list[bool]] = {"a": [], "b": []}
    go = asyncio.Event()

    async def call(connection: str) -> None:
        assert await turns.load.enter() == 0
        try:
            with turns.load.through(connection):
                told[connection].append(True)
                await go.wait()
        except ServiceUnavailable:
            told[connection].append(False)
        finally:
            turns.load.leave()

    tasks = [asyncio.create_task(call("a")) for _ in range(8)]
    await settle()
    assert told["a"] == [True] * 6 + [False] * 2
    tasks += [asyncio.create_task(call("b")) for _ in range(5)]
    await settle()
    assert told["b"] == [True] * 3 + [False] * 2
    assert turns.load.refused["connection"] == 4
    go.set()
    await asyncio.gather(*tasks)
    assert turns.load._through == {}


async def test_a_burst_waits_in_the_order_of_arrival() -> None:
    """What does not start in one turn starts in the next ones; nobody is refused, and afterwards the loop has rest."""
    turns = Turns()
    calls = Calls(turns.load)
    assert await calls.come(3 * STARTS - 5) == [0] * STARTS
    assert turns.load.waiting == 2 * STARTS - 5
    turns.turn(TURN_SECONDS / 2)
    await settle()
    assert (turns.load.running, turns.load.waiting) == (2 * STARTS, STARTS - 5)
    assert all(task in turns.load._running for task in calls.tasks[: 2 * STARTS])
    turns.turn(TURN_SECONDS / 2)
    await settle()
    assert turns.load.waiting == 0
    turns.turn(0.001)
    turns.turn(0.001)
    assert turns.idle
    await calls.end()
    assert sum(turns.load.refused.values()) == 0


async def test_long_turns_let_fewer_calls_start() -> None:
    """While few calls run: turns beyond the aim lower what may start, those of more than twice the aim halve it, down to one; short ones
    raise it again."""
    turns = Turns()
    calls = Calls(turns.load, ends=True)
    await calls.come(1000)
    started = []
    for share in (3, 3, 3, 3, 3, 3, 0.5, 0.5, 1.5):
        before = len(calls.answers)
        turns.turn(share * TURN_SECONDS)
        await settle()
        started.append(len(calls.answers) - before)
    assert started == [8, 4, 2, 1, 1, 1, 2, 3, 2]
    await calls.end()


async def test_in_long_turns_as_many_start_as_ended() -> None:
    """Once some run, so that calls do not pile up inside; a short turn lets more in."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(1000)
    for share in (0.5, 0.5, 2):
        turns.turn(share * TURN_SECONDS)
        await settle()
    assert turns.load.running > FEW + 4
    started = []
    for ended in (0, 3, 1, 0):
        await calls.leave(ended)
        before = turns.load.running
        turns.turn(2 * TURN_SECONDS)
        await settle()
        started.append(turns.load.running - before)
    assert started == [0, 3, 1, 0]
    before = turns.load.running
    turns.turn(TURN_SECONDS / 2)
    await settle()
    assert turns.load.running - before > 1
    await calls.end()


async def test_calls_that_only_wait_shut_nobody_out() -> None:
    """However long turns are and however many run: one call starts now and then."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(1000)
    before = turns.load.running
    for _ in range(10):
        turns.turn(BEAT_SECONDS * 1.01)
        await settle()
    assert turns.load.running - before == 10
    await calls.end()


async def test_a_burst_is_taken_whole() -> None:
    """A queue that was empty not long ago takes whoever comes, however long it gets; not so one that stands: newcomers are refused, those
    in it keep their places."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(STARTS + 1000)
    while turns.now < BURST_SECONDS - 0.03:
        turns.turn(0.02)
        await settle()
    assert turns.load.refusal() == 0
    turns.turn(0.05)
    await settle()
    waiting = turns.load.waiting
    assert waiting > 0
    assert turns.load.refusal() == RETRY_AFTER
    assert turns.load.refused["delay"] == 1
    assert turns.load.waiting == waiting
    await calls.end()


async def test_a_queue_that_stands_is_as_long_as_starts_in_a_second() -> None:
    """By the pace that was seen last, under a load of several times the capacity, as long as it lasts. Afterwards a burst may wait
    again."""
    turns = Turns()
    calls = Calls(turns.load, ends=True)
    await calls.come(STARTS + 200)
    while turns.now < BURST_SECONDS + 8:
        turns.turn(3 * TURN_SECONDS)  # one starts in a turn, and three come
        await calls.come(3)
    pace = 1 / (3 * TURN_SECONDS)
    assert turns.load.refused["delay"] > 0
    for _ in range(100):
        assert turns.load.waiting == pytest.approx(STANDING_SECONDS * pace, abs=3)
        turns.turn(3 * TURN_SECONDS)
        await calls.come(3)
    while turns.load.waiting:
        turns.turn(3 * TURN_SECONDS)
        await settle()
    turns.turn(CALM_SECONDS)
    await calls.come(2 * STARTS + 200)
    turns.turn(PACE_SECONDS)
    assert turns.load.waiting > STANDING_SECONDS * pace
    assert turns.load.refusal() == 0
    await calls.end()


async def test_who_leaves_the_queue_takes_nobodys_place() -> None:
    """A cancelled call is skipped: the next turn starts as many others."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(2 * STARTS + 10)
    for task in calls.tasks[STARTS : STARTS + 5]:
        task.cancel()
    await settle()
    turns.turn(0.001)
    await settle()
    assert (turns.load.running, turns.load.waiting) == (2 * STARTS, 5)
    turns.turn(0.001)
    await calls.end()
    assert (turns.load.running, turns.load.waiting) == (0, 0)


async def test_bodies_together_have_a_bound() -> None:
    """A body that does not fit is refused and counts nothing; one that is gone makes room."""
    load = Turns(body_bytes=100).load
    assert load.hold(60)
    assert not load.hold(41)
    assert (load.held, load.refused["bytes"]) == (60, 1)
    assert load.hold(40)
    load.release(60)
    assert load.hold(60)
    assert load.held == 100


async def test_a_stop_refuses_who_waits_and_lets_run_who_runs() -> None:
    """Nothing new from ``stop`` on; the rest of the grace is told when the last call is over."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(STARTS + 2)
    down = asyncio.create_task(turns.load.wind_down(30, asyncio.Event()))
    await settle()
    assert calls.answers == [0] * STARTS + [RETRY_AFTER] * 2
    assert await turns.load.enter() == RETRY_AFTER
    assert turns.load.refused["stopping"] == 3
    assert not down.done()
    turns.now += 10
    await calls.end()
    assert await down == pytest.approx(20)
    assert calls.told == []


async def test_a_stop_without_calls_is_over_at_once() -> None:
    """Nothing to wait for."""
    assert await Turns().load.wind_down(30, asyncio.Event()) == 30


@pytest.mark.parametrize("hurried", [True, False])
async def test_what_does_not_end_is_cancelled_and_told_so(*, hurried: bool) -> None:
    """When the grace is over, or at once when somebody hurries."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(2)
    hurry = asyncio.Event()
    down = asyncio.create_task(turns.load.wind_down(30 if hurried else 0, hurry))
    await settle()
    hurry.set()
    assert await down == 0
    assert calls.told == [True, True]
    await asyncio.gather(*calls.tasks)


async def test_another_cancellation_is_nobodys_end() -> None:
    """A client that leaves is not told anything."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(1)
    calls.tasks[0].cancel()
    await settle()
    assert calls.told == [False]
    assert calls.tasks[0].cancelled()
