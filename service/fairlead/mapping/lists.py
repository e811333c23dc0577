"""Lists of mapping 1.0: rows from one or more arrays (exports-imports.md 10.4, 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.domain.paths import ALL, NOTHING, PathError, Step, elements_of, step_into
from fairlead.engine.ports import Json
from fairlead.mapping.bounds import MAXIMUM_ROWS, Room, too_many_rows
from fairlead.mapping.fields import Rule, compile_field, target_of
from fairlead.mapping.overlap import keep_apart
from fairlead.mapping.source import Source, Work, path_steps, spread
from fairlead.mapping.steps import Compiling
from fairlead.mapping.target import Target

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a group: the element of each array on the way down to it, and its index there."""

    elements: tuple[Json, ...]
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Starred extracts that start with the same array. ``segments``: the deepest of them, cut at its stars: the steps before each star,
    then the rest."""

    segments: tuple[Steps, ...]

    def rows(self, work: Work) -> list[_Row]:
        """Nested arrays unwound; an element whose inner array is empty gives none."""
        start = self.segments[0]
        by_row = not start or isinstance(start[0], int)
        rows = [_Row((work.record if by_row else work.first,), ())]
        for steps in self.segments[:-1]:
            arrays = [elements_of(_below(row.elements[-1], steps)) for row in rows]
            if sum(map(len, arrays)) > MAXIMUM_ROWS:
                raise too_many_rows()
            rows = [
                _Row((*row.elements, element), (*row.indexes, index))
                for row, elements in zip(rows, arrays, strict=True)
                for index, element in enumerate(elements)
            ]
        return rows


@dataclass(frozen=True, slots=True)
class Starred:
    """One starred extract within its group: it shares the first ``shared`` arrays, and goes on by position from there."""

    group: Group
    shared: int
    rest: tuple[Steps, ...]

    def value(self, row: _Row) -> Json:
        value = row.elements[self.shared]
        for level, steps in enumerate(self.rest[:-1]):
            elements = elements_of(_below(value, steps))
            index = row.indexes[self.shared + level]
            if index >= len(elements):
                return NOTHING
            value = elements[index]
        for step in self.rest[-1]:
            value = step_into(value, step)
        return value


@dataclass(frozen=True, slots=True)
class ListRule:
    """A compiled list."""

    target: Target
    rules: Sequence[Rule]
    starred: Sequence[Starred | None]
    groups: Sequence[Group]
    array: Steps | None

    def apply(self, work: Work, into: dict[str, Json]) -> None:
        """Make the rows and set them; without rows nothing is set. Raises ``MappingError``."""
        if self.array is None:
            rows = self._rows(work)
        else:
            found = spread([work.first], self.array)
            rows = [
                row for value in found for element in elements_of(value) for row in self._rows(work.narrowed(element))
            ]
        if rows:
            self.target.put(into, rows)

    def _rows(self, work: Work) -> list[Json]:
        made: list[Json] = []
        sources = {id(group): group.rows(work) for group in self.groups}
        count = max(map(len, sources.values()), default=1)
        fixed = [
            rule.source.read(work) if one is None and (rule.when is None or rule.when.fits(work.operation)) else NOTHING
            for rule, one in zip(self.rules, self.starred, strict=True)
        ]
        room = Room()
        for number in range(count):
            row: dict[str, Json] = {}
            for rule, one, value in zip(self.rules, self.starred, fixed, strict=True):
                if not rule.wanted(work, row):
                    continue
                if rule.constant is not NOTHING:
                    value = rule.constant
                elif one is not None:
                    rows = sources[id(one.group)]
                    value = one.value(rows[number]) if number < len(rows) else NOTHING
                room.take(value)
                rule.finish(work, value, row)
            if row:
                made.append(row)
        return made


def compile_list(tree: Mapping[str, Any], place: str, tools: Compiling) -> ListRule | None:
    """The rule of one list, or nothing when something is wrong with it."""
    before = len(tools.problems)
    target = target_of(tree, place, tools)
    array: Steps | None = None
    if tree.get("jsonPath"):
        try:
            array = path_steps(tree["jsonPath"])
        except PathError as error:
            tools.wrong("invalid_mapping", f"{place}.jsonPath", str(error))
    above = f"{tree.get('generate')}[*]."
    compiled = [
        compile_field(field, f"{place}.fields.{index}", tools, above=above, in_list=True)
        for index, field in enumerate(tree.get("fields") or ())
    ]
    rules = [rule for rule in compiled if rule is not None]
    if len(tools.problems) > before or target is None:
        return None
    keep_apart([rule.target for rule in rules])
    groups = _groups([rule.source for rule in rules])
    starred = [_starred(rule.source, groups) for rule in rules]
    return ListRule(target, rules, starred, list(groups.values()), array)


def _groups(sources: Sequence[Source]) -> dict[Steps, Group]:
    deepest: dict[Steps, tuple[Steps, ...]] = {}
    for source in sources:
        if source.spreads:
            segments = _segments(source.steps or ())
            start = segments[0]
            if start not in deepest or len(segments) > len(deepest[start]):
                deepest[start] = segments
    return {start: Group(segments) for start, segments in deepest.items()}


def _starred(source: Source, groups: Mapping[Steps, Group]) -> Starred | None:
    if not source.spreads:
        return None
    segments = _segments(source.steps or ())
    group = groups[segments[0]]
    shared = 0
    while shared < len(segments) - 1 and segments[shared] == group.segments[shared]:
        shared += 1
    return Starred(group, shared, segments[shared:])


def _segments(steps: Steps) -> tuple[Steps, ...]:
    """``a[*].b[*].c`` to ``(a,) (b,) (c,)``."""
    segments: list[list[Step]] = [[]]
    for step in steps:
        if step is ALL:
            segments.append([])
        else:
            segments[-1].append(step)
    return tuple(tuple(segment) for segment in segments)


def _below(value: Json, steps: Steps) -> Json:
    """The value at the steps; null, which has no elements, when there is none."""
    for step in steps:
        value = step_into(value, step)
    return None if value is NOTHING else value
