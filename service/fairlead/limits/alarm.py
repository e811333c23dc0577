"""A moment at which a pool is looked at again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairlead.engine.ports import Clock

if TYPE_CHECKING:
    from fairlead.limits.pool import Pool

Ring = Callable[["Pool", float], None]
"""Called with the pool and the moment for which the alarm was set."""


class Alarm:
    """Rings once; setting it anew moves it."""

    __slots__ = ("_clock", "_ring", "_task", "at")

    def __init__(self, clock: Clock, ring: Ring) -> None:
        self._clock = clock
        self._ring = ring
        self._task: asyncio.Task[None] | None = None
        self.at = math.inf

    def set(self, pool: Pool, at: float) -> None:
        """Ring at that time of the monotonic clock, and at no other."""
        if at == self.at:
            return
        self.cancel()
        self.at = at
        self._task = asyncio.create_task(self._wait(pool, at))

    def cancel(self) -> None:
        """Do not ring."""
        if self._task is not None:
            self._task.cancel()
        self._task, self.at = None, math.inf

    async def _wait(self, pool: Pool, at: float) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.monotonic()))
        self._task, self.at = None, math.inf
        self._ring(pool, at)
