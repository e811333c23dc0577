"""Small buckets over several processes, with a clock that is moved by hand (contract.md 1.14)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from fairlead.limits.bucket import BucketSize
from fairlead.limits.bucket_stored import PATIENCE, TOKENS
from tests.unit.limits.test_bucket_shares import House, Process


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.close()


async def opened(house: House, size: BucketSize, processes: int) -> list[Process]:
    """So many processes; by now the bucket is full."""
    members = [await house.open(size) for _ in range(processes)]
    await house.clock.advance(6 + size.size / size.per_second)
    return members


async def answer(house: House, process: Process) -> int:
    """Of one request that is alone."""
    task = house.send(process)
    await house.settle()
    if not task.done():
        await house.clock.advance(PATIENCE)
    return task.result()


@pytest.mark.parametrize("rate", [1, 5, 300])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize("processes", [2, 3, 5])
async def test_as_one_bucket(house: House, processes: int, size: int, rate: float) -> None:
    """All of it at one process or at all of them, then twice the rate for some seconds: what one bucket admits passes, and never more."""
    bucket = BucketSize(size, rate)
    members = await opened(house, bucket, processes)
    admitted = await house.burst((members[-1], size))
    assert admitted == [size]
    await house.clock.advance(size / rate)
    admitted = await house.burst(*((each, size) for each in members))
    assert size <= sum(admitted) <= size + rate * 2 * PATIENCE
    await house.clock.advance(size / rate)
    house.admitted.clear()
    seconds = {1: 10, 5: 4, 300: 1}[round(rate)]
    for number in range(round(2 * rate * seconds)):
        house.send(members[number % processes])
        await house.clock.advance(1 / (2 * rate))
    await house.settle()
    assert size + 0.97 * rate * (seconds - PATIENCE) - 1 <= len(house.admitted) <= size + rate * seconds + 0.001
    assert house.most(bucket) <= size + 0.01


@pytest.mark.parametrize("rate", [0.3, 1, 5, 300])
@pytest.mark.parametrize(("processes", "size"), [(2, 1), (3, 2), (5, 10)])
async def test_who_waits_as_told_is_let_in(house: House, processes: int, size: int, rate: float) -> None:
    """At whichever process, also another one than the one that said it."""
    bucket = BucketSize(size, rate)
    members = await opened(house, bucket, processes)
    for first in members:
        for each in members:
            tasks = [house.send(first) for _ in range(size + 100)]
            await house.settle()
            await house.clock.advance(PATIENCE)
            seconds = tasks[-1].result()
            assert 1 / rate - PATIENCE <= seconds <= max(1, math.ceil(1 / rate))
            await house.clock.advance(seconds)
            assert await answer(house, each) == 0
    assert house.most(bucket) <= size + 0.01


async def test_who_comes_a_little_too_early_waits(house: House) -> None:
    """Clocks of two machines differ by some milliseconds: as far as that the seconds that were told are kept. Others are refused at once."""
    one, two = await opened(house, BucketSize(1, 0.5), 2)
    assert await house.burst((one, 1)) == [1]
    assert await answer(house, two) == 2
    await house.clock.advance(1.5 - 2 * PATIENCE + 0.4)
    early = house.send(one)
    await house.settle()
    assert early.result() == 1
    await house.clock.advance(0.07)
    nearly = house.send(two)
    await house.settle()
    assert not nearly.done()
    await house.clock.advance(0.04)
    assert nearly.result() == 0


async def test_alone_the_store_is_not_asked(house: House) -> None:
    """Also after others were there: the tokens are in memory again, and are none at first."""
    bucket = BucketSize(2, 1)
    one, two = await opened(house, bucket, 2)
    assert await house.burst((one, 1)) == [1]
    await two.close()
    await house.settle()
    calls = house.store.calls
    assert await house.burst((one, 3)) == [0]
    await house.clock.advance(1)
    assert await house.burst((one, 3)) == [1]
    assert house.store.calls - calls <= 6  # beats
    assert house.most(bucket) <= 2.01


async def test_who_joins_brings_no_tokens(house: House) -> None:
    """A bucket that was used up stays so when a second process comes."""
    bucket = BucketSize(3, 0.1)
    one = await house.open(bucket)
    assert await house.burst((one, 5)) == [3]
    two = await house.open(bucket)
    assert await house.burst((two, 5), (one, 5)) == [0, 0]
    assert await answer(house, two) == pytest.approx(10, abs=2)


async def test_a_document_from_before_gives_nothing(house: House) -> None:
    """It was forgotten while one process was alone and used the bucket up: it counts as little as its own bucket of the time since."""
    bucket = BucketSize(3, 0.1)
    one = await house.open(bucket)
    await house.store.write(f"{TOKENS}a", {"tokens": 3.0, "at": house.clock.monotonic() + house.store.ahead}, 0)
    assert await house.burst((one, 5)) == [3]
    two = await house.open(bucket)
    assert await house.burst((two, 5), (one, 5)) == [0, 0]
    await house.clock.advance(30)
    assert sum(await house.burst((two, 5), (one, 5))) == 3


async def test_full_buckets_leave_no_document(house: House) -> None:
    """An account that is idle costs the store nothing, also one whose process was killed."""
    bucket = BucketSize(5, 1)
    one, two = await opened(house, bucket, 2)
    await house.burst((one, 4), (two, 4))
    assert [key for key in house.store.notes if key.startswith(TOKENS)]
    await house.clock.advance(8)
    assert not [key for key in house.store.notes if key.startswith(TOKENS)]
    await house.burst((two, 4))
    two.kill()
    await house.clock.advance(40)
    assert not [key for key in house.store.notes if key.startswith(TOKENS)]
    assert await house.burst((one, 9)) == [5]


async def test_a_refused_flood_asks_seldom(house: House) -> None:
    """Until the next token is there nobody asks the store."""
    one, _ = await opened(house, BucketSize(1, 1), 2)
    await house.burst((one, 1))
    calls = house.store.calls
    assert await house.burst((one, 1000)) == [0]
    assert house.store.calls - calls <= 4


async def test_a_store_that_hangs_holds_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits a quarter of a second, and the next ones do not wait at all."""
    one, _ = await opened(house, BucketSize(5, 1), 2)
    never = asyncio.Event()

    async def hangs(*_: object) -> None:
        await never.wait()

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "read", hangs)
        tasks = [house.send(one) for _ in range(3)]
        await house.settle()
        assert not any(task.done() for task in tasks)
        await house.clock.advance(PATIENCE)
        assert [task.result() for task in tasks] == [1, 1, 1]
        late = house.send(one)
        await asyncio.sleep(0)
        assert late.result() == 1


