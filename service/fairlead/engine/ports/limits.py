"""Slots, pauses, cool-downs, our own bucket, and what must hold across processes (D13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from fairlead.domain.http import HttpResponse
from fairlead.engine.ports.time import Deadline

VIRTUAL: Final = "virtual"
"""Stands for the key of pools of connections that are stored nowhere."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The limit of one pool: the lender's values when the connection borrows (connections.md 8)."""

    key: str
    level: int | None = None
    """Most requests in flight; with automatic recovery, up to where that may rise. Nothing: burst mode."""
    pause: float = 0.0
    """Seconds between the end of one answer and the start of the next request (connections.md 7.4)."""
    revision: int = 0
    """Of the document that the level is from: where processes know different ones, the highest counts."""
    shared: bool = True
    """Whether requests of other processes are in the pool, too; not those of a connection that is stored nowhere."""
    start: int | None = None
    """Where automatic recovery starts (connections.md 8.4); nothing: the level is fixed."""
    connection: str = ""
    """Whose requests: account and id (``ACCOUNT/ID``) of a stored connection, which a PUT may move to another pool in mid-run."""
    version: int = 0
    """Of the connection's own document: the highest that is known says which pool it is."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool in this process at this moment."""

    level: int | None
    """The highest that there may be; nothing in burst mode."""
    effective: int | None
    """Most requests in flight that are allowed at this moment (connections.md 8.4)."""
    pause: float
    in_flight: int
    waiting: int
    cooling: float
    """Seconds until the cool-down ends, 0 without one."""
    requests: int
    """Begun since the pool is in memory."""
    refused: int
    """Rate-limited answers since then."""


class WaitTooLong(Exception):
    """A slot cannot be had before the deadline; ``seconds`` is what is still to wait (0 when unknown)."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("no slot before the deadline")
        self.seconds = seconds


class Pools(Protocol):
    """Concurrency, pacing and cool-down of every connection (connections.md 7, 8)."""

    def slot(
        self, settings: PoolSettings, deadline: Deadline, *, first: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Hold one slot: waits for its turn (``first``: at the head of the queue), the pause and the cool-down. Raises ``WaitTooLong``."""

    def cool_down(self, settings: PoolSettings, seconds: float | None) -> float:
        """Start a cool-down of the pool after a rate-limited answer; ``None``: back-off. Returns the seconds it really lasts
        (floor and cap of connections.md 7.2)."""

    def configure(self, settings: PoolSettings) -> None:
        """A PUT has changed the limits of a connection, or the pool that it uses: calls that run follow at once, in all processes."""

    def level(self, settings: PoolSettings) -> int | None:
        """The level of the pool that the connection uses now; nothing in burst mode."""

    def change(self) -> Awaitable[object]:
        """Wait until the limits of some connection change, from the call on."""

    def answered(self, settings: PoolSettings) -> None:
        """An answer that was not rate limited arrived: the row of cool-downs ends."""

    def unread(self, look: Callable[[HttpResponse], None]) -> None:
        """This task has left its last request behind: ``look`` at the answer, should it still come."""

    def state(self, key: str) -> PoolState | None:
        """What happens in the pool in this process; nothing when it is not in memory."""

    def states(self) -> Mapping[str, PoolState]:
        """All pools in memory by key; those of connections that are stored nowhere added up under ``VIRTUAL``."""

    def waiting(self, key: str) -> int:
        """Requests of this process that wait in the pool."""

    async def size(self, key: str) -> int:
        """Requests of all processes that wait in the pool, at most one second ago (``queues[].size``)."""


class RateLimiter(Protocol):
    """Our own leaky buckets (contract.md 1.14)."""

    def take(self, bucket: str, *, anonymous: bool = False) -> int:
        """Take one token of the account's bucket (of the remote address' when ``anonymous``); 0, or whole seconds to wait."""

    async def take_elsewhere(self, bucket: str) -> int:
        """Take a token that other processes have left for the account; 0, or whole seconds to wait. A fraction of a second may go by."""

    def put_back(self, bucket: str) -> None:
        """Give a token back that was taken to see whether there is one."""


class Coordinator(Protocol):
    """What must hold across processes (D13)."""

    def once(self, key: str) -> AbstractAsyncContextManager[None]:
        """At most one holder of ``key`` at a time, waiters in order of arrival."""
