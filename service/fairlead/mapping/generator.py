"""A mapping as one Python function (exports-imports.md 10, 11): worth its compiling for many records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fairlead.engine.ports import Json, Operation, Scope
from fairlead.mapping.code import Code, Mapped
from fairlead.mapping.entries import Members
from fairlead.mapping.fields import Rule
from fairlead.mapping.generated_entries import write_members
from fairlead.mapping.generated_fields import Made, write_field
from fairlead.mapping.generated_lists import is_written, write_list
from fairlead.mapping.lists import ListRule
from fairlead.mapping.reads import Reads

Work = Callable[[Json, Operation | None, Scope], Any]
"""Makes a ``Work``."""


def generated_rules(rules: Sequence[Rule | ListRule], rest: Mapped, work: Work) -> Mapped:
    """The function that does what ``rest``, which applies the rules one by one, does; records that are no objects go to ``rest``."""
    code = Code()
    reads = Reads(code, "record", is_dict=True)
    made = Made(code, "made")
    for rule in rules:
        if isinstance(rule, Rule) and not code.is_full:
            write_field(code, rule, reads, made)
        elif isinstance(rule, ListRule) and not code.is_full and is_written(rule):
            write_list(code, rule, reads, made)
        else:
            made.called(rule.target, rule.apply)
    return code.function(rest, work)


def generated_entries(members: Members, rest: Mapped, work: Work) -> Mapped:
    """The same for mapping 2.0."""
    code = Code()
    write_members(code, members, Reads(code, "record", is_dict=True), "made")
    return code.function(rest, work)
