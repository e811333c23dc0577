"""Our own rate limit (contract.md 1.14)."""

from __future__ import annotations

import pytest

from fairlead.limits.bucket import BucketSize, LeakyBuckets
from tests.unit.clock import ManualClock


async def test_the_example() -> None:
    """1000 pass at once, the 1001st waits 1 s, at t = 1 s 300 pass."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock)
    assert [buckets.take("a") for _ in range(1000)] == [0] * 1000
    assert buckets.take("a") == 1
    await clock.advance(1)
    assert [buckets.take("a") for _ in range(300)] == [0] * 300
    assert buckets.take("a") == 1


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


@pytest.mark.parametrize(("per_second", "seconds"), [(10, 1), (1, 1), (0.5, 2), (0.3, 4)])
def test_retry_after_is_the_missing_token_rounded_up(per_second: float, seconds: int) -> None:
    """Whole seconds, at least one."""
    buckets = LeakyBuckets(ManualClock(), BucketSize(1, per_second))
    buckets.take("a")
    assert buckets.take("a") == seconds


def test_buckets_do_not_mix() -> None:
    """Accounts have their own, and so have remote addresses, which are smaller."""
    buckets = LeakyBuckets(ManualClock())
    assert sum(buckets.take("1.2.3.4", anonymous=True) == 0 for _ in range(200)) == 100
    assert buckets.take("1.2.3.4") == 0
    assert buckets.take("5.6.7.8", anonymous=True) == 0


async def test_full_buckets_are_forgotten() -> None:
    """Memory does not grow with the addresses that were ever seen."""
    clock = ManualClock()
    buckets = LeakyBuckets(clock)
    for number in range(500):
        buckets.take(f"address {number}", anonymous=True)
    await clock.advance(10)
    for _ in range(500):
        buckets.take("one", anonymous=True)
    assert len(buckets) == 1
