"""Rules between the fields of an export in the ``http`` dialect (exports-imports.md 1.2, 3.1, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fairlead.domain.dates import parse_moment
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.rules.connection import final_status, invalid, missing

_PATHS_OF_VALUES: Final = (("successValues", "successPath"), ("failValues", "failPath"))


def check_export(tree: Tree) -> list[Problem]:
    """Everything that is wrong between the fields of an HTTP export; fields relative to the export. What a paging method cannot do
    without is the method's own knowledge and is checked where it is compiled."""
    http = tree.get("http")
    return [*_http(http), *_delta(tree)] if isinstance(http, dict) else []


def _http(http: Tree) -> Iterator[Problem]:
    if http.get("relativeURI") is None:
        yield missing("http.relativeURI", 'is required; "" stands for the baseURI itself')
    response: Mapping[str, Any] = http.get("response") or {}
    for values, path in _PATHS_OF_VALUES:
        if response.get(values) and not response.get(path):
            yield missing(f"http.response.{path}", f"is required with {values}")
    paging: Mapping[str, Any] = http.get("paging") or {}
    if paging.get("lastPagePath") and not paging.get("lastPageValues"):
        yield missing("http.paging.lastPageValues", "is required with lastPagePath")
    if paging.get("lastPageValues") and not paging.get("lastPagePath"):
        yield missing("http.paging.lastPagePath", "is required with lastPageValues")
    yield from final_status(paging.get("lastPageStatusCode"), "http.paging.lastPageStatusCode")


def _delta(tree: Tree) -> Iterator[Problem]:
    delta: Mapping[str, Any] = tree.get("delta") or {}
    if delta.get("startDate"):
        try:
            parse_moment(str(delta["startDate"]))
        except ValueError:
            yield invalid("delta.startDate", "must be an ISO 8601 date such as 2026-01-15T09:30:00Z")
    if delta.get("dateField"):
        yield invalid(
            "delta.dateField",
            "does not work on an HTTP export: write {{lastExportDateTime}} into the relative URI or the body instead",
        )
