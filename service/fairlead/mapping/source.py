"""The source side of mapping 1.0: paths, literal names, templates, single braces (exports-imports.md 10.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fairlead.domain.jsonvalue import text_of
from fairlead.domain.paths import ALL, NOTHING, PathError, Step, elements_of, plain_steps, step_into
from fairlead.engine.ports import Json, Operation, Place, Scope, Template, TemplateError, Templates
from fairlead.mapping.bounds import Room
from fairlead.mapping.lookups import Lookup
from fairlead.mapping.steps import Label, Run, template_error

MAX_LENGTH: Final = 1000
"""Characters of a path; templates have a bound of their own."""

_NONE: Final[Mapping[str, Lookup]] = MappingProxyType({})
_BRACES = re.compile(r"\{([^{}]+)\}")
BRACKETS: Final = re.compile(r"\[[^\]]*\]")
"""Steps of a path whose names may hold any letters."""
_ASKED = re.compile(r"(?:^|[./])lookup[./](?:\[([^\]]*)\]|([^./\[\]]+))")


class Work:
    """One record while it is mapped."""

    __slots__ = ("_lookups", "_scope", "first", "operation", "outer", "record", "room")

    def __init__(
        self,
        record: Json,
        operation: Operation | None,
        scope: Scope,
        lookups: Mapping[str, Callable[[Json], Json]],
        room: Room | None = None,
    ) -> None:
        self.record = record
        self.first: Json = record if not isinstance(record, list) else record[0] if record else NOTHING
        """What plain paths read: the record, or the first row of a grouped one."""
        self.operation = operation
        self.outer = scope
        self.room = room
        """Of a record that is shown one element at a time."""
        self._lookups = lookups
        self._scope: Scope | None = None

    @property
    def scope(self) -> Scope:
        """What templates of an extract see (handlebars.md 2.1)."""
        if self._scope is None:
            self._scope = Scope(
                context={**self.outer.context, "record": self.record},
                now=self.outer.now,
                lookups=self._lookups,
                signing=self.outer.signing,
                record_names=True,
                dynamic=self.outer.dynamic,
                regex_time=self.outer.regex_time,
            )
        return self._scope

    def knowing(self, asked: Mapping[str, Run]) -> Scope:
        """``scope`` with the results of dynamic lookups; raises what asking for them raises."""
        results = {name: ask(NOTHING, self.outer) for name, ask in asked.items()}
        found = {name: result for name, result in results.items() if result is not NOTHING}
        scope = self.scope
        return replace(scope, context={**scope.context, "lookup": {**(scope.context.get("lookup") or {}), **found}})

    def narrowed(self, record: Json) -> Work:
        """The same work with paths relative to ``record``; templates go on seeing the whole one."""
        inner = Work(record, self.operation, self.outer, self._lookups)
        inner._scope = self.scope
        return inner

    def showing(self, record: Json, room: Room) -> Work:
        """The same work on a copy of the record, which templates see too."""
        return Work(record, self.operation, self.outer, self._lookups, room)


Reader = Callable[[Work], Json]
"""The value for a record, or ``NOTHING``."""


@dataclass(frozen=True, slots=True)
class Source:
    """A compiled extract. ``steps``: those of a path, ``None`` for texts that are put together."""

    read: Reader
    steps: tuple[Step, ...] | None = None
    template_paths: frozenset[str] = frozenset()
    """What a template reads."""
    text: str | None = None
    """That of a path: the name of the member that is tried when the path finds nothing."""

    @property
    def spreads(self) -> bool:
        """Whether it reads a list of values (``[*]``)."""
        return self.steps is not None and ALL in self.steps


def compile_source(
    text: str, templates: Templates, label: Label, *, strict: bool, dynamic: Mapping[str, Lookup] = _NONE
) -> Source:
    """``dynamic``: the lookups whose results templates may read. Raises ``PathError`` and ``TemplateError``."""
    if "{{" in text:
        return template_source(text, templates, label, strict=strict, dynamic=dynamic)
    if _BRACES.search(BRACKETS.sub("", text)):
        return Source(_braces_reader(text))
    steps = path_steps(text)
    return Source(_path_reader(text, steps), steps, text=text)


def template_source(
    text: str, templates: Templates, label: Label, *, strict: bool, dynamic: Mapping[str, Lookup] = _NONE
) -> Source:
    """Raises ``TemplateError``."""
    template = templates.compile(text, Place.PLAIN, strict=strict)
    asked = {name: label.looking_up(dynamic[name]) for name in asked_lookups(template.paths) & dynamic.keys()}
    return Source(_template_reader(template, label, asked), template_paths=template.paths)


def asked_lookups(template_paths: frozenset[str]) -> set[str]:
    """Names of lookups whose results a template reads (``lookup.custId``, ``@root.lookup.[cust id].name``)."""
    return {(found[1] or found[2]) for path in template_paths for found in _ASKED.finditer(path)}


def path_steps(text: str) -> tuple[Step, ...]:
    """The steps of a path of 10.1; raises ``PathError``. A text with a dot at its end, as column titles have (``Order No.``), is a name."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"a path has at most {MAX_LENGTH} characters, this one has {len(text)}")
    if text.endswith(".") and not text.endswith(".."):
        return (text,)
    steps = plain_steps(text)
    if steps is None:
        raise PathError(f"path {text!r} is none of a mapping; a name with such letters goes into ['...']")
    return steps


