"""One request's slot of a pool.

An application works on for a caller who has gone: it seldom looks whether its answer can still be delivered. So a request that was sent keeps
its slot until its answer comes, and goes on for that long; after two seconds its connection is closed and the slot is free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from fairlead.domain.http import HttpResponse, TransportFailure
from fairlead.engine.ports import Deadline, PoolSettings
from fairlead.limits.pool import Waiter

if TYPE_CHECKING:
    from fairlead.limits.pools import Pools

OUTLIVES_SECONDS: Final = 2.0
"""How long a request goes on whose caller has been cancelled or is out of time."""

last_slot: ContextVar[Waiter | None] = ContextVar("fairlead_last_slot", default=None)
"""The last slot of this task: a repetition finds its old place by it, and an answer the cool-down that it belongs to."""


def outlives(sending: asyncio.Future[Any]) -> None:
    """Whoever waited for what this task's last slot was taken for has gone: it keeps the slot."""
    last = last_slot.get()
    if last is None:
        sending.cancel()
    else:
        last.unanswered = sending


def unread(look: Callable[[HttpResponse], None]) -> None:
    """``look`` at the answer that nobody waits for any more, should it come in time."""

    def came(sending: asyncio.Future[HttpResponse]) -> None:
        if not sending.cancelled() and sending.exception() is None:
            look(sending.result())

    last = last_slot.get()
    if last is not None and last.unanswered is not None:
        last.unanswered.add_done_callback(came)


class Slot:
    """A context manager: holds the slot, and can be ended from outside when it may no longer be held."""

    __slots__ = (
        "_aborted",
        "_cancelling",
        "_deadline",
        "_first",
        "_outliving",
        "_pools",
        "_settings",
        "_task",
        "waiter",
    )

    def __init__(self, pools: Pools, settings: PoolSettings, deadline: Deadline, *, first: bool) -> None:
        self._pools = pools
        self._settings = settings
        self._deadline = deadline
        self._first = first
        self._aborted = False

    async def __aenter__(self) -> None:
        self.waiter = waiter = self._pools.try_start(self._settings, self._deadline, first=self._first)
        if waiter.future is not None:
            await self._pools.wait(waiter)
        last_slot.set(waiter)
        pool = waiter.pool
        pool.requests += 1
        if self._settings.shared:
            task = asyncio.current_task()
            assert task is not None
            self._task, self._cancelling = task, task.cancelling()
            self._pools.active.add(self)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        unanswered = self.waiter.unanswered
        if unanswered is None or self._aborted:
            self._end()
        else:
            self._pools.active.add(self)
            self._outliving = asyncio.create_task(self._outlive(unanswered))
        if self._aborted and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            message = "the store did not answer for 20 s; the request was ended so that the limit holds"
            raise TransportFailure("connection_error", message, repeatable=True) from error

    def abort(self) -> None:
        """End the request: it fails as if its connection broke."""
        if self._aborted:
            return
        self._aborted = True
        if self.waiter.unanswered is not None:
            self.waiter.unanswered.cancel()
        else:
            self._task.cancel()

    async def _outlive(self, unanswered: asyncio.Future[Any]) -> None:
        over = asyncio.ensure_future(self._pools.clock.sleep(OUTLIVES_SECONDS))
        try:
            await asyncio.wait((unanswered, over), return_when=asyncio.FIRST_COMPLETED)
            unanswered.cancel()
            await asyncio.wait((unanswered,))
        finally:
            over.cancel()
            self._end()

    def _end(self) -> None:
        if self.waiter.unanswered is not None:
            self.waiter.unanswered.cancel()
        self._pools.active.discard(self)
        self._pools.give_back(self.waiter, used=True)
