"""Keeps application pages in progress in memory, so that a large answer is not asked for again with every page (exports-imports.md 5.2).

The state alone is enough: without an entry the page is fetched again, and the records are the same.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from fairlead.engine.ports import ApplicationPage, Clock

DEFAULT_BYTES: Final = 64 << 20
IDLE_SECONDS: Final = 900.0
"""After so long without a call an entry goes when another call looks."""


@dataclass(slots=True)
class _Kept:
    page: ApplicationPage
    weight: int
    used: float


@dataclass(frozen=True, slots=True)
class PageKey:
    """To whom a page belongs: it is found by nobody else. ``kind`` and ``resource`` name the connection or the saved export, ``digest`` is
    that of the connection's version, the export, its input record and its dates; ``position`` where the page stands in the paging."""

    account: str
    kind: str
    resource: str
    digest: str
    position: bytes


class PageCache:
    """At most ``limit`` bytes of pages for the whole process, 0 for none; those that were not used for longest go first."""

    def __init__(self, clock: Clock, limit: int = DEFAULT_BYTES) -> None:
        self._clock = clock
        self._limit = limit
        self._kept: dict[tuple[PageKey, str], _Kept] = {}
        self._weight = 0

    @property
    def weight(self) -> int:
        """Bytes that are held."""
        return self._weight

    def find(self, key: PageKey, name: str) -> ApplicationPage | None:
        """The page that was kept under that name."""
        self._expire()
        found = self._kept.pop((key, name), None)
        if found is None:
            return None
        found.used = self._clock.monotonic()
        self._kept[key, name] = found
        return found.page

    def keep(self, key: PageKey, page: ApplicationPage) -> str:
        """The name by which this very fetch is found again, ``""`` when it does not fit. What is fetched later is another page: a position
        that two runs share never mixes their records."""
        weight = _weight(page) if self._limit else 0
        if not self._limit or weight > self._limit:
            return ""
        self._expire()
        name = token_hex(8)
        self._kept[key, name] = _Kept(page, weight, self._clock.monotonic())
        self._weight += weight
        while self._weight > self._limit:
            self._drop(next(iter(self._kept)))
        return name

    def drop(self, key: PageKey, name: str) -> None:
        """Every record of it was delivered."""
        if (key, name) in self._kept:
            self._drop((key, name))

    def _expire(self) -> None:
        oldest = self._clock.monotonic() - IDLE_SECONDS
        while self._kept:
            first = next(iter(self._kept))
            if self._kept[first].used > oldest:
                return
            self._drop(first)

    def _drop(self, place: tuple[PageKey, str]) -> None:
        self._weight -= self._kept.pop(place).weight


def _weight(page: ApplicationPage) -> int:
    """Bytes in memory: those of the sequence, and of the records that lie in it one by one."""
    records = page.records
    inner = sum(map(sys.getsizeof, records)) if isinstance(records, list) else 0
    return sys.getsizeof(records) + inner
