"""Composite objects of mapping 2.0: a record shown one element at a time (exports-imports.md 11)."""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.domain.paths import ALL, NOTHING, Step, elements_of, step_into
from fairlead.engine.ports import Json
from fairlead.mapping.bounds import Room


def views(value: Json, steps: tuple[Step, ...], room: Room) -> Iterator[Json]:
    """One copy of ``value`` for each match of the path, in which every ``[*]`` and ``[n]`` of it is replaced by the element. Objects
    that lie on the path are copied, all else is shared. Raises ``MappingError`` when ``room`` ends."""
    if not steps:
        room.rows(1)
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is ALL:
        for element in elements_of(value):
            yield from views(element, rest, room)
        return
    inner = step_into(value, step)
    if inner is NOTHING:
        return
    if isinstance(step, int):
        yield from views(inner, rest, room)
        return
    for view in views(inner, rest, room):
        if view is inner:
            yield value
        else:
            room.copies(len(value))
            yield {**value, step: view}
