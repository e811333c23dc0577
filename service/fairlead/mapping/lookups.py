"""Lookups: static ones compiled to functions, dynamic ones asked of the run, cached ones refused (exports-imports.md 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import is_empty, text_of
from fairlead.domain.paths import NOTHING
from fairlead.engine.ports import Json, MappingError, Scope
from fairlead.mapping.convert import shown
from fairlead.mapping.values import opened

Lookup = Callable[[Json, Scope | None], Json]
"""Value to result; ``NOTHING`` for no match where failures are allowed. Raises ``MappingError`` where they are not, and what
``scope.dynamic`` raises; static ones need no scope."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """The lookups of one import by name, and for those that cannot be used what to answer when a mapping needs them."""

    static: Mapping[str, Lookup]
    dynamic: Mapping[str, Lookup]
    unusable: Mapping[str, Problem]

    def use(self, name: str, field: str) -> Lookup | Problem:
        """The lookup that a mapping names in ``field``, or what is wrong."""
        found = self.static.get(name) or self.dynamic.get(name) or self.unusable.get(name)
        if found is not None:
            return found
        known = ", ".join(sorted({*self.static, *self.dynamic, *self.unusable})) or "none"
        return Problem("invalid_ref", f"{field} names the lookup {name!r}; the lookups are: {known}", field)

    def for_templates(self) -> dict[str, Callable[[Json], Json]]:
        """The static lookups as templates call them: ``None`` for no match."""

        def answering(lookup: Lookup) -> Callable[[Json], Json]:
            def look_up(value: Json) -> Json:
                found = lookup(value, None)
                return None if found is NOTHING else found

            return look_up

        return {name: answering(lookup) for name, lookup in self.static.items()}


def compile_lookups(import_tree: Tree) -> Lookups:
    """The lookups of the document and of its ``http`` block, joined; the inner one wins on equal names."""
    static: dict[str, Lookup] = {}
    dynamic: dict[str, Lookup] = {}
    unusable: dict[str, Problem] = {}
    inner = import_tree.get("http") or {}
    for prefix, entries in (("lookups", import_tree.get("lookups")), ("http.lookups", inner.get("lookups"))):
        for index, entry in enumerate(entries or ()):
            name = entry.get("name")
            if not name:
                continue
            for kind in (static, dynamic, unusable):
                kind.pop(name, None)
            problem = _problem(entry, f"{prefix}.{index}")
            if problem is not None:
                unusable[name] = problem
            elif entry.get("relativeURI"):
                dynamic[name] = dynamic_lookup(name, entry)
            else:
                static[name] = static_lookup(name, entry)
    return Lookups(static, dynamic, unusable)


def _problem(entry: Mapping[str, Any], field: str) -> Problem | None:
    if entry.get("_lookupCacheId"):
        message = f"{field}: a lookup in a cache is stored but not supported by this build yet"
        return Problem("feature_not_supported", message, f"{field}._lookupCacheId")
    if entry.get("map") is None and not entry.get("relativeURI"):
        message = f"{field} has none of map, relativeURI and _lookupCacheId; a lookup needs one of them"
        return Problem("invalid_mapping", message, field)
    return None


def static_lookup(name: str, entry: Mapping[str, Any]) -> Lookup:
    """The function of a static lookup: the value's text is the key, an empty value has no match."""
    results: Mapping[str, Json] = opened(entry.get("map"))
    no_match = _no_match(name, entry)

    def look_up(value: Json, _: Scope | None) -> Json:
        found = NOTHING if is_empty(value) else results.get(text_of(value), NOTHING)
        return no_match(value) if found is NOTHING else found

    return look_up


def dynamic_lookup(name: str, entry: Mapping[str, Any]) -> Lookup:
    """The function of a dynamic lookup: one result per record, whatever the value is; nothing found is no match."""
    no_match = _no_match(name, entry)

    def look_up(value: Json, scope: Scope | None) -> Json:
        if scope is None or scope.dynamic is None:
            message = f"the lookup {name!r} asks an application, and here none is asked; run the import instead"
            raise MappingError("mapping_error", message, "lookup")
        found = scope.dynamic(name)
        return no_match(value) if found is None else found

    return look_up


def _no_match(name: str, entry: Mapping[str, Any]) -> Callable[[Json], Json]:
    allowed = bool(entry.get("allowFailures"))
    default = opened(entry["default"]) if "default" in entry else NOTHING

    def no_match(value: Json) -> Json:
        if allowed:
            return default
        wanted = "an empty value" if is_empty(value) else shown(value)
        raise MappingError("lookup_no_match", f"the lookup {name!r} has no match for {wanted}", "lookup")

    return no_match
