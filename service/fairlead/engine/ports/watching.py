"""What a pool looks like over all processes on the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PoolTotals:
    """A pool at one instant, ``age`` seconds ago; numbers are sums over the processes that have it in memory."""

    age: float
    processes: int
    effective: int | None
    """The level in force (connections.md 8.4); nothing in burst mode, and when no process has the pool in memory."""
    in_flight: int
    waiting: int
    cooling: float
    """Seconds from now until the cool-down ends, 0 without one."""
    requests_per_second: float
    refused: int
    """Answers that were rate limited since the pool is in memory."""


class Watching(Protocol):
    """Looks at pools (connections.md 8.2)."""

    async def totals(self, key: str) -> PoolTotals:
        """The pool at most one second ago; takes up to 0.8 s when nobody has asked for three seconds. Raises ``StoreUnavailable``."""
