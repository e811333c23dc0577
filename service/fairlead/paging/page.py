"""``page``: a number that grows by one with every request (exports-imports.md 4.3; ``rest``: ``pageargument``)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.counter import advanced, first_value


class PageNumbers:
    """Templates see the number as ``export.http.paging.page``."""

    name = "page"
    requires: tuple[str, ...] = ()
    variable: str | None = "page"
    rewrites = frozenset(("relativeURI", "body"))

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first number, default 0."""
        return first_value(paging, "page")

    def variables(self, state: Tree) -> Tree:
        """The number of the request in the making."""
        return {"page": state["page"]} if "page" in state else {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The next number; nothing at the end that the application told (rule 4)."""
        return advanced(paging, state, page, name="page", step=1, default=1)
