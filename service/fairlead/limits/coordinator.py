"""What must hold across processes (D13), for one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LocalCoordinator:
    """``engine.ports.Coordinator`` in memory: right as long as one process works on the store."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with the number of holders and waiters

    @asynccontextmanager
    async def once(self, key: str) -> AsyncIterator[None]:
        """At most one holder of ``key`` at a time, waiters in order of arrival; nothing stays behind."""
        lock, users = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            users = self._locks[key][1] - 1
            if users:
                self._locks[key] = (lock, users)
            else:
                del self._locks[key]

    def __len__(self) -> int:
        return len(self._locks)
