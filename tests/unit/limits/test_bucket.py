"""Our own rate limit in one process (contract.md 1.14)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.limits.bucket import Buckets, BucketSize
from fairlead.limits.limiter import LeakyBuckets
from tests.unit.clock import ManualClock


async def test_the_example() -> None:
    """1000 pass at once, the 1001st waits 1 s, at t = 1 s 300 pass."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock)
    assert [buckets.take("a") for _ in range(1000)] == [0] * 1000
    assert buckets.take("a") == 1
    assert await buckets.take_elsewhere("a") == 1
    await clock.advance(1)
    assert [buckets.take("a") for _ in range(300)] == [0] * 300
    assert buckets.take("a") == 1


async def test_fifteen_hundred_at_once() -> None:
    """1,000 are admitted, and what flowed in during the half second that they took: 150."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock)
    admitted = 0
    for _ in range(1500):
        admitted += buckets.take("a") == 0
        await clock.advance(0.5 / 1500)
    assert admitted in (1149, 1150)


async def test_ten_minutes_above_the_rate() -> None:
    """400 requests a second: at every moment 1000 + 300 t were admitted, within 0.5 %."""
    clock = ManualClock()
    buckets = Buckets(clock, BucketSize(1000, 300))
    admitted = 0
    for number in range(1, 600 * 400 + 1):
        clock._elapsed += 1 / 400  # a quarter of a million steps in which nobody sleeps
        admitted += buckets.take("a")
        seconds = number / 400
        if seconds > 10:
            assert abs(admitted - (1000 + 300 * seconds)) <= 0.005 * (1000 + 300 * seconds)
    assert admitted == pytest.approx(181_000, abs=2)


async def test_refused_requests_take_nothing() -> None:
    """A caller that hammers on an empty bucket gets its 300 a second all the same."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock, BucketSize(1, 1))
    assert buckets.take("a") == 0
    for _ in range(9):
        assert buckets.take("a") == 1
        await clock.advance(0.1)
    await clock.advance(0.1)
    assert buckets.take("a") == 0


@pytest.mark.parametrize(("per_second", "seconds"), [(10, 1), (1, 1), (0.5, 2), (0.3, 4), (0.001, 1000), (1e8, 1)])
def test_retry_after_is_the_missing_token_rounded_up(per_second: float, seconds: int) -> None:
    """Whole seconds, at least one."""
    buckets = LeakyBuckets(ManualClock(), BucketSize(1, per_second))
    buckets.take("a")
    assert buckets.take("a") == seconds


@given(
    size=st.integers(1, 10**9),
    per_second=st.floats(0.001, 1e8),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=20),
)
@settings(max_examples=300, deadline=None)
async def test_who_comes_back_after_the_seconds_passes(
    size: int, per_second: float, steps: list[tuple[float, int]]
) -> None:
    """``Retry-After`` is true, whatever size, rate and what was taken before; and it is not a second too long."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock, BucketSize(size, per_second))
    for pause, takes in steps:
        await clock.advance(pause)
        for _ in range(takes):
            buckets.take("a")
    while not (seconds := buckets.take("a")) and size < 1000:
        pass
    if seconds > 1:
        await clock.advance(seconds - 1)
        assert buckets.take("a") == 1
        await clock.advance(1)
    else:
        await clock.advance(1 if per_second >= 1 else 1 / per_second)
    assert buckets.take("a") == 0


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("per_second", [0.001, 300, 1e8])
async def test_extreme_sizes_and_rates(size: int, per_second: float) -> None:
    """A full bucket gives its size, exactly; no more flows in than it holds."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock, BucketSize(size, per_second))
    for _ in range(2):
        assert sum(buckets.take("a") == 0 for _ in range(size + 1)) == size
        await clock.advance(2 * size / per_second)


def test_buckets_do_not_mix() -> None:
    """Accounts have their own, and so have remote addresses, which are smaller."""
    buckets = LeakyBuckets(ManualClock())
    assert sum(buckets.take("1.2.3.4", anonymous=True) == 0 for _ in range(200)) == 100
    assert buckets.take("1.2.3.4") == 0
    assert buckets.take("5.6.7.8", anonymous=True) == 0


async def test_full_buckets_are_forgotten() -> None:
    """Memory does not grow with the addresses that were ever seen, and one that was used up is not forgotten."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock)
    for number in range(500):
        buckets.take(f"address {number}", anonymous=True)
    await clock.advance(10)
    for _ in range(100):
        buckets.take("used up", anonymous=True)
    for number in range(400):
        buckets.take(f"another {number}", anonymous=True)
    assert len(buckets) <= 500
    assert buckets.take("used up", anonymous=True) == 1
