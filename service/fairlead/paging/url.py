"""``url``: each answer carries the address of the next page (exports-imports.md 4.3; ``rest``: ``nextpageurl``)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.links import next_url
from fairlead.paging.pointer import pointer


class NextPageUrl:
    """Follows the address at ``path``; it may be relative to the request."""

    name = "url"
    requires: tuple[str, ...] = ("path",)
    variable: str | None = None
    rewrites: frozenset[str] = frozenset()

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first request is the export's own."""
        return {}

    def variables(self, state: Tree) -> Tree:
        """None: the address stands on its own."""
        return {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The address in this answer; nothing when there is none (rule 5)."""
        reference = pointer(page, paging["path"], paging.get("pathLocation"))
        return None if reference is None else {"uri": next_url(page.request.url, reference)}
