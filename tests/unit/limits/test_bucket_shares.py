"""One bucket per account over several processes, with a clock that is moved by hand (contract.md 1.14)."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from itertools import count
from random import Random

import pytest
import pytest_asyncio

from fairlead.limits.bucket import ANONYMOUS, BucketSize
from fairlead.limits.bucket_asking import PATIENCE
from fairlead.limits.limiter import LeakyBuckets
from fairlead.limits.replica import BUCKETS, Replica
from tests.unit.clock import ManualClock
from tests.unit.limits.memory import Hints, Island, MemoryCoordination

SIZE = BucketSize(1000, 300)


class Process:
    """One process on the store."""

    def __init__(self, house: House, size: BucketSize) -> None:
        self.house = house
        self.island = Island(house.store)
        self.replica = Replica(self.island, house.clock, house.hints)
        self.address = str(next(house.addresses))
        house.hints.replicas[self.address] = self.replica
        self.limiter = LeakyBuckets(house.clock, size, ANONYMOUS, self.replica)
        self.is_up = True

    async def open(self) -> None:
        await self.replica.start(self.address)
        await self.limiter.join()

    async def ask(self, account: str = "a") -> int:
        """One request: 0, or the seconds to wait; it is counted when it is admitted."""
        seconds = self.limiter.take(account)
        if seconds:
            seconds = await self.limiter.take_elsewhere(account)
        if not seconds:
            self.house.admitted.append(self.house.clock.monotonic())
        return seconds

    def kill(self) -> None:
        """It is gone without a word."""
        self.is_up = False
        self.island.cut_off = True
        del self.house.hints.replicas[self.address]

    async def close(self) -> None:
        self.is_up = False
        await self.replica.close()


class House:
    """Processes that share a store, and what they admitted together."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryCoordination(self.clock)
        self.hints = Hints()
        self.processes: list[Process] = []
        self.addresses = count()
        self.admitted: list[float] = []
        self.tasks: set[asyncio.Task[int]] = set()

    async def open(self, size: BucketSize = SIZE) -> Process:
        made = Process(self, size)
        self.processes.append(made)
        await made.open()
        await self.settle()
        return made

    async def settle(self) -> None:
        for _ in range(5):
            await self.clock.settle()

    async def burst(self, *requests: tuple[Process, int], account: str = "a") -> list[int]:
        """So many requests at each process, all at once; how many of each were admitted."""
        before = [[self.send(process, account) for _ in range(count)] for process, count in requests]
        await self.settle()
        await self.clock.advance(2 * PATIENCE)
        await self.settle()
        return [sum(task.result() == 0 for task in tasks) for tasks in before]

    def send(self, process: Process, account: str = "a") -> asyncio.Task[int]:
        """One request that waits for its answer in the background."""
        task = asyncio.ensure_future(process.ask(account))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def most(self, size: BucketSize) -> float:
        """The deepest that one bucket would have been drawn by what was admitted: with every window of T seconds below size + rate T,
        it is at most the size."""
        drawn, last = 0.0, 0.0
        most = 0.0
        for at in self.admitted:
            drawn = max(0.0, drawn - (at - last) * size.per_second) + 1
            last = at
            most = max(most, drawn)
        return most

    async def close(self) -> None:
        for process in self.processes:
            process.island.cut_off = False
            await process.replica.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.close()


async def test_alone_the_store_is_not_asked(house: House) -> None:
    """The whole bucket, exactly, and no call to the store, also when it is empty."""
    one = await house.open()
    calls = house.store.calls
    assert await house.burst((one, 1500)) == [1000]
    assert house.store.calls == calls


