"""The pool as all processes see it: one document, and the one rule by which each of them changes it (connections.md 8.2, D13).

``share`` says how many slots of the effective level each process holds; it grants them by itself. ``want`` says who waits for more, and since when.
A process only ever gives away what is its own and free, or deals out what is nobody's: so the shares never add up to more than the effective
level, except after a PUT that lowered it or brought requests in flight from another pool. Times are the store's clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fairlead.limits import recovery
from fairlead.limits.backoff import LONGEST_WAIT

HAND_OVER: Final = 0.02
"""Seconds. Between processes that both hold slots, what is closer together counts as arrived together."""
REMEMBERED_SECONDS: Final = 60.0
"""How long an unused pool remembers its row of cool-downs."""
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Want:
    """A process whose requests wait, the first of them ``since`` then: ``slots`` more would be used at once, ``waiting`` stand in its
    queue."""

    since: float
    slots: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Report:
    """One process' pool at this instant."""

    level: int | None
    revision: int
    pause: float
    in_flight: int
    waiting: int
    since: float
    """When the request that goes next began to wait."""
    opens: float
    """When cool-down and pause are over, as far as this process knows."""
    epoch: int
    row: int
    guarded: bool
    probing: bool
    balances: bool = True
    """Whether it is time again to even out the queues of processes that both hold slots."""
    rests: bool = False
    """Whether that holds for all others, because one of the processes is far from the store."""
    leaves: bool = False
    """Nobody used the pool for a while."""
    start: int | None = None
    effective: int | None = None
    earned: int = 0
    """Rows of good answers that are to raise the effective level."""
    forgets: bool = False
    """Nobody used the pool for so long that the effective level starts anew."""


