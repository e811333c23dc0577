"""``body``: a template makes the next body from the page before (exports-imports.md 4.3; ``rest``: ``postbody``)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page


class RenderedBody:
    """Renders ``paging.body`` after each page."""

    name = "body"
    requires: tuple[str, ...] = ("body",)
    variable: str | None = None
    rewrites = frozenset(("relativeURI", "body"))

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first request is the export's own."""
        return {}

    def variables(self, state: Tree) -> Tree:
        """None: the template looks at ``previous_page``."""
        return {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The rendered body; nothing when it is empty (rule 5)."""
        body = page.rendered("body")
        return {"body": body} if body.strip() else None