async def test_five_hundred_at_each_of_two(house: House) -> None:
    """Behind a load balancer: half of the requests pass at once at each, without a call to the store."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    calls = house.store.calls
    assert [one.limiter.take("a") for _ in range(500)] == [0] * 500
    assert [two.limiter.take("a") for _ in range(500)] == [0] * 500
    assert house.store.calls == calls
    assert await house.burst((one, 10), (two, 10)) == [0, 0]


@pytest.mark.parametrize("processes", [2, 3, 5])
async def test_fifteen_hundred_at_each(house: House, processes: int) -> None:
    """All at once: 1,000 over all, as one bucket would admit, and never more."""
    members = [await house.open() for _ in range(processes)]
    await house.clock.advance(10)
    admitted = await house.burst(*((each, 1500) for each in members))
    refill = 300 * 2 * PATIENCE
    assert 1000 - processes <= sum(admitted) <= 1000 + refill
    assert house.most(SIZE) <= 1000.001


@pytest.mark.parametrize("processes", [2, 3])
async def test_a_thousand_at_one_of_them(house: House, processes: int) -> None:
    """What the others do not need is had at once: all pass, also when they hear of nothing but the asking."""
    first, *_ = [await house.open() for _ in range(processes)]
    await house.clock.advance(10)
    assert await house.burst((first, 1000)) == [1000]
    assert house.most(SIZE) <= 1000.001


async def test_the_whole_rate_at_one_of_two(house: House) -> None:
    """400 a second at one process for a minute, a few at the other: 1000 + 300 t pass within 2 %, and the few are not refused."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    few = []
    for number in range(60 * 400):
        house.send(one)
        if number % 20 == 0:
            few.append(house.send(two))
        await asyncio.sleep(0)
        await house.clock.advance(1 / 400)
    await house.settle()
    assert len(house.admitted) == pytest.approx(1000 + 300 * 60, rel=0.02)
    assert house.most(SIZE) <= 1000.001
    assert sum(task.result() != 0 for task in few) <= 0.02 * len(few)


async def test_many_requests_ask_seldom(house: House) -> None:
    """A minute of 900 requests a second over two processes costs the store a few calls a second."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    calls = house.store.calls
    for _ in range(20 * 450):
        house.send(one)
        house.send(two)
        await asyncio.sleep(0)
        await house.clock.advance(1 / 450)
    beats = 2 * 2 * 20 / 1.5
    assert house.store.calls - calls - beats <= 20 * 20
    assert len(house.admitted) == pytest.approx(1000 + 300 * 20, rel=0.02)


async def test_an_idle_account_costs_nothing(house: House) -> None:
    """Questions leave no document behind, and nobody looks for them."""
    one, two = await house.open(), await house.open()
    await house.burst((one, 3000), (two, 10))
    await house.clock.advance(5)
    assert not [key for key in house.store.notes if key.startswith(BUCKETS)]
    calls = house.store.calls
    await house.clock.advance(60)
    assert house.store.calls - calls <= 2 * 2 * (60 / 1.5 + 1)


async def test_a_bucket_of_one_token(house: House) -> None:
    """It is not divided: one request passes, at whichever process, and one more after the seconds it was told."""
    size = BucketSize(1, 0.5)
    one, two = await house.open(size), await house.open(size)
    await house.clock.advance(10)
    assert await house.burst((one, 1)) == [1]
    for process in (two, one, two):
        task = house.send(process)
        await house.settle()
        seconds = task.result()
        assert seconds == 2
        await house.clock.advance(seconds)
        assert await house.burst((process, 1)) == [1]
    assert house.most(size) <= 1.001


async def test_who_joins_brings_no_tokens(house: House) -> None:
    """A bucket that was used up stays so when a second process comes; afterwards each has half of the rate."""
    one = await house.open()
    assert await house.burst((one, 1500)) == [1000]
    two = await house.open()
    admitted = await house.burst((two, 1500))
    assert admitted[0] <= 300 * 4 * PATIENCE + 1
    await house.clock.advance(10)
    assert await house.burst((one, 500), (two, 500)) == [500, 500]
    assert house.most(SIZE) <= 1000.001


async def test_who_joins_finds_what_is_left(house: House) -> None:
    """A full bucket is as full for the process that joins, from its first request on."""
    one = await house.open()
    assert await house.burst((one, 1)) == [1]
    two = await house.open()
    assert await house.burst((two, 1000)) == pytest.approx([1000], abs=2)
    assert house.most(SIZE) <= 1000.001


async def test_two_that_start_at_once(house: House) -> None:
    """One of them is the first and brings the tokens; after the greeting each holds its half."""
    one, two = Process(house, SIZE), Process(house, SIZE)
    house.processes += [one, two]
    await asyncio.gather(one.open(), two.open())
    await house.settle()
    admitted = await house.burst((one, 1500), (two, 1500))
    assert 990 <= sum(admitted) <= 1000 + 300 * 2 * PATIENCE
    assert house.most(SIZE) <= 1000.001


async def test_who_leaves_leaves_its_share(house: House) -> None:
    """At once: the other one has the whole rate from then on, and the whole size as it fills."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    await one.close()
    house.processes.remove(one)
    await house.settle()
    await house.clock.advance(2)
    assert await house.burst((two, 2000)) == [1000]
    three = await house.open()
    assert (await house.burst((three, 2000)))[0] <= 300 * 4 * PATIENCE + 1
    assert house.most(SIZE) <= 1000.001


