"""How long a cool-down lasts (connections.md 7.2)."""

from __future__ import annotations

import pytest

from fairlead.limits import backoff


@pytest.mark.parametrize(
    ("row", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (10_000, 60)]
)
def test_steps(row: int, seconds: float) -> None:
    """1, 2, 4, 8, 16, 32, 60, 60 s ..."""
    assert backoff.step(row) == seconds


def test_jitter_only_adds() -> None:
    """Up to 20 % on top of a back-off, nothing taken off."""
    assert backoff.duration(None, 3, 0.0) == 4
    assert backoff.duration(None, 3, 1.0) == pytest.approx(4.8)
    assert backoff.duration(-1, 3, 0.0) == 4


@pytest.mark.parametrize(
    ("asked", "row", "seconds"),
    [
        (0, 1, 1),
        (0, 4, 8),
        (0.5, 2, 2),
        (1, 5, 1),
        (30, 1, 30),
        (3600, 1, 3600),
        (7200, 1, 3600),
        (float("inf"), 1, 3600),
    ],
)
def test_what_the_application_asked_for(asked: float, row: int, seconds: float) -> None:
    """Waits below 1 s have the back-off as floor, longer ones count as asked, none counts more than an hour."""
    assert backoff.duration(asked, row, 0.5) == seconds
