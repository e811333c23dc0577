"""Dates in the contract's form (contract.md 1.6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fairlead.domain.dates import from_millis, iso, parse_iso, to_millis


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 15, 9, 30, tzinfo=UTC), "2026-01-15T09:30:00.000Z"),
        (datetime(2026, 1, 15, 9, 30, 0, 999999, tzinfo=UTC), "2026-01-15T09:30:00.999Z"),
        (datetime(2026, 1, 15, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-01-14T23:00:00.000Z"),
        (datetime(2026, 1, 15, 9, 30), "2026-01-15T09:30:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_dates_are_printed_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    """``YYYY-MM-DDTHH:mm:ss.SSSZ``; finer parts are cut, not rounded; no zone is UTC."""
    assert iso(moment) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T09:30:00Z",
        "2026-01-15T09:30:00.000Z",
        "2026-01-15T09:30",
        "2026-01-15T11:30:00+02:00",
        "20260115T093000Z",
    ],
)
def test_dates_are_read_from_iso_8601(text: str) -> None:
    """With offset, with ``Z``, or without a zone, which is UTC; the result is aware and in UTC."""
    moment = parse_iso(text)
    assert moment == datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "undefined", "2026-13-01", "1768469400"])
def test_other_texts_are_no_dates(text: str) -> None:
    """What is not ISO 8601 raises ``ValueError``."""
    with pytest.raises(ValueError, match=r"isoformat|month"):
        parse_iso(text)


@pytest.mark.parametrize("micros", [0, 1, 999, 1000, 999_999])
@pytest.mark.parametrize("year", [1969, 1970, 2026, 9999])
def test_milliseconds_are_exact(year: int, micros: int) -> None:
    """Through milliseconds and back only the part below a millisecond is lost."""
    moment = datetime(year, 6, 15, 12, 0, 0, micros, tzinfo=UTC)
    assert from_millis(to_millis(moment)) == moment.replace(microsecond=micros // 1000 * 1000)
