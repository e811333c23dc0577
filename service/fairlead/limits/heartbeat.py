"""Which processes are alive, and whether this one still counts as such (connections.md 8.2, D13).

A process is alive as long as its document changes, judged by the observer's own monotonic clock: clocks of two machines are never
compared. What makes it safe is the order of these times: a process starts nothing 15 s after its last confirmed beat, ends what it has
in flight at 20 s, and is declared dead by others no earlier than 25 s after it was killed and, as a rule, no later than 30 s. Whoever
declares a process dead deletes its document, so the dead one learns of it by its next beat and begins anew under another name.

Whoever was away (no confirmed beat for 15 s, or stopped for three) catches up with what the others did meanwhile before it
starts anything.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import structlog

from fairlead.engine.ports import Clock, Coordination, Note, StoreUnavailable

BEAT: Final = 1.5
"""Seconds between two beats, and between two looks at the others."""
STARTS_NOTHING_AFTER: Final = 15.0
ENDS_ALL_AFTER: Final = 20.0
DEAD_AFTER: Final = 25.0 + BEAT
"""Without a change as this process saw it. It was seen up to one beat after it was made and is looked at once a beat: 25 to 29.5 s after
a kill."""
_CALL: Final = 4.0
"""Seconds for one call: several tries fit into the time that a beat is good for."""
_TICK: Final = 1.0
_STOOD_STILL: Final = 3.0
"""Seconds without a tick: this process was stopped."""
PROCESSES: Final = "process/"
_SAMPLES: Final = 8
_NEAR: Final = 0.05
"""Seconds. A store that answers in less is near."""
_SPREAD: Final = 3
"""So many answers' time between two writes of others, and a process that reads, decides and writes succeeds two times out of three."""

log: Final = structlog.get_logger("fairlead.limits")


