"""Prometheus samples of the pools of this process (connections.md 7 and 8): read when somebody asks, so requests cost nothing more.

The label is the pool's key, the id of the connection that lends it, for the pools that are in memory: those in use, and those whose effective
level or cool-down is remembered; when they are very many, for those where most requests wait. Connections that are stored nowhere share one
label. Counters of a pool begin anew when it comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import nlargest
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fairlead.engine.ports import VIRTUAL, Pools, PoolState

_LABELS: Final = ("pool",)
_MOST: Final = 500
"""Pools that are shown one by one: so many cost some 20 ms."""
_GAUGES: Final[tuple[tuple[str, str, Callable[[PoolState], float | None]], ...]] = (
    ("level", "Most requests in flight that there may ever be; none in burst mode.", lambda state: state.level),
    ("effective_level", "Most requests in flight that are allowed now.", lambda state: state.effective),
    ("in_flight", "Requests of this process in flight.", lambda state: state.in_flight),
    ("waiting", "Requests of this process that wait in the queue.", lambda state: state.waiting),
    ("cooling_seconds", "Seconds until the cool-down ends.", lambda state: state.cooling),
)
_COUNTERS: Final[tuple[tuple[str, str, Callable[[PoolState], float | None]], ...]] = (
    ("requests", "Requests of this process begun.", lambda state: state.requests),
    ("rate_limited", "Answers to this process that were rate limited.", lambda state: state.refused),
)


def observe_pools(pools: Pools, registry: CollectorRegistry) -> None:
    """Show the pools among the samples of the registry."""
    registry.register(_PoolCollector(pools))


class _PoolCollector(Collector):
    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    def collect(self) -> Iterable[Metric]:
        states = self._pools.states()
        yield GaugeMetricFamily("fairlead_pools", "Pools in memory of stored connections.", len(states) - 1)
        if len(states) > _MOST:
            states = dict(nlargest(_MOST, states.items(), key=lambda item: _interest(*item)))
        for name, text, value in _GAUGES:
            yield _filled(GaugeMetricFamily(f"fairlead_pool_{name}", text, labels=_LABELS), states, value)
        for name, text, value in _COUNTERS:
            yield _filled(CounterMetricFamily(f"fairlead_pool_{name}", text, labels=_LABELS), states, value)


def _interest(key: str, state: PoolState) -> tuple[bool, int, float, int]:
    return key == VIRTUAL, state.waiting, state.cooling, state.in_flight


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily,
    states: Mapping[str, PoolState],
    value: Callable[[PoolState], float | None],
) -> Metric:
    for key, state in states.items():
        number = value(state)
        if number is not None:
            family.add_metric([key], number)
    return family
