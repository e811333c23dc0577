"""Small buckets over all processes on a store (contract.md 1.14).

Parts of a bucket that holds few tokens would be less than one token, and would let nobody in. So as long as there are several processes
the tokens of such a bucket are in one document, and each process takes them there by compare-and-set, as many at once as requests wait.
A process that is alone has them in memory. Nobody can tell whether others have a document from before, so each process keeps a bucket of
its own as well, from which only its own requests take and which began empty when the others came: no more tokens are there than in
either of the two.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from fairlead.engine.ports import Note, StoreUnavailable

if TYPE_CHECKING:
    from fairlead.limits.bucket_shares import BucketShares

SMALL: Final = 32
"""Tokens. Below this size a bucket is not divided."""
TOKENS: Final = "tokens/"
"""Prefix of the documents, by account."""
PATIENCE: Final = 0.25
"""Seconds that a request waits for the store, and for a token that is nearly there, at most."""
_NEARLY: Final = 0.05
"""Seconds. A token that comes so soon is waited for: clocks differ by less, so who waits as long as it was told is let in."""
_EXACT: Final = 1e-3
"""Tokens. The store's clock may count whole milliseconds, and is a large number."""
_LATE: Final = 1.0
"""Seconds for which a full bucket is kept; by then it is full by everybody's clock."""
_AHEAD: Final = 2.0
"""Seconds. A document from further ahead is from before the store's clock was set back."""


class StoredBuckets:
    """The buckets of all accounts."""

    def __init__(self, shares: BucketShares) -> None:
        self.shares = shares
        self._accounts: dict[str, StoredBucket] = {}

    async def take(self, account: str) -> int:
        """Take one token; 0, or the whole seconds (at least 1) until there is one."""
        return await self._of(account).take()

    def put_back(self, account: str) -> None:
        """Give a token back."""
        self._of(account).put_back()

    def forget(self, account: str) -> None:
        """Its bucket is full, and nobody waits."""
        self._accounts.pop(account, None)

    async def tidy(self) -> None:
        """Remove what processes that are gone have left. Raises ``StoreUnavailable``."""
        now = self.now()
        for account, note in (await self.shares.store.read_all(TOKENS)).items():
            if account not in self._accounts and self.full_in(note.value, now) + _LATE <= 0:
                await self.shares.store.remove(TOKENS + account, note.version)

    async def close(self) -> None:
        """Stop. The documents stay for the others."""
        for bucket in self._accounts.values():
            await bucket.close()

    def now(self) -> float:
        """On the store's clock."""
        return self.shares.about(self.shares.clock.monotonic())

    def settled(self, value: Mapping[str, Any], now: float) -> tuple[float, float]:
        """Tokens of a document, and the instant of the store's clock at which they are there: this one, unless it was a little ahead."""
        tokens, at = float(value["tokens"]), float(value["at"])
        if at > now:
            return tokens, at if at <= now + _AHEAD else now
        size = self.shares.buckets.size
        return min(float(size.size), tokens + (now - at) * size.per_second), now

    def full_in(self, value: Mapping[str, Any], now: float) -> float:
        """Seconds until the bucket of this document is full; negative: since when it is."""
        size = self.shares.buckets.size
        tokens, at = float(value["tokens"]), float(value["at"])
        return (size.size - tokens) / size.per_second + (at - now if at <= now + _AHEAD else 0.0)

    def _of(self, account: str) -> StoredBucket:
        bucket = self._accounts.get(account)
        if bucket is None:
            bucket = self._accounts[account] = StoredBucket(self, account)
        return bucket