class Heartbeat:
    """This process' entry among those on the store, and the store's clock."""

    def __init__(self, store: Coordination, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.id = ""
        """Changes when this process was dead for the others."""
        self.alive: dict[str, str] = {}
        """Address by process."""
        self.pace = 0.0
        """Seconds between two writes of a pool that leave the process that is farthest from the store its turn; 0 when all are near."""
        self.address = ""
        self.asks: Callable[[], Iterable[str]] = tuple
        """Pools for whose slots this process waits: in its document, for those whom a datagram did not reach."""
        self.on_asked: Callable[[str], None] = _ignore
        self.on_changed: Callable[[], None] = _nothing
        """Another process came or went, or this one has another name."""
        self.on_gone: Callable[[], None] = _nothing
        """Another process went."""
        self.on_lapse: Callable[[], None] = _nothing
        """The others may think that this process is dead: whatever it has in flight must end."""
        self.catch_up: Callable[[], Awaitable[None]] = _at_once
        """After this process was away: learn what the others did. Raises ``StoreUnavailable``, and is then called again."""
        self.on_return: Callable[[], None] = _nothing
        """This process may start requests again."""
        self._confirmed = float("-inf")
        self._ticked = float("inf")
        self._away = self._back = 0
        """How often this process was away, and how many of these times it has caught up with."""
        self._returning: asyncio.Task[None] | None = None
        self._former: dict[str, float] = {}
        """When its former names that the others may still respect were last confirmed."""
        self._version = 0
        self._known: frozenset[str] = frozenset()
        self._seen: dict[str, tuple[int, float]] = {}
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)
        self._tasks: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Register. Raises ``StoreUnavailable``."""
        await self._beat()
        await self.look()
        self._tasks = [asyncio.create_task(self._keep_beating()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Leave: whatever this process still holds is free at once."""
        tasks = [*self._tasks, *(task for task in (self._looking, self._returning) if task is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(_CALL):
                if not await self._store.remove(PROCESSES + self.id, self._version):
                    note = await self._store.read(PROCESSES + self.id)
                    if note is not None:
                        await self._store.remove(PROCESSES + self.id, note.version)
        self._confirmed = float("-inf")

    def may_start(self) -> bool:
        """Whether the others are sure to take this process for alive while a request that starts now is at work, and it knows what they did
        while it was away."""
        return self._away == self._back and not self._is_late()

    def _is_late(self) -> bool:
        now = self._clock.monotonic()
        return now - self._confirmed >= STARTS_NOTHING_AFTER or now - self._ticked >= _STOOD_STILL

    @property
    def is_alone(self) -> bool:
        """Whether no other process is known."""
        return len(self.alive) < 2

    # -- the store's clock

    def in_store(self, at: float) -> float:
        """The latest that the store's clock can show at this instant of ours."""
        return at + self._offset()[1]

    def about(self, at: float) -> float:
        """What the store's clock shows, most likely, at this instant of ours: good enough for who came first."""
        return at + sum(self._offset()) / 2

    def here(self, at: float) -> float:
        """The latest of our instants at which the store's clock can show this."""
        return at - self._offset()[0]

    def _offset(self) -> tuple[float, float]:
        """From the answer that took the shortest of the last few; from the last one when the store's clock was set."""
        if not self._samples:
            return 0.0, 0.0
        low, high = self._samples[-1]
        best = min(self._samples, key=lambda sample: sample[1] - sample[0])
        return best if best[0] <= high and low <= best[1] else (low, high)

    def _far(self) -> float:
        """Seconds that the store takes to answer this process, when nothing else holds it up."""
        return min((high - low for low, high in self._samples), default=0.0)

    # -- beats

    async def _keep_beating(self) -> None:
        while True:
            await self._clock.sleep(BEAT)
            self._tick()
            try:
                async with asyncio.timeout(_CALL):
                    await self._beat()
                async with asyncio.timeout(_CALL):
                    await self.look()
                if self._away != self._back and (self._returning is None or self._returning.done()):
                    self._returning = asyncio.create_task(self._return())
            except (StoreUnavailable, TimeoutError) as error:
                log.warning("no heartbeat: the store does not answer", reason=str(error) or "in time")

    def _tick(self) -> None:
        if self._is_late():
            self._away += 1
        self._ticked = self._clock.monotonic()

    async def _return(self) -> None:
        away = self._away
        with suppress(StoreUnavailable):  # the next beat tries again
            await self.catch_up()
            self._back = away
        if self.may_start():
            self.on_return()

    async def _beat(self) -> None:
        """One beat, under a new name when the old one is dead. Raises ``StoreUnavailable``."""
        if not self.id or float("-inf") < self._confirmed <= self._clock.monotonic() - ENDS_ALL_AFTER:
            self._lapse()
        while True:
            sent = self._clock.monotonic()
            written = await self._store.write(PROCESSES + self.id, self._document(), self._version)
            received = self._clock.monotonic()
            if written is not None:
                break
            note = await self._store.read(PROCESSES + self.id)  # a beat that seemed to fail may have been written
            if note is not None:
                self._version = note.version
            elif self._version:
                self._lapse()
        self._version = written.version
        self._samples.append(
            (written.at - received, written.at - sent + 0.001)
        )  # the store's clock may count whole milliseconds
        self.alive[self.id] = self.address
        if received - sent < ENDS_ALL_AFTER:
            self._confirmed = sent

    def _document(self) -> dict[str, Any]:
        return {"address": self.address, "asks": sorted(self.asks()), "far": self._far()}

    def _lapse(self) -> None:
        """Dead for the others, or soon: end everything, go on under another name."""
        if self._confirmed > float("-inf"):
            log.error("this process was cut off from the store: its requests in flight are ended")
            self._former[self.id] = self._confirmed
            self._confirmed = float("-inf")
            self.on_lapse()
        self.id, self._version = secrets.token_hex(8), 0

    async def _watch(self) -> None:
        """Notice when the last confirmed beat is too old, and when there was a time without any step of this process."""
        while True:
            self._tick()
            left = self._confirmed + ENDS_ALL_AFTER - self._clock.monotonic()
            if left <= 0 and self._confirmed > float("-inf"):
                self._lapse()
            await self._clock.sleep(min(left, _TICK) if left > 0 else _TICK)

    # -- the others

    def look_soon(self) -> None:
        """Another process says that it has come."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_once())

    async def _look_once(self) -> None:
        with suppress(StoreUnavailable):
            await self.look()
        self._looking = None

    async def look(self) -> set[str]:
        """Who is alive; who did not change for too long is declared dead. Raises ``StoreUnavailable``."""
        notes = dict(await self._store.read_all(PROCESSES))
        now = self._clock.monotonic()
        for process, note in [*notes.items()]:
            if process == self.id:
                continue
            version, since = self._seen.get(process, (None, now))
            if process in self._former:  # a beat that was given up may change it late, and means nothing
                version, since = note.version, self._former[process]
            if version != note.version:
                self._seen[process] = (note.version, now)
            elif now - since >= DEAD_AFTER and await self._bury(process, note):
                del notes[process]
        self._seen = {process: seen for process, seen in self._seen.items() if process in notes}
        self._former = {process: at for process, at in self._former.items() if process in notes}
        gone = self.alive.keys() - notes.keys()
        known, self._known = self._known, frozenset(notes)
        self.alive = {process: str(note.value["address"]) for process, note in notes.items()}
        if known != self._known:
            self.on_changed()
        farthest = max((float(note.value.get("far", 0.0)) for note in notes.values()), default=0.0)
        self.pace = _SPREAD * farthest if farthest > _NEAR else 0.0
        for process, note in notes.items():
            if process != self.id:
                for key in note.value["asks"]:
                    self.on_asked(key)
        if gone:
            self.on_gone()
        return {self.id, *notes}

    async def _bury(self, process: str, note: Note) -> bool:
        dead = await self._store.remove(PROCESSES + process, note.version)
        if dead:
            log.warning("another process is gone: its slots are free again", process=process)
        return dead


def _ignore(_: str) -> None:
    return


def _nothing() -> None:
    return


async def _at_once() -> None:
    return
