"""Slots, pacing and cool-downs (connections.md 7 and 8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fairlead.engine.ports import Deadline, PoolSettings, WaitTooLong
from fairlead.limits.pools import Pools
from tests.unit.clock import ManualClock

FAR = Deadline(at=10_000.0)


class Bench:
    """Requests that start, are answered by hand, and leave a diary."""

    def __init__(self, cap: int = 256, jitter: float = 0.0) -> None:
        self.clock = ManualClock()
        self.pools = Pools(self.clock, cap=cap, random=lambda: jitter)
        self.started: list[str] = []
        self.times: dict[str, float] = {}
        self.in_flight = 0
        self.peak = 0
        self._ends: dict[str, asyncio.Future[str]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def request(
        self, name: str, settings: PoolSettings, deadline: Deadline = FAR, *, first: bool = False
    ) -> None:
        """Ask for a slot; answered by ``end``."""
        self.tasks[name] = asyncio.create_task(self._run(name, settings, deadline, first))
        await self.clock.settle()

    async def end(self, name: str, answer: str = "good") -> None:
        """``good``, ``limited`` or ``limited:SECONDS`` (the request repeats, as the attempt loop does), or ``broken``."""
        self._ends.pop(name).set_result(answer)
        await self.clock.settle()

    async def _run(self, name: str, settings: PoolSettings, deadline: Deadline, first: bool) -> None:
        while True:
            async with self.pools.slot(settings, deadline, first=first):
                self.started.append(name)
                self.times[name] = self.clock.monotonic()
                self.in_flight += 1
                self.peak = max(self.peak, self.in_flight)
                end = self._ends[name] = asyncio.get_running_loop().create_future()
                try:
                    answer = await end
                finally:
                    self.in_flight -= 1
            if answer == "good":
                self.pools.answered(settings)
            if not answer.startswith("limited"):
                return
            seconds = answer.partition(":")[2]
            self.pools.cool_down(settings, float(seconds) if seconds else None)
            first = True

    async def finish(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.pools.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.finish()


async def test_never_more_than_the_level_and_in_order_of_arrival(bench: Bench) -> None:
    """Level 2: two in flight, the others follow first come, first served."""
    settings = PoolSettings("c", level=2)
    for name in "abcde":
        await bench.request(name, settings)
    assert bench.started == ["a", "b"]
    assert bench.pools.waiting("c") == 3
    for name in "baced":
        await bench.end(name)
    assert bench.started == ["a", "b", "c", "d", "e"]
    assert bench.peak == 2
    assert bench.pools.waiting("c") == 0


async def test_borrowers_share_the_lenders_queue(bench: Bench) -> None:
    """The specification's example: level 2 over three connections, r3 before r4."""
    lender = PoolSettings("c1", level=2)
    for name in ("c1.r1", "c2.r2", "c3.r3", "c1.r4"):
        await bench.request(name, lender)
    assert bench.started == ["c1.r1", "c2.r2"]
    await bench.end("c2.r2")
    assert bench.started[2:] == ["c3.r3"]
    await bench.end("c1.r1")
    assert bench.started[3:] == ["c1.r4"]


async def test_burst_has_no_limit_of_its_own(bench: Bench) -> None:
    """Without a level everything starts at once."""
    for number in range(50):
        await bench.request(f"r{number}", PoolSettings("c"))
    assert bench.in_flight == 50


async def test_a_pause_counts_from_the_end_of_the_answer(bench: Bench) -> None:
    """The specification's example A: 500 ms between requests; the first ends at 120 ms, the second starts at 620 ms."""
    settings = PoolSettings("c", level=1, pause=0.5)
    await bench.request("a", settings)
    await bench.clock.advance(0.12)
    await bench.end("a")
    await bench.request("b", settings)
    await bench.clock.advance(0.49)
    assert bench.started == ["a"]
    await bench.clock.advance(0.01)
    assert bench.times["b"] == pytest.approx(0.62)


async def test_a_pause_outlives_an_empty_pool(bench: Bench) -> None:
    """Nobody waiting does not make the pool forget when it was used last; after the pause it is forgotten."""
    settings = PoolSettings("c", level=1, pause=0.5)
    await bench.request("a", settings)
    await bench.end("a")
    await bench.clock.advance(0.3)
    assert len(bench.pools) == 1
    await bench.clock.advance(0.3)
    assert len(bench.pools) == 0


async def test_idle_pools_are_dropped(bench: Bench) -> None:
    """A pool lives as long as somebody is in it."""
    await bench.request("a", PoolSettings("c", level=1))
    await bench.request("b", PoolSettings("c", level=1))
    await bench.end("a")
    assert len(bench.pools) == 1
    await bench.end("b")
    assert len(bench.pools) == 0


