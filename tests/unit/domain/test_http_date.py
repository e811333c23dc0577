"""Dates of headers (RFC 9110 5.6.7)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fairlead.domain.http_date import seconds_until

NOW = datetime(1994, 11, 6, 8, 49, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 7),
        ("Sun Nov  6 08:49:37 1994", 7),
        ("Sun, 06 Nov 1994 08:49:00 GMT", -30),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 7),
        ("", None),
        ("soon", None),
        ("1994-11-06T08:49:37Z", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT" + " " * 100, None),
    ],
)
def test_forms(text: str, seconds: float | None) -> None:
    """All three forms of the RFC, and anything else is no date."""
    assert seconds_until(text, NOW) == seconds
