"""Samples and the log line of each request."""

from __future__ import annotations

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

CLIENT_GONE: Final = 499
"""What metrics and log call a request whose client left before the answer."""

NO_ROUTE: Final = "none"
"""The route of a request that matched none."""

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

log: Final = structlog.get_logger("fairlead.gateway")


class Observation:
    """Counts requests by route template, method and status: never by path, which clients make up. ``logs`` is for a gateway
    that is a process of its own: it logs every request. In process the service logs the calls it gets, so only what the gateway
    refused by itself needs a line from here."""

    def __init__(self, registry: CollectorRegistry, *, logs: bool) -> None:
        self._logs = logs
        self._requests = Counter(
            "fairlead_rest_requests", "REST requests.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "fairlead_rest_request_seconds",
            "Duration of REST requests.",
            ["route", "method"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._samples: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def finished(self, request_id: str, method: str, route: str, status: int, seconds: float, *, refused: bool) -> None:
        """One answered or abandoned request; ``refused`` when the gateway answered an error of its own."""
        word = method if method in _METHODS else "other"
        samples = self._samples.get((route, word, status))
        if samples is None:
            samples = self._requests.labels(route, word, str(status)), self._seconds.labels(route, word)
            self._samples[route, word, status] = samples
        samples[0].inc()
        samples[1].observe(seconds)
        if self._logs or refused:
            log.info(
                "request",
                request_id=request_id,
                method=word,
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 2),
            )

    def bug(self, request_id: str, route: str, error: BaseException) -> None:
        """An exception that should not be: its type and place, never its text, which may quote anything."""
        places = []
        traceback = error.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/fairlead/', 1)[-1]}:{traceback.tb_lineno} {code.co_name}")
            traceback = traceback.tb_next
        log.error("bug", request_id=request_id, route=route, type=type(error).__name__, where=places[-8:])
