"""Compiles mapping 2.0: checks every entry of the tree and tells all problems at once (exports-imports.md 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain.errors import Problem
from fairlead.domain.paths import NOTHING, Path, PathError, compile_path
from fairlead.engine.ports import Json, TemplateError
from fairlead.mapping.convert import TO_ARRAY, TO_OBJECT, Converting, ZoneError, conversions
from fairlead.mapping.entries import ArraySource, Elements, Entry, Found, Members, Raw, Value
from fairlead.mapping.fields import When, note_lookups
from fairlead.mapping.source import Work, template_source
from fairlead.mapping.steps import Compiling, Label, Step, label_of, value_steps
from fairlead.mapping.values import opened

MAX_LEVELS: Final = 50
"""Levels of ``mappings`` and ``buildArrayHelper`` below each other."""

_SCALARS: Final = ("string", "number", "boolean")
_ARRAYS: Final[Mapping[str, str]] = {f"{kind}array": kind for kind in (*_SCALARS, "object", "array")}
_KINDS: Final = (*_SCALARS, "object", *_ARRAYS)
_WHENS: Final = ("record_created", "record_updated")


@dataclass(frozen=True, slots=True)
class _At:
    """Where entries stand: in the document, in the target, how deep, and whether inside an array of arrays."""

    place: str
    above: str
    level: int
    nested: bool = False

    def below(self, place: str, above: str, *, nested: bool = False) -> _At:
        return _At(place, above, self.level + 1, nested)


def compile_entries(trees: Sequence[Mapping[str, Any]], tools: Compiling) -> list[Entry]:
    """The entries of ``mappings``, without those that something is wrong with."""
    return _entries(trees, tools, _At("mappings", "", 1))


def _entries(trees: Sequence[Mapping[str, Any]], tools: Compiling, at: _At) -> list[Entry]:
    if at.level > MAX_LEVELS:
        tools.wrong("invalid_mapping", at.place, f"mappings are nested deeper than {MAX_LEVELS} levels")
        return []
    compiled = [_entry(tree, f"{at.place}.{index}", tools, at) for index, tree in enumerate(trees)]
    return [entry for entry in compiled if entry is not None]


def _entry(tree: Mapping[str, Any], place: str, tools: Compiling, at: _At) -> Entry | None:
    before = len(tools.problems)
    _check(tree, place, tools, at)
    kind = tree.get("dataType")
    if kind not in _KINDS:
        return None
    label = label_of(tree, at.above)
    if at.nested:
        label = Label(at.above.removesuffix("."), label.extract)
    element = _ARRAYS.get(kind)
    source = _source(tree, place, tools, at, label, kind)
    steps: tuple[Step, ...] = ()
    if element is not None and "default" in tree:
        tree = {**tree, "default": [opened(tree["default"])]}
    try:
        converts = _conversions(tree, element or kind)
    except ZoneError as error:
        tools.wrong("invalid_mapping", f"{place}.{error.member}", str(error))
    else:
        steps = value_steps(tree, place, tools, label, converts, each=element is not None)
    if len(tools.problems) > before or source is None:
        return None
    condition = (tree.get("conditional") or {}).get("when")
    when = When(condition) if condition in _WHENS else None
    return Entry(tree.get("generate") or "", source, when, steps, element is not None)


def _check(tree: Mapping[str, Any], place: str, tools: Compiling, at: _At) -> None:
    status = tree.get("status")
    if not status:
        message = "Mapping object must have status field present"
        tools.problems.append(Problem("invalid_mapping", message, f"{place}.status"))
    elif status != "Active":
        tools.wrong("invalid_mapping", f"{place}.status", f"{status!r} is not Active")
    kind = tree.get("dataType")
    if kind not in _KINDS:
        said = "is required" if not kind else f"{kind!r} is unknown"
        tools.wrong("invalid_mapping", f"{place}.dataType", f"{said}; known: {', '.join(_KINDS)}")
    if not tree.get("generate") and not at.nested:
        tools.wrong("invalid_mapping", f"{place}.generate", "the name of the target is required")


def _conversions(tree: Mapping[str, Any], kind: str) -> list[Converting]:
    if kind == "object":
        return [TO_OBJECT]
    if kind == "array":
        return [TO_ARRAY]
    return conversions(tree, kind)


def _source(tree: Mapping[str, Any], place: str, tools: Compiling, at: _At, label: Label, kind: str) -> Raw | None:
    constant = opened(tree.get("hardCodedValue"))
    if constant is not None:
        return Value(_constant([constant] if kind in _ARRAYS else constant))
    if kind in _ARRAYS:
        return _elements(tree, place, tools, at, label, kind)
    found = _found(tree.get("extract"), f"{place}.extract", tools, label)
    mappings = tree.get("mappings")
    if kind == "object" and mappings:
        if tree.get("extract") and found is not None:
            _composable(found, f"{place}.extract", tools)
        entries = _entries(mappings, tools, at.below(f"{place}.mappings", f"{label.generate}."))
        return Members(entries, found if tree.get("extract") else None)
    return Value(found or _constant(NOTHING))


def _elements(tree: Mapping[str, Any], place: str, tools: Compiling, at: _At, label: Label, kind: str) -> Elements:
    helpers = tree.get("buildArrayHelper") or ()
    if not helpers:  # an array with an extract of its own has one source
        alone = {name: tree[name] for name in ("extract", "mappings") if tree.get(name)}
        return Elements([_array_source(alone, place, tools, at, label, kind)] if alone else [])
    return Elements(
        [
            _array_source(helper, f"{place}.buildArrayHelper.{index}", tools, at, label, kind)
            for index, helper in enumerate(helpers)
        ]
    )


def _array_source(
    tree: Mapping[str, Any], place: str, tools: Compiling, at: _At, label: Label, kind: str
) -> ArraySource:
    mappings = tree.get("mappings") if kind in ("objectarray", "arrayarray") else None
    extract = tree.get("extract")
    found = _found(None if mappings and not extract else extract, f"{place}.extract", tools, label)
    members: Members | None = None
    nested = kind == "arrayarray"
    if mappings:
        if found is not None:
            _composable(found, f"{place}.extract", tools)
        below = at.below(f"{place}.mappings", f"{label.generate}[*].", nested=nested)
        members = Members(_entries(mappings, tools, below))
    default = opened(tree["default"]) if "default" in tree else NOTHING
    unless_empty = (tree.get("conditional") or {}).get("when") == "extract_not_empty"
    return ArraySource(found, members, default, unless_empty, nested)


def _composable(found: Found, field: str, tools: Compiling) -> None:
    if found.spreads and found.steps is None:
        tools.wrong("invalid_mapping", field, "an extract with mappings is a path of names, [n] and [*] only")


def _found(text: str | None, field: str, tools: Compiling, label: Label) -> Found | None:
    """The compiled extract, ``None`` without one or when something is wrong with it."""
    if text is None:
        return None
    try:
        if "{{" in text:
            source = template_source(text, tools.templates, label, strict=tools.strict, dynamic=tools.lookups.dynamic)
            note_lookups(source, tools)
            return Found(source.read)
        return _at_path(compile_path(text)) if text.startswith("$") else _constant(text)
    except TemplateError as error:
        tools.wrong("invalid_template", field, error.message)
    except PathError as error:
        tools.wrong("invalid_mapping", field, str(error))
    return None


def _at_path(path: Path) -> Found:
    if path.spreads:
        return Found(lambda work: path.find(work.record), path.steps, True)
    return Found(lambda work: path.first(work.record), path.steps)


def _constant(value: Json) -> Found:
    def read(_: Work) -> Json:
        return value

    return Found(read, constant=value)
