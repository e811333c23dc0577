"""One ``Set-Cookie`` field, read as a browser reads it: whatever is broken is ignored, never an error (RFC 6265 5.1.1, 5.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MAX_COOKIE: Final = 4096
"""Bytes of name and value together; a longer cookie is ignored (RFC 6265 6.1)."""

_MAX_ATTRIBUTE: Final = 1024
_BLANKS: Final = " \t"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECONDS: Final = re.compile(r"-?[0-9]+")
_LAST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

_DELIMITERS: Final = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR: Final = 1601


@dataclass(frozen=True, slots=True)
class SetCookie:
    """What one field asks for, before anybody judged whether this host may ask for it. ``repr`` shows the name only."""

    name: str
    value: str
    domain: str = ""
    """Lower case, without the leading dot; empty: not said."""
    path: str = ""
    """Empty: not said, or not one that starts with a slash."""
    secure: bool = False
    expires: datetime | None = None

    def __repr__(self) -> str:
        return f"SetCookie({self.name})"


def parse_set_cookie(line: str, now: datetime) -> SetCookie | None:
    """What the field ``line`` asks for; nothing when it has no name, no equals sign, a control character or more than ``MAX_COOKIE``
    bytes. Attribute names have no case, the last of a name counts, one with a broken value does not; ``Max-Age`` wins over ``Expires``
    (RFC 6265 5.2, 5.3). Control characters: RFC 6265bis 5.6."""
    if _CONTROL.search(line):
        return None
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_BLANKS), value.strip(_BLANKS)
    if not equals or not name or _size(name) + _size(value) > MAX_COOKIE:
        return None
    domain = path = ""
    secure = False
    expires: datetime | None = None
    until: datetime | None = None
    for attribute in attributes:
        word, _, text = attribute.partition("=")
        word, text = word.strip(_BLANKS).lower(), text.strip(_BLANKS)
        if _size(text) > _MAX_ATTRIBUTE:
            continue
        if word == "expires":
            expires = parse_cookie_date(text) or expires
        elif word == "max-age" and _SECONDS.fullmatch(text):
            until = _after(now, text)
        elif word == "domain" and text:
            domain = text.removeprefix(".").lower()
        elif word == "path":
            path = text if text.startswith("/") else ""
        elif word == "secure":
            secure = True
    return SetCookie(name, value, domain, path, secure, until or expires)


def parse_cookie_date(text: str) -> datetime | None:
    """The moment that a cookie date means, in any of the forms in use; nothing when it has no day, month, year or time, or one that is
    out of range (RFC 6265 5.1.1)."""
    time: re.Match[str] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (match := _TIME.match(token)):
            time = match
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = _full(int(match[1]))
    if time is None or day is None or month is None or year is None or year < _FIRST_YEAR:
        return None
    try:
        return datetime(year, month, day, int(time[1]), int(time[2]), int(time[3]), tzinfo=UTC)
    except ValueError:
        return None


def _full(year: int) -> int:
    if year >= 100:
        return year
    return year + (1900 if year >= 70 else 2000)


def _after(now: datetime, seconds: str) -> datetime:
    """``now`` for zero and less, the last moment there is for more seconds than fit."""
    try:
        return now + timedelta(seconds=max(0, int(seconds)))
    except OverflowError:
        return _LAST


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
