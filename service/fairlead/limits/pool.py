"""One pool: the queue, the level, the pause and the cool-down of a connection and its borrowers (connections.md 7 and 8)."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import OrderedDict
from typing import Final

from fairlead.engine.ports import Deadline, WaitTooLong
from fairlead.limits import backoff

REMEMBERED_SECONDS: Final = 60.0
"""How long an unused pool remembers its row of cool-downs."""


class Waiter:
    """A request in the queue, then in its slot. ``ticket`` is its place: lower goes first; a request that was in a slot before keeps
    its ticket. ``epoch`` counts the pool's cool-downs at the time of the grant: what an older request tells is old news."""

    __slots__ = ("deadline", "epoch", "future", "ticket")

    def __init__(self, ticket: int, deadline: Deadline) -> None:
        self.ticket = ticket
        self.deadline = deadline
        self.epoch = 0
        self.future: asyncio.Future[None] | None = None


class Pool:
    """State and rules of one pool; who wakes it, and the places of the process, are ``pools.Pools``' part."""

    __slots__ = (
        "_again",
        "_queue",
        "cool_until",
        "epoch",
        "guarded",
        "in_flight",
        "key",
        "last_end",
        "level",
        "pause",
        "probe",
        "row",
        "wake",
        "wake_at",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.level: int | None = None
        self.pause = 0.0
        self.in_flight = 0
        self.last_end = float("-inf")
        self.cool_until = float("-inf")
        self.epoch = 0
        self.row = 0
        self.guarded = False
        """From a cool-down on until an answer says that it is over: requests go one at a time."""
        self.probe: Waiter | None = None
        self.wake: asyncio.Task[None] | None = None
        self.wake_at = 0.0
        self._again: list[Waiter] = []
        self._queue: OrderedDict[int, Waiter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._again) + len(self._queue)

    # -- the queue

    def enqueue(self, waiter: Waiter, *, first: bool) -> None:
        """At the end, or (``first``) among those at the head, in the order of their tickets."""
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

    def hopeless(self) -> list[Waiter]:
        """Those whose deadline comes before the cool-down ends."""
        return [w for w in (*self._again, *self._queue.values()) if w.deadline.at < self.cool_until]

    # -- the rules

    @property
    def has_room(self) -> bool:
        """Whether the level, and a cool-down whose end nobody has confirmed yet, let one more start."""
        if self.guarded and self.probe is not None:
            return False
        return self.level is None or self.in_flight < self.level

    @property
    def opens_at(self) -> float:
        """When cool-down and pause are over."""
        if self.pause and self.last_end + self.pause > self.cool_until:
            return self.last_end + self.pause
        return self.cool_until

    @property
    def is_timed(self) -> bool:
        """Whether a look at the clock is needed before a request starts."""
        return self.guarded or bool(self.pause)

    def check(self, deadline: Deadline, now: float) -> None:
        """Raises ``WaitTooLong`` when the wait that is known already outlasts the deadline."""
        if self.opens_at > max(now, deadline.at):
            raise WaitTooLong(self.opens_at - now)

    def start(self, waiter: Waiter) -> None:
        """``waiter`` takes a slot."""
        self.leave(waiter)
        self.in_flight += 1
        waiter.epoch = self.epoch
        if self.guarded:
            self.probe = waiter

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
        if epoch == self.epoch or not self.guarded:
            self.epoch += 1
            self.row += 1
            self.guarded = True
            self.probe = None
        self.cool_until = max(self.cool_until, now + backoff.duration(asked, self.row, random))
        return self.cool_until - now

    def confirm(self, epoch: int, now: float) -> bool:
        """An answer that was not rate limited, to a request of that epoch: whether it ends the row of cool-downs. It does not when
        an older request brought a longer wait meanwhile."""
        if epoch != self.epoch or now < self.cool_until:
            return False
        self.guarded = False
        self.probe = None
        self.row = 0
        return True

    def forget_at(self) -> float:
        """From when on an unused pool is the same as a new one."""
        if self.row:
            return max(self.cool_until, self.last_end) + REMEMBERED_SECONDS
        return self.opens_at


def _ticket(waiter: Waiter) -> int:
    return waiter.ticket
