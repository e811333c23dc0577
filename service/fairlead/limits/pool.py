"""One pool: the queue, the level, the pause and the cool-down of a connection and its borrowers (connections.md 7 and 8)."""

from __future__ import annotations

import asyncio
import sys
from bisect import insort
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from fairlead.engine.ports import Deadline, PoolSettings, PoolState, WaitTooLong
from fairlead.limits import backoff, recovery
from fairlead.limits.alarm import Alarm
from fairlead.limits.ledger import REMEMBERED_SECONDS, Ledger

if TYPE_CHECKING:
    from fairlead.limits.member import Member

UNLIMITED: Final = sys.maxsize


class Waiter:
    """A request in the queue, then in its slot. ``ticket`` is its place: lower goes first; a request that was in a slot before keeps
    its ticket; ``since``, when it came. ``epoch`` counts the pool's cool-downs at the time of the grant: what an older request tells is old news."""

    __slots__ = ("deadline", "epoch", "future", "pool", "settings", "since", "ticket", "unanswered")

    def __init__(self, pool: Pool, settings: PoolSettings, ticket: int, deadline: Deadline, since: float) -> None:
        self.pool = pool
        """In whose queue or slot it is."""
        self.settings = settings
        self.ticket = ticket
        self.since = since
        self.deadline = deadline
        self.epoch = 0
        self.future: asyncio.Future[None] | None = None
        self.unanswered: asyncio.Future[Any] | None = None
        """What was sent and goes on without whoever waited for it."""


