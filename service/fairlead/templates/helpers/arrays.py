"""Arrays and objects (handlebars.md 6.3)."""

from __future__ import annotations

from typing import Final

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import TemplateError
from fairlead.templates.helpers.arguments import Arguments, Helper
from fairlead.templates.numbers import number_of
from fairlead.templates.scope import member, parts_of, walk
from fairlead.templates.values import PrintedList, Value, text_of, truth, type_name, unit_key

_SORTING: Final = 24
"""As how many characters more an element counts that is sorted: its key is made, and compared with a dozen others."""


def _after(arguments: Arguments) -> Value:
    return arguments.array(0)[max(arguments.integer(1, 0), 0) :]


def _before(arguments: Arguments) -> Value:
    array = arguments.array(0)
    return array[: max(len(array) - max(arguments.integer(1, 0), 0), 0)]


def _first(arguments: Arguments) -> Value:
    array = arguments.array(0)
    return array[0] if array else NOTHING


def _last(arguments: Arguments) -> Value:
    array = arguments.array(0)
    return array[-1] if array else NOTHING


def _arrayify(arguments: Arguments) -> Value:
    value = arguments.value(0)
    if isinstance(value, list):
        return value
    return [value] if arguments.given(0) else []


def _pluck(arguments: Arguments) -> Value:
    parts = parts_of(arguments.text(1))
    found = [walk(element, parts) for element in arguments.paid(arguments.array(0), len(parts))]
    return [None if value is NOTHING else value for value in found]


def _sort(arguments: Arguments) -> Value:
    array = list(arguments.paid(arguments.array(0), _SORTING))
    backwards = _switched_on(arguments, "reverse")
    if _switched_on(arguments, "number"):
        numbers = sorted(
            (value for value in array if number_of(value) == number_of(value)), key=number_of, reverse=backwards
        )
        return PrintedList(numbers + [value for value in array if number_of(value) != number_of(value)])
    return PrintedList(sorted(array, key=lambda value: unit_key(text_of(value)), reverse=backwards))


def _switched_on(arguments: Arguments, name: str) -> bool:
    value = arguments.named.get(name, False)
    return truth(value) and value != "false"


def _unique(arguments: Arguments) -> Value:
    seen: set[tuple[str, object]] = set()
    kept = []
    for value in arguments.paid(arguments.array(0)):
        kind = type_name(value)
        if kind not in ("object", "array"):
            key = (kind, number_of(value) if kind == "number" and not isinstance(value, int) else value)
            if key in seen:
                continue
            seen.add(key)
        kept.append(value)
    return kept


def _get_value(arguments: Arguments) -> Value:
    parts = parts_of(arguments.text(0))
    value = arguments.rendering.root.find(parts) if parts else NOTHING
    return arguments.value(1) if value is NOTHING or value is None else value


def _lookup(arguments: Arguments) -> Value:
    """A static lookup when the first argument is text, else the member of an object or array."""
    source = arguments.value(0)
    if not isinstance(source, str):
        return member(source, arguments.text(1))
    lookups = arguments.rendering.scope.lookups
    if source not in lookups:
        known = ", ".join(sorted(lookups)) or "none"
        raise TemplateError(f"lookup: there is no static lookup {source!r}; this resource has {known}")
    return lookups[source](None if arguments.value(1) is NOTHING else arguments.value(1))


HELPERS: Final = {
    "after": Helper(_after),
    "before": Helper(_before),
    "first": Helper(_first),
    "last": Helper(_last),
    "arrayify": Helper(_arrayify),
    "pluck": Helper(_pluck),
    "sort": Helper(_sort),
    "unique": Helper(_unique),
    "getValue": Helper(_get_value),
    "lookup": Helper(_lookup),
}
