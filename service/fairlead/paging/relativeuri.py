"""``relativeuri``: a template makes the next URI from the page before (exports-imports.md 4.3)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page


class RenderedUri:
    """Renders ``paging.relativeURI`` after each page."""

    name = "relativeuri"
    requires: tuple[str, ...] = ("relativeURI",)
    variable: str | None = None
    rewrites = frozenset(("relativeURI",))

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first request is the export's own."""
        return {}

    def variables(self, state: Tree) -> Tree:
        """None: the template looks at ``previous_page``."""
        return {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The rendered URI; nothing when it is empty (rule 5)."""
        uri = page.rendered("relativeURI").strip()
        return {"uri": uri} if uri else None