class StoredBucket:
    """The bucket of one account, as this process sees it. One task at most talks to the store."""

    def __init__(self, buckets: StoredBuckets, account: str) -> None:
        self._buckets = buckets
        self._shares = buckets.shares
        self._account = account
        self._key = TOKENS + account
        self._note: Note | None = None
        """As it was seen last."""
        self._is_fresh = False
        self._waiting: deque[tuple[float, asyncio.Future[int]]] = deque()
        """Since when, and who."""
        self._returned = 0
        """Tokens that were taken for somebody who is gone."""
        self._not_before = float("-inf")
        """On our clock: until then there is no token."""
        self._is_stuck = False
        """Whether the store did not answer in time; nobody waits for it until it does."""
        self._worker: asyncio.Task[None] | None = None
        self._expiry: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def take(self) -> int:
        """See ``StoredBuckets``."""
        size = self._shares.buckets.size
        is_full = len(self._waiting) >= size.size + PATIENCE * size.per_second
        if is_full or self._is_stuck or self._not_before - self._now() > _NEARLY:
            return self._seconds()
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._now(), waiter))
        self._start()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result() == 0:
                self.put_back()
            raise

    def put_back(self) -> None:
        """See ``StoredBuckets``."""
        self._returned += 1
        self._not_before = float("-inf")
        self._start()

    async def close(self) -> None:
        """Refuse who waits."""
        for task in (self._worker, self._expiry, self._keeper):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._refuse()

    def _start(self) -> None:
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        if self._expiry is None and self._waiting:
            self._expiry = asyncio.create_task(self._expire())
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    # -- tokens

    async def _work(self) -> None:
        try:
            await asyncio.sleep(0)  # requests that came together take together
            await self._shares.wait_settled()
            while self._waiting or self._returned:
                left = self._not_before - self._now()
                if left > _NEARLY and not self._returned:
                    self._refuse()
                elif left > 0 and not self._returned:
                    await self._shares.clock.sleep(left)
                else:
                    self._returned, returned = 0, self._returned
                    self._serve(returned + await self._draw(len(self._waiting) - returned))
        except StoreUnavailable:
            self._note = None
            self._refuse()
        finally:
            self._worker = None
            self._is_stuck = False

    async def _draw(self, wanted: int) -> int:
        """Take so many tokens, or as many as there are; with a negative number they come back. Raises ``StoreUnavailable``."""
        shares, buckets = self._shares, self._shares.buckets
        if not wanted:
            return 0
        while True:
            if self._note is None:
                self._note, self._is_fresh = await shares.store.read(self._key), True
            if not shares.may_take():
                raise StoreUnavailable("this process was cut off from the store")
            now = self._buckets.now()
            tokens, at = buckets.tokens(self._account), now
            if self._note is not None:
                stored, at = self._buckets.settled(self._note.value, now)
                tokens = min(tokens, stored) if wanted > 0 else stored
            taken = min(wanted, math.floor(tokens + _EXACT))
            if not taken and not self._is_fresh:
                self._note = None
                continue
            was_ahead = self._note is not None and at < self._note.value["at"]
            if not taken and not was_ahead:
                self._not_before = self._now() + at - now + (1 - tokens) / buckets.size.per_second
                return 0
            document = {"tokens": min(tokens - taken, float(buckets.size.size)), "at": at}
            version = self._note.version if self._note is not None else 0
            written = await shares.store.write(self._key, document, version)
            self._note, self._is_fresh = Note(document, written.version) if written is not None else None, False
            if written is not None:
                buckets.draw(self._account, taken)
                return taken

    def _serve(self, tokens: int) -> None:
        while self._waiting and tokens > 0:
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(0)
                tokens -= 1
        self._returned += max(0, tokens)

    def _refuse(self) -> None:
        seconds = self._seconds()
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(seconds)
        self._waiting.clear()

    def _seconds(self) -> int:
        """As it is known; else the longest that the next token takes."""
        left = max(self._not_before, self._shares.settles_at) - self._now()
        return max(1, math.ceil((left if left > 0 else 1 / self._shares.buckets.size.per_second) - _EXACT))

    # -- time

    async def _expire(self) -> None:
        """Nobody waits for too long."""
        while self._waiting:
            left = self._waiting[0][0] + PATIENCE - self._now()
            if left > 0:
                await self._shares.clock.sleep(left)
                continue
            self._is_stuck = self._not_before <= self._now()
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(self._seconds())
        self._expiry = None

    async def _keep(self) -> None:
        """A bucket that is full again is forgotten, with its document unless others have changed it since."""
        while True:
            note = self._note
            left = self._buckets.full_in(note.value, self._buckets.now()) + _LATE if note is not None else 0.0
            if left > 0 or self._worker is not None:
                await self._shares.clock.sleep(max(left, _LATE))
                continue
            self._buckets.forget(self._account)
            if note is not None:
                with suppress(StoreUnavailable):
                    await self._shares.store.remove(self._key, note.version)
            return

    def _now(self) -> float:
        return self._shares.clock.monotonic()
