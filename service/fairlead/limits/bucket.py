"""Our own leaky buckets (contract.md 1.14)."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from fairlead.engine.ports import Clock

_EXACT: Final = 1e-6  # tokens; refilling adds up floating-point seconds
_MOST_BUCKETS: Final = 100_000


@dataclass(frozen=True, slots=True)
class BucketSize:
    """Tokens that a full bucket holds, and tokens per second that flow in."""

    size: int
    per_second: float


ACCOUNT: Final = BucketSize(1000, 300)
ANONYMOUS: Final = BucketSize(100, 10)


class LeakyBuckets:
    """``engine.ports.RateLimiter``: one bucket per account, another set per remote address for requests without a valid token."""

    def __init__(self, clock: Clock, account: BucketSize = ACCOUNT, anonymous: BucketSize = ANONYMOUS) -> None:
        self._accounts = _Buckets(clock, account)
        self._anonymous = _Buckets(clock, anonymous)

    def take(self, bucket: str, *, anonymous: bool = False) -> int:
        """Take one token; 0, or the whole seconds (at least 1) until there is one. A refused request takes none."""
        return (self._anonymous if anonymous else self._accounts).take(bucket)

    def __len__(self) -> int:
        return len(self._accounts) + len(self._anonymous)


class _Buckets:
    """Buckets of one size, the longest unused first. One that is full again is the same as none and is forgotten."""

    def __init__(self, clock: Clock, size: BucketSize) -> None:
        self._clock = clock
        self._size = size
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens at an instant

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str) -> int:
        now = self._clock.monotonic()
        tokens, at = self._buckets.pop(name, (float(self._size.size), now))
        tokens = min(self._size.size, tokens + (now - at) * self._size.per_second)
        refused = tokens < 1 - _EXACT
        self._buckets[name] = (tokens if refused else tokens - 1, now)
        self._forget(now)
        return max(1, math.ceil((1 - tokens) / self._size.per_second)) if refused else 0

    def _forget(self, now: float) -> None:
        """Drop at most two that are full or too many: each call adds at most one."""
        fills_in = self._size.size / self._size.per_second
        for _ in range(2):
            name, (_, at) = next(iter(self._buckets.items()))
            if now - at < fills_in and len(self._buckets) <= _MOST_BUCKETS:
                return
            del self._buckets[name]
