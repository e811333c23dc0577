"""Load shedding, with a clock and turns of the event loop that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fairlead.api.load import (
    BURST_SECONDS,
    CALM_SECONDS,
    PATIENCE_SECONDS,
    RETRY_AFTER,
    STANDING_SECONDS,
    STARTS,
    TURN_SECONDS,
    Load,
)


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
    """Calls that stay in until they are let go, or cancelled."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.answers: list[int] = []
        self.told: list[bool] = []
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, count: int) -> list[int]:
        """So many more; what those were told that know it by now."""
        self.tasks += [asyncio.create_task(self._one()) for _ in range(count)]
        await settle()
        return self.answers

    async def end(self) -> None:
        """All that are in end."""
        self.go.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _one(self) -> None:
        answer = await self.load.enter()
        self.answers.append(answer)
        if answer:
            return
        try:
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


async def test_a_burst_waits_in_the_order_of_arrival() -> None:
    """What does not start in one turn starts in the next ones; nobody is refused, and afterwards the loop has rest."""
    turns = Turns()
    calls = Calls(turns.load)
    assert await calls.come(STARTS + 100) == [0] * STARTS
    assert turns.load.waiting == 100
    turns.turn(TURN_SECONDS / 2)
    await settle()
    assert (turns.load.running, turns.load.waiting) == (2 * STARTS, 100 - STARTS)
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
    """Turns of more than twice the aim halve what may start, down to one; short ones raise it again."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(1000)
    started = []
    for seconds in (0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.002, 0.002, 0.007):
        before = turns.load.running
        turns.turn(seconds)
        await settle()
        started.append(turns.load.running - before)
    assert started == [32, 16, 8, 4, 2, 1, 1, 2, 3, 3]
    for task in calls.tasks:
        task.cancel()
    await calls.end()


async def test_nobody_joins_a_queue_that_is_two_seconds_long() -> None:
    """A newcomer is refused while the oldest has waited for longer than a burst may; those in the queue keep their places."""
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
    for task in calls.tasks:
        task.cancel()
    await calls.end()


async def test_a_queue_that_never_empties_is_kept_short() -> None:
    """After some seconds of a queue that was never empty, one second is the bound; after a second of calm a burst may wait again."""
    turns = Turns()
    calls = Calls(turns.load)
    await calls.come(STARTS + 63 + 70)  # 63 start while the number goes down to one
    while turns.now < PATIENCE_SECONDS - 0.1:
        turns.turn(0.02)  # down to one call that starts in a turn, and one comes: the queue stays as long as it is
        await calls.come(1)
    assert turns.load.refused["delay"] == 0
    assert turns.load.waiting * 0.02 > STANDING_SECONDS
    while turns.now < PATIENCE_SECONDS + 1:
        turns.turn(0.02)
        await calls.come(1)
    assert turns.load.refused["delay"] > 0
    assert 0 < turns.load.waiting * 0.02 <= STANDING_SECONDS + 0.02
    while turns.load.waiting:
        turns.turn(0.02)
        await settle()
    turns.now += CALM_SECONDS + 0.1
    await calls.come(STARTS + 20)
    turns.turn(STANDING_SECONDS + 0.1)
    await settle()
    assert turns.load.waiting > 0
    assert turns.load.refusal() == 0
    for task in calls.tasks:
        task.cancel()
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
