"""Work on many records without holding up the process: in order, a bounded way ahead, a turn for other calls now and then."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")
U = TypeVar("U")

_TURN: Final = 32 << 10
"""Bytes of records that are worked on in one go."""
_LEAST: Final = 2 << 10
"""As how many bytes the smallest record counts: sixteen of them are one turn."""
_SECONDS: Final = 0.005
"""After which a turn ends, however short its records are."""
_LONG: Final = 0.2
"""Seconds of work after which other calls have as many steps as a short one takes: ``_STEPS``."""
_STEPS: Final = 12


class Turns:
    """Mapping never waits: this lets other calls run between records."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        """``clock``: of work, on which time does not pass while everybody waits."""
        self._clock = clock
        self._left = _TURN
        self._began = clock()

    async def after(self, size: int) -> None:
        """Call it once a record, with its length in bytes."""
        self._left -= max(size, _LEAST)
        took = self._clock() - self._began
        if self._left <= 0 or took >= _SECONDS:
            self._left = _TURN
            for _ in range(_STEPS if took >= _LONG else 1):
                await asyncio.sleep(0)
            self._began = self._clock()


async def each(items: Iterable[T]) -> AsyncGenerator[T, None]:
    """The items one by one."""
    for item in items:
        yield item


async def in_order(
    items: AsyncIterable[T], step: Callable[[T], Awaitable[U]], ahead: int | Callable[[], int]
) -> AsyncGenerator[U, None]:
    """``step`` of each item, in the order of the items. ``ahead``: so many items are worked on at the same time, asked anew each time when
    it can change; 0: one after another, without a task of their own, for steps that do not wait."""
    if ahead == 0:
        async for item in items:
            yield await step(item)
        return
    running: deque[asyncio.Future[U]] = deque()
    try:
        async for item in items:
            running.append(asyncio.ensure_future(step(item)))
            while len(running) >= (ahead() if callable(ahead) else ahead):
                outcome = await running[0]
                running.popleft()
                yield outcome
        while running:
            outcome = await running[0]
            running.popleft()
            yield outcome
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
