"""Entries of mapping 2.0: a tree of values, objects and arrays, evaluated from the top of the record (exports-imports.md 11, 14)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fairlead.domain.jsonvalue import is_empty
from fairlead.domain.paths import ALL, NOTHING, Step
from fairlead.engine.ports import Json
from fairlead.mapping.bounds import Room
from fairlead.mapping.fields import When
from fairlead.mapping.source import Reader, Work
from fairlead.mapping.steps import SKIP
from fairlead.mapping.steps import Step as ValueStep
from fairlead.mapping.views import views


@dataclass(frozen=True, slots=True)
class Found:
    """An extract of mapping 2.0. ``steps``: those of a plain path, ``None`` for everything else; ``spreads``: it may match more than
    once, and ``read`` gives the list of matches."""

    read: Reader
    steps: tuple[Step, ...] | None = None
    spreads: bool = False
    constant: Json = NOTHING

    def first(self, work: Work) -> Json:
        """The first match, or ``NOTHING``."""
        value = self.read(work)
        if self.spreads:
            return value[0] if value else NOTHING
        return value


class Raw(Protocol):
    """Where the value of an entry comes from, before its steps."""

    def raw(self, work: Work) -> Json:
        """The value, or ``NOTHING``; raises ``MappingError``."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: a constant, what is at a path, a rendered template."""

    found: Found

    def raw(self, work: Work) -> Json:
        """The first match."""
        return self.found.first(work)


@dataclass(frozen=True, slots=True)
class Entry:
    """One compiled entry."""

    generate: str
    source: Raw
    when: When | None
    steps: tuple[ValueStep, ...]
    array: bool

    @property
    def copies(self) -> bool:
        """Whether it sets what stands in the record, and not only what its own entries make."""
        source = self.source
        return isinstance(source, Value) or (
            isinstance(source, Elements) and any(one.members is None for one in source.sources)
        )

    def apply(self, work: Work, into: dict[str, Json]) -> None:
        """Set the value, if there is one; raises ``MappingError``."""
        value = self.value(work)
        if value is not NOTHING:
            into[self.generate] = value

    def value(self, work: Work) -> Json:
        """The value to be set, ``NOTHING`` to leave it out; raises ``MappingError``."""
        if self.when is not None and not self.when.fits(work.operation):
            return NOTHING
        value = self.source.raw(work)
        for step in self.steps:
            value = step.run(value, work.outer)
            if value is SKIP:
                return NOTHING
        if self.array:
            value = filled(value)
        elif is_hollow(value):
            return NOTHING
        if work.room is not None and self.copies:
            work.room.take(value)
        return value


@dataclass(frozen=True, slots=True)
class Members:
    """An object made of entries. With ``composite``, a path, they see the record as its first match shows it."""

    entries: Sequence[Entry]
    composite: Found | None = None

    def raw(self, work: Work) -> Json:
        """The object, empty when no entry gives a value; nothing when the path finds nothing."""
        if self.composite is None:
            return self.made(work)
        for shown in shown_by(self.composite, work):
            return self.made(shown)
        return NOTHING

    def made(self, work: Work) -> dict[str, Json]:
        """The object for what ``work`` shows."""
        made: dict[str, Json] = {}
        for entry in self.entries:
            entry.apply(work, made)
        return made


@dataclass(frozen=True, slots=True)
class ArraySource:
    """One source of an array. ``members``: what is made of each match, or once without an extract."""

    found: Found | None
    members: Members | None
    default: Json
    unless_empty: bool
    nested: bool

    def collect(self, work: Work, into: list[Json]) -> None:
        """Append the values of this source; raises ``MappingError``."""
        if self.members is None:
            self.add(NOTHING if self.found is None else self.found.read(work), into)
        elif self.found is None:
            self._make(work, into)
        else:
            value = self.found.read(work)
            if is_empty(value) and (self.unless_empty or self.default is not NOTHING):
                self.add(value, into)
            else:
                for shown in shown_by(self.found, work):
                    self._make(shown, into)

    def add(self, value: Json, into: list[Json]) -> None:
        """Append the value or, of a path with ``[*]``, the matches that were read; when they are empty, the default."""
        if is_empty(value):
            if self.unless_empty:
                return
            if self.default is not NOTHING:
                into.append(self.default)
                return
        if value is NOTHING or self.found is None:
            return
        if self.found.spreads:
            element = self.found.steps is None or self.found.steps[-1] is ALL
            for match in value:
                self._open(match, into, element=element)
        else:
            self._open(value, into, element=False)

    def _make(self, work: Work, into: list[Json]) -> None:
        if self.members is None:
            return
        if self.nested:
            for entry in self.members.entries:
                value = entry.value(work)
                if value is not NOTHING:
                    into.append(value if isinstance(value, list) else [value])
        elif made := self.members.made(work):
            into.append(made)

    def _open(self, value: Json, into: list[Json], *, element: bool) -> None:
        """An array is opened; in an array of arrays only one of arrays that the path does not name the elements of."""
        if isinstance(value, list) and (
            not self.nested or (not element and value and all(isinstance(inner, list) for inner in value))
        ):
            into.extend(inner for inner in value if not is_hollow(inner))
        elif not is_hollow(value):
            into.append(value)


@dataclass(frozen=True, slots=True)
class Elements:
    """An array made of its sources, in order."""

    sources: Sequence[ArraySource]

    def raw(self, work: Work) -> Json:
        """The elements before they are converted."""
        made: list[Json] = []
        for source in self.sources:
            source.collect(work, made)
        return made


def shown_by(found: Found, work: Work) -> Iterable[Work]:
    """The record as each match of an extract shows it; what is no path shows it as it is."""
    if found.steps is None:
        return [] if found.read(work) is NOTHING else [work]
    room = work.room or Room()
    return (work.showing(view, room) for view in views(work.record, found.steps, room))


def is_hollow(value: Json) -> bool:
    """An empty object or array: neither is ever set."""
    return not value and isinstance(value, dict | list)


def filled(value: Json) -> Json:
    """An array without what ended up empty; a scalar is its only element."""
    if value is NOTHING:
        return NOTHING
    elements = [element for element in value if not is_hollow(element)] if isinstance(value, list) else [value]
    return elements or NOTHING
