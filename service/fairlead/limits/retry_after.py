"""What a retry header says (connections.md 7.2): an application's seconds, milliseconds, instants and dates told apart."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST: Final = 100
_NUMBER: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?", re.IGNORECASE)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNIX_MILLISECONDS: Final = 1e12
_UNIX_SECONDS: Final = 1e9
_MILLISECONDS: Final = 1000.0


def wait_seconds(header_name_is_standard: bool, value: str | None, now: datetime) -> float | None:
    """Seconds to wait, 0 for an instant in the past; nothing (back-off) when the header is missing, negative or not readable.
    A bare number from 1000 on counts seconds in ``Retry-After`` and milliseconds in any other header."""
    text = (value or "").strip()
    if not text or len(text) > _LONGEST:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _until_date(text, now)
    number = float(match[1])
    if match[2]:
        return number * _UNITS[match[2].lower()]
    if number >= _UNIX_MILLISECONDS:
        return max(0.0, number / 1000 - now.timestamp())
    if number >= _UNIX_SECONDS:
        return max(0.0, number - now.timestamp())
    if number >= _MILLISECONDS and not header_name_is_standard:
        return number / 1000
    return number


def _until_date(text: str, now: datetime) -> float | None:
    """An HTTP date in any of its three forms (RFC 9110 5.6.7)."""
    if not text[0].isalpha():
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
