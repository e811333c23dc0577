"""One field of mapping 1.0: the eight steps of exports-imports.md 10.3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fairlead.domain.errors import Problem
from fairlead.domain.paths import NOTHING, PathError
from fairlead.engine.ports import Json, Operation, TemplateError
from fairlead.mapping.convert import ZoneError, conversions
from fairlead.mapping.source import Source, Work, asked_lookups, compile_source
from fairlead.mapping.steps import SKIP, Compiling, Label, Step, label_of, value_steps
from fairlead.mapping.target import Target, compile_target
from fairlead.mapping.values import opened

Apply = Callable[[Work, dict[str, Json]], None]
"""Read a record's value and set it in the object that is being made; raises ``MappingError``."""


class When(Enum):
    """What a record's request must do. Without a known operation a record counts as new."""

    CREATED = "record_created"
    UPDATED = "record_updated"
    NEVER = "never"
    """Both at once."""

    def fits(self, operation: Operation | None) -> bool:
        """Whether it is what the request will do."""
        if self is When.NEVER:
            return False
        return (operation is Operation.UPDATE) is (self is When.UPDATED)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled field. ``constant``: ``NOTHING`` when the value is read."""

    source: Source
    target: Target
    constant: Json
    when: When | None
    unless_set: bool
    steps: tuple[Step, ...]

    def apply(self, work: Work, into: dict[str, Json]) -> None:
        """Read the value of the record and set it; raises ``MappingError``."""
        if self.wanted(work, into):
            self.finish(work, self.source.read(work), into)

    def wanted(self, work: Work, into: dict[str, Json]) -> bool:
        """Step 1: what decides before the value is looked at."""
        if self.when is not None and not self.when.fits(work.operation):
            return False
        return not (self.unless_set and self.target.is_set(into))

    def finish(self, work: Work, value: Json, into: dict[str, Json]) -> None:
        """The steps after reading; raises ``MappingError``."""
        for step in self.steps:
            value = step.run(value, work.outer)
            if value is SKIP:
                return
        if value is not NOTHING:
            self.target.put(into, value)


def compile_field(
    field: Mapping[str, Any], place: str, tools: Compiling, *, above: str = "", in_list: bool = False
) -> Rule | None:
    """The rule of one field, or nothing when something is wrong with it. In a list a starred extract gives one value per row;
    ``above`` is the path of the list."""
    before = len(tools.problems)
    target = target_of(field, place, tools)
    label = label_of(field, above)
    constant = opened(field.get("hardCodedValue"))
    if constant is None:
        constant = NOTHING
    source = _source(field, place, tools, label)
    each = source is not None and source.spreads and not in_list and constant is NOTHING
    steps: tuple[Step, ...] = ()
    try:
        converts = conversions(field, field.get("dataType"))
    except ZoneError as error:
        tools.wrong("invalid_mapping", f"{place}.{error.member}", str(error))
    else:
        steps = value_steps(field, place, tools, label, converts, each=each)
    if len(tools.problems) > before or source is None or target is None:
        return None
    if constant is not NOTHING and not (
        in_list and source.spreads
    ):  # a starred extract still makes the rows of a list (14)
        source = Source(lambda _: constant)
    condition = (field.get("conditional") or {}).get("when")
    when = When(condition) if condition in ("record_created", "record_updated") else None
    if field.get("immutable"):
        when = When.NEVER if when is When.UPDATED else When.CREATED
    return Rule(source, target, constant, when, condition == "ignore_if_set", steps)


def target_of(tree: Mapping[str, Any], place: str, tools: Compiling) -> Target | None:
    """The compiled ``generate`` of a field or list."""
    text = tree.get("generate")
    if not text:
        tools.problems.append(Problem("missing_required_field", f"{place}.generate is required", f"{place}.generate"))
        return None
    try:
        return compile_target(text)
    except PathError as error:
        tools.wrong("invalid_mapping", f"{place}.generate", str(error))
        return None


def _source(field: Mapping[str, Any], place: str, tools: Compiling, label: Label) -> Source | None:
    text = field.get("extract")
    if not text:
        return Source(lambda _: NOTHING)
    try:
        source = compile_source(text, tools.templates, label, strict=tools.strict, dynamic=tools.lookups.dynamic)
        note_lookups(source, tools)
        return source
    except TemplateError as error:
        tools.wrong("invalid_template", f"{place}.extract", error.message)
    except PathError as error:
        tools.wrong("invalid_mapping", f"{place}.extract", str(error))
    return None


def note_lookups(source: Source, tools: Compiling) -> None:
    """The lookups whose results a template reads: dynamic ones are asked for, what cannot be used is a problem."""
    for name in sorted(asked_lookups(source.template_paths)):
        if name in tools.lookups.unusable:
            tools.problems.append(tools.lookups.unusable[name])
        elif name in tools.lookups.dynamic:
            tools.dynamic_names.add(name)
