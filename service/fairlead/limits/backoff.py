"""How long a cool-down lasts (connections.md 7.2)."""

from __future__ import annotations

from typing import Final

LONGEST_STEP: Final = 60.0
LONGEST_WAIT: Final = 3600.0
JITTER: Final = 0.2
_STEPS: Final = 6  # 2 ** 6 s is already over the longest step


def step(row: int) -> float:
    """Seconds of the ``row``-th cool-down in a row (from 1): 1, 2, 4, 8, 16, 32, 60, 60 ..."""
    return min(2.0 ** min(row - 1, _STEPS), LONGEST_STEP)


def duration(asked: float | None, row: int, random: float) -> float:
    """Seconds that the ``row``-th cool-down in a row lasts. ``asked``: what the application said, ``None`` for back-off;
    ``random``: 0 to 1, adds up to 20 % to a back-off."""
    if asked is None or asked < 0:
        return step(row) * (1 + JITTER * random)
    if asked < 1:
        return step(row)
    return min(asked, LONGEST_WAIT)