def _template_reader(template: Template, label: Label, asked: Mapping[str, Run]) -> Reader:
    def read(work: Work) -> Json:
        try:
            return template.render(work.knowing(asked) if asked else work.scope)
        except TemplateError as error:
            raise template_error(error, label) from None

    return read


def _braces_reader(text: str) -> Reader:
    """``{first} {last}`` of the earlier edition: a member that is missing or null is empty text."""
    pieces = _BRACES.split(text)
    constants = pieces[0::2]
    readers = [_path_reader(path, path_steps(path)) for path in pieces[1::2]]

    def read(work: Work) -> Json:
        out = [constants[0]]
        for reader, constant in zip(readers, constants[1:], strict=True):
            value = reader(work)
            out.append("" if value is None or value is NOTHING else text_of(value))
            out.append(constant)
        return "".join(out)

    return read


def _path_reader(text: str, steps: tuple[Step, ...]) -> Reader:
    if ALL in steps:
        return _spreading_reader(text, steps)
    if len(steps) == 1 and steps[0] == text:
        return _name_reader(text)
    by_row = bool(steps) and isinstance(steps[0], int)
    if steps and all(isinstance(step, str) for step in steps):
        return _names_reader(text, steps)

    def read(work: Work) -> Json:
        value = work.record if by_row else work.first
        for step in steps:
            value = step_into(value, step)
            if value is NOTHING:
                return step_into(work.first, text)
        return value

    return read


def _name_reader(name: str) -> Reader:
    def read(work: Work) -> Json:
        record = work.first
        return record.get(name, NOTHING) if isinstance(record, dict) else NOTHING

    return read


def _names_reader(text: str, names: tuple[Step, ...]) -> Reader:
    def read(work: Work) -> Json:
        value = work.first
        for name in names:
            value = value.get(name, NOTHING) if isinstance(value, dict) else NOTHING
            if value is NOTHING:
                return step_into(work.first, text)
        return value

    return read


def _spreading_reader(text: str, steps: tuple[Step, ...]) -> Reader:
    start = steps.index(ALL)
    before, after = steps[:start], steps[start:]
    by_row = start == 0 or isinstance(steps[0], int)

    def read(work: Work) -> Json:
        value = work.record if by_row else work.first
        for step in before:
            value = step_into(value, step)
            if value is NOTHING:
                return step_into(work.first, text)
        if value is None:
            return NOTHING
        return spread([value], after)

    return read


def spread(values: list[Json], steps: tuple[Step, ...]) -> list[Json]:
    """The values that the steps find below ``values``, in one flat list."""
    for step in steps:
        if step is ALL:
            values = values[0] if len(values) == 1 and isinstance(values[0], list) else _unwound(values)
        elif isinstance(step, str):
            values = [value[step] for value in values if isinstance(value, dict) and step in value]
        else:
            values = [inner for value in values if (inner := step_into(value, step)) is not NOTHING]
    return values


def _unwound(values: list[Json]) -> list[Json]:
    return [element for value in values for element in elements_of(value)]
