"""Prometheus samples of the service: calls by method and status, their duration, requests to applications."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fairlead.api.load import Load


class Metrics:
    """Registered in the registry given, so that several services fit into one process (tests)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "fairlead_calls", "Calls by rpc and REST status.", ["method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "fairlead_call_seconds",
            "Duration of calls by rpc.",
            ["method"],
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
        )
        self._upstream = Counter(
            "fairlead_upstream_requests", "Requests to applications by rpc.", ["method"], registry=registry
        )

    def observe(self, method: str, status: int, seconds: float, upstream_calls: int) -> None:
        """One finished call."""
        self._calls.labels(method, str(status)).inc()
        self._seconds.labels(method).observe(seconds)
        if upstream_calls:
            self._upstream.labels(method).inc(upstream_calls)


def observe_load(load: Load, registry: CollectorRegistry) -> None:
    """What the process has taken on and what it refused, read when somebody asks: calls cost nothing."""
    registry.register(_LoadCollector(load))


class _LoadCollector(Collector):
    def __init__(self, load: Load) -> None:
        self._load = load

    def collect(self) -> Iterable[Metric]:
        load = self._load
        for name, text, value in (
            ("fairlead_running_calls", "Calls under way.", load.running),
            ("fairlead_queued_calls", "Calls that wait for their turn.", load.waiting),
            ("fairlead_held_body_bytes", "Bytes of request bodies in memory.", load.held),
        ):
            yield GaugeMetricFamily(name, text, value)
        refused = CounterMetricFamily(
            "fairlead_refused_calls", "Calls refused with 503 by what they would have exceeded.", labels=["reason"]
        )
        for reason, count in load.refused.items():
            refused.add_metric([reason], count)
        yield refused
