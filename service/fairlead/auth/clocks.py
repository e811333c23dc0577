"""Clocks that do not agree: why an application refuses what is signed together with the time (connections.md 3.6, 3.8, 3.9)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from fairlead.domain.http import HttpResponse
from fairlead.engine.ports import Answer, AuthSession, RenewalRefused, Verdict

_SUSPICIOUS_SECONDS: Final = 60.0  # applications commonly accept five minutes; some only one
_LONGEST_DATE: Final = 40


def explain_clock(answer: Answer, session: AuthSession, refused: str, why: str) -> None:
    """Raise ``RenewalRefused`` when credentials were refused by an application whose clock is far from this one, by the ``Date`` of its
    answer (RFC 9110 6.6.1): ``refused`` is what it refused, ``why`` what that has to do with the time."""
    if answer.verdict is not Verdict.AUTHENTICATION_FAILED:
        return
    ahead = _seconds_ahead(answer.response, session.clock.now())
    if ahead is not None and abs(ahead) > _SUSPICIOUS_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        status = answer.response.status
        raise RenewalRefused(
            f"the application refused {refused}, and its clock is {abs(ahead):.0f} s {direction} this one: {why}, so both"
            f" must agree; correct the clock that is wrong. It says: {answer.message}",
            status=status if status >= 400 else 401,
        )


def _seconds_ahead(response: HttpResponse, now: datetime) -> float | None:
    """How far the application's clock is ahead; nothing when its ``Date`` is missing or no date."""
    text = response.headers.get("Date") or ""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - now).total_seconds()
