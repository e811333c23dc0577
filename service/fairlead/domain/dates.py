"""Dates as the contract writes and reads them (contract.md 1.6)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
_SECONDS_BELOW: Final = 100_000_000_000
_MILLISECOND: Final = timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:mm:ss.SSSZ``, UTC; what is finer than a millisecond is cut off. A date without zone is UTC."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_iso(text: str) -> datetime:
    """The aware UTC date of an ISO 8601 text with offset or ``Z``; without a zone it is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """The aware UTC date of an ISO 8601 text, or of the seconds or milliseconds since 1970 in digits (contract.md 2.6): numbers below
    10^11 are seconds, which reach to the year 5138. Raises ``ValueError``."""
    if not _EPOCH_NUMBER.fullmatch(text):
        return parse_iso(text)
    number = float(text)
    seconds = number if abs(number) < _SECONDS_BELOW else number / 1000
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{text} is no date between the years 1 and 9999") from None


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down. ``moment`` is aware."""
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """The aware UTC date of ``to_millis``."""
    return _EPOCH + millis * _MILLISECOND
