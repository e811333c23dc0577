"""Dates as the contract writes and reads them (contract.md 1.6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:mm:ss.SSSZ``, UTC; what is finer than a millisecond is cut off. A date without zone is UTC."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_iso(text: str) -> datetime:
    """The aware UTC date of an ISO 8601 text with offset or ``Z``; without a zone it is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down. ``moment`` is aware."""
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """The aware UTC date of ``to_millis``."""
    return _EPOCH + millis * _MILLISECOND
