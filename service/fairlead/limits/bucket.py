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


class _Bucket:
    """Tokens at an instant."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class Buckets:
    """One process' share of buckets of one size: at first all of each.

    What the shares of all processes hold together never exceeds the size. A share refills up to its part of the size with its part of
    the rate; tokens above that part, which came from others or are from before the share became smaller, flow off as fast as the other
    shares fill.
    """

    def __init__(self, clock: Clock, size: BucketSize) -> None:
        self.size = size
        self._clock = clock
        self._part = float(size.size)
        self._rate = size.per_second
        self.leak = 0.0
        """Tokens above this part that flow off in a second."""
        self._untouched = _Bucket(self._part, clock.monotonic())
        """What a bucket holds that nobody has drawn from."""
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str) -> bool:
        """Take one token; false, and nothing taken, when there is none."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._open(name, now)
        tokens = self._settled(bucket, now)
        if tokens < 1 - _EXACT:
            return False
        bucket.tokens = tokens - 1
        return True

    def seconds(self, name: str, *, alone: bool = False) -> int:
        """Whole seconds, at least 1, until there is a token; ``alone``: should the other shares give nothing."""
        now = self._clock.monotonic()
        missing = 1 - _EXACT / 2 - self._settled(self._buckets.get(name, self._untouched), now)
        return max(1, math.ceil(missing / (self._rate if alone else self.size.per_second)))

    def tokens(self, name: str) -> float:
        """What there is."""
        return self._settled(self._buckets.get(name, self._untouched), self._clock.monotonic())

    def missing(self, name: str, requests: int) -> float:
        """Tokens that so many requests lack."""
        return max(0.0, requests - self.tokens(name))

    def draw(self, name: str, tokens: float) -> None:
        """Take what is known to be there."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(name) or self._open(name, now)
        bucket.tokens = self._settled(bucket, now) - tokens

    def give(self, name: str, wanted: float) -> float:
        """Part with tokens for another share: with what is wanted there, and with half of all in any case."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(name) or self._open(name, now)
        tokens = max(0.0, self._settled(bucket, now))
        given = max(min(tokens, wanted), tokens / 2)
        bucket.tokens -= given
        return given

    def receive(self, name: str, tokens: float) -> None:
        """Tokens of another share, or given in vain."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(name) or self._open(name, now)
        bucket.tokens = min(float(self.size.size), self._settled(bucket, now) + tokens)

    def hold(self, part: float, rate: float) -> None:
        """From now on hold this part of the size, and of the rate."""
        now = self._clock.monotonic()
        for bucket in self._buckets.values():
            self._settled(bucket, now)
        self._settled(self._untouched, now)
        self._part = part * self.size.size
        self._rate = rate * self.size.per_second
        self.leak = self.size.per_second - self._rate

    def empty(self, part: float) -> None:
        """Begin anew, with this part of the size in each bucket."""
        self._buckets.clear()
        self._untouched = _Bucket(part * self.size.size, self._clock.monotonic())

    def _settled(self, bucket: _Bucket, now: float) -> float:
        """The tokens at this instant."""
        tokens, part = bucket.tokens, self._part
        if tokens < part:
            tokens += (now - bucket.at) * self._rate
            if tokens > part:
                tokens = part
        elif tokens > part:
            tokens = max(part, tokens - (now - bucket.at) * self.leak)
        bucket.tokens = tokens
        bucket.at = now
        return tokens

    def _open(self, name: str, now: float) -> _Bucket:
        """A new bucket. Of the others the two that were not looked at for longest are dropped if they are as good as new, or too many."""
        new = self._settled(self._untouched, now)
        for _ in range(min(2, len(self._buckets))):
            oldest, bucket = self._buckets.popitem(last=False)
            if len(self._buckets) < _MOST_BUCKETS - 1 and not new <= self._settled(bucket, now) <= self._part:
                self._buckets[oldest] = bucket
        bucket = self._buckets[name] = _Bucket(new, now)
        return bucket
