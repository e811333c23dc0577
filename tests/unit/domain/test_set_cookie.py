"""Reading ``Set-Cookie``: dates, attributes, and what is broken (RFC 6265 5.1.1, 5.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.set_cookie import MAX_COOKIE, parse_cookie_date, parse_set_cookie

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

DATES: list[tuple[str, datetime | None]] = [
    ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37)),
    ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37)),
    ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37)),
    ("Sun, 06-Nov-1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37)),
    ("6 nov 1994 8:9:7", datetime(1994, 11, 6, 8, 9, 7)),
    ("1994/november/06 08:49:37", datetime(1994, 11, 6, 8, 49, 37)),
    ("08:49:37;06;november;1994", datetime(1994, 11, 6, 8, 49, 37)),
    ("06 Nov 1994 08:49:37 +0200", datetime(1994, 11, 6, 8, 49, 37)),
    ("06th Nov 1994AD 08:49:37.500", datetime(1994, 11, 6, 8, 49, 37)),
    ("06 Nov 69 00:00:00", datetime(2069, 11, 6)),
    ("06 Nov 70 00:00:00", datetime(1970, 11, 6)),
    ("06 Nov 99 00:00:00", datetime(1999, 11, 6)),
    ("06 Nov 00 00:00:00", datetime(2000, 11, 6)),
    ("29 Feb 2028 00:00:00", datetime(2028, 2, 29)),
    ("29 Feb 2027 00:00:00", None),
    ("31 Apr 2026 00:00:00", None),
    ("00 Nov 2026 00:00:00", None),
    ("32 Nov 2026 00:00:00", None),
    ("00 05 Nov 2026 00:00:00", None),
    ("06 Nov 1601 00:00:00", datetime(1601, 11, 6)),
    ("06 Nov 1600 00:00:00", None),
    ("06 Nov 123 00:00:00", None),
    ("06 Nov 12345 00:00:00", None),
    ("06 Nov 2026 24:00:00", None),
    ("06 Nov 2026 00:60:00", None),
    ("06 Nov 2026 00:00:60", None),
    ("06 Nov 2026 00:00", None),
    ("06 Nov 2026", None),
    ("Nov 2026 00:00:00", None),
    ("06 2026 00:00:00", None),
    ("06 Nov 00:00:00", None),
    ("06 Non 2026 00:00:00", None),
    ("", None),
    ("0", None),
]


@pytest.mark.parametrize(("text", "moment"), DATES)
def test_dates(text: str, moment: datetime | None) -> None:
    """Any order and any delimiter, time zones unread; two-digit years lie between 1970 and 2069; out of range is no date."""
    assert parse_cookie_date(text) == (moment.replace(tzinfo=UTC) if moment is not None else None)


@given(st.datetimes(datetime(1601, 1, 1), datetime(9999, 12, 31)))
def test_dates_as_http_writes_them(moment: datetime) -> None:
    """Every date of RFC 9110 5.6.7 is read to the second."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    text = f"Sun, {moment.day:02} {months[moment.month - 1]} {moment.year:04} {moment:%H:%M:%S} GMT"
    assert parse_cookie_date(text) == moment.replace(microsecond=0, tzinfo=UTC)


