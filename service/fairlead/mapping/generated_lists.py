"""Mapping 1.0 as generated code: lists over one nested array or several flat ones (exports-imports.md 10.4). The others are called."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import zip_longest
from typing import Any, Final

from fairlead.domain.paths import NOTHING
from fairlead.mapping.bounds import Room, repeated
from fairlead.mapping.code import Code
from fairlead.mapping.fields import Rule, When
from fairlead.mapping.generated_fields import Made, write_guard, write_source, write_steps
from fairlead.mapping.lists import Group, ListRule, Starred
from fairlead.mapping.reads import Reads

MAX_LEVELS: Final = 8
"""Arrays within arrays that are written as loops."""
MAX_FIELDS: Final = 200
"""Fields of a list that is written."""
FEW_ROWS: Final = 16
"""So few rows need no look at what repeats on each of them."""


def is_written(rule: ListRule) -> bool:
    """Whether the list has a form that is written here."""
    if rule.array is not None or len(rule.rules) > MAX_FIELDS:
        return False
    depths = [len(group.segments) - 1 for group in rule.groups]
    if len(depths) == 1:
        return depths[0] <= MAX_LEVELS and all(one is None or len(one.rest) == 1 for one in rule.starred)
    return all(depth == 1 for depth in depths)


def write_list(code: Code, rule: ListRule, reads: Reads, made: Made) -> None:
    """The lines of a list for which ``is_written`` holds."""
    fixed = [
        _fixed(code, one, reads) if star is None else "" for one, star in zip(rule.rules, rule.starred, strict=True)
    ]
    rows = code.name()
    code.line(f"{rows} = []")
    if len(rule.groups) == 1 and len(rule.groups[0].segments) > 2:
        _nested(code, rule, rule.groups[0], reads, rows, fixed)
    else:
        _flat(code, rule, reads, rows, fixed)
    with code.block(f"if {rows}"):
        made.put(rule.target, rows)


def _fixed(code: Code, rule: Rule, reads: Reads) -> str:
    """A variable with a value that is the same on every row."""
    if rule.when is When.NEVER:
        return "N"
    if rule.constant is not NOTHING:
        return code.bind(rule.constant)
    value = code.name()
    if rule.source.steps is None and rule.when is not None:  # a template is rendered only when it is wanted
        code.line(f"{value} = N")
        with code.block(f"if operation is {'' if rule.when is When.UPDATED else 'not '}U"):
            write_source(code, rule.source, reads, value)
    else:
        write_source(code, rule.source, reads, value)
    return value


def _flat(code: Code, rule: ListRule, reads: Reads, rows: str, fixed: list[str]) -> None:
    arrays: list[str] = []
    for group in rule.groups:
        array = code.name()
        code.line(f"{array} = {reads.value(group.segments[0])}")
        with code.block(f"if type({array}) is not list"):
            code.line(f"{array} = elements({array})")
        arrays.append(array)
        with code.block(f"if len({array}) > {code.bind(FEW_ROWS)}"):
            code.line(f"{code.bind(repeated)}(len({array}), [{', '.join(value for value in fixed if value)}])")
    names = [code.name() for _ in arrays]
    with ExitStack() as blocks:
        if len(arrays) == 1:
            blocks.enter_context(code.block(f"for {names[0]} in {arrays[0]}"))
        elif arrays:
            aligned = f"{code.bind(_aligned)}({', '.join(arrays)})"
            blocks.enter_context(code.block(f"for {', '.join(names)} in {aligned}"))
        bases = {id(group): [Reads(code, name)] for group, name in zip(rule.groups, names, strict=True)}
        _row(code, rule, bases, rows, fixed, None)


def _nested(code: Code, rule: ListRule, group: Group, reads: Reads, rows: str, fixed: list[str]) -> None:
    room = code.name()
    code.line(f"{room} = {code.bind(Room)}()")
    bases: list[Reads] = []
    with ExitStack() as blocks:
        base = reads
        for steps in group.segments[:-1]:
            array, element = code.name(), code.name()
            code.line(f"{array} = {base.value(steps)}")
            with code.block(f"if type({array}) is not list"):
                code.line(f"{array} = elements({array})")
            if bases:
                code.line(f"{room}.rows(len({array}))")
            blocks.enter_context(code.block(f"for {element} in {array}"))
            base = Reads(code, element)
            bases.append(base)
        _row(code, rule, {id(group): bases}, rows, fixed, room)


def _row(
    code: Code, rule: ListRule, bases: dict[int, list[Reads]], rows: str, fixed: list[str], room: str | None
) -> None:
    row = code.name()
    code.line(f"{row} = {{}}")
    made = Made(code, row)
    for one, star, same in zip(rule.rules, rule.starred, fixed, strict=True):
        reads = _base(star, bases)
        with ExitStack() as blocks:
            inner = reads or Reads(code, row)
            if not write_guard(code, one, inner, made, blocks):
                continue
            expression = same
            if one.constant is not NOTHING:
                expression = code.bind(one.constant)
            elif star is not None and reads is not None:
                expression = reads.value(star.rest[-1])
            value = expression
            if star is not None or one.steps:
                value = code.name()
                code.line(f"{value} = {expression}")
            if room is not None and not (star is not None and star.shared == len(star.group.segments) - 1):
                code.line(f"{room}.take({value})")
            write_steps(code, one, value, made, blocks, sure=one.constant is not NOTHING)
    with code.block(f"if {row}"):
        code.line(f"{rows}.append({row})")


def _base(star: Starred | None, bases: dict[int, list[Reads]]) -> Reads | None:
    return None if star is None else bases[id(star.group)][star.shared - 1]


def _aligned(*arrays: list[Any]) -> zip_longest[tuple[Any, ...]]:
    return zip_longest(*arrays, fillvalue=NOTHING)
