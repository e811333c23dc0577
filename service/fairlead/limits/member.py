"""This process' part in one pool: it keeps the pool and its shared document in step (D13).

While no other process wants anything there is nothing to do and no call to the store. Whatever concerns others (requests that wait for
more slots, a free slot that somebody else waits for, a cool-down) sets a flag; one task at most then brings the document up to date.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from fairlead.engine.ports import Note, StoreUnavailable
from fairlead.limits import recovery
from fairlead.limits.ledger import HAND_OVER, NEVER, Ledger, Report
from fairlead.limits.pool import UNLIMITED, Pool

if TYPE_CHECKING:
    from fairlead.limits.replica import Replica

KEEP_SECONDS: Final = 10.0
"""How long a process keeps the slots of a pool that it does not use."""
REFRESH: Final = 0.5
"""Seconds between two reports of a queue whose length has changed; the longest pause between two looks of who waits."""
_FIRST_LOOK: Final = 0.02
_STORE_AWAY: Final = 0.2


class Owner(Protocol):
    """Who grants the pool's slots."""

    def stepped(self, pool: Pool) -> None:
        """Whoever may start now does; those whose wait has become too long are told."""

    def left(self, pool: Pool) -> None:
        """The pool is in nobody's use, and this process has given its slots back."""


class Member:
    """Keeps one pool in step."""

    def __init__(self, replica: Replica, pool: Pool, owner: Owner, key: str, keep: float) -> None:
        self._replica = replica
        self._pool = pool
        self._owner = owner
        self._key = key
        self._keep = keep
        self._note: Note | None = None
        self._is_current = False
        """``_note`` is what was last written or read."""
        self._hinted = False
        """Somebody says that it has changed since."""
        self._doubtful = False
        """A write failed and may still be carried out: nothing read is certain before the next one that succeeds."""
        self._poked = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._idler: asyncio.Task[None] | None = None
        self._pause = _FIRST_LOOK
        self._ledger = Ledger()
        self._rivals: list[tuple[float, str]] = []
        self._balanced = -NEVER
        self._wrote_want = -NEVER
        self._opens = (-NEVER, -NEVER)
        """Ours and the store's, of the same instant."""
        self._leaves = False
        self._forgets = False

    # -- what the pool asks and tells

    @property
    def asks(self) -> bool:
        """Whether this process waits for slots of others."""
        return self._replica.me in self._ledger.want

    def yields(self) -> bool:
        """Whether the next free slot is for another process, which has been waiting longer."""
        if not self._rivals:
            return False
        mine = self._report()
        idle = self._pool.held - self._pool.in_flight
        for since, process in self._rivals:
            if self._ledger.goes_before(process, since, mine):
                idle -= self._ledger.want[process].slots
        return idle <= 0

    def poke(self, *, reread: bool = False) -> None:
        """Something changed here; ``reread``: or in the document."""
        self._hinted = self._hinted or reread
        self._poked = True
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    def queued(self) -> None:
        """A request began to wait, or the last one ceased to."""
        alone = self._replica.heartbeat.is_alone
        if len(self._pool):
            if not alone or not self._pool.holds_all or self._pool.is_blocked:
                self.poke()
        elif self.asks:
            self.poke()

    def rest(self) -> None:
        """Nobody uses the pool at this moment: leave it after a while."""
        if self._idler is None:
            self._idler = asyncio.create_task(self._idle())

    def lapse(self) -> None:
        """The others think that this process is dead: nothing is its own any more."""
        if self._pool.level is not None:
            self._pool.held = 0
        self._is_current = False
        self._note = None
        self._ledger = Ledger()
        self._rivals = []

    async def leave(self) -> None:
        """Give everything back that is free."""
        self._leaves = True
        self.poke()
        if self._task is not None:
            await asyncio.wait((self._task,))
        self.close()

    def close(self) -> None:
        """Stop."""
        for task in (self._task, self._timer, self._idler):
            if task is not None:
                task.cancel()

    # -- keeping in step

    async def _work(self) -> None:
        try:
            while self._poked:
                self._poked = False
                try:
                    await self._step()
                except StoreUnavailable:
                    self._doubtful = True
                    self._is_current = False
                    if self._leaves:
                        return
                    self._look_again(_STORE_AWAY)
                    if self._pool.level is None:  # no limit to keep; a cool-down of others is not known
                        self._pool.known, self._pool.held = True, UNLIMITED
                        self._owner.stepped(self._pool)
        finally:
            self._task = None

    async def _step(self) -> None:
        replica, pool = self._replica, self._pool
        if pool.level is not None and not replica.heartbeat.may_start():
            self._look_again(_STORE_AWAY)
            return
        me = replica.me
        while True:
            if self._hinted or not self._is_current:
                self._hinted = False  # before the look: what comes after it is seen by the next
                self._note = await replica.store.read(self._key)
                self._is_current = True
                stored = self._stored()
                if stored.revision >= pool.revision and not self._doubtful:
                    self._take(me, stored)  # what was given is used at once: the next write may take several tries
            before, ledger = self._stored(), self._stored()
            alive: set[str] = {me, *replica.heartbeat.alive}
            if ledger.processes - alive:
                alive = await replica.heartbeat.look()
            now = replica.clock.monotonic()
            mine = self._report()
            ledger.settle(me, mine, alive | {me}, replica.heartbeat.in_store(now))
            if not self._doubtful and not self._is_worth_writing(me, before, ledger, now):
                break
            if ledger.level is not None:
                pool.held = min(pool.held, ledger.share.get(me, 0))
            if await self._write(ledger):
                self._after_write(me, before, ledger, mine, now)
                break
        pool.earned = max(0, pool.earned - mine.earned)
        self._apply(me, self._stored())

    def _stored(self) -> Ledger:
        return Ledger.of(self._note.value if self._note is not None else None)

    async def _write(self, ledger: Ledger) -> bool:
        """Whether the document now says what the ledger does; else it has to be read again."""
        store = self._replica.store
        version = self._note.version if self._note is not None else 0
        self._is_current = False
        if ledger.is_blank and ledger.opens <= self._replica.heartbeat.in_store(self._replica.clock.monotonic()):
            if version and not await store.remove(self._key, version):
                return False
            self._note = None
        else:
            document = ledger.document()
            written = await store.write(self._key, document, version)
            if written is None:
                return False
            self._note = Note(document, written.version)
        self._is_current = True
        self._doubtful = False
        return True

    def _is_worth_writing(self, me: str, before: Ledger, after: Ledger, now: float) -> bool:
        """Everything that others need is; how long our queue is and since when, now and then."""
        old, new = before.want.get(me), after.want.get(me)
        alone = self._replica.heartbeat.is_alone
        if self._note is None and after.is_blank_but_for(me) and (new is None or alone):
            return False
        if before.but_for(me) != after.but_for(me):
            return True
        if old == new:
            return False
        lacked, lacks = (want.slots if want is not None else 0 for want in (old, new))
        if bool(lacked) != bool(lacks):
            return not alone or bool(lacked)
        if alone:
            return False
        if self._leaves or (after.guarded and (old is None or new is None)):
            return True
        if lacks and me in before.unheard and now - self._wrote_want >= self._replica.heartbeat.pace:
            return True
        moved = old is not None and new is not None and abs(new.since - old.since) > HAND_OVER
        urgent = lacked != lacks or (bool(lacks) and moved)
        return now - self._wrote_want >= max(HAND_OVER if urgent else REFRESH, self._replica.heartbeat.pace)

    def _after_write(self, me: str, before: Ledger, ledger: Ledger, mine: Report, now: float) -> None:
        """Wake those whom the change concerns."""
        self._pause = _FIRST_LOOK
        self._wrote_want = now
        given = {each for each, slots in ledger.share.items() if each != me and slots > before.share.get(each, 0)}
        if given and mine.waiting:
            self._balanced = now + max(HAND_OVER, self._replica.heartbeat.pace)
        wake = set(given)
        new, old = ledger.want.get(me), before.want.get(me)
        is_heard = me in before.unheard and new is not None and new.slots > 0
        if new is not None and (old is None or new.slots > old.slots or ledger.guarded or is_heard):
            wake |= {*ledger.share, *((ledger.probe,) if ledger.probe else ())}
        if ledger.excess > before.excess:
            wake |= {*ledger.share}
        if sum(ledger.share.values()) < sum(before.share.values()) and ledger.level == before.level:
            wake |= {*ledger.want}
        agreed = before.epoch, before.guarded, before.level, before.effective
        if agreed != (ledger.epoch, ledger.guarded, ledger.level, ledger.effective):
            wake |= {*self._replica.heartbeat.alive}
        if before.probe != ledger.probe and ledger.probe is not None:
            wake.add(ledger.probe)
        self._replica.wake(wake - {me}, self._key)

    def _apply(self, me: str, stored: Ledger) -> None:
        """Take over what the document says, and look again if that is not the end of it."""
        replica, pool = self._replica, self._pool
        if not self._take(me, stored):
            self.poke(reread=True)
            return
        if len(pool) and (pool.is_blocked or not (pool.holds_all and replica.heartbeat.is_alone)):
            self._look_again(self._pause)
            self._pause = min(2 * self._pause, REFRESH)
            return
        self._pause = _FIRST_LOOK
        if self.asks and not replica.heartbeat.is_alone:  # nobody waits any more: that is written in time
            self._look_again(REFRESH)

    def _take(self, me: str, stored: Ledger) -> bool:
        """Whether it was for this process, which has another name when the others thought that it was dead."""
        replica, pool = self._replica, self._pool
        if replica.me != me:
            return False
        self._ledger = stored
        self._rivals = stored.rivals(me)
        others = any(process != me for process in stored.want)
        opens = -NEVER
        if stored.opens not in (-NEVER, self._opens[1]):
            opens = replica.heartbeat.here(stored.opens)
            if not stored.guarded:  # nothing is left but a pause, whatever a clock says that was set
                opens = min(opens, replica.clock.monotonic() + pool.pause)
            if opens > pool.opens_at:
                self._opens = (opens, stored.opens)
        held = max(0, stored.share.get(me, 0) - stored.excess)  # nothing starts before what is too much has ended
        pool.adopt(stored, opens, held=held, may_probe=stored.probe == me, contended=others)
        self._owner.stepped(pool)
        return True

    def _report(self) -> Report:
        replica, pool = self._replica, self._pool
        head = pool.head()
        opens = pool.opens_at
        beat = replica.heartbeat
        return Report(
            level=pool.level,
            revision=pool.revision,
            pause=pool.pause,
            in_flight=pool.in_flight,
            waiting=len(pool),
            since=NEVER if head is None else beat.about(head.since),
            opens=opens if opens == -NEVER else self._in_store(opens),
            epoch=pool.epoch,
            row=pool.row,
            guarded=pool.guarded,
            probing=pool.probe is not None,
            balances=replica.clock.monotonic() >= self._balanced,
            rests=beat.pace > 0,
            leaves=self._leaves and not pool.in_flight and not len(pool),
            start=pool.start_level,
            effective=pool.effective,
            earned=pool.earned,
            forgets=self._forgets and not pool.in_flight and not len(pool),
        )

    def _in_store(self, opens: float) -> float:
        """What came from the store goes back as it came: translated to and fro it would grow a little each time."""
        if opens != self._opens[0]:
            self._opens = (opens, self._replica.heartbeat.in_store(opens))
        return self._opens[1]

    # -- time

    def _look_again(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.create_task(self._look_later(seconds))

    async def _look_later(self, seconds: float) -> None:
        await self._replica.clock.sleep(seconds)
        self._timer = None
        if len(self._pool) or self._doubtful or not self._pool.known:
            self.poke(reread=True)
        elif self.asks:
            self.poke()

    async def _idle(self) -> None:
        """Give back what was not used for a while, and leave when the pool remembers nothing."""
        pool, clock = self._pool, self._replica.clock
        last_used = clock.monotonic()
        while True:
            pool.used = False
            await clock.sleep(max(self._keep, pool.forget_at() - clock.monotonic()))
            if pool.in_flight or len(pool):
                break
            now = clock.monotonic()
            if pool.used:
                last_used = now
            if pool.used or pool.forget_at() > now:
                continue
            self._forgets = not pool.is_moved or now - last_used >= recovery.REMEMBERED_SECONDS
            if not (self._forgets or pool.held or self._doubtful):
                continue
            self._leaves = True
            pool.held = 0
            self.poke()
            assert self._task is not None
            await asyncio.wait((self._task,))
            forgotten, self._leaves, self._forgets = self._forgets, False, False
            if pool.in_flight or len(pool):
                self.poke()
                break
            holds_some = self._stored().share.get(
                self._replica.me, 0
            )  # while this process may not start anything, it gives nothing back
            if forgotten and not self._doubtful and not holds_some:
                self._replica.part(self._key)
                self._owner.left(pool)
                if self._timer is not None:
                    self._timer.cancel()
                return
        self._idler = None
