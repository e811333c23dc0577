"""Mapping 2.0 as generated code: paths, objects, arrays, composite objects as loops (exports-imports.md 11). What is rare is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from fairlead.domain.paths import ALL, NOTHING
from fairlead.mapping.bounds import Room
from fairlead.mapping.code import Code
from fairlead.mapping.entries import ArraySource, Elements, Entry, Found, Members, Value, filled, is_hollow
from fairlead.mapping.fields import When
from fairlead.mapping.generated_fields import write_step
from fairlead.mapping.reads import Reads, Steps
from fairlead.mapping.steps import Does

MAX_LEVELS: Final = 10
"""Levels of entries that are written."""


class _Rare(Exception):
    """This is not written but called."""


class _Place:
    """What the record looks like inside composite objects: paths without brackets, and the variables of the elements that stand there."""

    def __init__(self, bases: tuple[tuple[Steps, Reads], ...], room: str | None, level: int) -> None:
        self.bases = bases
        self.room = room
        self.level = level

    def deeper(self, *more: tuple[Steps, Reads], room: str | None = None) -> _Place:
        """The place of the entries below; ``more`` elements are shown there."""
        if self.level == MAX_LEVELS:
            raise _Rare
        return _Place((*self.bases, *more), room or self.room, self.level + 1)

    def resolve(self, steps: Steps) -> tuple[Reads, Steps, bool]:
        """The variable to read from, the steps from there, and whether it is that of the innermost element."""
        best: Steps = ()
        reads = self.bases[0][1]
        for path, base in self.bases:
            if len(path) >= len(best) and steps[: len(path)] == path:
                best, reads = path, base
        rest = steps[len(best) :]
        for path, _ in self.bases:
            if len(path) > len(best) and path[: len(best)] == best and _meets(rest, path[len(best) :]):
                raise _Rare  # an object of which only one element is shown has to be made
        return reads, rest, reads is self.bases[-1][1]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What is read in a block that may be skipped is not known after it."""
        with ExitStack() as stack:
            for _, reads in self.bases:
                stack.enter_context(reads.inside())
            yield


def write_members(code: Code, members: Members, record: Reads, into: str) -> None:
    """The lines that set the members of an object in a variable, from the record in another one."""
    _members(code, members, _Place((((), record),), None, 0), into)


def _members(code: Code, members: Members, place: _Place, into: str) -> None:
    for entry in members.entries:
        if place.room is not None:
            _entry(code, entry, place, into)
            continue
        mark, known = code.mark(), [(reads, reads.known()) for _, reads in place.bases]
        try:
            if code.is_full:
                raise _Rare
            _entry(code, entry, place, into)
        except _Rare:
            code.back_to(mark)
            for reads, before in known:
                reads.forget(before)
            code.needs_work = True
            code.line(f"{code.bind(entry.apply)}(work, {into})")


def _entry(code: Code, entry: Entry, place: _Place, into: str) -> None:
    with ExitStack() as blocks:
        if entry.when is not None:
            blocks.enter_context(code.block(f"if operation is {'' if entry.when is When.UPDATED else 'not '}U"))
            blocks.enter_context(place.inside())
        value = code.name()
        repeats = True
        whole = False
        """An array or object of our own making, without anything to leave out."""
        source = entry.source
        if isinstance(source, Members):
            if source.composite is not None:
                raise _Rare
            code.line(f"{value} = {{}}")
            _members(code, source, place.deeper(), value)
            whole = True
        elif isinstance(source, Elements):
            code.line(f"{value} = []")
            for one in source.sources:
                _collect(code, one, place, value)
            whole = all(one.members is not None for one in source.sources)
        elif isinstance(source, Value):
            repeats = _value(code, source.found, place, value)
        sure = whole
        for step in entry.steps:
            if whole and step.unchanged is dict:
                continue
            whole = whole and step.does is Does.SKIP_EMPTY
            sure = write_step(code, step, value, blocks, sure=sure)
        if whole:
            blocks.enter_context(code.block(f"if {value}"))
        else:
            _leave_out(code, entry, value)
            blocks.enter_context(code.block(f"if {value} is not N"))
        if place.room is not None and repeats and entry.copies:
            code.line(f"{place.room}.take({value})")
        code.line(f"{into}[{code.bind(entry.generate)}] = {value}")


def _leave_out(code: Code, entry: Entry, value: str) -> None:
    if entry.array:
        code.line(f"{value} = {code.bind(filled)}({value})")
    else:
        with code.block(f"if not {value} and {code.bind(is_hollow)}({value})"):
            code.line(f"{value} = N")


def _value(code: Code, found: Found, place: _Place, value: str) -> bool:
    """Read one value; whether it may stand in several rows."""
    if found.steps is not None and not found.spreads:
        reads, rest, innermost = place.resolve(found.steps)
        code.line(f"{value} = {reads.value(rest)}")
        return not innermost
    if found.constant is NOTHING:
        raise _Rare
    code.line(f"{value} = {code.bind(found.constant)}")
    return True


def _collect(code: Code, source: ArraySource, place: _Place, into: str) -> None:
    found = source.found
    if source.nested:
        raise _Rare
    if source.members is not None and found is None:
        _append(code, source.members, place.deeper(), into)
    elif found is None or found.steps is None:
        raise _Rare
    elif source.members is not None:
        if not found.spreads or source.default is not NOTHING:
            raise _Rare
        _composite(code, source.members, found.steps, place, into)
    else:
        value = code.name()
        if found.spreads:
            reads, rest, _ = place.resolve(found.steps)
            reads.spread(rest, value)
        else:
            _value(code, found, place, value)
        code.line(f"{code.bind(source.add)}({value}, {into})")


def _composite(code: Code, members: Members, steps: Steps, place: _Place, into: str) -> None:
    """A loop for each array of the path; inside them the elements stand where the arrays are."""
    room = place.room
    if room is None:
        room = code.name()
        code.line(f"{room} = {code.bind(Room)}()")
    more: list[tuple[Steps, Reads]] = []
    shown = place
    with ExitStack() as blocks:
        path: Steps = ()
        while any(not isinstance(step, str) for step in steps):
            at = next(index for index, step in enumerate(steps) if not isinstance(step, str))
            path += steps[:at]
            reads, rest, _ = shown.resolve(path)
            element = code.name()
            if steps[at] is ALL:
                array = code.name()
                code.line(f"{array} = {reads.value(rest)}")
                with code.block(f"if type({array}) is not list"):
                    code.line(f"{array} = elements({array})")
                code.line(f"{room}.rows(len({array}))")
                blocks.enter_context(code.block(f"for {element} in {array}"))
            else:
                code.line(f"{element} = {reads.value((*rest, steps[at]))}")
                blocks.enter_context(code.block(f"if {element} is not N"))
            more.append((path, Reads(code, element)))
            shown = place.deeper(*more, room=room)
            steps = steps[at + 1 :]
        if steps:
            reads, rest, _ = shown.resolve(path + steps)
            blocks.enter_context(code.block(f"if {reads.value(rest)} is not N"))
        blocks.enter_context(shown.inside())
        _append(code, members, shown, into)


def _append(code: Code, members: Members, place: _Place, into: str) -> None:
    made = code.name()
    code.line(f"{made} = {{}}")
    _members(code, members, place, made)
    with code.block(f"if {made}"):
        code.line(f"{into}.append({made})")


def _meets(steps: Steps, path: Steps) -> bool:
    """Whether steps may reach, or stop above, what stands at the path; names that differ part them."""
    for step, name in zip(steps, path, strict=False):
        if not isinstance(step, str):
            return True
        if step != name:
            return False
    return True
