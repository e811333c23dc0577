"""Clocks that do not agree: why an application refuses what is signed together with the time (connections.md 3.6, 3.8, 3.9)."""

from __future__ import annotations

from typing import Final

from fairlead.domain.http_date import seconds_until
from fairlead.engine.ports import Answer, AuthSession, RenewalRefused, Verdict

_SUSPICIOUS_SECONDS: Final = 60.0  # applications commonly accept five minutes; some only one


def explain_clock(answer: Answer, session: AuthSession, refused: str, why: str) -> None:
    """Raise ``RenewalRefused`` when credentials were refused by an application whose clock is far from this one, by the ``Date`` of its
    answer (RFC 9110 6.6.1): ``refused`` is what it refused, ``why`` what that has to do with the time."""
    if answer.verdict is not Verdict.AUTHENTICATION_FAILED:
        return
    ahead = seconds_until(answer.response.headers.get("Date") or "", session.clock.now())
    if ahead is not None and abs(ahead) > _SUSPICIOUS_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        status = answer.response.status
        raise RenewalRefused(
            f"the application refused {refused}, and its clock is {abs(ahead):.0f} s {direction} this one: {why}, so both"
            f" must agree; correct the clock that is wrong. It says: {answer.message}",
            status=status if status >= 400 else 401,
        )
