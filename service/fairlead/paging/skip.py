"""``skip``: how many records were received so far (exports-imports.md 4.3; ``rest``: ``skipargument``)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.counter import advanced, first_value


class SkippedRecords:
    """Templates see the number as ``export.http.paging.skip``."""

    name = "skip"
    requires: tuple[str, ...] = ()
    variable: str | None = "skip"
    rewrites = frozenset(("relativeURI", "body"))

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first number, default 0."""
        return first_value(paging, "skip")

    def variables(self, state: Tree) -> Tree:
        """The number of the request in the making."""
        return {"skip": state["skip"]} if "skip" in state else {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """Further by the raw records just received; nothing at the end that the application told (rule 4)."""
        return advanced(paging, state, page, name="skip", step=page.records, default=0)