async def test_with_the_store_away_nobody_is_let_in(house: House) -> None:
    """Nobody knows what the others admit; nobody waits; and afterwards it goes on."""
    one, two = await opened(house, BucketSize(5, 1), 2)
    house.store.away = True
    assert await house.burst((one, 3), (two, 3)) == [0, 0]
    house.store.away = False
    assert sum(await house.burst((one, 5), (two, 5))) == 5


async def test_tokens_of_those_who_have_gone_come_back(house: House) -> None:
    """Whoever gives up, or only looked whether there is a token, has taken none."""
    one, two = await opened(house, BucketSize(3, 0.01), 2)
    tasks = [house.send(one) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await house.settle()
    assert await answer(house, one) == 0
    one.limiter.put_back("a")
    await house.settle()
    assert await house.burst((two, 5)) == [3]


async def test_a_clock_that_is_set_back_stops_nobody(house: House) -> None:
    """The store's clock an hour back: the bucket is as empty as it was, and fills."""
    one, two = await opened(house, BucketSize(2, 0.1), 2)
    assert await house.burst((one, 2)) == [2]
    house.store.ahead -= 3600
    await house.clock.advance(15)  # by now the processes know
    assert (await answer(house, two), await answer(house, one)) == (10, 10)
    await house.clock.advance(10)
    assert await house.burst((two, 5)) == [1]


@pytest.mark.parametrize("seed", range(20))
async def test_random_schedules(house: House, seed: int) -> None:
    """Processes come, leave, are killed and cut off: never more than one bucket admits, and all of that when it is quiet again."""
    random = Random(seed)
    size = random.choice(
        [BucketSize(1, 1), BucketSize(2, 5), BucketSize(3, 300), BucketSize(10, 3), BucketSize(31, 0.5)]
    )
    await house.open(size)
    for _ in range(80):
        up = [each for each in house.processes if each.is_up]
        action = random.random()
        if action < 0.1 and len(up) < 5:
            await house.open(size)
        elif action < 0.15 and len(up) > 1:
            await random.choice(up).close()
        elif action < 0.2 and len(up) > 1:
            random.choice(up).kill()
        elif action < 0.25:
            each = random.choice(up)
            each.island.cut_off = True
            await house.clock.advance(random.random() * 2)
            each.island.cut_off = False
        else:
            for each in random.choices(up, k=3):
                for _ in range(random.choice([1, 5, size.size, 2 * size.size])):
                    house.send(each)
                if random.random() < 0.5:
                    await asyncio.sleep(0)
        await house.clock.advance(random.choice([0, 0, 0.001, 0.05, 0.3, 1, 5, 40]) * random.random())
    assert house.most(size) <= size.size + 0.01
    await house.clock.advance(60 + 2 * size.size / size.per_second)
    house.admitted.clear()
    up = [each for each in house.processes if each.is_up]
    assert sum(await house.burst(*((each, size.size) for each in up))) >= size.size
