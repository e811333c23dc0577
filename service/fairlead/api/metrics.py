"""Prometheus samples of the service: calls by method and status, their duration, requests to applications."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


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
