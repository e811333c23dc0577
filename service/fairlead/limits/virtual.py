"""The pools of connections that are stored nowhere, as one: each lives for one call and has a key of its own."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.engine.ports import PoolState
from fairlead.limits.pool import Pool


class VirtualPools:
    """Counts on when they are gone."""

    def __init__(self) -> None:
        self._requests = 0
        self._refused = 0

    def gone(self, pool: Pool) -> None:
        """One of them is dropped."""
        self._requests += pool.requests
        self._refused += pool.refused

    def state(self, pools: Iterable[Pool], now: float) -> PoolState:
        """What happens in those of them that are in memory, together."""
        states = [pool.state(now) for pool in pools]
        return PoolState(
            level=None,
            effective=None,
            pause=0.0,
            in_flight=sum(state.in_flight for state in states),
            waiting=sum(state.waiting for state in states),
            cooling=max((state.cooling for state in states), default=0.0),
            requests=self._requests + sum(state.requests for state in states),
            refused=self._refused + sum(state.refused for state in states),
        )