async def test_a_killed_process_frees_its_share_within_30_s(house: House) -> None:
    """Until then the other one goes on with its own, and waits for nobody."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    one.kill()
    admitted = await house.burst((two, 2000))
    assert admitted[0] == pytest.approx(500 + 150 * PATIENCE, abs=2)
    task = house.send(two)
    await asyncio.sleep(0)
    assert task.done()
    await house.clock.advance(30)
    assert await house.burst((two, 2000)) == [1000]
    await house.clock.advance(5)
    assert not [key for key in house.store.notes if key.startswith(BUCKETS)]


async def test_after_a_crash_something_passes(house: House) -> None:
    """Who starts beside the heartbeat of one that was killed has a tenth at once, half after 4 s, all after 30."""
    one = await house.open()
    one.kill()
    two = await house.open()
    admitted = await house.burst((two, 500))
    assert 100 <= admitted[0] <= 110
    await house.clock.advance(7)
    assert (await house.burst((two, 1000)))[0] >= 500
    await house.clock.advance(30)
    assert await house.burst((two, 2000)) == [1000]


async def test_with_the_store_away_each_goes_on(house: House) -> None:
    """With its own share; nobody waits for the store."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    house.store.away = True
    for process in (one, two):
        admitted = await house.burst((process, 1000))
        assert admitted[0] == pytest.approx(500, abs=10)
    before = len(house.admitted)
    for _ in range(40 * 200):
        for process in (one, two):
            house.send(process)
        await asyncio.sleep(0)
        await house.clock.advance(1 / 200)
    assert len(house.admitted) - before == pytest.approx(300 * 40, rel=0.05)
    house.store.away = False
    await house.clock.advance(60)
    assert await house.burst((one, 1000), (two, 1000)) == [500, 500]
    assert house.most(SIZE) <= 1000.001


async def test_a_store_that_hangs_holds_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits a quarter of a second for tokens of others, and the next ones do not wait at all."""
    one, _ = await house.open(), await house.open()
    await house.clock.advance(10)
    never = asyncio.Event()

    async def hangs(*_: object) -> None:
        await never.wait()

    monkeypatch.setattr(house.store, "write", hangs)
    tasks = [house.send(one) for _ in range(600)]
    await house.settle()
    assert sum(task.done() for task in tasks) == 500
    await house.clock.advance(PATIENCE)
    assert all(task.done() for task in tasks)
    late = [house.send(one) for _ in range(100)]
    await asyncio.sleep(0)
    assert all(task.done() for task in late)


async def test_without_datagrams_the_heartbeat_carries_the_question(house: House) -> None:
    """Tokens change sides all the same, later."""
    one, _ = await house.open(), await house.open()
    await house.clock.advance(10)
    house.hints.lost = True
    for _ in range(20):
        await house.burst((one, 200))
        await house.clock.advance(0.5 - 2 * PATIENCE)
    assert len(house.admitted) > 3000  # its own share: 2000; one bucket: 4000
    assert house.most(SIZE) <= 1000.001


async def test_a_gift_that_was_long_on_the_way_is_worth_nothing(house: House) -> None:
    """Both shares are full again when it is found: it may not come on top."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    house.hints.lost = True
    await house.burst((one, 501))
    await house.clock.advance(10)
    assert [key for key in house.store.notes if key.startswith(BUCKETS)]
    house.hints.lost = False
    await house.burst((one, 1500), (two, 1500))
    assert house.most(SIZE) <= 1000.001


