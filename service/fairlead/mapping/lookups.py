"""Lookups of an import: static ones compiled to functions, the others known by name (exports-imports.md 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import is_empty, text_of
from fairlead.domain.paths import NOTHING
from fairlead.engine.ports import Json, MappingError
from fairlead.mapping.convert import shown
from fairlead.mapping.values import opened

Lookup = Callable[[Json], Json]
"""Value to result; ``NOTHING`` for no match where failures are allowed. Raises ``MappingError`` where they are not."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """The lookups of one import by name: ``static`` ones, and for the others what to answer when a mapping needs them."""

    static: Mapping[str, Lookup]
    unusable: Mapping[str, Problem]

    def use(self, name: str, field: str) -> Lookup | Problem:
        """The lookup that a mapping names in ``field``, or what is wrong."""
        if name in self.static:
            return self.static[name]
        if name in self.unusable:
            return self.unusable[name]
        known = ", ".join(sorted({*self.static, *self.unusable})) or "none"
        return Problem("invalid_ref", f"{field} names the lookup {name!r}; the import has: {known}", field)

    def for_templates(self) -> dict[str, Lookup]:
        """The static lookups as templates call them: ``None`` for no match."""

        def answering(lookup: Lookup) -> Lookup:
            def look_up(value: Json) -> Json:
                found = lookup(value)
                return None if found is NOTHING else found

            return look_up

        return {name: answering(lookup) for name, lookup in self.static.items()}


def compile_lookups(import_tree: Tree) -> Lookups:
    """The lookups of the document and of its ``http`` block, joined; the inner one wins on equal names."""
    static: dict[str, Lookup] = {}
    unusable: dict[str, Problem] = {}
    inner = import_tree.get("http") or {}
    for prefix, entries in (("lookups", import_tree.get("lookups")), ("http.lookups", inner.get("lookups"))):
        for index, entry in enumerate(entries or ()):
            name = entry.get("name")
            if not name:
                continue
            static.pop(name, None)
            unusable.pop(name, None)
            problem = _problem(entry, f"{prefix}.{index}")
            if problem is None:
                static[name] = static_lookup(name, entry)
            else:
                unusable[name] = problem
    return Lookups(static, unusable)


def _problem(entry: Mapping[str, Any], field: str) -> Problem | None:
    for member, kind in (("relativeURI", "dynamic"), ("_lookupCacheId", "cache")):
        if entry.get(member):
            message = f"{field}: a {kind} lookup in a mapping is stored but not supported by this build yet"
            return Problem("feature_not_supported", message, field)
    if entry.get("map") is None:
        message = f"{field} has none of map, relativeURI and _lookupCacheId; a lookup needs one of them"
        return Problem("invalid_mapping", message, field)
    return None


def static_lookup(name: str, entry: Mapping[str, Any]) -> Lookup:
    """The function of a static lookup: the value's text is the key, an empty value has no match."""
    results: Mapping[str, Json] = opened(entry.get("map"))
    allowed = bool(entry.get("allowFailures"))
    default = opened(entry["default"]) if "default" in entry else NOTHING

    def look_up(value: Json) -> Json:
        found = NOTHING if is_empty(value) else results.get(text_of(value), NOTHING)
        if found is not NOTHING:
            return found
        if allowed:
            return default
        wanted = "an empty value" if is_empty(value) else shown(value)
        raise MappingError("lookup_no_match", f"the lookup {name!r} has no match for {wanted}", "lookup")

    return look_up