@dataclass(slots=True)
class Ledger:
    """The shared document of one pool."""

    level: int | None = None
    revision: int = -1
    share: dict[str, int] = field(default_factory=dict)
    want: dict[str, Want] = field(default_factory=dict)
    unheard: set[str] = field(default_factory=set)
    """Processes that were given slots and have written nothing since: nobody gives them more, as they may be dead."""
    opens: float = -NEVER
    epoch: int = 0
    row: int = 0
    guarded: bool = False
    """Since a cool-down, until an answer says that it is over: requests go one at a time."""
    probe: str | None = None
    """The process whose requests go meanwhile."""
    start: int | None = None
    effective: int | None = None
    """The level in force (connections.md 8.4)."""

    def __post_init__(self) -> None:
        if self.effective is None:
            self.effective = recovery.at_start(self.level, self.start)

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> Ledger:
        """Read the document; nothing is an empty one."""
        if value is None:
            return cls()
        return cls(
            level=value["level"],
            revision=value["revision"],
            share={process: int(slots) for process, slots in value["share"].items()},
            want={process: Want(*want) for process, want in value["want"].items()},
            unheard=set(value.get("unheard", ())),
            opens=-NEVER if value["opens"] is None else value["opens"],
            epoch=value["epoch"],
            row=value["row"],
            guarded=value["guarded"],
            probe=value["probe"],
            start=value.get("start"),
            effective=value.get("effective"),
        )

    def document(self) -> dict[str, Any]:
        """Write the document."""
        return {
            "level": self.level,
            "revision": self.revision,
            "share": {**self.share},
            "want": {process: [want.since, want.slots, want.waiting] for process, want in self.want.items()},
            "unheard": sorted(self.unheard),
            "opens": None if self.opens == -NEVER else self.opens,
            "epoch": self.epoch,
            "row": self.row,
            "guarded": self.guarded,
            "probe": self.probe,
            "start": self.start,
            "effective": self.effective,
        }

    @property
    def processes(self) -> set[str]:
        """Who is in the pool."""
        return {*self.share, *self.want, *((self.probe,) if self.probe else ())}

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing that no document would not say."""
        return not self.want and self.is_blank_but_for("")

    def is_blank_but_for(self, me: str) -> bool:
        """Whether it is blank but for what this process wants."""
        remembers = self.row or self.guarded or self.effective != recovery.at_start(self.level, self.start)
        return not remembers and not self.share and not self.want.keys() - {me}

    @property
    def excess(self) -> int:
        """Slots that are to be given back because the effective level was lowered."""
        return max(0, sum(self.share.values()) - self.effective) if self.effective is not None else 0

    def but_for(self, me: str) -> tuple[object, ...]:
        """All that others must know at once: everything but what this process wants, and when its last pause ends."""
        wants = {process: want for process, want in self.want.items() if process != me}
        opens = self.opens if self.guarded else None
        level = self.level, self.start, self.revision, self.effective
        return *level, self.share, wants, self.epoch, self.row, self.guarded, self.probe, opens

    def waiting(self, but: str, alive: Collection[str]) -> int:
        """Requests that wait in other processes."""
        return sum(want.waiting for process, want in self.want.items() if process != but and process in alive)

    def rivals(self, me: str) -> list[tuple[float, str]]:
        """Other processes that want slots and may be given some, the longest waiter first."""
        return [each for each in self._asking(me) if each[1] != me]

    def settle(self, me: str, mine: Report, alive: Collection[str], now: float) -> None:
        """Bring the document up to date with what this process knows and can give."""
        self._bury(mine, alive, now)
        self._configure(me, mine)
        self._cool(me, mine, now)
        self._distrust(mine, now)
        blocked = self.guarded and self.probe != me
        self._ask(me, mine, blocked=blocked)
        if self.effective is None:
            self.share.clear()
        else:
            self._deal(me, mine, blocked=blocked)
            self._ask(me, mine, blocked=blocked)
        self.unheard.discard(me)
        if mine.rests:  # who is far from the store writes seldom, and would get one gift a second
            self.unheard.clear()

    def _bury(self, mine: Report, alive: Collection[str], now: float) -> None:
        """Processes that are gone hold nothing, and when they ended their last request nobody knows."""
        for process in self.processes.difference(alive):
            if self.share.pop(process, 0) and mine.pause:
                self.opens = max(self.opens, now + mine.pause)
            self.want.pop(process, None)
            self.unheard.discard(process)
            if self.probe == process:
                self.probe = None

    def _configure(self, me: str, mine: Report) -> None:
        """The latest document's level; where that, or the start, is new, the effective level starts anew."""
        starts_anew = mine.forgets and not self.processes - {me}
        if mine.revision > self.revision:
            starts_anew |= (mine.level, mine.start) != (self.level, self.start)
            self.level, self.start, self.revision = mine.level, mine.start, mine.revision
        if starts_anew:
            self.effective = recovery.at_start(self.level, self.start)

    def _cool(self, me: str, mine: Report, now: float) -> None:
        self.opens = max(self.opens, mine.opens)
        self._recover(mine)
        if mine.epoch > self.epoch:
            self.epoch, self.row, self.guarded = mine.epoch, mine.row, mine.guarded
            self.probe = me if self.guarded else None
        elif mine.epoch == self.epoch:
            self.guarded = self.guarded and mine.guarded
            self.row = max(self.row, mine.row) if self.guarded else 0
        elif self.guarded and self.probe in (None, me) and now > self.opens + REMEMBERED_SECONDS:
            self.guarded, self.row = False, 0
        if not self.guarded:
            self.probe = None
            return
        if self.probe == me and not mine.probing and not mine.waiting:
            self.probe = None
        if self.probe is None:
            waiting = [(want.since, process) for process, want in self.want.items() if process != me]
            if mine.waiting or mine.probing:
                waiting.append((mine.since, me))
            self.probe = min(waiting)[1] if waiting else None

    def _distrust(self, mine: Report, now: float) -> None:
        """An instant further away than any wait is of a clock that was set: without a cool-down nothing is left but a pause."""
        if self.guarded and self.opens > now + LONGEST_WAIT + mine.pause:
            self.opens = -NEVER
        elif not self.guarded:
            self.opens = min(self.opens, now + mine.pause)

    def _recover(self, mine: Report) -> None:
        """A cool-down that is news has halved the effective level; rows of good answers since the last one raise it."""
        if self.start is None or self.level is None or mine.revision != self.revision:
            return
        assert self.effective is not None
        assert mine.effective is not None
        if mine.epoch > self.epoch:
            self.effective = min(self.effective, mine.effective)
        elif mine.epoch == self.epoch and mine.earned:
            self.effective = recovery.raised(self.effective, mine.earned, self.level)

    def _ask(self, me: str, mine: Report, *, blocked: bool) -> None:
        """What this process wants: nothing, when what it has is enough for those that wait."""
        if not mine.waiting:
            self.want.pop(me, None)
            return
        lacks = 0
        if self.effective is not None and not blocked:
            have = self.share.get(me, 0)
            lacks = max(0, min(mine.waiting - max(0, have - mine.in_flight), self.effective - have))
        self.want[me] = Want(mine.since, lacks, mine.waiting)

    def _deal(self, me: str, mine: Report, *, blocked: bool) -> None:
        assert self.effective is not None
        have = max(self.share.get(me, 0), mine.in_flight)  # more, when a PUT has brought requests from another pool
        self._set(me, have)
        free = self.effective - sum(self.share.values())
        idle = max(0, have - mine.in_flight)
        if mine.leaves:
            free, have = free + idle, have - idle
        elif not self.processes - {me}:
            have, free = max(self.effective, mine.in_flight), 0
        elif free < 0:
            have -= min(idle, -free)
        self._set(me, have)
        rivals = self.rivals(me)
        self._deal_free(me, free)
        for since, process in rivals:
            idle = max(0, self.share.get(me, 0) - mine.in_flight)
            given = min(idle, self.want[process].slots)
            if given and (blocked or self.goes_before(process, since, mine)):
                self._set(me, self.share[me] - given)
                self._give(process, given)

    def goes_before(self, process: str, since: float, mine: Report) -> bool:
        """Whether a slot that is free here is for the longest waiter of that process."""
        if not mine.waiting:
            return True
        if self.share.get(process):
            return mine.balances and since < mine.since - HAND_OVER
        return since < mine.since and (mine.balances or not mine.rests)

    def _deal_free(self, me: str, free: int) -> None:
        """What is nobody's: one each in turn, the longest waiter first."""
        asking = self._asking(me)
        while free > 0:
            turn = [process for _, process in asking if self.want[process].slots][:free]
            if not turn:
                return
            for process in turn:
                self._give(process, 1)
            free -= len(turn)

    def _asking(self, me: str) -> list[tuple[float, str]]:
        """Who wants slots and may be given some, the longest waiter first."""
        silent = self.unheard - {me}
        return sorted(
            (want.since, process) for process, want in self.want.items() if want.slots and process not in silent
        )

    def _give(self, process: str, slots: int) -> None:
        want = self.want[process]
        self.share[process] = self.share.get(process, 0) + slots
        self.want[process] = Want(want.since, want.slots - slots, want.waiting)
        self.unheard.add(process)

    def _set(self, process: str, slots: int) -> None:
        if slots:
            self.share[process] = slots
        else:
            self.share.pop(process, None)