async def test_hints_of_strangers_are_bounded(house: House) -> None:
    """Whoever sends made-up hints makes this process neither remember nor ask without bound."""
    one = await house.open()
    calls = house.store.calls
    for number in range(10_000):
        one.replica.hinted(f"{BUCKETS}{number}/a")
    assert one.limiter._shares is not None
    assert len(one.limiter._shares._strangers) <= 32
    await house.settle()
    assert house.store.calls - calls <= 2


async def test_accounts_are_apart(house: House) -> None:
    """Who uses up one bucket takes nothing from another one."""
    one, two = await house.open(), await house.open()
    await house.clock.advance(10)
    await house.burst((one, 2000), (two, 2000))
    assert await house.burst((one, 500), (two, 500), account="b") == [500, 500]


async def test_who_has_given_up_takes_no_token(house: House) -> None:
    """A request that is cancelled while it waits leaves the token to the next."""
    one, _ = await house.open(), await house.open()
    await house.clock.advance(10)
    assert [one.limiter.take("a") for _ in range(500)] == [0] * 500
    gone = [house.send(one) for _ in range(100)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await house.settle()
    assert await house.burst((one, 500)) == [500]


@pytest.mark.parametrize("seed", range(25))
async def test_random_schedules(house: House, seed: int) -> None:
    """Processes come, leave, are killed, cut off and hear of nothing, sizes and rates differ: together never above 1.1 times the size
    in a burst (a tenth more for each that greeted in vain) nor 5 % above the rate in any ten seconds; and all that one bucket would
    let through passes when all is quiet."""
    random = Random(seed)
    size = random.choice([SIZE, BucketSize(10, 3), BucketSize(1, 1), BucketSize(100, 1000), BucketSize(50, 0.5)])
    await house.open(size)
    in_vain = 0
    for _ in range(60):
        up = [each for each in house.processes if each.is_up]
        action = random.random()
        if action < 0.08 and len(up) < 4:
            vain = house.hints.lost or any(not each.is_up for each in house.processes)
            in_vain += vain
            await house.open(size)
        elif action < 0.12 and len(up) > 1:
            await random.choice(up).close()
        elif action < 0.16 and len(up) > 1:
            random.choice(up).kill()
        elif action < 0.2:
            house.hints.lost = not house.hints.lost
        elif action < 0.24:
            each = random.choice(up)
            each.island.cut_off = True
            await house.clock.advance(random.random() * 2)
            each.island.cut_off = False
        else:
            for _ in range(random.randint(1, 3)):
                each = random.choice(up)
                for _ in range(random.choice([1, 5, size.size, 2 * size.size])):
                    house.send(each)
                if random.random() < 0.5:
                    await asyncio.sleep(0)
        await house.clock.advance(random.choice([0, 0, 0.001, 0.05, 0.3, 1, 5]) * random.random())
    await house.clock.advance(1)
    bound = (1 + 0.1 * max(1, in_vain)) * size.size + 0.001
    assert house.most(size) <= bound
    for first, at in enumerate(house.admitted):
        within = bisect_right(house.admitted, at + 10) - first
        assert within <= bound + 10.5 * size.per_second
    house.hints.lost = False
    up = [each for each in house.processes if each.is_up]
    await house.clock.advance(60 + 1.5 * size.size / size.per_second)
    house.admitted.clear()
    shares = [(each, size.size) for each in up]
    assert sum(await house.burst(*shares)) >= size.size - len(up)
