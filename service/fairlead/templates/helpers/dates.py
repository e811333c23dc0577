"""Dates (handlebars.md 6.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from fairlead.engine.ports import TemplateError
from fairlead.templates.budget import bounded
from fairlead.templates.helpers.arguments import Arguments, Helper, Known, known_text
from fairlead.templates.moment import ISO_FORMAT, format_moment, parse_date, parse_moment, zone_named
from fairlead.templates.values import Value

_INVALID: Final = "Invalid date"
_OFFSET_FORMAT: Final = "YYYY-MM-DDTHH:mm:ss.SSSZ"


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    zone = zone_named(name)
    if zone is None:
        raise TemplateError(f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin")
    return zone


def _written(moment: datetime, fmt: str) -> str:
    # the longest token, LLLL, is written eleven times as long as it is
    bounded(len(fmt) * 12)
    return format_moment(moment, fmt)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime | None:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        return None


def _timestamp(arguments: Arguments) -> Value:
    moment = arguments.rendering.scope.now.astimezone(_zone(arguments.text(1)))
    return _written(moment, arguments.text(0) or ISO_FORMAT)


def _date_format(arguments: Arguments) -> Value:
    read_by, zone_name = arguments.text(2), arguments.text(3)
    if not zone_name and zone_named(read_by):
        read_by, zone_name = "", read_by
    zone = _zone(zone_name)
    if read_by:
        moment = parse_moment(arguments.text(1), read_by, UTC, now=arguments.rendering.scope.now)
    else:
        moment = parse_date(arguments.value(1), UTC)
    local = _in_zone(moment, zone) if moment else None
    return _written(local, arguments.text(0) or _OFFSET_FORMAT) if local else _INVALID


def _date_add(arguments: Arguments) -> Value:
    moment = parse_date(arguments.value(0), UTC)
    milliseconds = arguments.number(1) if arguments.text(1) else 0.0
    zone_name = arguments.text(2)
    zone = _zone(zone_name)
    if moment is None or math.isnan(milliseconds):
        return _INVALID
    try:
        local = _in_zone(moment + timedelta(milliseconds=milliseconds), zone)
    except OverflowError:
        return _INVALID
    if local is None:
        return _INVALID
    return format_moment(local, _OFFSET_FORMAT if zone_name else ISO_FORMAT)


def _checked(call: Callable[[Arguments], Value], zone_at: int) -> Helper:
    def check(known: Known) -> None:
        _zone(known_text(known, zone_at) or "")

    return Helper(call, check)


HELPERS: Final = {
    "timestamp": _checked(_timestamp, 1),
    "dateFormat": _checked(_date_format, 3),
    "dateAdd": _checked(_date_add, 2),
}
