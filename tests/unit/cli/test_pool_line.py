"""A watched pool as one line (docs/limits.md, Watching)."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from rich.console import Console

from fairlead.cli.pool_line import Pool, away_line, pool_line
from fairlead.cli.watch import rewritten

NOW = datetime(2026, 1, 15, 9, 30, 0, tzinfo=UTC)
IDLE = {"inFlight": 0, "waiting": 0, "requestsPerSecond": 0.0, "refused": 0}
LEVEL = {"level": 10, "effectiveLevel": 10}
BUSY = {**IDLE, **LEVEL, "inFlight": 10, "waiting": 23, "requestsPerSecond": 41.66}

LINES: dict[str, tuple[dict[str, Any], str]] = {
    "nobody there": ({**IDLE, **LEVEL}, "in flight 0  waiting 0  level 10/10  0.0/s  refused 0"),
    "busy": (BUSY, "in flight 10  waiting 23  level 10/10  41.7/s  refused 0"),
    "burst mode": ({**IDLE, "inFlight": 3}, "in flight 3  waiting 0  no level  0.0/s  refused 0"),
    "recovering": (
        {**BUSY, "effectiveLevel": 5, "inFlight": 5, "refused": 2},
        "in flight 5  waiting 23  level 5/10  41.7/s  refused 2",
    ),
    "cooling down": (
        {**IDLE, **LEVEL, "waiting": 4, "coolingMs": 16001.5, "refused": 1},
        "in flight 0  waiting 4  cooling down until 09:30:16 (17 s)  level 10/10  0.0/s  refused 1",
    ),
    "a cool-down over midnight": (
        {**IDLE, **LEVEL, "coolingMs": 54_000_000.0},
        "in flight 0  waiting 0  cooling down until 00:30:00 (54000 s)  level 10/10  0.0/s  refused 0",
    ),
    "paced": (
        {**IDLE, "level": 1, "effectiveLevel": 1, "inFlight": 1, "pauseMs": 500.0},
        "in flight 1  waiting 0  level 1/1  pause 500 ms  0.0/s  refused 0",
    ),
    "borrowing": (
        {**IDLE, **LEVEL, "_borrowConcurrencyFromConnectionId": "65a4f1c2d3e4b5a697887766", "lenderName": "Shop"},
        "in flight 0  waiting 0  level 10/10  0.0/s  refused 0  borrows from Shop 65a4f1c2d3e4b5a697887766",
    ),
    "borrowing from one without a name": (
        {**IDLE, **LEVEL, "_borrowConcurrencyFromConnectionId": "65a4"},
        "in flight 0  waiting 0  level 10/10  0.0/s  refused 0  borrows from 65a4",
    ),
}


@pytest.mark.parametrize(("said", "line"), LINES.values(), ids=LINES)
def test_a_line(said: dict[str, Any], line: str) -> None:
    """Each figure under its name, always in the same order; what there is none of is left out; the time of the look comes first."""
    assert pool_line(msgspec.convert(said, Pool), NOW).plain == f"09:30:00  {line}"


BARS: dict[str, tuple[int, int, int, str]] = {
    "empty": (10, 10, 0, "░░░░░░░░░░"),
    "full": (10, 10, 10, "██████████"),
    "small": (2, 2, 1, "█░"),
    "one": (1, 1, 1, "█"),
    "large, one in flight": (100, 100, 1, "█░░░░░░░░░"),
    "large, half": (100, 100, 50, "█████░░░░░"),
    "lowered": (10, 4, 2, "██░░······"),
    "lowered while more is in flight": (10, 2, 5, "█████·····"),
    "more than the level": (5, 5, 9, "█████"),
}


@pytest.mark.parametrize(("level", "effective", "in_flight", "bar"), BARS.values(), ids=BARS)
def test_the_bar_of_a_terminal(level: int, effective: int, in_flight: int, bar: str) -> None:
    """In use, free, and what the effective level takes away; at most ten cells; the time is the terminal's own."""
    pool = Pool(in_flight, 0, 0.0, 0, level, effective)
    assert pool_line(pool, NOW, with_bar=True).plain.startswith(f"{bar} in flight {in_flight}  waiting 0  level ")


def test_without_a_level_there_is_no_bar() -> None:
    """There is nothing to fill."""
    assert pool_line(Pool(3, 0, 0.0, 0), NOW, with_bar=True).plain.startswith("in flight 3  ")


def test_a_service_that_is_away() -> None:
    """The reason in one line, and for how long when that is known."""
    assert away_line("fairlead does not answer\nat x", NOW).plain == "09:30:00  fairlead does not answer at x"
    assert away_line("no", NOW, timedelta(seconds=12.4)).plain == "09:30:00  away for 12 s:  no"


@pytest.mark.parametrize(("no_color", "colours"), [(False, True), (True, False)], ids=["colours", "NO_COLOR"])
def test_a_terminal_has_one_line_that_is_rewritten(no_color: bool, colours: bool) -> None:
    """Cut at the terminal's width, whatever a name contains; the last one stays, with the only end of line."""
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, width=60, no_color=no_color, color_system="standard")
    name = "a name\nof \x1b[31mtwo lines " * 9
    with rewritten(terminal) as show:
        for waiting in range(3):
            said = {**BUSY, "waiting": waiting, "_borrowConcurrencyFromConnectionId": "65a4", "lenderName": name}
            show((json.dumps(said).encode(), ""))
    written = file.getvalue()
    assert written.count("\n") == 1
    assert written.index("waiting 0") < written.index("\r") < written.index("waiting 2") < written.index("\n")
    assert (re.search(r"\x1b\[[0-9;]+m", written) is not None) == colours
    assert "…" in written


def test_what_a_terminal_obeys_is_not_written() -> None:
    """A lender's name is somebody's text."""
    pool = Pool(0, 0, 0.0, 0, lender_id="65a4", lender_name="a\nb\x1b[31mc\x9b")
    assert pool_line(pool, NOW).plain.endswith("borrows from a b [31mc 65a4")
