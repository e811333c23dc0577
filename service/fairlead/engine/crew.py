"""Workers of one call: as many as the connection's level, also when a PUT changes it in mid-run (connections.md 8.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from fairlead.engine.run import Run

BURST: Final = 256
"""Requests of one call in flight when the connection has no level; the pool's own cap still holds."""


def width(run: Run) -> int:
    """Requests of one call that may be in flight, or wait for their slot, as things stand."""
    return run.level() or BURST


async def share_out(run: Run, step: Callable[[], Awaitable[bool]], size: Callable[[], int], most: int) -> None:
    """Carry ``step`` out until it answers false: there is no more. ``size`` workers at a time, at most ``most``, started in order; after a
    change of limits there are more at once, or fewer as their steps end. Raises what the first step that fails raises."""
    if most <= 1:
        while await step():
            pass
        return
    workers: set[asyncio.Task[None]] = set()
    is_over = False

    async def work() -> None:
        nonlocal is_over
        while not is_over and len(workers) <= size():
            is_over = not await step() or is_over
        task = asyncio.current_task()
        assert task is not None
        workers.discard(task)

    try:
        async with asyncio.TaskGroup() as group:
            while not is_over:
                for _ in range(len(workers), min(size(), most)):
                    workers.add(group.create_task(work()))
                change = asyncio.ensure_future(run.change())
                try:
                    await asyncio.wait((*workers, change), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
