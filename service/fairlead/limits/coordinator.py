"""One at a time, over all processes on one store (D13): a pool of level 1 that nobody keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fairlead.domain.http import TransportFailure
from fairlead.engine.ports import Clock, Deadline, PoolSettings, StoreUnavailable, WaitTooLong
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica

PATIENCE: Final = 60.0
"""Seconds; longer than the store needs to notice that a holder was killed."""


class StoreCoordinator:
    """``engine.ports.Coordinator``; without a replica right as long as one process works on the store."""

    def __init__(self, clock: Clock, replica: Replica | None = None) -> None:
        self._clock = clock
        self._pools = Pools(clock, cap=1_000_000, replica=replica, prefix="once/", keep=0.0)

    @asynccontextmanager
    async def once(self, key: str) -> AsyncIterator[None]:
        """At most one holder of ``key`` at a time, waiters in order of arrival; nothing stays behind. Raises ``StoreUnavailable`` after a
        minute."""
        deadline = Deadline(self._clock.monotonic() + PATIENCE)
        try:
            async with self._pools.slot(PoolSettings(key, level=1), deadline):
                yield
        except WaitTooLong:
            raise StoreUnavailable(f"{key}: others have been writing it for a minute") from None
        except TransportFailure as failure:
            raise StoreUnavailable(failure.message) from None

    def __len__(self) -> int:
        return len(self._pools)
