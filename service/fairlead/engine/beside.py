"""Looks into large answers beside the event loop, which other calls need meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

BESIDE_FROM: Final = 256 * 1024
"""Bytes of an answer from which on it is read in a thread: a thousand rows take some milliseconds, a million some seconds."""
_AT_ONCE: Final = 2
"""Large answers that are read at the same time: each may take some hundred megabytes while it is."""

_threads: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fairlead-answers")
_Result = TypeVar("_Result")


async def beside(size: int, work: Callable[[], _Result]) -> _Result:
    """What ``work`` makes of an answer of ``size`` bytes: at once, or, when that is large, in one of the threads."""
    if size < BESIDE_FROM:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
