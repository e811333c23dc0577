"""Dates by the tokens of moment.js (handlebars.md 6.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.jsonvalue import loads
from fairlead.templates.moment import format_moment, parse_date, parse_moment, zone_named
from tests.unit.templates.conftest import Render

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 2, 3, 16, 5, 9, 45678, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        ("YYYY YY", "2026 26"),
        ("M MM MMM MMMM Mo", "2 02 Feb February 2nd"),
        ("D DD Do DDD DDDD", "3 03 3rd 34 034"),
        ("d dd ddd dddd do e E", "2 Tu Tue Tuesday 2nd 2 2"),
        ("w ww W WW gggg GGGG", "6 06 6 06 2026 2026"),
        ("Q Qo", "1 1st"),
        ("H HH h hh A a", "16 16 4 04 PM pm"),
        ("m mm s ss", "5 05 9 09"),
        ("S SS SSS SSSSSS", "0 04 045 045678"),
        ("Z ZZ", "+01:00 +0100"),
        ("X x", "1770131109 1770131109045"),
        ("LT|LTS|L|l", "4:05 PM|4:05:09 PM|02/03/2026|2/3/2026"),
        ("LL|ll|LLL|lll", "February 3, 2026|Feb 3, 2026|February 3, 2026 4:05 PM|Feb 3, 2026 4:05 PM"),
        ("LLLL|llll", "Tuesday, February 3, 2026 4:05 PM|Tue, Feb 3, 2026 4:05 PM"),
        ("[YYYY] [at] jk\n.", "YYYY at jk\n."),
        ("YYYY-MM-DDTHH:mm:ss.SSS[Z]", "2026-02-03T16:05:09.045Z"),
    ],
)
def test_tokens(fmt: str, text: str) -> None:
    """Every token of the list; `[text]` is literal, other letters stand for themselves."""
    assert format_moment(MOMENT, fmt) == text


@pytest.mark.parametrize(("zone", "text"), [("America/New_York", "-04:56 -0456"), ("Europe/Berlin", "+00:53 +0053")])
def test_offsets_with_seconds(zone: str, text: str) -> None:
    """The seconds that offsets of before 1900 have are cut off, west of Greenwich too."""
    assert format_moment(datetime(1850, 6, 1, tzinfo=ZoneInfo(zone)), "Z ZZ") == text


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ((2025, 12, 28), "2026-1 2025-52"),
        ((2026, 1, 1), "2026-1 2026-1"),
        ((2026, 1, 4), "2026-2 2026-1"),
        ((2027, 1, 1), "2027-1 2026-53"),
        ((2022, 12, 31), "2022-53 2022-52"),
        ((9999, 12, 31), "9999-53 9999-52"),
    ],
)
def test_weeks(day: tuple[int, int, int], text: str) -> None:
    """English weeks begin on Sunday and the first holds 1 January; ISO weeks begin on Monday."""
    assert format_moment(datetime(day[0], day[1], day[2], tzinfo=UTC), "gggg-w GGGG-W") == text


@pytest.mark.parametrize(
    ("text", "fmt", "zone", "iso"),
    [
        ("02/03/2026 16:05", "MM/DD/YYYY HH:mm", None, "2026-02-03T16:05:00+00:00"),
        ("02/03/2026 16:05", "MM/DD/YYYY HH:mm", "America/New_York", "2026-02-03T16:05:00-05:00"),
        ("2026-02-03T16:05+02:00", "YYYY-MM-DDTHH:mmZ", "America/New_York", "2026-02-03T16:05:00+02:00"),
        ("3rd Feb 26, 4:05 pm", "Do MMM YY, h:mm a", None, "2026-02-03T16:05:00+00:00"),
        ("February 3, 1999 12:00 AM", "LLL", None, "1999-02-03T00:00:00+00:00"),
        ("12:30 AM 1/2/70", "hh:mm A D/M/YY", None, "1970-02-01T00:30:00+00:00"),
        ("20260203160509045", "YYYYMMDDHHmmssSSS", None, "2026-02-03T16:05:09.045000+00:00"),
        ("1770131109", "X", "Europe/Berlin", "2026-02-03T16:05:09+01:00"),
        ("-1000", "x", None, "1969-12-31T23:59:59+00:00"),
        ("2026-034", "YYYY-DDDD", None, "2026-02-03T00:00:00+00:00"),
        ("2026-W06-2", "GGGG-[W]WW-E", None, "2026-02-03T00:00:00+00:00"),
        ("2026 6 2", "gggg w e", None, "2026-02-03T00:00:00+00:00"),
        ("2026 Q3", "YYYY [Q]Q", None, "2026-07-01T00:00:00+00:00"),
        ("Tuesday 3.2.2026", "dddd D.M.YYYY", None, "2026-02-03T00:00:00+00:00"),
        ("2026-02-03 24:00", "YYYY-MM-DD HH:mm", None, "2026-02-04T00:00:00+00:00"),
        ("2026-03-29 02:30", "YYYY-MM-DD HH:mm", "Europe/Berlin", "2026-03-29T03:30:00+02:00"),
        ("08:15", "HH:mm", None, "2026-01-15T08:15:00+00:00"),
        ("5", "D", None, "2026-01-05T00:00:00+00:00"),
        ("7", "M", None, "2026-07-01T00:00:00+00:00"),
        ("2026/02/03", "YYYY-MM-DD", None, "2026-02-03T00:00:00+00:00"),
        ("2026-02-30", "YYYY-MM-DD", None, None),
        ("2026-13-01", "YYYY-MM-DD", None, None),
        ("2026-02-03 25:00", "YYYY-MM-DD HH:mm", None, None),
        ("Monday 3.2.2026", "dddd D.M.YYYY", None, None),
        ("3 Foo 2026", "D MMM YYYY", None, None),
        ("2026-400", "YYYY-DDD", None, None),
        ("never", "YYYY-MM-DD", None, None),
        ("", "YYYY", None, None),
        ("999999999999", "X", None, None),
        ("1768469400123", "X", None, None),
        ("12345678901234567", "x", None, None),
        ("3/5/2", "M/D/YY", None, "2002-03-05T00:00:00+00:00"),
    ],
)
def test_reading_by_a_format(text: str, fmt: str, zone: str | None, iso: str | None) -> None:
    """Reads as forgivingly as moment.js; an offset in the text wins over the zone; a day that does not exist is no date."""
    now = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
    found = parse_moment(text, fmt, ZoneInfo(zone) if zone else None, now=now)
    assert (found.isoformat() if found else None) == iso


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2026-01-15T09:30:00Z", "2026-01-15T09:30:00+00:00"),
        ("2026-01-15T09:30:00.1234567+05:30", "2026-01-15T09:30:00.123456+05:30"),
        ("2026-01-15 09:30", "2026-01-15T09:30:00+01:00"),
        ("2026-01-15T09", "2026-01-15T09:00:00+01:00"),
        ("2026-07-15", "2026-07-15T00:00:00+02:00"),
        ("20260115T093000Z", "2026-01-15T09:30:00+00:00"),
        ("2026-01", "2026-01-01T00:00:00+01:00"),
        ("2026", "2026-01-01T00:00:00+01:00"),
        ("2026-W03-4", "2026-01-15T00:00:00+01:00"),
        ("2026-015", "2026-01-15T00:00:00+01:00"),
        ("Thu, 15 Jan 2026 09:30:00 GMT", "2026-01-15T09:30:00+00:00"),
        ("15 Jan 26 09:30 -0500", "2026-01-15T09:30:00-05:00"),
        ("15 Jan 2026 09:30:00 EST", "2026-01-15T09:30:00-05:00"),
        ("1768469400", "2026-01-15T10:30:00+01:00"),
        (1768469400, "2026-01-15T10:30:00+01:00"),
        (1768469400123, "2026-01-15T10:30:00.123000+01:00"),
        ("1768469400123", "2026-01-15T10:30:00.123000+01:00"),
        (loads("1768469400.5"), "2026-01-15T10:30:00.500000+01:00"),
        ("01/15/2026", None),
        ("2026-02-30", None),
        ("2026-01-15T09:30:00+24:00", None),
        ("15 Foo 2026 09:30 GMT", None),
        ("12345", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ("9" * 10_000, None),
    ],
)
def test_forms_that_every_place_reads(value: Any, iso: str | None) -> None:
    """ISO 8601, RFC 2822, epoch seconds (10 digits) and milliseconds (13 digits); without offset in the zone given."""
    found = parse_date(value, BERLIN)
    assert (found.isoformat() if found else None) == iso


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ('{{dateFormat "DD.MM.YYYY" "01/02/2026" "MM/DD/YYYY"}}', "02.01.2026"),
        ('{{dateFormat "HH:mm" "2026-01-15T09:30:00Z" "Asia/Tokyo"}}', "18:30"),
        ('{{dateFormat "HH:mm Z" "09:30" "HH:mm" "America/New_York"}}', "04:30 -05:00"),
        ('{{dateFormat "" "2026-01-15"}}', "2026-01-15T00:00:00.000+00:00"),
        ('{{dateFormat "YYYY" "nonsense"}}{{dateFormat "YYYY" "x" "YYYY"}}', "Invalid dateInvalid date"),
        ('{{timestamp "HH:mm" "Europe/Berlin"}} {{timestamp "" "Europe/Berlin"}}', "10:30 2026-01-15T10:30:00.000Z"),
        ('{{dateAdd "2026-01-15"}} {{dateAdd "2026-01-15" "x"}} {{dateAdd "2026-01-15" "1e300"}}', "2026-01-15T00:00:00.000Z Invalid date Invalid date"),
        ('{{dateAdd "9999-12-31T23:00:00Z" 0 "Asia/Tokyo"}}', "Invalid date"),
        ('{{dateAdd 1768469400 "-0.5"}}', "2026-01-15T09:29:59.999Z"),
    ],
)  # fmt: skip
def test_helpers(render: Render, template: str, output: str) -> None:
    """A third argument that is a zone name counts as zone; a text without zone is UTC; what is no date says so."""
    assert render(template) == output


@pytest.mark.parametrize(
    "name", ["", "america", "America", "../../etc/passwd", "/etc/passwd", "Europe/Berlin\0", "a" * 100, "Europe"]
)
def test_names_that_are_no_zone(name: str) -> None:
    """Only names of the zone database are zones."""
    assert zone_named(name) is None


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)))
def test_there_and_back(moment: datetime) -> None:
    """What is written by a full format is read back by it, to the millisecond."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    for fmt in ("YYYY-MM-DDTHH:mm:ss.SSSZ", "dddd, Do MMMM YYYY h:mm:ss A SSS ZZ", "GGGG-[W]WW-E HH:mm:ss.SSS"):
        assert parse_moment(format_moment(moment, fmt), fmt, UTC) == moment
    assert parse_date(format_moment(moment, "YYYY-MM-DDTHH:mm:ss.SSS[Z]"), None) == moment
