"""The steps between reading a value and setting it: conditions, lookup, default, conversion (exports-imports.md 10.3, 11, 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import is_empty
from fairlead.domain.paths import NOTHING
from fairlead.engine.ports import Json, MappingError, Scope, TemplateError, Templates
from fairlead.mapping.convert import ConversionError, Converting
from fairlead.mapping.lookups import Lookup, Lookups
from fairlead.mapping.values import opened

SKIP: Final = object()
"""A step's answer: the field is left out."""

Run = Callable[[Json, Scope], Json]
"""A value, or ``NOTHING``, to the next; ``SKIP`` ends the field."""


class Does(Enum):
    """What a step does, for who writes it in another form."""

    SKIP_EMPTY = "skip empty"
    DEFAULT = "default"
    CHANGE = "change"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``value``: the default; ``unchanged``: a type whose values a conversion leaves as they are; ``each``: it goes over
    the elements of a list."""

    does: Does
    run: Run
    value: Json = None
    unchanged: type | None = None
    each: bool = False


@dataclass(slots=True)
class Compiling:
    """What fields are compiled with; ``problems`` gathers everything that is wrong."""

    templates: Templates
    lookups: Lookups
    strict: bool
    problems: list[Problem]
    dynamic_names: set[str]

    def wrong(self, code: str, field: str, message: str) -> None:
        """One more problem; the message names the field."""
        self.problems.append(Problem(code, f"{field}: {message}", field))

    def lookup(self, name: str | None, field: str) -> Lookup | None:
        """The lookup of that name, ``None`` without a name or when there is none."""
        if not name:
            return None
        found = self.lookups.use(name, field)
        if isinstance(found, Problem):
            self.problems.append(found)
            return None
        if name in self.lookups.dynamic:
            self.dynamic_names.add(name)
        return found


@dataclass(frozen=True, slots=True)
class Label:
    """How messages name a field: its target's path and its extract."""

    generate: str
    extract: str | None

    def error(self, code: str, message: str, source: str) -> MappingError:
        """The error of this field."""
        extract = self.extract or ""
        origin = f" (extract {extract if len(extract) <= 100 else extract[:100] + '...'})" if extract else ""
        return MappingError(code, f"{self.generate}: {message}{origin}", source, self.generate)

    def looking_up(self, lookup: Lookup) -> Run:
        """The lookup as a step of this field."""

        def look_up(value: Json, scope: Scope) -> Json:
            try:
                return lookup(value, scope)
            except MappingError as error:
                raise self.error(error.code, error.message, error.source) from None

        return look_up


def label_of(field: Mapping[str, Any], above: str = "") -> Label:
    """``above``: the path of the list or object that the field stands in, with its dot."""
    constant = opened(field.get("hardCodedValue")) is not None
    return Label(above + str(field.get("generate") or ""), None if constant else field.get("extract"))


def value_steps(
    field: Mapping[str, Any], place: str, tools: Compiling, label: Label, converts: list[Converting], *, each: bool
) -> tuple[Step, ...]:
    """Steps 3 to 7 of 10.3. ``each``: the value is a list whose elements are looked up and converted one by one."""
    condition = field.get("conditional") or {}
    when = condition.get("when")
    steps: list[Step] = []
    if when == "extract_not_empty":
        steps.append(SKIP_EMPTY)
    own = tools.lookup(field.get("lookupName"), f"{place}.lookupName")
    replace = None if own is None else label.looking_up(own)
    if replace is not None and each:
        replace = _each(replace)
    if when in ("lookup_not_empty", "lookup_empty"):
        name = condition.get("lookupName")
        judge = replace
        if name not in (None, "", field.get("lookupName")):
            other = tools.lookup(name, f"{place}.conditional.lookupName")
            judge = None if other is None else label.looking_up(other)
            judge = _each(judge) if judge is not None and each else judge
        elif not field.get("lookupName"):
            tools.wrong("invalid_mapping", f"{place}.conditional.when", f"{when} needs a lookupName")
        steps.append(Step(Does.JUDGE, _judging(replace, judge, wanted_empty=when == "lookup_empty")))
    elif replace is not None:
        steps.append(Step(Does.CHANGE, replace))
    if "default" in field:
        default = opened(field["default"])
        steps.append(Step(Does.DEFAULT, _or(default), default))
    for converting in converts:
        run = _converting(converting, label)
        steps.append(Step(Does.CHANGE, _each(run) if each else run, None, converting.unchanged, each))
    if field.get("discardIfEmpty"):
        steps.append(SKIP_EMPTY)
    return tuple(steps)


def _unless_empty(value: Json, _: Scope) -> Json:
    return SKIP if is_empty(value) else value


SKIP_EMPTY: Final = Step(Does.SKIP_EMPTY, _unless_empty)


def _judging(replace: Run | None, judge: Run | None, *, wanted_empty: bool) -> Run:
    """Step 4 with ``lookup_empty`` or ``lookup_not_empty``: the condition may be about another lookup than the field's own."""

    def look_up(value: Json, scope: Scope) -> Json:
        result = replace(value, scope) if replace else value
        judged = result if judge is None or judge is replace else judge(value, scope)
        return result if is_empty(judged) is wanted_empty else SKIP

    return look_up


def _or(default: Json) -> Run:
    return lambda value, _: default if is_empty(value) else value


def _converting(converting: Converting, label: Label) -> Run:
    def step(value: Json, _: Scope) -> Json:
        if is_empty(value) and not (converting.blank and value == ""):
            return value
        try:
            return converting.convert(value)
        except ConversionError as error:
            raise label.error("mapping_error", str(error), "mapping") from None

    return step


def _each(run: Run) -> Run:
    """The step for every value of a list; values that come to nothing are left out."""

    def steps(value: Json, scope: Scope) -> Json:
        if not isinstance(value, list):
            return run(value, scope)
        return [result for item in value if (result := run(item, scope)) is not NOTHING]

    return steps


def template_error(error: TemplateError, label: Label) -> MappingError:
    """A template that could not be rendered for a record."""
    return label.error("invalid_template", error.message, "mapping")
