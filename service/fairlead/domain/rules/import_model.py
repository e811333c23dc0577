"""Rules between the fields of an import in the ``http`` dialect (exports-imports.md 9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.rules.connection import invalid, missing

MAXIMUM_POSITIONS: Final = 2


def check_import(tree: Tree) -> list[Problem]:
    """Everything that is wrong between the fields of an import; fields relative to the import."""
    http = tree.get("http")
    return list(_positions(http)) + list(_batches(http)) if isinstance(http, dict) else []


def _positions(http: Tree) -> Iterator[Problem]:
    for name in ("method", "relativeURI", "body", "requestType"):
        if len(http.get(name) or ()) > MAXIMUM_POSITIONS:
            yield invalid(f"http.{name}", f"may have at most {MAXIMUM_POSITIONS} positions")
    if not http.get("relativeURI"):
        yield missing("http.relativeURI")
    kinds = [str(kind).upper().removesuffix("ANDIGNORE") for kind in http.get("requestType") or () if kind]
    if len(kinds) == MAXIMUM_POSITIONS and kinds[0] == kinds[1]:
        yield invalid("http.requestType", "must name CREATE and UPDATE once each")
    response = http.get("response") or {}
    for values, path in (("successValues", "successPath"), ("failValues", "failPath")):
        if any(response.get(values) or ()) and not any(response.get(path) or ()):
            yield missing(f"http.response.{path}", f"is required with {values}")


def _batches(http: Tree) -> Iterator[Problem]:
    size: Any = http.get("batchSize")
    if size is None or size == 1:
        return
    if size < 1:
        yield invalid("http.batchSize", "must be 1 or more")
        return
    if not any((http.get("response") or {}).get("resourcePath") or ()):
        yield missing("http.response.resourcePath", "is required with batchSize above 1")
    if http.get("requestMediaType") in ("urlencoded", "form-data"):
        yield invalid("http.batchSize", f"must be 1 for {http['requestMediaType']}")
