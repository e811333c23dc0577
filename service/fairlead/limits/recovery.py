"""The effective level: how a pool finds what the application really allows (connections.md 8.4).

It moves between 1 and the pool's level, which is then ``targetConcurrencyLevel``. A rate-limited answer halves it, once per cool-down: only
an answer to a request that started after the last cool-down counts. Twenty answers in a row that were not rate limited, to requests that
started after the last cool-down, raise it by 1. Each process counts its own answers; a cool-down, wherever it began, starts the row anew.
"""

from __future__ import annotations

from typing import Final

ROW: Final = 20
"""Answers in a row that raise the level by 1."""
REMEMBERED_SECONDS: Final = 3600.0
"""How long an unused pool remembers an effective level that is not the one at which it starts."""


def at_start(level: int | None, start: int | None) -> int | None:
    """The effective level of a new pool; nothing in burst mode."""
    return level if start is None else start


def halved(effective: int) -> int:
    """After a rate-limited answer."""
    return max(1, effective // 2)


def raised(effective: int, rows: int, level: int) -> int:
    """After so many rows of good answers."""
    return min(effective + rows, level)
