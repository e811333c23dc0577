"""``token``: each answer carries a word that asks for the next page (exports-imports.md 4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.pointer import pointer


class Tokens:
    """Templates see the word as ``export.http.paging.token``, empty in the first request."""

    name = "token"
    requires: tuple[str, ...] = ("path",)
    variable: str | None = "token"
    rewrites = frozenset(("relativeURI", "body"))

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The configured first word, default empty."""
        return {"token": paging.get("token") or ""}

    def variables(self, state: Tree) -> Tree:
        """The word of the request in the making."""
        return {"token": state["token"]}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The word in this answer; nothing when there is none, or it is the one just used (rule 5)."""
        path = paging["path"]
        if page.requests_made > 1:
            path = paging.get("pathAfterFirstRequest") or path
        token = pointer(page, path, paging.get("pathLocation"))
        if token is None or token == state["token"]:
            return None
        argument = paging.get("argument")
        return {"token": token, "query": {argument: token}} if argument else {"token": token}
