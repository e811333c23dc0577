"""Load shedding: how much work this process takes on, and what it refuses at once (contract.md 1.4, 503; gRPC ``UNAVAILABLE``).

Bounds, the first three looked at before a body is read. **Calls**: so many at any one time; most of them wait for applications and cost
next to nothing. **Bytes**: what the bodies of all requests hold together. **Delay**: in each turn of the event loop only so many calls
start that turns stay short, whatever a call costs; once turns are long, one starts where one ended. The others stand in a queue, first
come first served. A queue is good for a burst, and of no use when it never empties (CoDel, RFC 8289): then it may hold what starts in
one second, by the pace that was seen last. **Connections**: calls that wait for one slow application never take all places; through one
connection there are at most as many as are left for others. Who is refused costs almost nothing, so the machine goes on working for those
that were let in.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from fairlead.domain.errors import Problem, ServiceUnavailable

CALLS: Final = 4096
"""Calls in one process at any one time."""
BODY_BYTES: Final = 128 << 20
"""Bytes of request bodies held at the same time."""

TURN_SECONDS: Final = 0.004
"""Turns of the event loop below this let more calls start, longer ones fewer."""
STARTS: Final = 16
"""Most calls that start in one turn; so many large ones may come before the first long turn is over."""
FEW: Final = 16
"""While fewer run, at least one starts in every turn; beyond that, in long turns, as many as ended."""
BEAT_SECONDS: Final = 0.1
"""And one in this time, so that calls which only wait for applications shut nobody out."""
BURST_SECONDS: Final = 2.0
"""A queue that was empty at some moment of this time takes whoever comes."""
STANDING_SECONDS: Final = 1.0
"""Any other takes no more calls than start in this time ..."""
CALM_SECONDS: Final = 1.0
"""... and so does the next one, until nothing was refused for this long."""
PACE_SECONDS: Final = 0.25
"""How long starts are counted to know how many there are in a second."""
RETRY_AFTER: Final = 1
"""Seconds after which a refused caller may try again."""

END_SECONDS: Final = 5.0
"""How long calls that were cancelled may take to clean up."""

OVERLOADED: Final = "this process has all the work it can hold; try again"
CROWDED: Final = (
    "as many calls through this connection are at work as this process has places left for others; try again"
)
STOPPING: Final = "this process is stopping; try again, another one will answer"
CUT_OFF: Final = "this process stopped before the call was over; what it had sent may have been carried out"

Soon = Callable[[Callable[[], None]], object]


class Load:
    """What runs, waits and is held in this process. ``now`` is a monotonic clock, ``soon`` runs a callback in the next turn."""

    def __init__(
        self, now: Callable[[], float], soon: Soon, *, calls: int = CALLS, body_bytes: int = BODY_BYTES
    ) -> None:
        self.stopping = False
        self.refused: Counter[str] = Counter({"calls": 0, "connection": 0, "bytes": 0, "delay": 0, "stopping": 0})
        """Refusals by reason, for the metrics."""
        self._now = now
        self._soon = soon
        self._calls = calls
        self._bytes = body_bytes
        self._held = 0
        self._running: set[asyncio.Task[object]] = set()
        self._ended: set[asyncio.Task[object]] = set()
        self._through: Counter[str] = Counter()
        self._queue: deque[asyncio.Future[bool]] = deque()
        self._allowed = STARTS
        self._room = STARTS
        self._left = 0
        self._turning = False
        self._turn_at = 0.0
        self._start_at = float("-inf")
        self._counted = 0
        self._counted_at = 0.0
        self._pace = float("inf")
        self._empty_at = float("-inf")
        self._late_at = float("-inf")
        self._drained = asyncio.Event()

    @property
    def running(self) -> int:
        """Calls that were let in and are not over."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._queue)

    @property
    def held(self) -> int:
        """Bytes of bodies."""
        return self._held

    # -- calls

    def refusal(self) -> int:
        """0 when a new call may come in (it may still have to wait for its turn), else seconds after which to try again; counts it."""
        reason = self._reason()
        if reason is None:
            return 0
        self.refused[reason] += 1
        return RETRY_AFTER

    async def enter(self) -> int:
        """The same, and the wait in the queue; after 0 the call is in until ``leave``."""
        refusal = self.refusal()
        if refusal:
            return refusal
        if self._queue or not self._room:
            if not await self._turn():
                return self.refusal()
        else:
            self._room -= 1
            self._watch_turns()
        self._running.add(_task())
        return 0

    def leave(self) -> None:
        """The call is over."""
        task = _task()
        self._running.discard(task)
        self._ended.discard(task)
        self._left += 1
        self._look_if_drained()

    @contextmanager
    def through(self, connection: str) -> Iterator[None]:
        """A call that is in goes through this connection. Raises ``ServiceUnavailable`` when as many others do as there are places left."""
        if self._through[connection] > self._calls - len(self._running):
            self.refused["connection"] += 1
            raise ServiceUnavailable(Problem("service_unavailable", CROWDED), retry_after=RETRY_AFTER)
        self._through[connection] += 1
        try:
            yield
        finally:
            self._through[connection] -= 1
            if not self._through[connection]:
                del self._through[connection]

    # -- bytes

    def hold(self, size: int) -> bool:
        """Count ``size`` more bytes of a body that is about to be read; false when they are too many."""
        if self._held + size > self._bytes:
            self.refused["bytes"] += 1
            return False
        self._held += size
        return True

    def release(self, size: int) -> None:
        """They are gone."""
        self._held -= size

    # -- the end

    def stop(self) -> None:
        """Take nothing new; who stands in the queue is refused, too."""
        self.stopping = True
        while self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(False)
        self._look_if_drained()

    async def wind_down(self, grace: float, hurry: asyncio.Event) -> float:
        """``stop``, and wait until every call is over: for ``grace`` seconds or until ``hurry`` is set. What still runs then is cancelled,
        and each call finds out by ``was_ended``. The seconds left."""
        end = self._now() + grace
        self.stop()
        waits = [asyncio.ensure_future(event.wait()) for event in (self._drained, hurry)]
        await asyncio.wait(waits, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._drained.is_set():
            for task in self._running:
                self._ended.add(task)
                task.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await self._drained.wait()
        return 0.0 if hurry.is_set() else max(0.0, end - self._now())

    def was_ended(self) -> bool:
        """Whether a cancellation of the current task came from ``end``; it is taken back then, so that an answer can go out."""
        task = _task()
        if task not in self._ended:
            return False
        self._ended.discard(task)
        task.uncancel()
        return True

    # -- the rule

    def _reason(self) -> str | None:
        if self.stopping:
            return "stopping"
        if len(self._running) + len(self._queue) >= self._calls:
            return "calls"
        if len(self._queue) > STANDING_SECONDS * self._pace:
            now = self._now()
            if now - self._empty_at > BURST_SECONDS or now - self._late_at < CALM_SECONDS:
                self._late_at = now
                return "delay"
        return None

    async def _turn(self) -> bool:
        """Wait in the queue; false when the process stops meanwhile. Who is cancelled is skipped when the queue comes to it."""
        if not self._queue:
            self._empty_at = self._counted_at = self._now()
            self._counted = 0
            self._pace = float("inf")
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        self._watch_turns()
        return await future

    def _watch_turns(self) -> None:
        if not self._turning:
            self._turning = True
            self._turn_at = self._now()
            self._soon(self._next_turn)

    def _next_turn(self) -> None:
        """In the turn after one in which calls started or waited: adapt how many may start, and let them."""
        now = self._now()
        length, self._turn_at = now - self._turn_at, now
        most = self._room = self._most(now, length)
        while self._queue and self._room:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(True)
                self._room -= 1
        let_in = most - self._room
        self._left = 0
        if let_in:
            self._start_at = now
        self._counted += let_in
        if now - self._counted_at > PACE_SECONDS:
            self._pace = max(1, self._counted) / (now - self._counted_at)
            self._counted, self._counted_at = 0, now
        self._turning = let_in > 0 or bool(self._queue)
        if self._turning:
            self._soon(self._next_turn)
        else:
            self._room = self._allowed

    def _most(self, now: float, length: float) -> int:
        """How many calls may start after a turn of that length."""
        if length < TURN_SECONDS:
            self._allowed = min(STARTS, self._allowed + 1)
            return self._allowed
        self._allowed = max(1, self._allowed // 2 if length > 2 * TURN_SECONDS else self._allowed - 1)
        if len(self._running) < FEW:
            return self._allowed
        return max(min(self._allowed, self._left), 1 if now - self._start_at > BEAT_SECONDS else 0)

    def _look_if_drained(self) -> None:
        if self.stopping and not self._running:
            self._drained.set()


def unavailable(*, stopping: bool) -> ServiceUnavailable:
    """What a refused caller is told."""
    return ServiceUnavailable(
        Problem("service_unavailable", STOPPING if stopping else OVERLOADED), retry_after=RETRY_AFTER
    )


def cut_off() -> ServiceUnavailable:
    """What the caller of a call is told that the end of the process cut off."""
    return ServiceUnavailable(Problem("service_unavailable", CUT_OFF), retry_after=RETRY_AFTER)


def _task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
