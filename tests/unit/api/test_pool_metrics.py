"""Prometheus samples of pools (connections.md 7 and 8)."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from fairlead.api.pool_metrics import observe_pools
from fairlead.engine.ports import Deadline, PoolSettings, WaitTooLong
from fairlead.limits.pools import Pools
from tests.unit.clock import ManualClock
from tests.unit.limits.memory import Hints, MemoryCoordination, replica

FAR = Deadline(10_000.0)


def samples(registry: CollectorRegistry) -> dict[str, dict[str, float]]:
    """Values by pool and name."""
    found: dict[str, dict[str, float]] = {}
    for family in registry.collect():
        for sample in family.samples:
            if sample.name == "fairlead_pools":
                continue
            name = sample.name.removeprefix("fairlead_pool_")
            found.setdefault(sample.labels["pool"], {})[name] = sample.value
    return found


async def test_what_a_pool_shows() -> None:
    """Its levels, what is in flight and waits, the cool-down, and counters of this process."""
    clock = ManualClock()
    made, pools, _ = await replica(clock, MemoryCoordination(clock), Hints())
    registry = CollectorRegistry()
    observe_pools(pools, registry)
    recovering = PoolSettings("5f1", level=8, start=8)
    async with pools.slot(recovering, FAR):
        shown = samples(registry)["5f1"]
    assert shown == {
        "level": 8,
        "effective_level": 8,
        "in_flight": 1,
        "waiting": 0,
        "cooling_seconds": 0,
        "requests_total": 1,
        "rate_limited_total": 0,
    }
    pools.cool_down(recovering, 30)
    with pytest.raises(WaitTooLong):
        async with pools.slot(recovering, Deadline(1.0)):
            pass
    await clock.advance(10)
    shown = samples(registry)["5f1"]
    assert (shown["effective_level"], shown["cooling_seconds"], shown["in_flight"]) == (4, 20, 0)
    assert (shown["requests_total"], shown["rate_limited_total"]) == (1, 1)
    await made.close()


async def test_connections_that_are_stored_nowhere_share_a_label() -> None:
    """Each lives for one call: a label of its own for each would be one too many. Their counters count on when they are gone."""
    pools = Pools(ManualClock())
    registry = CollectorRegistry()
    observe_pools(pools, registry)
    for number in range(3):
        async with pools.slot(PoolSettings(f"virtual:{number}", level=2, shared=False), FAR):
            assert samples(registry).keys() == {"virtual"}
            assert samples(registry)["virtual"]["in_flight"] == 1
    assert samples(registry) == {
        "virtual": {"in_flight": 0, "waiting": 0, "cooling_seconds": 0, "requests_total": 3, "rate_limited_total": 0}
    }


async def test_very_many_pools_are_not_all_shown() -> None:
    """A scrape is bounded; how many there are is told, and who waits is shown first."""
    clock = ManualClock()
    made, pools, _ = await replica(clock, MemoryCoordination(clock), Hints())
    registry = CollectorRegistry()
    observe_pools(pools, registry)
    for number in range(600):
        async with pools.slot(PoolSettings(f"c{number}", level=1), FAR):
            pass
    pools.cool_down(PoolSettings("c599", level=1), 30)
    shown = samples(registry)
    assert len(shown) == 500
    assert {"c599", "virtual"} <= shown.keys()
    assert registry.get_sample_value("fairlead_pools") == 600
    await made.close()
