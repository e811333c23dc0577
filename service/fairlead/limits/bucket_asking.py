"""How a process that lacks tokens of an account asks the others for theirs (contract.md 1.14).

It writes one document that says how many it wants, and wakes the others; each adds what it gives, and has it no more. The document is
removed as soon as all have answered. Giver and asker change it by compare-and-set, so each token is in one place, or lost, never in two.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from fairlead.engine.ports import Note, StoreUnavailable

if TYPE_CHECKING:
    from fairlead.limits.bucket_shares import BucketShares

PATIENCE: Final = 0.25
"""Seconds that a request waits for tokens of others, at most; again when many came and were still too few."""
PAUSE: Final = 0.2
"""Seconds from one answer to the next question about the same account; doubled each time that it brought nothing."""
_LONGEST_PAUSE: Final = 0.8
"""Below the one second that a refused caller is told to wait: whoever comes back then may ask."""
_MANY: Final = 0.05
"""Of the bucket's size. After so many it pays to ask again at once."""


class Asking:
    """What this process asks the others about one account."""

    def __init__(self, shares: BucketShares, account: str) -> None:
        self._shares = shares
        self._account = account
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._number = 0
        self._asked = float("-inf")
        self._concluded = True
        self._received = 0.0
        self._collected: set[str] = set()
        """Who has answered the question of this number."""
        self._collected_of = 0
        self._version = 0
        """Of our document; 0: there is none."""
        self._not_before = float("-inf")
        self._pause = PAUSE
        self._publishes = False
        self._reads = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost with this object."""
        return self._task is None and self._timer is None and not self._version and self._now() > self._not_before

    @property
    def is_open(self) -> bool:
        """Whether others may still have to answer."""
        return bool(self._version)

    async def take(self) -> bool:
        """Wait for a token; false when the others have none, have just been asked, or do not answer."""
        if self._concluded:
            if self._task is not None or self._now() < self._not_before:
                return False
            self.begin()
        if not self._shares.is_answered or len(self._waiting) >= self._shares.buckets.size.size:
            return False
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return await waiter

    def begin(self) -> None:
        """Ask."""
        self._number += 1
        self._asked = self._now()
        self._concluded = False
        self._publishes = True
        self._start()
        if self._timer is None:
            self._timer = asyncio.create_task(self._expire())

    def hinted(self) -> None:
        """Somebody has answered."""
        self._reads = True
        self._start()

    async def close(self) -> None:
        """Stop, and leave nothing behind."""
        for task in (self._task, self._timer):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._refuse()
        if self._version:
            await self._shares.store.remove(self._shares.key(self._account), self._version)

    # -- one task at most talks to the store

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._publishes or self._reads:
                if self._publishes:
                    await self._publish()
                else:
                    await self._collect()
        except StoreUnavailable:
            self._publishes = self._reads = False
            self._shares.is_answered = False
            self._received = 0.0
            self._conclude()
        finally:
            self._task = None

    async def _publish(self) -> None:
        await asyncio.sleep(0)  # requests that came together ask together
        self._publishes = False
        shares = self._shares
        while True:
            wants = shares.buckets.missing(self._account, len(self._waiting) or 1)
            document = {"number": self._number, "wants": wants, "gifts": {}}
            written = await shares.store.write(shares.key(self._account), document, self._version)
            if written is not None:
                break
            note = await shares.store.read(
                shares.key(self._account)
            )  # an answer that came too late for the last question
            self._version = self._accept(note) if note is not None else 0
        self._version = written.version
        shares.wake_others(self._account)

    async def _collect(self) -> None:
        self._reads = False  # before the look: what comes after it is seen by the next
        shares = self._shares
        note = await shares.store.read(shares.key(self._account))
        if note is None:
            self._version = 0
            return
        self._version = self._accept(note)
        if note.value["number"] != self._number or shares.others - self._collected:
            return
        shares.is_answered = self._now() - self._asked <= PATIENCE
        shares.answered(self._account)
        self._conclude()
        if not self._publishes:
            if await shares.store.remove(shares.key(self._account), self._version):
                self._version = 0
            else:
                self._reads = True

    def _accept(self, note: Note) -> int:
        """Take what was given and is not counted yet; the document's version."""
        if note.value["number"] != self._collected_of:
            self._collected_of = note.value["number"]
            self._collected = set()
        for giver, gift in note.value["gifts"].items():
            if giver not in self._collected:
                self._collected.add(giver)
                tokens = self._shares.left_of(gift)
                self._received += tokens
                if tokens:
                    self._shares.buckets.receive(self._account, tokens)
        return note.version

    # -- those who wait

    async def _expire(self) -> None:
        while not self._concluded:
            left = self._asked + PATIENCE - self._now()
            if left <= 0:
                self._shares.unanswered(self._account)
                self._conclude()
            else:
                await self._shares.clock.sleep(left)
        self._timer = None

    def _conclude(self) -> None:
        """Serve whom there is a token for; ask again when many came, else refuse the rest."""
        if self._concluded:
            return
        self._concluded = True
        buckets = self._shares.buckets
        while self._waiting and buckets.take(self._account):
            waiter = self._waiting.popleft()
            if waiter.done():
                buckets.receive(self._account, 1)
            else:
                waiter.set_result(True)
        received, self._received = self._received, 0.0
        self._pause = PAUSE if received >= 1 else min(2 * self._pause, _LONGEST_PAUSE)
        if received >= max(1.0, _MANY * buckets.size.size):
            if self._waiting:
                self.begin()
            return
        self._not_before = self._now() + self._pause
        self._refuse()

    def _refuse(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(False)
        self._waiting.clear()

    def _now(self) -> float:
        return self._shares.clock.monotonic()
