"""Dates of headers (RFC 9110 5.6.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST: Final = 100


def seconds_until(text: str, now: datetime) -> float | None:
    """Seconds from ``now`` until a date in any of the three forms of a header, negative when it is over; nothing when it is no date."""
    if not text[:1].isalpha() or len(text) > _LONGEST:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - now).total_seconds()
