"""A pool as one line of text."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import msgspec
from rich.text import Text

_CELLS: Final = 10
_GAP: Final = "  "


class Pool(msgspec.Struct, rename="camel"):
    """What the service says of a pool: `GET /v1/connections/{_id}/pool`."""

    in_flight: int
    waiting: int
    requests_per_second: float
    refused: int
    level: int | None = None
    effective_level: int | None = None
    pause_ms: float = 0.0
    cooling_ms: float = 0.0
    lender_id: str = msgspec.field(default="", name="_borrowConcurrencyFromConnectionId")
    lender_name: str = ""


def pool_line(pool: Pool, now: datetime, *, with_bar: bool = False) -> Text:
    """The pool at ``now``, whose zone counts for the times that are shown. ``with_bar``: drawn for a terminal, which also cuts the line."""
    parts = [] if with_bar else [Text(f"{now:%H:%M:%S}")]
    in_flight = Text(f"in flight {pool.in_flight}", "green" if pool.in_flight else "")
    parts.append(Text.assemble(_bar(pool), " ", in_flight) if with_bar and pool.level else in_flight)
    parts.append(Text(f"waiting {pool.waiting}", "yellow" if pool.waiting else ""))
    if pool.cooling_ms:
        until = now + timedelta(milliseconds=pool.cooling_ms)
        parts.append(Text(f"cooling down until {until:%H:%M:%S} ({_seconds(pool.cooling_ms)} s)", "red"))
    if pool.level is None:
        parts.append(Text("no level"))
    else:
        lowered = pool.effective_level is not None and pool.effective_level < pool.level
        parts.append(Text(f"level {pool.effective_level}/{pool.level}", "yellow" if lowered else ""))
    if pool.pause_ms:
        parts.append(Text(f"pause {pool.pause_ms:g} ms"))
    parts.append(Text(f"{pool.requests_per_second:.1f}/s"))
    parts.append(Text(f"refused {pool.refused}", "red" if pool.refused else ""))
    if pool.lender_id:
        parts.append(Text(_one_line(f"borrows from {pool.lender_name} {pool.lender_id}"), "cyan"))
    return _line(parts)


def away_line(reason: str, now: datetime, since: timedelta | None = None) -> Text:
    """That nothing is known at ``now``, and why; ``since``: for how long."""
    parts = [Text(f"{now:%H:%M:%S}"), Text(_one_line(reason), "red")]
    if since is not None:
        parts.insert(1, Text(f"away for {since.total_seconds():.0f} s:", "red"))
    return _line(parts)


def _line(parts: list[Text]) -> Text:
    line = Text(_GAP).join(parts)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _one_line(text: str) -> str:
    """Without anything that a terminal obeys."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _bar(pool: Pool) -> Text:
    """Cells of the level: in use, free, and above the effective level."""
    level = pool.level or 0
    cells = min(level, _CELLS)
    effective = level if pool.effective_level is None else pool.effective_level
    usable = min(cells, math.ceil(effective * cells / level))
    used = min(cells, math.ceil(pool.in_flight * cells / level))
    free = max(0, usable - used)
    return Text.assemble(("█" * used, "green"), "░" * free, ("·" * (cells - used - free), "yellow"))


def _seconds(milliseconds: float) -> int:
    """Whole seconds that are not over before the wait is."""
    return math.ceil(milliseconds / 1000)
