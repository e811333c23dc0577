"""All pools of the process, and the places that they share (connections.md 7 and 8).

Everything happens on the event loop and nothing here awaits between looking and taking, so there are no locks.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Final

from fairlead.engine.ports import VIRTUAL, Clock, Deadline, PoolSettings, PoolState, StoreUnavailable, WaitTooLong
from fairlead.limits.alarm import Alarm
from fairlead.limits.changes import Changes
from fairlead.limits.member import KEEP_SECONDS
from fairlead.limits.pool import Pool, Waiter
from fairlead.limits.replica import POOLS, Replica
from fairlead.limits.slot import Slot, last_slot, unread
from fairlead.limits.virtual import VirtualPools

MAX_OUTBOUND: Final = 256


class Pools:
    """``engine.ports.Pools``: of one process, or (``replica``) of one among those on the same store."""

    def __init__(
        self,
        clock: Clock,
        *,
        cap: int = MAX_OUTBOUND,
        random: Callable[[], float] = random.random,
        replica: Replica | None = None,
        prefix: str = POOLS,
        keep: float = KEEP_SECONDS,
    ) -> None:
        """``prefix``: of the pools' keys in the store; ``keep``: for how many seconds slots that nobody uses are kept."""
        self.clock = clock
        self._prefix = prefix
        self._keep = keep
        self._replica = replica
        self.active: set[Slot] = set()
        """Slots in use of pools that other processes share."""
        self.changes = Changes(self, clock)
        self._cap = cap
        self._burst_share = max(1, cap * 3 // 4)
        self._random = random
        self._pools: dict[str, Pool] = {}
        self._virtual = VirtualPools()
        self._in_flight = 0
        self._tickets = count(1)
        self._turns: OrderedDict[str, Pool] = OrderedDict()  # pools that only the cap holds back, in turn

    def slot(
        self, settings: PoolSettings, deadline: Deadline, *, first: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Hold one slot: waits for its turn, the pause and the cool-down; ``first``: at the head of the queue, those that held a slot
        before in their old order. Raises ``WaitTooLong``, at once when the known wait is longer than the deadline."""
        return Slot(self, settings, deadline, first=first)

    def cool_down(self, settings: PoolSettings, seconds: float | None) -> float:
        """Start a cool-down after a rate-limited answer to this task's last request; ``None``: back-off. The seconds it lasts.
        Those who cannot wait that long are told at once."""
        pool = self.pool(self.changes.of(settings))
        now = self.clock.monotonic()
        lasts = pool.cool_down(seconds, self._epoch(pool), now, self._random())
        for waiter in pool.hopeless():
            self._give_up(pool, waiter, lasts)
        self._dispatch(pool)
        self._tell(pool)
        self._forget(pool)
        return lasts

    def configure(self, settings: PoolSettings) -> None:
        """A PUT has changed the limits of a connection, or the pool that it uses: calls that run follow at once, in all processes."""
        self.changes.learn(settings)
        self.changes.tell(settings)

    def level(self, settings: PoolSettings) -> int | None:
        """The level of the pool that the connection uses now; nothing in burst mode."""
        settings = self.changes.of(settings)
        pool = self._pools.get(settings.key)
        return pool.level if pool is not None else self.changes.level_of(settings).level

    def change(self) -> Awaitable[object]:
        """Wait until the limits of some connection change, from the call on."""
        return self.changes.next()

    def answered(self, settings: PoolSettings) -> None:
        """An answer to this task's last request was not rate limited: the row of cool-downs ends, and it counts for the effective level."""
        pool = self._pools.get(self.changes.of(settings).key)
        if pool is None or not (pool.guarded or pool.start_level is not None):
            return
        epoch = self._epoch(pool)
        confirmed = pool.guarded and pool.confirm(epoch, self.clock.monotonic())
        if pool.succeeded(epoch) or confirmed:
            self._dispatch(pool)
            self._tell(pool)
            self._forget(pool)

    unread = staticmethod(unread)

    def state(self, key: str) -> PoolState | None:
        """What happens in the pool in this process; nothing when it is not in memory."""
        pool = self._pools.get(key)
        return pool.state(self.clock.monotonic()) if pool is not None else None

    def states(self) -> dict[str, PoolState]:
        """All pools in memory; those of connections that are stored nowhere added up under ``VIRTUAL``."""
        now = self.clock.monotonic()
        states = {key: pool.state(now) for key, pool in self._pools.items() if pool.member is not None}
        states[VIRTUAL] = self._virtual.state((pool for pool in self._pools.values() if pool.member is None), now)
        return states

    def waiting(self, key: str) -> int:
        """Requests of this process that wait in the pool."""
        pool = self._pools.get(key)
        return len(pool) if pool is not None else 0

    async def size(self, key: str) -> int:
        """Requests of all processes that wait in the pool; those of others at most one second ago."""
        others = await self._replica.waiting_elsewhere(key) if self._replica is not None else 0
        return self.waiting(key) + others

    def __len__(self) -> int:
        return len(self._pools)

    def close(self) -> None:
        """Drop the timers; who waits is left to its own deadline."""
        for pool in self._pools.values():
            pool.wake.cancel()
            pool.expiry.cancel()

    # -- called by slots

    def try_start(self, settings: PoolSettings, deadline: Deadline, *, first: bool) -> Waiter:
        """A place in the pool: started when nothing stands in the way, else in the queue with a future. Raises ``WaitTooLong``."""
        settings = self.changes.of(settings)
        pool = self.pool(settings)
        if pool.is_timed:
            pool.check(deadline, self.clock.monotonic())
        last = last_slot.get() if first else None
        ticket = 0 if first else next(self._tickets)
        since = self.clock.monotonic() if pool.member is not None else 0.0
        if last is not None and last.pool is pool:
            ticket, since = last.ticket, last.since
        waiter = Waiter(pool, settings, ticket, deadline, since)
        if (
            (first or not len(pool))
            and not pool.contended
            and not self._turns
            and pool.has_room
            and self._has_place(pool)
            and self._open(pool)
            and self._may_start(pool)
        ):
            self._start(pool, waiter)
        else:
            waiter.future = asyncio.get_running_loop().create_future()
            pool.enqueue(waiter, first=first)
            if pool.has_room:
                self._dispatch(pool)
            if pool.member is not None and not waiter.future.done():
                pool.member.queued()
        return waiter

    async def wait(self, waiter: Waiter) -> None:
        """Until the waiter has its slot. Cancelled or out of time, it leaves no trace."""
        while waiter.future is not None:
            pool = waiter.pool
            if not waiter.future.done() and waiter.deadline.at < pool.expiry.at:
                pool.expiry.set(pool, waiter.deadline.at)
            try:
                await waiter.future
            except BaseException:
                pool = waiter.pool
                if waiter.future.cancelled() or waiter.future.exception() is not None:
                    pool.leave(waiter)
                    self._dispatch(pool)
                    if pool.member is not None:
                        pool.member.queued()
                else:
                    self.give_back(waiter, used=False)
                self._forget(pool)
                raise
            pool, settings = waiter.pool, self.changes.of(waiter.settings)
            if settings.key == pool.key and waiter.epoch == pool.epoch and self._may_start(pool):
                return
            # a cool-down or a PUT came between the grant and this instant, or the process was paused: back to the old place
            waiter.future = asyncio.get_running_loop().create_future()
            self._release(waiter, used=False)
            pool.enqueue(waiter, first=True)
            if settings.key != pool.key:
                self.changes.gather(settings)
            elif pool.cool_until > waiter.deadline.at:
                self._give_up(pool, waiter, pool.cool_until - self.clock.monotonic())
            self._next(pool)

    def give_back(self, waiter: Waiter, *, used: bool) -> None:
        """The slot is free again; ``used``: something was sent, so the pause begins."""
        pool = waiter.pool
        self._release(waiter, used=used)
        self._next(pool)
        self._forget(pool)

    # -- granting

    def pool(self, settings: PoolSettings) -> Pool:
        """The pool, made when it is not in memory, with the latest level that is known."""
        pool = self._pools.get(settings.key)
        if pool is None:
            wake, expiry = Alarm(self.clock, self._wake), Alarm(self.clock, self._expire)
            pool = self._pools[settings.key] = Pool(settings.key, wake, expiry)
            settings = self.changes.level_of(settings)
            if self._replica is not None and settings.shared:
                pool.member = self._replica.join(pool, self, prefix=self._prefix, keep=self._keep)
                pool.known = False
                pool.held = 0
                pool.member.poke()
        if pool.configure(settings):
            self._tell(pool)
        return pool

    @staticmethod
    def _tell(pool: Pool) -> None:
        """Whatever changed concerns other processes."""
        if pool.member is not None:
            pool.member.poke()

    def _may_start(self, pool: Pool) -> bool:
        """Whether other processes are sure to respect what this one holds."""
        return pool.member is None or pool.level is None or self._replica is None or self._replica.heartbeat.may_start()

    def may_send(self) -> bool:
        """Whether this task's last slot is still its own: not when the process was paused since, and others may have it."""
        last = last_slot.get()
        return last is None or self._may_start(last.pool)

    @staticmethod
    def _epoch(pool: Pool) -> int:
        last = last_slot.get()
        return last.epoch if last is not None and last.pool is pool else pool.epoch

    def _has_place(self, pool: Pool) -> bool:
        """Whether the process has a place for this pool: a burst pool leaves a quarter to others that wait."""
        if self._in_flight >= self._cap:
            return False
        if pool.level is not None or pool.in_flight < self._burst_share:
            return True
        return not any(other is not pool for other in self._turns.values())

    def _open(self, pool: Pool) -> bool:
        return not pool.is_timed or pool.opens_at <= self.clock.monotonic()

    def _start(self, pool: Pool, waiter: Waiter) -> None:
        self._in_flight += 1
        pool.start(waiter)
        if waiter.future is not None:
            waiter.future.set_result(None)
            if pool.member is not None and not len(pool):
                pool.member.queued()

    def _release(self, waiter: Waiter, *, used: bool) -> None:
        self._in_flight -= 1
        pool = waiter.pool
        pool.end(waiter, self.clock.monotonic() if used and pool.is_timed else None)

    def _next(self, pool: Pool) -> None:
        """After a slot was given back: its pool is served, or all whose turn it is."""
        if pool.contended or pool.in_flight >= pool.held:  # too much since a PUT: others wait until it is given back
            self._tell(pool)
        if not self._turns:
            if len(pool):
                self._dispatch(pool)
            return
        if len(pool):
            self._turns.setdefault(pool.key, pool)
        self._serve_turns()

    def _dispatch(self, pool: Pool) -> None:
        """Start whoever may start in this pool."""
        while pool.has_room and (head := pool.head()) is not None and self._may_start(pool):
            if not self._open(pool):
                pool.wake.set(pool, pool.opens_at)
                break
            if self._yields(pool):
                break
            if not self._has_place(pool):
                self._turns.setdefault(pool.key, pool)
                self._serve_turns()
                return
            self._start(pool, head)
        if self._turns.pop(pool.key, None) is not None:
            self._serve_turns()

    def _yields(self, pool: Pool) -> bool:
        """Whether the next slot is for a request of another process, which then gets it."""
        if not pool.contended or pool.member is None or not pool.member.yields():
            return False
        self._tell(pool)
        return True

    def _serve_turns(self) -> None:
        """One place each, in turn, as long as there are places and somebody may have one."""
        passed = 0
        while self._turns and passed < len(self._turns) and self._in_flight < self._cap:
            key, pool = self._turns.popitem(last=False)
            head = pool.head()
            if head is None or not pool.has_room or not self._may_start(pool) or self._yields(pool):
                continue
            if not self._open(pool):
                pool.wake.set(pool, pool.opens_at)
                continue
            if self._has_place(pool):
                self._start(pool, head)
                passed = 0
            else:
                passed += 1
            if len(pool):
                self._turns[key] = pool

    # -- called by the replica, and when a PUT changes something

    @property
    def in_memory(self) -> Mapping[str, Pool]:
        """All pools, by key."""
        return self._pools

    @property
    def is_alone(self) -> bool:
        """Whether no other process may be using the pools."""
        return self._replica is None or self._replica.heartbeat.is_alone

    def stepped(self, pool: Pool) -> None:
        """What holds in the pool has changed: whoever may start now does; those whose wait has become too long are told."""
        if pool.guarded:
            for waiter in pool.hopeless():
                self._give_up(pool, waiter, pool.cool_until - self.clock.monotonic())
        self._dispatch(pool)
        self._forget(pool)

    def left(self, pool: Pool) -> None:
        """Nobody uses the pool, and what this process held of it was given back."""
        self._drop(pool)

    def lapsed(self) -> None:
        """Other processes may think that this one is dead: end what is in flight in pools with a level."""
        for slot in [*self.active]:
            if slot.waiter.pool.level is not None:
                slot.abort()

    # -- time

    def _give_up(self, pool: Pool, waiter: Waiter, seconds: float) -> None:
        pool.leave(waiter)
        if waiter.future is not None and not waiter.future.done():
            waiter.future.set_exception(WaitTooLong(seconds))

    def _expire(self, pool: Pool, at: float) -> None:
        """Those whose deadline is over leave."""
        now = self.clock.monotonic()
        left = max(0.0, pool.opens_at - now) if pool.is_timed else 0.0
        cut_off = not self._may_start(pool)
        for waiter in pool.waiters():
            if waiter.deadline.at > max(now, at):
                continue
            if cut_off and waiter.future is not None and not waiter.future.done():
                waiter.future.set_exception(StoreUnavailable("no heartbeat: limits cannot be kept"))
            self._give_up(pool, waiter, left)
        if len(pool):
            pool.expiry.set(pool, min(waiter.deadline.at for waiter in pool.waiters()))

    def _wake(self, pool: Pool, _: float) -> None:
        self._dispatch(pool)
        self._forget(pool)

    def _forget(self, pool: Pool) -> None:
        """Drop a pool that nobody uses once it is the same as a new one."""
        if pool.in_flight or len(pool) or self._pools.get(pool.key) is not pool:
            return
        if pool.member is not None:
            pool.member.rest()
            return
        at = pool.forget_at()
        if pool.is_timed and at > self.clock.monotonic():
            pool.wake.set(pool, at)
            return
        self._drop(pool)

    def _drop(self, pool: Pool) -> None:
        pool.wake.cancel()
        pool.expiry.cancel()
        self._turns.pop(pool.key, None)
        del self._pools[pool.key]
        if pool.member is None:
            self._virtual.gone(pool)
