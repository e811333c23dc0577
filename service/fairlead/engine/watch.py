"""Watch a connection's pool: its settings and what happens in it at this moment (connections.md 7, 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.domain.document import AccountId, Document
from fairlead.domain.errors import not_found
from fairlead.engine.pooling import CONNECTIONS, lender_of, stored_limits
from fairlead.engine.ports import Clock, PoolSettings, PoolTotals, Store, Watching


@dataclass(frozen=True, slots=True)
class WatchedPool:
    """A connection's pool: ``connection`` is who was asked for, ``lender`` whose pool it is when the connection borrows."""

    connection: Document
    lender: Document | None
    settings: PoolSettings
    totals: PoolTotals
    now: datetime

    @property
    def at(self) -> datetime:
        """The instant of the figures."""
        return self.now - timedelta(seconds=self.totals.age)

    @property
    def effective(self) -> int | None:
        """Most requests in flight that are allowed at this moment; nothing in burst mode."""
        settings = self.settings
        if settings.level is None:
            return None
        unused = settings.level if settings.start is None else settings.start
        return unused if self.totals.effective is None else min(settings.level, self.totals.effective)

    @property
    def cooling_until(self) -> datetime | None:
        """When the cool-down ends, if there is one."""
        return self.now + timedelta(seconds=self.totals.cooling) if self.totals.cooling else None


class Watch:
    """Looks at the pools of stored connections."""

    def __init__(self, store: Store, watching: Watching, clock: Clock) -> None:
        self._store = store
        self._watching = watching
        self._clock = clock

    async def pool(self, account: AccountId, id: str) -> WatchedPool:
        """The pool that a stored connection uses. Raises 404 ``NotFound``, also for a connection of another account."""
        document = await self._store.get(CONNECTIONS, account, id)
        if document is None:
            raise not_found("connection")
        lender = await lender_of(self._store, account, document.fields)
        settings = stored_limits(document, lender)
        totals = await self._watching.totals(settings.key)
        return WatchedPool(document, lender, settings, totals, self._clock.now())