async def test_a_cool_down_holds_everybody_then_one_goes_alone(bench: Bench) -> None:
    """The refused request goes first after the wait, alone; its answer releases the rest."""
    settings = PoolSettings("c", level=3)
    for name in "abcd":
        await bench.request(name, settings)
    await bench.end("a", "limited:2")
    await bench.request("e", settings)
    await bench.end("b")
    await bench.end("c")
    assert bench.started == ["a", "b", "c"]
    await bench.clock.advance(1.99)
    assert bench.started == ["a", "b", "c"]
    await bench.clock.advance(0.01)
    assert bench.started == ["a", "b", "c", "a"]
    await bench.clock.advance(30)
    assert bench.in_flight == 1
    await bench.end("a")
    assert bench.started[4:] == ["d", "e"]


async def test_the_specifications_example_b(bench: Bench) -> None:
    """Refused at 0 with one second to wait, sent again at 1.000."""
    settings = PoolSettings("c", level=1)
    await bench.request("a", settings)
    await bench.end("a", "limited:1")
    await bench.clock.advance(1)
    assert bench.times["a"] == 1.0


async def test_requests_refused_together_are_one_cool_down_and_keep_their_order(bench: Bench) -> None:
    """Three in flight, all refused: the row counts one, and they go again in their old order, before those that waited."""
    settings = PoolSettings("c", level=3)
    for name in "abcd":
        await bench.request(name, settings)
    for name in "cab":
        await bench.end(name, "limited")
    await bench.clock.advance(0.99)
    assert bench.started == ["a", "b", "c"]
    await bench.clock.advance(0.01)
    assert bench.started[3:] == ["a"]
    await bench.end("a")
    assert bench.started[3:] == ["a", "b", "c", "d"]


async def test_back_off_grows_until_an_answer_is_good(bench: Bench) -> None:
    """1, 2, 4, 8, 16, 32, 60, 60 s in a row; a good answer starts the row anew."""
    settings = PoolSettings("c", level=1)
    await bench.request("a", settings)
    waits = []
    for _ in range(8):
        before = bench.clock.monotonic()
        await bench.end("a", "limited")
        await bench.clock.advance(100)
        waits.append(bench.times["a"] - before)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    await bench.end("a")
    await bench.request("b", settings)
    before = bench.clock.monotonic()
    await bench.end("b", "limited")
    await bench.clock.advance(5)
    assert bench.times["b"] - before == 1


async def test_answers_to_older_requests_do_not_end_a_cool_down(bench: Bench) -> None:
    """What was in flight before the cool-down says nothing about the time after it."""
    settings = PoolSettings("c", level=2)
    for name in "abc":
        await bench.request(name, settings)
    await bench.end("a", "limited:5")
    await bench.clock.advance(1)
    await bench.end("b")
    await bench.clock.advance(1)
    assert bench.started == ["a", "b"]
    await bench.clock.advance(3)
    assert bench.started == ["a", "b", "a"]


async def test_a_probe_that_breaks_lets_the_next_one_try(bench: Bench) -> None:
    """No answer at all neither opens the pool nor blocks it."""
    settings = PoolSettings("c")
    for name in "ab":
        await bench.request(name, settings)
    await bench.end("a", "limited:1")
    await bench.end("b", "limited:1")
    await bench.clock.advance(1)
    assert bench.in_flight == 1
    await bench.end("a", "broken")
    assert bench.started[2:] == ["a", "b"]


async def test_a_cool_down_after_the_slot_was_given_back_holds_the_next_one(bench: Bench) -> None:
    """The attempt loop judges after it left the slot: whoever was granted it meanwhile has not started yet and waits."""
    settings = PoolSettings("c", level=1)
    await bench.request("a", settings)
    await bench.request("b", settings)
    await bench.end("a", "limited:1")
    assert bench.started == ["a"]
    assert bench.pools.waiting("c") == 2
    await bench.clock.advance(1)
    assert bench.started == ["a", "a"]


async def test_first_goes_to_the_head(bench: Bench) -> None:
    """A request marked first is served before those that wait."""
    settings = PoolSettings("c", level=1)
    for name in "abc":
        await bench.request(name, settings)
    await bench.request("login", settings, first=True)
    await bench.end("a")
    assert bench.started == ["a", "login"]


async def test_who_cannot_wait_long_enough_is_told_at_once(bench: Bench) -> None:
    """A cool-down beyond the deadline ends the wait when it begins, for those in the queue and for those who come later."""
    settings = PoolSettings("c", level=1)
    await bench.request("a", settings)
    await bench.request("b", settings, Deadline(at=3.0))
    await bench.end("a", "limited:5")
    assert isinstance(bench.tasks["b"].exception(), WaitTooLong)
    with pytest.raises(WaitTooLong) as caught:
        async with bench.pools.slot(settings, Deadline(at=4.0)):
            pass
    assert caught.value.seconds == 5.0
    assert bench.pools.waiting("c") == 1


