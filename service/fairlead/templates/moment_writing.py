"""Writes dates by the tokens of moment.js, English locale (handlebars.md 6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ISO_FORMAT: Final = "YYYY-MM-DDTHH:mm:ss.SSS[Z]"
"""Of a date in UTC."""

_TOKEN: Final = re.compile(
    r"\[[^\[\]]*\]|YYYY|YY|MMMM|MMM|MM|Mo|M|DDDD|DDDo|DDD|DD|Do|D|dddd|ddd|dd|do|d|e|E|ww|wo|w|WW|Wo|W|gggg|gg|GGGG|GG|Qo|Q"
    r"|HH|H|hh|h|mm|m|ss|s|S{1,9}|A|a|ZZ|Z|X|x|LTS|LT|LLLL|LLL|LL|L|llll|lll|ll|l|[\s\S]"
)
_LONG: Final = {
    "LT": "h:mm A",
    "LTS": "h:mm:ss A",
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}
_ZONE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+){0,3}")
_LONGEST_KEPT_FORMAT: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo | None:
    """The IANA zone of that name, or nothing."""
    if name == "UTC":
        return UTC
    if len(name) > 64 or not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database ("America") is an OSError
        return None


def tokens_of(fmt: str) -> tuple[str, ...]:
    """A format split into tokens; the long forms are written out, ``[text]`` stays as it is."""
    return _kept_tokens(fmt) if len(fmt) <= _LONGEST_KEPT_FORMAT else _tokens(fmt)


def _tokens(fmt: str) -> tuple[str, ...]:
    tokens: list[str] = []
    for token in _TOKEN.findall(fmt):
        tokens.extend(_TOKEN.findall(_LONG[token]) if token in _LONG else (token,))
    return tuple(tokens)


_kept_tokens = lru_cache(maxsize=256)(_tokens)


def ordinal(number: int) -> str:
    """``1st``, ``22nd``, ``13th``."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def weekday(day: date) -> int:
    """0 for Sunday."""
    return day.isoweekday() % 7


def week_of_year(day: date) -> tuple[int, int]:
    """Year and week of the English locale: weeks begin on Sunday, the first one holds 1 January."""
    saturday = day.toordinal() + 6 - weekday(day)
    try:
        year = date.fromordinal(saturday).year
    except ValueError:  # the last days of the year 9999
        year = day.year
    first = date(year, 1, 1)
    return year, (day.toordinal() - first.toordinal() + weekday(first)) // 7 + 1


def offset_text(moment: datetime, separator: str) -> str:
    """``+01:00`` or, without separator, ``+0100``."""
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    return f"{sign}{hours:02d}{separator}{minutes:02d}"


def epoch_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _hour12(moment: datetime) -> int:
    return moment.hour % 12 or 12


_WRITERS: Final[dict[str, Callable[[datetime], str]]] = {
    "YYYY": lambda m: f"{m.year:04d}",
    "YY": lambda m: f"{m.year % 100:02d}",
    "MMMM": lambda m: MONTHS[m.month - 1],
    "MMM": lambda m: MONTHS[m.month - 1][:3],
    "MM": lambda m: f"{m.month:02d}",
    "Mo": lambda m: ordinal(m.month),
    "M": lambda m: str(m.month),
    "DDDD": lambda m: f"{m.timetuple().tm_yday:03d}",
    "DDDo": lambda m: ordinal(m.timetuple().tm_yday),
    "DDD": lambda m: str(m.timetuple().tm_yday),
    "DD": lambda m: f"{m.day:02d}",
    "Do": lambda m: ordinal(m.day),
    "D": lambda m: str(m.day),
    "dddd": lambda m: WEEKDAYS[weekday(m)],
    "ddd": lambda m: WEEKDAYS[weekday(m)][:3],
    "dd": lambda m: WEEKDAYS[weekday(m)][:2],
    "do": lambda m: ordinal(weekday(m)),
    "d": lambda m: str(weekday(m)),
    "e": lambda m: str(weekday(m)),
    "E": lambda m: str(m.isoweekday()),
    "ww": lambda m: f"{week_of_year(m.date())[1]:02d}",
    "wo": lambda m: ordinal(week_of_year(m.date())[1]),
    "w": lambda m: str(week_of_year(m.date())[1]),
    "WW": lambda m: f"{m.isocalendar().week:02d}",
    "Wo": lambda m: ordinal(m.isocalendar().week),
    "W": lambda m: str(m.isocalendar().week),
    "gggg": lambda m: f"{week_of_year(m.date())[0]:04d}",
    "gg": lambda m: f"{week_of_year(m.date())[0] % 100:02d}",
    "GGGG": lambda m: f"{m.isocalendar().year:04d}",
    "GG": lambda m: f"{m.isocalendar().year % 100:02d}",
    "Qo": lambda m: ordinal((m.month + 2) // 3),
    "Q": lambda m: str((m.month + 2) // 3),
    "HH": lambda m: f"{m.hour:02d}",
    "H": lambda m: str(m.hour),
    "hh": lambda m: f"{_hour12(m):02d}",
    "h": lambda m: str(_hour12(m)),
    "mm": lambda m: f"{m.minute:02d}",
    "m": lambda m: str(m.minute),
    "ss": lambda m: f"{m.second:02d}",
    "s": lambda m: str(m.second),
    "A": lambda m: "PM" if m.hour >= 12 else "AM",
    "a": lambda m: "pm" if m.hour >= 12 else "am",
    "ZZ": lambda m: offset_text(m, ""),
    "Z": lambda m: offset_text(m, ":"),
    "X": lambda m: str(epoch_milliseconds(m) // 1000),
    "x": lambda m: str(epoch_milliseconds(m)),
}


def format_moment(moment: datetime, fmt: str) -> str:
    """An aware date in a moment.js format, in the zone it carries. Other letters stand for themselves."""
    pieces = []
    for token in tokens_of(fmt):
        if writer := _WRITERS.get(token):
            pieces.append(writer(moment))
        elif token[0] == "S":
            pieces.append(f"{moment.microsecond:06d}000"[: len(token)])
        elif len(token) > 1:
            pieces.append(token[1:-1])
        else:
            pieces.append(token)
    return "".join(pieces)
