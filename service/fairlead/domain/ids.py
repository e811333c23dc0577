"""Ids of documents: 24 lower-case hex digits in order of creation (contract.md 1.6)."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

_COUNTER_BITS: Final = 14
_RANDOM_BITS: Final = 40


class IdSource:
    """Makes ids. Laid out like MongoDB's ObjectId as far as readers care: the first 32 bits are Unix seconds.

    Then come 10 bits of the second's fraction (1/1024 s), a 14-bit counter and 40 random bits. Ids of one source always grow, also
    when the clock stands still or steps back; ids of several processes are in order to the millisecond, and the random bits keep
    them apart.
    """

    def __init__(self) -> None:
        self._last = 0

    def new(self, now: datetime) -> str:
        """An id that sorts after every earlier one of this source. ``now`` is an aware date."""
        ticks = int(now.timestamp() * 1024)
        self._last = max(self._last + 1, ticks << _COUNTER_BITS)
        return f"{self._last << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS):024x}"


new_id = IdSource().new
"""The ids of this process."""
