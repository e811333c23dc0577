"""One field of mapping 1.0: the eight steps of exports-imports.md 10.3, compiled to a row of small functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import is_empty
from fairlead.domain.paths import NOTHING, PathError
from fairlead.engine.ports import Json, MappingError, Operation, TemplateError, Templates
from fairlead.mapping.convert import ConversionError, Convert, ZoneError, conversions
from fairlead.mapping.lookups import Lookup, Lookups
from fairlead.mapping.source import Source, Work, compile_source
from fairlead.mapping.target import Target, compile_target
from fairlead.mapping.values import opened

_SKIP: Final = object()
"""A step's answer: the field is left out."""

Step = Callable[[Json], Json]
"""A value, or ``NOTHING``, to the next; ``_SKIP`` ends the field."""


Apply = Callable[[Work, dict[str, Json]], None]
"""Read a record's value and set it in the object that is being made; raises ``MappingError``."""

Skipped = Callable[[Operation | None, dict[str, Json]], bool]
"""Whether a field is left out before its value is looked at, from the operation and the object that is being made."""


@dataclass(slots=True)
class Compiling:
    """What fields are compiled with; ``problems`` gathers everything that is wrong."""

    templates: Templates
    lookups: Lookups
    strict: bool
    problems: list[Problem]

    def wrong(self, code: str, field: str, message: str) -> None:
        """One more problem; the message names the field."""
        self.problems.append(Problem(code, f"{field}: {message}", field))


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled field."""

    source: Source
    target: Target
    constant: bool
    skipped: Skipped | None
    steps: tuple[Step, ...]

    def apply(self, work: Work, into: dict[str, Json]) -> None:
        """Read the value of the record and set it; raises ``MappingError``."""
        self.finish(work, self.source.read(work), into)

    def finish(self, work: Work, value: Json, into: dict[str, Json]) -> None:
        """The steps after reading; raises ``MappingError``."""
        if self.skipped is not None and self.skipped(work.operation, into):
            return
        for step in self.steps:
            value = step(value)
            if value is _SKIP:
                return
        if value is not NOTHING:
            self.target.put(into, value)


def applier(rule: Rule) -> Apply:
    """``rule.apply``, for the usual fields (no condition, one step at most) in a shorter form that does the same."""
    if rule.skipped is not None or len(rule.steps) > 1:
        return rule.apply
    read, put = rule.source.read, rule.target.put
    if not rule.steps:

        def copy(work: Work, into: dict[str, Json]) -> None:
            value = read(work)
            if value is not NOTHING:
                put(into, value)

        return copy
    (step,) = rule.steps

    def change(work: Work, into: dict[str, Json]) -> None:
        value = step(read(work))
        if value is not NOTHING and value is not _SKIP:
            put(into, value)

    return change


def compile_field(field: Mapping[str, Any], place: str, tools: Compiling, *, in_list: bool = False) -> Rule | None:
    """The rule of one field, or nothing when something is wrong with it. In a list a starred extract gives one value per row."""
    before = len(tools.problems)
    target = target_of(field, place, tools)
    source = _source(field, place, tools)
    constant = opened(field.get("hardCodedValue")) is not None
    each = source is not None and source.spreads and not in_list and not constant
    skipped = _guard(field, target)
    steps = _steps(field, place, tools, each=each)
    if len(tools.problems) > before or source is None or target is None:
        return None
    if constant:
        value = opened(field.get("hardCodedValue"))
        if in_list:  # a starred extract still makes the rows (14)
            steps = (lambda _: value, *steps)
        else:
            source = Source(lambda _: value)
    return Rule(source, target, constant, skipped, steps)


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


def _source(field: Mapping[str, Any], place: str, tools: Compiling) -> Source | None:
    text = field.get("extract")
    if not text:
        return Source(lambda _: NOTHING)
    try:
        source = compile_source(text, tools.templates, strict=tools.strict)
        names = {
            path.removeprefix("lookup.").strip("[]") for path in source.template_paths if path.startswith("lookup.")
        }
        tools.problems.extend(tools.lookups.unusable[name] for name in sorted(names & tools.lookups.unusable.keys()))
        return source
    except TemplateError as error:
        tools.wrong("invalid_template", f"{place}.extract", error.message)
    except PathError as error:
        tools.wrong("invalid_mapping", f"{place}.extract", str(error))
    return None


def _guard(field: Mapping[str, Any], target: Target | None) -> Skipped | None:
    """Step 1: what decides before the value is looked at. Without a known operation a record counts as new."""
    when = (field.get("conditional") or {}).get("when")
    creating = when == "record_created" or bool(field.get("immutable"))
    updating = when == "record_updated"
    if not creating and not updating and when != "ignore_if_set":
        return None

    def skipped(operation: Operation | None, into: dict[str, Json]) -> bool:
        is_update = operation is Operation.UPDATE
        if (creating and is_update) or (updating and not is_update):
            return True
        return when == "ignore_if_set" and target is not None and target.is_set(into)

    return skipped


def _steps(field: Mapping[str, Any], place: str, tools: Compiling, *, each: bool) -> tuple[Step, ...]:
    """Steps 3 to 7. ``each``: the extract gives a list of values, looked up and converted one by one."""
    condition = field.get("conditional") or {}
    when = condition.get("when")
    steps: list[Step] = []
    if when == "extract_not_empty":
        steps.append(_unless_empty)
    own = _lookup(field.get("lookupName"), f"{place}.lookupName", tools)
    if when in ("lookup_not_empty", "lookup_empty"):
        name = condition.get("lookupName")
        other = (
            own
            if name in (None, "", field.get("lookupName"))
            else _lookup(name, f"{place}.conditional.lookupName", tools)
        )
        if not name and not field.get("lookupName"):
            tools.wrong("invalid_mapping", f"{place}.conditional.when", f"{when} needs a lookupName")
        steps.append(_look_up_when(own, other, wanted_empty=when == "lookup_empty", each=each))
    elif own is not None:
        steps.append(_each(own) if each else own)
    if "default" in field:
        steps.append(_or_default(opened(field["default"])))
    try:
        for convert in conversions(field):
            step = _converting(convert, str(field.get("generate")))
            steps.append(_each(step) if each else step)
    except ZoneError as error:
        tools.wrong("invalid_mapping", f"{place}.{error.member}", str(error))
    if field.get("discardIfEmpty"):
        steps.append(_unless_empty)
    return tuple(steps)


def _lookup(name: str | None, field: str, tools: Compiling) -> Lookup | None:
    if not name:
        return None
    found = tools.lookups.use(name, field)
    if isinstance(found, Problem):
        tools.problems.append(found)
        return None
    return found


def _unless_empty(value: Json) -> Json:
    return _SKIP if is_empty(value) else value


def _look_up_when(own: Lookup | None, other: Lookup | None, *, wanted_empty: bool, each: bool) -> Step:
    """Step 4 with ``lookup_empty`` or ``lookup_not_empty``: the condition may be about another lookup than the field's own."""
    replace = _each(own) if own and each else own
    judge = _each(other) if other and each else other

    def look_up(value: Json) -> Json:
        result = replace(value) if replace else value
        judged = result if judge is None or other is own else judge(value)
        return result if is_empty(judged) is wanted_empty else _SKIP

    return look_up


def _or_default(default: Json) -> Step:
    return lambda value: default if is_empty(value) else value


def _converting(convert: Convert, generate: str) -> Step:
    def step(value: Json) -> Json:
        if is_empty(value):
            return value
        try:
            return convert(value)
        except ConversionError as error:
            raise MappingError("mapping_error", f"{generate}: {error}", "mapping") from None

    return step


def _each(step: Step) -> Step:
    """The step for every value of a list; values that come to nothing are left out."""

    def steps(value: Json) -> Json:
        if not isinstance(value, list):
            return step(value)
        return [result for item in value if (result := step(item)) is not NOTHING]

    return steps
