"""All pools of the process, and the places that they share (connections.md 7 and 8).

Everything happens on the event loop and nothing here awaits between looking and taking, so there are no locks.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from itertools import count
from typing import Final

from fairlead.engine.ports import Clock, Deadline, PoolSettings, WaitTooLong
from fairlead.limits.pool import Pool, Waiter

MAX_OUTBOUND: Final = 256

_last: ContextVar[tuple[Pool, Waiter] | None] = ContextVar("fairlead_last_slot", default=None)
"""The last slot of this task: a repetition finds its old place by it, and an answer the cool-down that it belongs to."""


class Pools:
    """``engine.ports.Pools`` for one process."""

    def __init__(self, clock: Clock, *, cap: int = MAX_OUTBOUND, random: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._cap = cap
        self._burst_share = max(1, cap * 3 // 4)
        self._random = random
        self._pools: dict[str, Pool] = {}
        self._in_flight = 0
        self._tickets = count(1)
        self._turns: OrderedDict[str, Pool] = OrderedDict()  # pools that only the cap holds back, in turn

    def slot(
        self, settings: PoolSettings, deadline: Deadline, *, first: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Hold one slot: waits for its turn, the pause and the cool-down; ``first``: at the head of the queue, those that held a slot
        before in their old order. Raises ``WaitTooLong``, at once when the known wait is longer than the deadline."""
        return _Slot(self, settings, deadline, first=first)

    def cool_down(self, settings: PoolSettings, seconds: float | None) -> float:
        """Start a cool-down after a rate-limited answer to this task's last request; ``None``: back-off. The seconds it lasts.
        Those who cannot wait that long are told at once."""
        pool = self._pool(settings)
        now = self._clock.monotonic()
        lasts = pool.cool_down(seconds, self._epoch(pool), now, self._random())
        for waiter in pool.hopeless():
            self._give_up(pool, waiter, lasts)
        self._dispatch(pool)
        self._forget(pool)
        return lasts

    def answered(self, settings: PoolSettings) -> None:
        """An answer to this task's last request was not rate limited: the row of cool-downs ends, the rest of the pool follows."""
        pool = self._pools.get(settings.key)
        if pool is not None and pool.guarded and pool.confirm(self._epoch(pool), self._clock.monotonic()):
            self._dispatch(pool)
            self._forget(pool)

    def waiting(self, key: str) -> int:
        """Requests waiting in the pool."""
        pool = self._pools.get(key)
        return len(pool) if pool is not None else 0

    def __len__(self) -> int:
        return len(self._pools)

    def close(self) -> None:
        """Drop the timers; who waits is left to its own deadline."""
        for pool in self._pools.values():
            if pool.wake is not None:
                pool.wake.cancel()

    # -- called by slots

    def try_start(self, settings: PoolSettings, deadline: Deadline, *, first: bool) -> tuple[Pool, Waiter]:
        """A place in the pool: started when nothing stands in the way, else in the queue with a future. Raises ``WaitTooLong``."""
        pool = self._pool(settings)
        if pool.is_timed:
            pool.check(deadline, self._clock.monotonic())
        last = _last.get() if first else None
        ticket = 0 if first else next(self._tickets)
        if last is not None and last[0] is pool:
            ticket = last[1].ticket
        waiter = Waiter(ticket, deadline)
        if (
            (first or not len(pool))
            and not self._turns
            and pool.has_room
            and self._has_place(pool)
            and self._open(pool)
        ):
            self._start(pool, waiter)
        else:
            waiter.future = asyncio.get_running_loop().create_future()
            pool.enqueue(waiter, first=first)
            self._dispatch(pool)
        return pool, waiter

    async def wait(self, pool: Pool, waiter: Waiter) -> None:
        """Until the waiter has its slot. Cancelled or out of time, it leaves no trace."""
        while waiter.future is not None:
            timer = asyncio.create_task(self._expire(pool, waiter)) if not waiter.future.done() else None
            try:
                await waiter.future
            except BaseException:
                if waiter.future.cancelled() or waiter.future.exception() is not None:
                    pool.leave(waiter)
                    self._dispatch(pool)
                else:
                    self.give_back(pool, waiter, used=False)
                self._forget(pool)
                raise
            finally:
                if timer is not None:
                    timer.cancel()
            if waiter.epoch == pool.epoch:
                return
            # a cool-down began between the grant and this instant: back to the old place
            waiter.future = asyncio.get_running_loop().create_future()
            self._release(pool, waiter, used=False)
            pool.enqueue(waiter, first=True)
            if pool.cool_until > waiter.deadline.at:
                self._give_up(pool, waiter, pool.cool_until - self._clock.monotonic())
            self._next(pool)

    def give_back(self, pool: Pool, waiter: Waiter, *, used: bool) -> None:
        """The slot is free again; ``used``: something was sent, so the pause begins."""
        self._release(pool, waiter, used=used)
        self._next(pool)
        self._forget(pool)

    # -- granting

    def _pool(self, settings: PoolSettings) -> Pool:
        pool = self._pools.get(settings.key)
        if pool is None:
            pool = self._pools[settings.key] = Pool(settings.key)
        pool.level = settings.level
        pool.pause = settings.pause
        return pool

    @staticmethod
    def _epoch(pool: Pool) -> int:
        last = _last.get()
        return last[1].epoch if last is not None and last[0] is pool else pool.epoch

    def _has_place(self, pool: Pool) -> bool:
        """Whether the process has a place for this pool: a burst pool leaves a quarter to others that wait."""
        if self._in_flight >= self._cap:
            return False
        if pool.level is not None or pool.in_flight < self._burst_share:
            return True
        return not any(other is not pool for other in self._turns.values())

    def _open(self, pool: Pool) -> bool:
        return not pool.is_timed or pool.opens_at <= self._clock.monotonic()

    def _start(self, pool: Pool, waiter: Waiter) -> None:
        self._in_flight += 1
        pool.start(waiter)
        if waiter.future is not None:
            waiter.future.set_result(None)

    def _release(self, pool: Pool, waiter: Waiter, *, used: bool) -> None:
        self._in_flight -= 1
        pool.end(waiter, self._clock.monotonic() if used and pool.is_timed else None)

    def _next(self, pool: Pool) -> None:
        """After a slot was given back: its pool is served, or all whose turn it is."""
        if not self._turns:
            if len(pool):
                self._dispatch(pool)
            return
        if len(pool):
            self._turns.setdefault(pool.key, pool)
        self._serve_turns()

    def _dispatch(self, pool: Pool) -> None:
        """Start whoever may start in this pool."""
        while (head := pool.head()) is not None:
            if not pool.has_room:
                break
            if not self._open(pool):
                self._wake_later(pool, pool.opens_at)
                break
            if not self._has_place(pool):
                self._turns.setdefault(pool.key, pool)
                self._serve_turns()
                return
            self._start(pool, head)
        if self._turns.pop(pool.key, None) is not None:
            self._serve_turns()

    def _serve_turns(self) -> None:
        """One place each, in turn, as long as there are places and somebody may have one."""
        passed = 0
        while self._turns and passed < len(self._turns) and self._in_flight < self._cap:
            key, pool = self._turns.popitem(last=False)
            head = pool.head()
            if head is None or not pool.has_room:
                continue
            if not self._open(pool):
                self._wake_later(pool, pool.opens_at)
                continue
            if self._has_place(pool):
                self._start(pool, head)
                passed = 0
            else:
                passed += 1
            if len(pool):
                self._turns[key] = pool

    # -- time

    def _give_up(self, pool: Pool, waiter: Waiter, seconds: float) -> None:
        pool.leave(waiter)
        if waiter.future is not None and not waiter.future.done():
            waiter.future.set_exception(WaitTooLong(seconds))

    async def _expire(self, pool: Pool, waiter: Waiter) -> None:
        await self._clock.sleep(waiter.deadline.left(self._clock))
        now = self._clock.monotonic()
        self._give_up(pool, waiter, max(0.0, pool.opens_at - now) if pool.is_timed else 0.0)

    def _wake_later(self, pool: Pool, at: float) -> None:
        """Look at the pool again at that time; one timer a pool."""
        if pool.wake is not None and not pool.wake.done():
            if pool.wake_at == at:
                return
            pool.wake.cancel()
        pool.wake_at = at
        pool.wake = asyncio.create_task(self._wake(pool, at))

    async def _wake(self, pool: Pool, at: float) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.monotonic()))
        pool.wake = None
        self._dispatch(pool)
        self._forget(pool)

    def _forget(self, pool: Pool) -> None:
        """Drop a pool that nobody uses once it is the same as a new one."""
        if pool.in_flight or len(pool) or self._pools.get(pool.key) is not pool:
            return
        at = pool.forget_at()
        if pool.is_timed and at > self._clock.monotonic():
            self._wake_later(pool, at)
            return
        if pool.wake is not None:
            pool.wake.cancel()
        self._turns.pop(pool.key, None)
        del self._pools[pool.key]


class _Slot:
    """One request's slot, as a context manager."""

    __slots__ = ("_deadline", "_first", "_pool", "_pools", "_settings", "_waiter")

    def __init__(self, pools: Pools, settings: PoolSettings, deadline: Deadline, *, first: bool) -> None:
        self._pools = pools
        self._settings = settings
        self._deadline = deadline
        self._first = first

    async def __aenter__(self) -> None:
        self._pool, self._waiter = self._pools.try_start(self._settings, self._deadline, first=self._first)
        if self._waiter.future is not None:
            await self._pools.wait(self._pool, self._waiter)
        _last.set((self._pool, self._waiter))

    async def __aexit__(self, *_: object) -> None:
        self._pools.give_back(self._pool, self._waiter, used=True)
