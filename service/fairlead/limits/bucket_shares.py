"""One bucket per account over all processes on a store (contract.md 1.14).

Each of n processes holds the n-th part of every bucket and of its rate, and takes tokens from it in memory: no call to the store, and
together never more than one bucket would give. A process that lacks tokens asks the others for theirs (``bucket_asking``). Only the
process that is first on the store begins with full buckets; one that joins begins with empty ones and holds its part as soon as all
others have answered its greeting, that is, hold less themselves. Small buckets are not divided (``bucket_stored``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final

from fairlead.engine.ports import StoreUnavailable
from fairlead.limits.bucket import Buckets
from fairlead.limits.bucket_asking import Asking
from fairlead.limits.bucket_stored import SMALL, StoredBuckets
from fairlead.limits.heartbeat import BEAT
from fairlead.limits.replica import BUCKETS, Replica

MARK: Final = "buckets"
"""The document that names the process that is first, or that one who has buckets since."""
GREETING: Final = ""
"""In the place of the account."""
SETTLES_AFTER: Final = 2 * BEAT + 1.0
"""Seconds. By then everybody who can read the store has seen who came, greeting or not, also who missed a beat."""
STRANGER_PART: Final = 0.1
STRANGER_RATE: Final = 0.05
"""Of size and rate: what all those who are not settled may have together, by the tolerance of contract.md 1.14."""
ON_THE_WAY: Final = 0.05
"""Of the size. So many tokens may have flowed in elsewhere while a gift was on its way."""
_MOST_IDLE: Final = 1000
_MOST_STRANGERS: Final = 32
"""Anybody may send hints."""


class BucketShares:
    """This process' share of all accounts' buckets."""

    def __init__(self, replica: Replica, buckets: Buckets) -> None:
        self.buckets = buckets
        self.store = replica.store
        self.clock = replica.clock
        self.others: frozenset[str] = frozenset()
        self.is_answered = True
        """Whether the others answered in time when they were asked last."""
        self.settles_at = float("-inf")
        """At the latest; in the past as soon as the others know that this process shares."""
        self._replica = replica
        self._stored = StoredBuckets(self) if buckets.size.size < SMALL else None
        self._me = ""
        self._former: set[str] = set()
        """Names under which this process was taken for dead."""
        self._settled = True
        self._settling = asyncio.Event()
        self._asking: dict[str, Asking] = {}
        self._strangers: set[str] = set()
        """Hints of processes that are not known yet."""
        self._giving: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        """Be one of those who share. Raises ``StoreUnavailable``."""
        self._me = self._replica.me
        self.others = self._alive()
        self._settled = False
        self.buckets.empty(0.0)
        self._replica.sharer = self
        self._run(self._tidy())
        if await self._is_first():
            self.buckets.empty(1.0)
            self._settle()
        else:
            self._begin_anew()

    @property
    def is_elsewhere(self) -> bool:
        """Whether no tokens are in this process."""
        return self._stored is not None and bool(self.others)

    async def take(self, account: str) -> int:
        """Take a token that is not in this process; 0, or the whole seconds (at least 1) until there is one."""
        if self._stored is not None and self.others:
            return await self._stored.take(account)
        if self.others and await self._asking_of(account).take():
            return 0
        return self.buckets.seconds(account, alone=bool(self.others) and not self.is_answered)

    def put_back(self, account: str) -> None:
        """Give a token back."""
        if self._stored is not None and self.others:
            self._stored.put_back(account)
        else:
            self.buckets.receive(account, 1)

    def may_take(self) -> bool:
        """Whether the others know that this process shares."""
        return self._replica.heartbeat.may_start()

    def about(self, at: float) -> float:
        """What the store's clock shows at this instant of ours."""
        return self._replica.heartbeat.about(at)

    async def wait_settled(self) -> None:
        """Wait until the others know that this process shares."""
        if not self._settled:
            await self._settling.wait()

    def key(self, account: str) -> str:
        """Of the document in which this process asks."""
        return f"{BUCKETS}{self._me}/{account}"

    def wake_others(self, account: str) -> None:
        """Tell the others that they are asked."""
        self._replica.wake(self.others, self.key(account))

    def left_of(self, gift: tuple[float, float]) -> float:
        """What a gift of then is worth now: what is long on the way flows off, as the giver's share has filled again."""
        given, at = gift
        age = self.about(self.clock.monotonic()) - at
        return max(0.0, given - max(0.0, age * self.buckets.leak - ON_THE_WAY * self.buckets.size.size))

    def answered(self, account: str) -> None:
        """All others have answered."""
        if account == GREETING:
            self._settle()

    def unanswered(self, account: str) -> None:
        """Not all others have answered in time. When nobody greets, the others are most likely those of before a crash."""
        self.is_answered = False
        if account == GREETING and not self._settled and self._stored is None:
            self.buckets.empty(STRANGER_PART / max(1, len(self.others)))

    # -- called by the replica

    def hinted(self, key: str) -> None:
        """Somebody asks, or has answered."""
        asker, _, account = key.removeprefix(BUCKETS).partition("/")
        if asker == self._me:
            if account in self._asking:
                self._asking[account].hinted()
        elif asker not in self.others:
            if len(self._strangers) < _MOST_STRANGERS:
                self._strangers.add(key)
            self._replica.heartbeat.look_soon()
        elif key in self._giving:
            self._again.add(key)
        else:
            self._giving.add(key)
            self._run(self._give(key, asker, account))

    def asks(self) -> Iterable[str]:
        """Questions that others may not have heard of."""
        return [self.key(account) for account, asking in self._asking.items() if asking.is_open]

    def changed(self) -> None:
        """Processes came or went."""
        if self._replica.me != self._me:
            self._former.add(self._me)
            self._me = self._replica.me
            self.others = self._alive()
            if self.others:
                self._begin_anew()
        others, self.others = self.others, self._alive()
        if self._stored is not None and others and not self.others:
            self.buckets.empty(0.0)  # what the others have taken is not known
        self._hold()
        strangers, self._strangers = self._strangers, set()
        for key in strangers:
            if key.removeprefix(BUCKETS).partition("/")[0] in self.others:
                self.hinted(key)
        if others - self.others:
            for asking in self._asking.values():
                if asking.is_open:
                    asking.hinted()
            self._run(self._tidy())

    async def close(self) -> None:
        """Leave: the mark goes to another process, or with the last one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._stored is not None:
            await self._stored.close()
        with suppress(StoreUnavailable):
            for asking in self._asking.values():
                await asking.close()
            note = await self.store.read(MARK)
            if note is not None and note.value["process"] == self._me:
                others = await self._replica.heartbeat.look() - {self._me}  # also who came a moment ago
                if others:
                    await self.store.write(MARK, {"process": min(others)}, note.version)
                else:
                    await self.store.remove(MARK, note.version)

    # -- the share

    def _alive(self) -> frozenset[str]:
        return frozenset(self._replica.heartbeat.alive.keys() - {self._me} - self._former)

    async def _is_first(self) -> bool:
        """Whether nobody else may have taken tokens yet: the first one leaves a mark. After a crash it is stale: then nobody who is not
        alone is the first."""
        note = await self.store.read(MARK)
        if note is not None and (self.others or note.value["process"] in self._replica.heartbeat.alive):
            return False
        written = await self.store.write(MARK, {"process": self._me}, note.version if note is not None else 0)
        return written is not None

    def _begin_anew(self) -> None:
        """As a stranger to the others: empty, until they know."""
        self._settled = False
        self._settling.clear()
        self.settles_at = self.clock.monotonic() + SETTLES_AFTER
        self.buckets.empty(0.0)
        self._hold()
        if self.others:
            self._asking_of(GREETING).begin()
        self._run(self._settle_later(self._me))

    async def _settle_later(self, name: str) -> None:
        await self.clock.sleep(SETTLES_AFTER)
        if name == self._me:
            self._settle()

    def _settle(self) -> None:
        self._settled = True
        self._hold()

    def _hold(self) -> None:
        others = len(self.others)
        if self._settled or not others:
            self._settled = True
            self._settling.set()
            self.settles_at = float("-inf")
            parts = others + 1 if self._stored is None else 1
            self.buckets.hold(1 / parts, 1 / parts)
        elif self._stored is not None:
            self.buckets.hold(0.0, 0.0)
        else:
            self.buckets.hold(STRANGER_PART / others, STRANGER_RATE / others)

    async def _tidy(self) -> None:
        """What those leave behind who are gone: questions, and perhaps the mark."""
        with suppress(StoreUnavailable):
            for rest, note in (await self.store.read_all(BUCKETS)).items():
                if rest.partition("/")[0] not in self._replica.heartbeat.alive:
                    await self.store.remove(BUCKETS + rest, note.version)
            mark = await self.store.read(MARK)
            if mark is not None and mark.value["process"] not in self._replica.heartbeat.alive:
                await self.store.write(MARK, {"process": self._me}, mark.version)
            if self._stored is not None:
                await self._stored.tidy()

    # -- questions and answers

    def _asking_of(self, account: str) -> Asking:
        asking = self._asking.get(account)
        if asking is None:
            if len(self._asking) >= _MOST_IDLE:
                self._asking = {name: each for name, each in self._asking.items() if not each.is_idle}
            asking = self._asking[account] = Asking(self, account)
        return asking

    async def _give(self, key: str, asker: str, account: str) -> None:
        """Answer: a gift, or nothing."""
        try:
            while asker in self.others:
                self._again.discard(key)
                await self._answer(key, asker, account)
                if key not in self._again:
                    return
        except StoreUnavailable:
            return  # what was to be given may have been written: it is lost
        finally:
            self._giving.discard(key)
            self._again.discard(key)

    async def _answer(self, key: str, asker: str, account: str) -> None:
        while True:
            note = await self.store.read(key)
            if note is None or self._me in note.value["gifts"]:
                return
            given = self.buckets.give(account, note.value["wants"]) if account != GREETING else 0.0
            gift = [given, self.about(self.clock.monotonic())]
            document = {**note.value, "gifts": {**note.value["gifts"], self._me: gift}}
            if await self.store.write(key, document, note.version) is not None:
                self._replica.wake((asker,), key)
                return
            if given:
                self.buckets.receive(account, given)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
