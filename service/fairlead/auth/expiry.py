"""When a token ends, and from when on it is renewed ahead of that (connections.md 3.2, 3.3)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.engine.ports import AuthSession, Json

LONGEST: Final = 3653 * 86_400.0
"""Seconds of ten years: whoever says more says nothing."""
_MARGIN: Final = 60.0
_SHARE: Final = 0.1
_SECONDS: Final = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_PAYLOAD: Final = 8192
_DEEPEST_PAYLOAD: Final = 16


def lifetime(expires_in: Json) -> float | None:
    """Seconds that a token lives by an ``expires_in``: a number or its digits as text, above 0 and at most ten years. Anything else
    means that nobody knows."""
    if isinstance(expires_in, str):
        seconds = float(expires_in) if _SECONDS.fullmatch(expires_in) else None
    else:
        seconds = jsonvalue.number_of(expires_in)
    return float(seconds) if seconds is not None and 0 < seconds <= LONGEST else None


def lifetime_of_jwt(token: str, now: datetime) -> float | None:
    """Seconds until the ``exp`` of a token that is a JSON web token (RFC 7519 4.1.4); nobody checks its signature here: the token is
    the application's own. Nothing when it is none, says nothing, or has ended."""
    parts = token.split(".")
    if len(parts) != 3 or not token.startswith("eyJ") or len(parts[1]) > _LONGEST_PAYLOAD:
        return None
    if _PART.fullmatch(parts[1]) is None or len(parts[1]) % 4 == 1:
        return None
    try:
        payload = jsonvalue.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), max_depth=_DEEPEST_PAYLOAD)
    except jsonvalue.JsonError:
        return None
    end = jsonvalue.number_of(payload.get("exp")) if isinstance(payload, dict) else None
    # Compared before it is subtracted: digits have no bound, a double has.
    if end is None or not 0 < end < 1e11:
        return None
    return lifetime_left if 0 < (lifetime_left := end - now.timestamp()) <= LONGEST else None


def ends(seconds: float | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """When a token that lives ``seconds`` from now on ends, and from when on it is renewed: when less than 60 seconds or a tenth of its
    life remains, whichever is less."""
    if seconds is None:
        return None, None
    expires = now + timedelta(seconds=seconds)
    return expires, expires - timedelta(seconds=min(_MARGIN, seconds * _SHARE))


def is_near(session: AuthSession) -> bool:
    """Whether the end of the session's token is known and that near."""
    at = session.credentials.renew_from
    return at is not None and at < session.clock.now()