READ: list[tuple[str, dict[str, Any]]] = [
    ("SID=31d4d96e; Path=/; HttpOnly", {"name": "SID", "value": "31d4d96e", "path": "/"}),
    (" a \t= b c ;", {"name": "a", "value": "b c"}),
    ("a=b=c; d=e", {"name": "a", "value": "b=c"}),
    ('a="x y"', {"name": "a", "value": '"x y"'}),
    ("a=", {"name": "a", "value": ""}),
    ("a=ü", {"name": "a", "value": "ü"}),
    ("a=1;PATH=/x;pAtH = /y ", {"path": "/y"}),
    ("a=1; Path=/x; Path=relative", {"path": ""}),
    ("a=1; Path", {"path": ""}),
    ("a=1; Domain=.Example.TEST", {"domain": "example.test"}),
    ("a=1; Domain=a.test; Domain=b.test", {"domain": "b.test"}),
    ("a=1; Domain=a.test; Domain=", {"domain": "a.test"}),
    ("a=1; secure=no; SameSite=Strict; Partitioned; What=Ever", {"secure": True}),
    ("a=1; HttpOnly; SameSite=None", {"secure": False}),
    ("a=1; Max-Age=60", {"expires": NOW + timedelta(seconds=60)}),
    ("a=1; max-age=0060", {"expires": NOW + timedelta(seconds=60)}),
    ("a=1; Max-Age=0", {"expires": NOW}),
    ("a=1; Max-Age=-5", {"expires": NOW}),
    ("a=1; Max-Age=9999999999", {"expires": NOW + timedelta(seconds=9_999_999_999)}),
    ("a=1; Max-Age=999999999999", {"expires": LAST}),
    (f"a=1; Max-Age={'9' * 1000}", {"expires": LAST}),
    (f"a=1; Max-Age={'9' * 1025}", {"expires": None}),
    ("a=1; Max-Age=+60", {"expires": None}),
    ("a=1; Max-Age=1.5", {"expires": None}),
    ("a=1; Max-Age=-", {"expires": None}),
    ("a=1; Max-Age=", {"expires": None}),
    ("a=1; Max-Age=٦", {"expires": None}),
    ("a=1; Max-Age=5; Max-Age=bad", {"expires": NOW + timedelta(seconds=5)}),
    ("a=1; Expires=Thu, 15 Jan 2026 10:00:00 GMT", {"expires": datetime(2026, 1, 15, 10, tzinfo=UTC)}),
    ("a=1; Expires=Thu, 15 Jan 2026 10:00:00 GMT; Max-Age=7", {"expires": NOW + timedelta(seconds=7)}),
    ("a=1; Max-Age=7; Expires=Thu, 15 Jan 2026 10:00:00 GMT", {"expires": NOW + timedelta(seconds=7)}),
    ("a=1; Max-Age=bad; Expires=Thu, 15 Jan 2026 10:00:00 GMT", {"expires": datetime(2026, 1, 15, 10, tzinfo=UTC)}),
    ("a=1; Expires=soon", {"expires": None}),
    ("a=1; Expires=15 Jan 2026 10:00:00; Expires=soon", {"expires": datetime(2026, 1, 15, 10, tzinfo=UTC)}),
    (f"a=1; Path=/{'x' * 1024}", {"path": ""}),
]


@pytest.mark.parametrize(("line", "members"), READ)
def test_what_a_field_asks_for(line: str, members: dict[str, Any]) -> None:
    """Attribute names have no case, the last readable one counts, ``Max-Age`` beats ``Expires``, quotes belong to the value."""
    asked = parse_set_cookie(line, NOW)
    assert asked is not None
    assert {name: getattr(asked, name) for name in members} == members


@pytest.mark.parametrize(
    "line", ["", ";", "a", "a; b=c", "=b", " =b", "a=b\rc", "a=b\nX: 1", "a=\x00", "a=1; Path=/\x7f"]
)
def test_broken_fields_are_ignored(line: str) -> None:
    """No equals sign before the first semicolon, no name, a control character: nothing is set."""
    assert parse_set_cookie(line, NOW) is None


@pytest.mark.parametrize(
    ("value", "kept"), [("x" * (MAX_COOKIE - 1), True), ("x" * MAX_COOKIE, False), ("ü" * 2048, False)]
)
def test_the_size_of_a_cookie(value: str, kept: bool) -> None:
    """Name and value together have at most 4096 bytes."""
    assert (parse_set_cookie(f"a={value}", NOW) is not None) is kept


@given(st.text(max_size=200))
def test_any_text_is_read_or_ignored(line: str) -> None:
    """No field is an error, and what is read can stand in a header."""
    asked = parse_set_cookie(line, NOW)
    if asked is not None:
        assert asked.name
        assert not set("\r\n\0;") & set(asked.name + asked.value)


def test_no_value_in_a_repr() -> None:
    """A cookie is a credential: only its name is shown."""
    assert repr(parse_set_cookie("SID=31d4d96e", NOW)) == "SetCookie(SID)"
