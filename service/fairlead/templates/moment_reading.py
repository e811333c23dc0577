"""Text to date: by a moment.js format, or by the forms every place accepts (handlebars.md 6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from msgspec import Raw

from fairlead.templates.moment_writing import MONTHS, WEEKDAYS, tokens_of, week_of_year, weekday

_LONGEST: Final = 200
"""Characters of a date or of a format to read by."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH_NUMBERS: Final = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
_WEEKDAY_NUMBERS: Final = {name[:3].lower(): number for number, name in enumerate(WEEKDAYS)}
_ISO: Final = re.compile(
    r"(?P<year>[0-9]{4})"
    r"(?:-?W(?P<week>[0-9]{2})(?:-?(?P<isoday>[1-7]))?|-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?"
    r"|(?P<bmonth>[0-9]{2})(?P<bday>[0-9]{2})|-?(?P<yday>[0-9]{3}))?"
    r"(?:[T ](?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    r"\s?(?P<zone>Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_RFC2822: Final = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?(?P<day>[0-9]{1,2})\s+(?P<month>[A-Z][a-z]{2})\s+(?P<year>[0-9]{2}|[0-9]{4})"
    r"\s+(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?\s+(?P<zone>[A-Z]{1,3}|[+-][0-9]{4})"
)
_NAMED_OFFSETS: Final = {
    "Z": 0, "UT": 0, "GMT": 0, "UTC": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_EPOCH_TEXT: Final = re.compile(r"-?([0-9]{10}|[0-9]{13})(?:\.[0-9]+)?")

_NAMES: Final = "|".join(name[:3] for name in MONTHS)
_DAY_NAMES: Final = "|".join(sorted({name[:n] for name in WEEKDAYS for n in (2, 3, len(name))}, key=len, reverse=True))
_TWO: Final = r"[0-9]{1,2}"
_OFFSET: Final = r"Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}"


@dataclass(slots=True)
class _Fields:
    """What the tokens of a format found."""

    values: dict[str, int] = field(default_factory=dict)
    month_unknown: bool = False
    afternoon: bool | None = None
    zone: tzinfo | None = None
    epoch: timedelta | None = None


def _number(name: str) -> Callable[[_Fields, str], None]:
    def read(fields: _Fields, text: str) -> None:
        fields.values[name] = int(re.sub("[^0-9]", "", text))

    return read


def _year(name: str, *, short: bool = False) -> Callable[[_Fields, str], None]:
    def read(fields: _Fields, text: str) -> None:
        year = int(text)
        fields.values[name] = year + (1900 if year > 68 else 2000) if short or len(text) == 2 else year

    return read


def _quarter(fields: _Fields, text: str) -> None:
    fields.values["month"] = int(text) * 3 - 2


def _month_name(fields: _Fields, text: str) -> None:
    fields.values["month"] = _MONTH_NUMBERS[text[:3].lower()]


def _day_name(fields: _Fields, text: str) -> None:
    fields.values["weekday"] = next(at for name, at in _WEEKDAY_NUMBERS.items() if name.startswith(text[:3].lower()))


def _fraction(fields: _Fields, text: str) -> None:
    fields.values["microsecond"] = int(text.ljust(6, "0")[:6])


def _meridiem(fields: _Fields, text: str) -> None:
    fields.afternoon = text[0] in "pP"


def _zone(fields: _Fields, text: str) -> None:
    fields.zone = offset_zone(text)


def _seconds(fields: _Fields, text: str) -> None:
    whole, _, part = text.lstrip("+-").partition(".")
    found = timedelta(seconds=int(whole), milliseconds=int((part or "0").ljust(3, "0")))
    fields.epoch = -found if text.startswith("-") else found


def _milliseconds(fields: _Fields, text: str) -> None:
    fields.epoch = timedelta(milliseconds=int(text))


_READERS: Final[dict[str, tuple[str, Callable[[_Fields, str], None]]]] = {
    **dict.fromkeys(("M", "MM"), (_TWO, _number("month"))),
    **dict.fromkeys(("MMM", "MMMM"), (rf"(?:{'|'.join(MONTHS)}|{_NAMES})", _month_name)),
    **dict.fromkeys(("D", "DD"), (_TWO, _number("day"))),
    "Do": (r"[0-9]{1,2}(?:st|nd|rd|th)?", _number("day")),
    "Mo": (r"[0-9]{1,2}(?:st|nd|rd|th)?", _number("month")),
    "do": (r"[0-9]{1,2}(?:st|nd|rd|th)?", _number("weekday")),
    **dict.fromkeys(("DDD", "DDDD"), (r"[0-9]{1,3}", _number("yday"))),
    **dict.fromkeys(("dd", "ddd", "dddd"), (_DAY_NAMES, _day_name)),
    **dict.fromkeys(("d", "e"), (r"[0-9]", _number("weekday"))),
    "E": (r"[1-7]", _number("isoday")),
    **dict.fromkeys(("w", "ww"), (_TWO, _number("week"))),
    **dict.fromkeys(("W", "WW"), (_TWO, _number("isoweek"))),
    "YYYY": (r"[0-9]{1,4}", _year("year")),
    "YY": (_TWO, _year("year", short=True)),
    "gggg": (r"[0-9]{1,4}", _year("weekyear")),
    "GGGG": (r"[0-9]{1,4}", _year("isoyear")),
    **dict.fromkeys(("Q", "Qo"), (r"[1-4](?:st|nd|rd|th)?", lambda fields, text: _quarter(fields, text[0]))),
    **dict.fromkeys(("H", "HH", "h", "hh"), (_TWO, _number("hour"))),
    **dict.fromkeys(("m", "mm"), (_TWO, _number("minute"))),
    **dict.fromkeys(("s", "ss"), (_TWO, _number("second"))),
    **dict.fromkeys(("A", "a"), (r"[apAP]\.?[mM]?\.?", _meridiem)),
    **dict.fromkeys(("Z", "ZZ"), (_OFFSET, _zone)),
    "X": (r"(?<![0-9])[+-]?[0-9]{1,13}(?![0-9])(?:\.[0-9]{1,3})?", _seconds),
    "x": (r"(?<![0-9])[+-]?[0-9]{1,15}(?![0-9])", _milliseconds),
}
_COMPILED: Final = {token: (re.compile(pattern, re.IGNORECASE), read) for token, (pattern, read) in _READERS.items()}
_DIGITS: Final = re.compile("[0-9]+")


def offset_zone(text: str) -> tzinfo | None:
    """The zone of ``Z``, ``+01:00``, ``+0100`` or ``+01``; nothing when the offset is a day or more."""
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset >= timedelta(days=1):
        return None
    return timezone(-offset if text[0] == "-" else offset)


def parse_moment(text: str, fmt: str, zone: tzinfo | None, *, now: datetime = _EPOCH) -> datetime | None:
    """The date that ``text`` is in a moment.js format, or nothing when it is none.

    Reads as forgivingly as moment.js: what stands between the tokens need not agree. An offset in the text wins over ``zone`` (UTC when
    absent). Without year, month and day the date is that of ``now``; smaller parts that are missing are the first.
    """
    if not text or len(text) > _LONGEST or len(fmt) > _LONGEST:
        return None
    fields, rest, found = _Fields(), text, False
    for token in tokens_of(fmt):
        pattern, read = _COMPILED.get(token, (None, None))
        if pattern is None and token[0] == "S":
            pattern, read = _DIGITS, _fraction
        if pattern is None or read is None:
            literal = token[1:-1] if len(token) > 1 else token
            at = rest.find(literal)
            rest = rest[at + len(literal) :] if at >= 0 else rest
        elif match := pattern.search(rest):
            read(fields, match.group()[: len(token)] if token[0] == "S" else match.group())
            rest = rest[match.end() - _unread(token, match) :]
            found = True
        elif token.startswith("MMM"):
            return None
    return _moment_of(fields, zone or UTC, now) if found else None


def _unread(token: str, match: re.Match[str]) -> int:
    """Digits of a fraction that the token leaves to the next one."""
    return max(0, len(match.group()) - len(token)) if token[0] == "S" else 0


def _moment_of(fields: _Fields, zone: tzinfo, now: datetime) -> datetime | None:
    zone = fields.zone or zone
    try:
        if fields.epoch is not None:
            return (_EPOCH + fields.epoch).astimezone(zone)
        day = _date_of(fields.values, now.astimezone(zone))
        if fields.values.get("weekday", weekday(day)) != weekday(day):
            return None
        hour = fields.values.get("hour", 0)
        if fields.afternoon is True and hour < 12:
            hour += 12
        elif fields.afternoon is False and hour == 12:
            hour = 0
        minute, second = fields.values.get("minute", 0), fields.values.get("second", 0)
        return at_local_time(day, hour, minute, second, fields.values.get("microsecond", 0), zone)
    except (ValueError, OverflowError):
        return None


def _date_of(values: dict[str, int], now: datetime) -> date:
    """The day; raises ``ValueError`` when there is no such day."""
    if "isoweek" in values or "isoday" in values or "isoyear" in values:
        here = now.isocalendar()
        return date.fromisocalendar(
            values.get("isoyear", values.get("year", here.year)), values.get("isoweek", 1), values.get("isoday", 1)
        )
    if "week" in values or "weekyear" in values:
        year = values.get("weekyear", values.get("year", week_of_year(now.date())[0]))
        first = date(year, 1, 1)
        return first + timedelta(days=7 * (values.get("week", 1) - 1) + values.get("weekday", 0) - weekday(first))
    if "yday" in values:
        year = values.get("year", now.year)
        day = date(year, 1, 1) + timedelta(days=values["yday"] - 1)
        if day.year != year:
            raise ValueError("no such day of the year")
        return day
    if "year" in values:
        return date(values["year"], values.get("month", 1), values.get("day", 1))
    if "month" in values:
        return date(now.year, values["month"], values.get("day", 1))
    if "day" in values:
        return date(now.year, now.month, values["day"])
    if "weekday" in values:
        return now.date() + timedelta(days=values["weekday"] - weekday(now.date()))
    return now.date()


def at_local_time(day: date, hour: int, minute: int, second: int, microsecond: int, zone: tzinfo) -> datetime:
    """That time on the clock of ``zone``; a time that the clock skips moves forward with it. 24:00 is the next midnight."""
    if hour == 24 and not (minute or second or microsecond):
        day, hour = day + timedelta(days=1), 0
    local = datetime(day.year, day.month, day.day, hour, minute, second, microsecond, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)


def parse_date(value: Any, zone: tzinfo | None) -> datetime | None:
    """The date in an ISO 8601 or RFC 2822 text, or in epoch milliseconds (13 digits) or seconds (10 digits); else nothing.

    A text without offset is in ``zone`` (UTC when absent); the result is aware.
    """
    if isinstance(value, Raw):
        text = bytes(value).decode("ascii", "replace")
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        text = str(value).strip() if not isinstance(value, float) else repr(value)
    else:
        return None
    if not text or len(text) > _LONGEST:
        return None
    try:
        if match := _EPOCH_TEXT.fullmatch(text):
            seconds = len(match.group(1)) == 10
            since = timedelta(seconds=float(text)) if seconds else timedelta(milliseconds=float(text))
            return (_EPOCH + since).astimezone(zone or UTC)
        if match := _ISO.fullmatch(text):
            return _iso(match, zone or UTC)
        if match := _RFC2822.fullmatch(text):
            return _rfc2822(match)
    except (ValueError, OverflowError):
        return None
    return None


def _iso(match: re.Match[str], zone: tzinfo) -> datetime | None:
    part = match.groupdict()
    year = int(part["year"])
    if part["week"]:
        day = date.fromisocalendar(year, int(part["week"]), int(part["isoday"] or 1))
    elif part["yday"]:
        day = date(year, 1, 1) + timedelta(days=int(part["yday"]) - 1)
        if day.year != year:
            return None
    else:
        day = date(year, int(part["month"] or part["bmonth"] or 1), int(part["day"] or part["bday"] or 1))
    fraction = int((part["fraction"] or "0").ljust(6, "0")[:6])
    own = offset_zone(part["zone"]) if part["zone"] else zone
    if own is None:
        return None
    return at_local_time(day, int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0), fraction, own)


def _rfc2822(match: re.Match[str]) -> datetime | None:
    part = match.groupdict()
    year = int(part["year"])
    if len(part["year"]) == 2:
        year += 2000 if year < 50 else 1900
    month = _MONTH_NUMBERS.get(part["month"].lower())
    named = _NAMED_OFFSETS.get(part["zone"])
    own = offset_zone(part["zone"]) if part["zone"][0] in "+-" else None
    if named is not None:
        own = timezone(timedelta(hours=named))
    if month is None or own is None:
        return None
    day = date(year, month, int(part["day"]))
    return at_local_time(day, int(part["hour"]), int(part["minute"]), int(part["second"] or 0), 0, own)
