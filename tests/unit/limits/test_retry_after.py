"""Reading retry headers (connections.md 7.2)."""

from __future__ import annotations

import pytest

from fairlead.limits.retry_after import wait_seconds
from tests.unit.clock import START

UNIX = int(START.timestamp())


@pytest.mark.parametrize(
    ("value", "standard", "other"),
    [
        ("Thu, 15 Jan 2026 09:30:30 GMT", 30, 30),
        ("Thursday, 15-Jan-26 09:31:00 GMT", 60, 60),
        ("Thu Jan 15 09:30:10 2026", 10, 10),
        ("Thu, 15 Jan 2026 09:00:00 GMT", 0, 0),
        ("1500ms", 1.5, 1.5),
        ("2 s", 2, 2),
        ("2S", 2, 2),
        ("1.5m", 90, 90),
        ("1h", 3600, 3600),
        (str((UNIX + 90) * 1000), 90, 90),
        (str(UNIX + 90), 90, 90),
        (str(UNIX - 90), 0, 0),
        ("1000", 1000, 1),
        ("2500", 2500, 2.5),
        ("999", 999, 999),
        ("30", 30, 30),
        ("0.25", 0.25, 0.25),
        ("0", 0, 0),
        (" 30 ", 30, 30),
        ("", None, None),
        (None, None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("1e3", None, None),
        ("30 minutes", None, None),
        ("٣", None, None),
        ("Thu, 99 Foo 2026", None, None),
        ("9" * 101, None, None),
    ],
)
def test_the_table(value: str | None, standard: float | None, other: float | None) -> None:
    """Every row, under the standard name and under another one."""
    for is_standard, seconds in ((True, standard), (False, other)):
        read = wait_seconds(is_standard, value, START)
        assert read == (pytest.approx(seconds) if seconds is not None else None)
