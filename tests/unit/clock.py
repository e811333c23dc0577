"""A clock that is moved by hand (D14)."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
_TURNS = 20  # turns of the loop in which woken tasks, and those that they wake, come to rest


class ManualClock:
    """``engine.ports.Clock`` whose time passes only in ``advance``."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """Wall clock, UTC, aware."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    def set_wall(self, now: datetime) -> None:
        """Somebody sets the wall clock; the monotonic one goes on."""
        self._start = now - timedelta(seconds=self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Wait until ``advance`` has moved the clock that far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time; sleepers wake one after the other at their own instant, and what they start settles before the next."""
        end = self._elapsed + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._elapsed = max(self._elapsed, at)
            future.set_result(None)
            await self.settle()
        self._elapsed = end

    def jump(self, seconds: float) -> None:
        """Time passes while the process is stopped: whatever is due meanwhile runs late, with the next ``advance``."""
        self._elapsed += seconds

    @staticmethod
    async def settle() -> None:
        """Let ready tasks run until they wait."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