async def test_a_waiter_leaves_at_its_deadline(bench: Bench) -> None:
    """A full pool does not hold anybody beyond the deadline, and the one who left is not served later."""
    settings = PoolSettings("c", level=1)
    await bench.request("a", settings)
    await bench.request("b", settings, Deadline(at=2.0))
    await bench.request("c", settings)
    await bench.clock.advance(2)
    error = bench.tasks["b"].exception()
    assert isinstance(error, WaitTooLong)
    assert error.seconds == 0.0
    await bench.end("a")
    assert bench.started == ["a", "c"]


async def test_cancelled_waiters_leave_no_trace(bench: Bench) -> None:
    """Neither a place in the queue nor a slot is lost, also when the cancellation meets the grant."""
    settings = PoolSettings("c", level=1)
    for name in "abcd":
        await bench.request(name, settings)
    bench.tasks["b"].cancel()
    await bench.clock.settle()
    assert bench.pools.waiting("c") == 2
    bench._ends.pop("a").set_result("good")
    await asyncio.sleep(0)  # the slot is c's now, and c has not run yet
    bench.tasks["c"].cancel()
    await bench.clock.settle()
    assert bench.started == ["a", "d"]
    await bench.end("d")
    assert len(bench.pools) == 0


async def test_cancelling_a_head_and_freeing_its_slot_in_one_turn(bench: Bench) -> None:
    """A waiter that was cancelled and has not run yet is passed over."""
    settings = PoolSettings("c", level=1)
    for name in "abc":
        await bench.request(name, settings)
    bench.tasks["b"].cancel()
    await bench.end("a")
    assert bench.started == ["a", "c"]


async def test_a_cancelled_request_gives_its_slot_back_once(bench: Bench) -> None:
    """Cancelling in flight frees exactly one slot."""
    settings = PoolSettings("c", level=1)
    for name in "abc":
        await bench.request(name, settings)
    bench.tasks["a"].cancel()
    await bench.clock.settle()
    assert bench.started == ["a", "b"]
    assert bench.in_flight == 1


async def test_the_cap_holds_for_all_pools_and_places_go_in_turn() -> None:
    """At the cap, freed places go to the waiting pools one each; the many of one pool do not crowd out the few of another."""
    bench = Bench(cap=4)
    for number in range(6):
        await bench.request(f"big{number}", PoolSettings("big"))
    for number in range(2):
        await bench.request(f"small{number}", PoolSettings("small", level=5))
    assert bench.in_flight == 4
    for number in range(3):
        await bench.end(f"big{number}")
    assert bench.started[4:] == ["small0", "big4", "small1"]
    assert bench.peak == 4
    await bench.finish()


async def test_a_burst_pool_leaves_a_quarter_to_others_that_wait() -> None:
    """While others wait one burst pool gets no more than three quarters; alone it may have everything."""
    bench = Bench(cap=8)
    for number in range(20):
        await bench.request(f"big{number}", PoolSettings("big"))
    assert bench.in_flight == 8
    for number in range(3):
        await bench.request(f"small{number}", PoolSettings("small"))
    await bench.end("big0")
    await bench.end("big1")
    assert bench.started[8:] == ["small0", "small1"]
    await bench.end("big2")
    assert bench.started[10:] == ["big8"]  # its turn: five in flight after this end, six are allowed
    await bench.finish()


async def test_no_place_is_lost_in_a_long_mixed_run() -> None:
    """Hundreds of requests over levelled, paced and burst pools, some cancelled: everything ends, nothing stays behind."""
    bench = Bench(cap=5)
    kinds = [PoolSettings("a", level=2), PoolSettings("b"), PoolSettings("c", level=1, pause=0.01), PoolSettings("d")]

    async def work(number: int) -> None:
        settings = kinds[number % 4]
        async with bench.pools.slot(settings, FAR):
            await bench.clock.sleep(0.001 * (number % 7))
        if number % 11 == 0:
            bench.pools.cool_down(settings, 1)
        else:
            bench.pools.answered(settings)

    tasks = [asyncio.create_task(work(number)) for number in range(300)]
    await bench.clock.settle()
    for task in tasks[5::17]:
        task.cancel()
    for _ in range(200):
        await bench.clock.advance(1)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    await bench.clock.advance(100)
    assert len(bench.pools) == 0
    assert bench.pools._in_flight == 0
    assert not bench.pools._turns