class Pool:
    """State and rules of one pool; who wakes it, and the places of the process, are ``pools.Pools``' part."""

    __slots__ = (
        "_again",
        "_good",
        "_queue",
        "_settings",
        "connections",
        "contended",
        "cool_until",
        "earned",
        "effective",
        "epoch",
        "expiry",
        "guarded",
        "held",
        "in_flight",
        "key",
        "known",
        "last_end",
        "level",
        "may_probe",
        "member",
        "pause",
        "probe",
        "refused",
        "requests",
        "revision",
        "row",
        "settles_at",
        "start_level",
        "used",
        "wake",
    )

    def __init__(self, key: str, wake: Alarm, expiry: Alarm) -> None:
        self.key = key
        self.wake = wake
        """When cool-down or pause are over."""
        self.expiry = expiry
        """When the first deadline of those that wait is."""
        self._settings: PoolSettings | None = None
        self.connections: set[str] = set()
        """Who has used it since it is in memory."""
        self.level: int | None = None
        self.start_level: int | None = None
        self.effective: int | None = None
        """The level in force (connections.md 8.4)."""
        self._good = 0
        self.earned = 0
        """Rows of good answers of which other processes have not heard."""
        self.requests = 0
        self.refused = 0
        self.revision = -1
        self.pause = 0.0
        self.member: Member | None = None
        """How it is shared with other processes, if it is."""
        self.held = UNLIMITED
        """Slots that this process may grant."""
        self.known = True
        """Whether this process has seen what others know of the pool."""
        self.may_probe = True
        """After a cool-down: whether it is a request of this process that goes alone."""
        self.contended = False
        """Whether requests of other processes wait."""
        self.used = False
        self.in_flight = 0
        self.last_end = float("-inf")
        self.cool_until = float("-inf")
        self.settles_at = 0.0
        """After a PUT: until when other processes may not have said what they have in flight; 0 for never."""
        self.epoch = 0
        self.row = 0
        self.guarded = False
        """From a cool-down on until an answer says that it is over: requests go one at a time."""
        self.probe: Waiter | None = None
        self._again: list[Waiter] = []
        self._queue: OrderedDict[int, Waiter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._again) + len(self._queue)

    # -- the queue

    def enqueue(self, waiter: Waiter, *, first: bool) -> None:
        """At the end, or (``first``) among those at the head, in the order of their tickets."""
        self.connections.add(waiter.settings.connection)
        if first:
            insort(self._again, waiter, key=_ticket)
        else:
            self._queue[waiter.ticket] = waiter

    def head(self) -> Waiter | None:
        """Who goes next. One that was cancelled in this turn of the event loop is skipped: it leaves when it runs."""
        while True:
            waiter = self._again[0] if self._again else next(iter(self._queue.values()), None)
            if waiter is None or waiter.future is None or not waiter.future.done():
                return waiter
            self.leave(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Out of the queue, wherever it stands."""
        if self._queue.get(waiter.ticket) is waiter:
            del self._queue[waiter.ticket]
        elif waiter in self._again:
            self._again.remove(waiter)

    def move(self, other: Pool, settings: PoolSettings) -> None:
        """Those of a connection that wait here go on waiting in the other pool, in the order in which they came."""
        again = [each for each in self._again if each.settings.connection == settings.connection]
        moved = [each for each in self._queue.values() if each.settings.connection == settings.connection]
        for waiter in (*again, *moved):
            self.leave(waiter)
            waiter.pool, waiter.settings = other, settings
        for waiter in again:
            other.enqueue(waiter, first=True)
        soonest = min((each.deadline.at for each in (*again, *moved)), default=other.expiry.at)
        if soonest < other.expiry.at:
            other.expiry.set(other, soonest)
        if moved:
            queue = sorted((*other._queue.values(), *moved), key=_ticket)
            other._queue = OrderedDict((each.ticket, each) for each in queue)

    def waiters(self) -> list[Waiter]:
        """All who wait, in order."""
        return [*self._again, *self._queue.values()]

    def hopeless(self) -> list[Waiter]:
        """Those whose deadline comes before the cool-down ends."""
        return [waiter for waiter in self.waiters() if waiter.deadline.at < self.cool_until]

    # -- the rules

    @property
    def has_room(self) -> bool:
        """Whether the level, and a cool-down whose end nobody has confirmed yet, let one more start."""
        if self.guarded and (self.probe is not None or not self.may_probe):
            return False
        return self.known and self.in_flight < self.held and (self.effective is None or self.in_flight < self.effective)

    @property
    def holds_all(self) -> bool:
        """Whether no other process has a slot that this one could get."""
        return self.known and (self.effective is None or self.held >= self.effective)

    @property
    def is_blocked(self) -> bool:
        """Whether everybody waits for the answer to another process' request."""
        return self.guarded and not self.may_probe

    @property
    def opens_at(self) -> float:
        """When cool-down and pause are over, and a PUT is known."""
        opens = max(self.cool_until, self.settles_at) if self.settles_at else self.cool_until
        return max(opens, self.last_end + self.pause) if self.pause else opens

    @property
    def is_timed(self) -> bool:
        """Whether a look at the clock is needed before a request starts."""
        return self.guarded or self.pause > 0.0 or self.settles_at > 0.0

    def configure(self, settings: PoolSettings) -> bool:
        """Take the level from the latest document that is known; whether it changed."""
        if settings is self._settings:
            return False
        self.connections.add(settings.connection)
        if settings.revision < self.revision:
            return False
        changed = (settings.level, settings.start) != (self.level, self.start_level)
        if changed:
            self.effective = recovery.at_start(settings.level, settings.start)
            self._good = self.earned = 0
            if self.member is not None:
                self.held = 0 if settings.level is not None else UNLIMITED
        self.level, self.start_level, self.pause = settings.level, settings.start, settings.pause
        self._settings, self.revision = settings, settings.revision
        return changed

    def adopt(self, ledger: Ledger, opens: float, *, held: int, may_probe: bool, contended: bool) -> None:
        """Take over what processes have agreed on; ``opens`` on our clock."""
        if ledger.revision > self.revision or (ledger.revision == self.revision and ledger.epoch >= self.epoch):
            self.level, self.start_level, self.revision = ledger.level, ledger.start, ledger.revision
            self.effective = ledger.effective
        self.known = True
        self.held = UNLIMITED if self.level is None else held
        self.contended = contended
        if ledger.epoch > self.epoch:
            self.epoch, self.row, self.guarded, self.probe = ledger.epoch, ledger.row, ledger.guarded, None
            self._good = self.earned = 0
        elif ledger.epoch == self.epoch and self.guarded and not ledger.guarded:
            self.guarded, self.row, self.probe = False, 0, None
            self.cool_until = opens
        self.cool_until = max(self.cool_until, opens)
        if ledger.epoch == self.epoch:
            self.may_probe = may_probe

    def inherit(self, other: Pool, connection: str) -> None:
        """A connection comes from ``other`` with what its application has asked for there: the cool-down, and when the last request ended."""
        other.connections.discard(connection)
        self.connections.add(connection)
        self.last_end = max(self.last_end, other.last_end)
        self.cool_until = max(self.cool_until, other.cool_until)
        if other.guarded:
            self.row = max(self.row, other.row)
            if not self.guarded:
                self._begin_cool_down()

    def check(self, deadline: Deadline, now: float) -> None:
        """Raises ``WaitTooLong`` when the wait that is known already outlasts the deadline."""
        if self.opens_at > max(now, deadline.at):
            raise WaitTooLong(self.opens_at - now)

    def start(self, waiter: Waiter) -> None:
        """``waiter`` takes a slot."""
        self.leave(waiter)
        self.in_flight += 1
        self.used = True
        self.settles_at = 0.0
        waiter.epoch = self.epoch
        if self.guarded:
            self.probe = waiter

    def take(self, waiter: Waiter, settings: PoolSettings) -> None:
        """``waiter`` was sent in another pool, and counts here until it ends; what it tells is older than any cool-down."""
        waiter.pool.end(waiter, None)
        waiter.pool, waiter.settings, waiter.epoch = self, settings, -1
        self.in_flight += 1
        self.used = True

    def end(self, waiter: Waiter, now: float | None) -> None:
        """``waiter`` gives its slot back; ``now`` when it had sent something and the pool is timed."""
        self.in_flight -= 1
        if now is not None:
            self.last_end = now
        if self.probe is waiter:
            self.probe = None

    def cool_down(self, asked: float | None, epoch: int, now: float, random: float) -> float:
        """A rate-limited answer to a request of that epoch. Several that were in flight together are one cool-down. Seconds from
        now until it ends."""
        self.refused += 1
        if epoch == self.epoch and self.start_level is not None and self.effective is not None:
            self.effective = recovery.halved(self.effective)
        if epoch == self.epoch or not self.guarded:
            self.row += 1
            self._begin_cool_down()
        self.cool_until = max(self.cool_until, now + backoff.duration(asked, self.row, random))
        return self.cool_until - now

    def _begin_cool_down(self) -> None:
        self.epoch += 1
        self._good = self.earned = 0
        self.guarded = self.may_probe = True
        self.probe = None

    def confirm(self, epoch: int, now: float) -> bool:
        """An answer that was not rate limited, to a request of that epoch: whether it ends the row of cool-downs. It does not when
        an older request brought a longer wait meanwhile."""
        if epoch != self.epoch or now < self.cool_until:
            return False
        self.guarded = False
        self.probe = None
        self.row = 0
        return True

    def succeeded(self, epoch: int) -> bool:
        """An answer that was not rate limited, to a request of that epoch: whether it completes a row that raises the effective level, here
        at once or (``earned``) with the next step that processes agree on."""
        if self.start_level is None or self.guarded or epoch != self.epoch or self.effective == self.level:
            return False
        self._good += 1
        if self._good < recovery.ROW:
            return False
        self._good = 0
        if self.member is not None:
            self.earned += 1
        else:
            assert self.effective is not None
            assert self.level is not None
            self.effective = recovery.raised(self.effective, 1, self.level)
        return True

    def state(self, now: float) -> PoolState:
        """What happens in the pool."""
        return PoolState(
            level=self.level,
            effective=self.effective,
            pause=self.pause,
            in_flight=self.in_flight,
            waiting=len(self),
            cooling=max(0.0, self.cool_until - now),
            requests=self.requests,
            refused=self.refused,
        )

    @property
    def is_moved(self) -> bool:
        """Whether the effective level is not the one at which it starts."""
        return self.effective != recovery.at_start(self.level, self.start_level)

    def forget_at(self) -> float:
        """From when on an unused pool is the same as a new one."""
        if self.row:
            return max(self.cool_until, self.last_end) + REMEMBERED_SECONDS
        return self.opens_at


def _ticket(waiter: Waiter) -> int:
    return waiter.ticket
