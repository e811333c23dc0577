"""From records in order to batches in order: same position together, equal lock keys one after another (exports-imports.md 9.1, 9.7)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fairlead.engine.run import Submission


@dataclass(frozen=True, slots=True)
class Ready:
    """A record that can be sent: filtered, transformed, mapped. ``key``: its rendered ``idLockTemplate``."""

    submission: Submission
    position: int
    key: str | None = None


@dataclass(slots=True)
class Batch:
    """Records of one position, at most as many as go into one request."""

    position: int
    records: list[Submission] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    after: list[asyncio.Event] = field(default_factory=list)
    """Batches with one of its keys that were made before: it waits for them."""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def turn(self) -> None:
        """Wait for the batches before it that share a key with it."""
        for event in self.after:
            await event.wait()


class Batches:
    """Hands out batches. A record whose key is in an open batch closes that batch, so that it is never sent beside or before it; a batch
    waits only for such as were handed out earlier, so that there is always one that waits for nothing."""

    def __init__(self, ready: AsyncIterator[Ready], size: int) -> None:
        self._ready = ready
        self._size = size
        self._lock = asyncio.Lock()
        self._open: dict[int, Batch] = {}
        self._closed: deque[Batch] = deque()
        self._last: dict[str, asyncio.Event] = {}
        self._ended = False

    async def next(self) -> Batch | None:
        """The next batch, nothing at the end. May be called by many at a time."""
        async with self._lock:
            while not self._closed and not self._ended:
                try:
                    self._add(await anext(self._ready))
                except StopAsyncIteration:
                    self._ended = True
                    for batch in list(self._open.values()):
                        self._close(batch)
            return self._closed.popleft() if self._closed else None

    def _add(self, ready: Ready) -> None:
        if ready.key is not None:
            for other in list(self._open.values()):
                if ready.key in other.keys:
                    self._close(other)
        batch = self._open.get(ready.position)
        if batch is None:
            batch = self._open[ready.position] = Batch(ready.position)
        batch.records.append(ready.submission)
        if ready.key is not None:
            batch.keys.add(ready.key)
        if len(batch.records) >= self._size:
            self._close(batch)

    def _close(self, batch: Batch) -> None:
        del self._open[batch.position]
        for key in batch.keys:
            before = self._last.get(key)
            if before is not None and not before.is_set():
                batch.after.append(before)
            self._last[key] = batch.done
        self._closed.append(batch)
