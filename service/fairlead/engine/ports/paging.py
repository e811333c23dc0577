"""Paging methods (exports-imports.md 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fairlead.domain.document import Tree
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports.values import Json


@dataclass(frozen=True, slots=True)
class Page:
    """What a paging strategy may look at after an answer: the response, its decoded body on demand, and counts."""

    request: HttpRequest
    response: HttpResponse
    body: Callable[[], Json]
    records: int
    """Raw records of this page."""
    requests_made: int
    """In this run, this one included."""
    records_so_far: int
    """In this run, this page included."""
    rendered: Callable[[str], str]
    """``relativeURI`` or ``body`` of the paging settings, rendered with this page as ``previous_page``."""


class PagingStrategy(Protocol):
    """One paging method (exports-imports.md 4): pure, its state is a small JSON object that travels to the client in the cursor."""

    name: str
    requires: tuple[str, ...]
    """Settings that the method cannot do without."""
    variable: str | None
    """Member of ``export.http.paging`` that a template must read, unless the engine writes the parameter itself (``argument``)."""
    rewrites: frozenset[str]
    """Which of ``relativeURI`` and ``body`` of the paging settings, when given, replace the export's own from the second request on."""

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """State of the first request."""

    def variables(self, state: Tree) -> Tree:
        """What templates see as ``export.http.paging`` beside the settings (``page``, ``skip``, ``token``)."""

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """State of the next request, or ``None`` at the end (rules 4 and 5). Keys with a meaning to the caller: ``uri`` and ``body``
        (texts to send instead of the rendered ones; ``uri`` may be absolute), ``query`` (parameters to set or replace). Raises
        ``ApplicationFailure`` (``paging_origin_mismatch``, ``invalid_response``)."""
