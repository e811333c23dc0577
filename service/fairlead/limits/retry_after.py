"""What a retry header says (connections.md 7.2): an application's seconds, milliseconds, instants and dates told apart."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from fairlead.domain.http_date import seconds_until

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
        date = seconds_until(text, now)
        return None if date is None else max(0.0, date)
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
