"""``linkheader``: the ``Link`` header of each answer names the next page (RFC 8288, exports-imports.md 4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.links import next_url

_TARGET: Final = re.compile(r"\s*,?\s*<([^>]*)>")
_PARAMETER: Final = re.compile(r"""\s*;\s*([^\s=;,"<>]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?""")
_ESCAPE: Final = re.compile(r"\\(.)")


class LinkHeader:
    """Follows the link with the relation of ``linkHeaderRelation``, default ``next``; its case counts."""

    name = "linkheader"
    requires: tuple[str, ...] = ()
    variable: str | None = None
    rewrites: frozenset[str] = frozenset()

    def first(self, paging: Mapping[str, Json]) -> Tree:
        """The first request is the export's own."""
        return {}

    def variables(self, state: Tree) -> Tree:
        """None: the address stands on its own."""
        return {}

    def next(self, paging: Mapping[str, Json], state: Tree, page: Page) -> Tree | None:
        """The address of the relation; nothing without such a link (rule 5)."""
        wanted = paging.get("linkHeaderRelation") or "next"
        for header in page.response.headers.get_all("Link"):
            for target, relations in links(header):
                if wanted in relations:
                    return {"uri": next_url(page.request.url, target)}
        return None


def links(header: str) -> Iterator[tuple[str, list[str]]]:
    """Each target of a ``Link`` header with its relations, quoted or not, several in one value (RFC 8288 3). Of two ``rel`` parameters
    the first counts (3.3). Stops at what cannot be read."""
    at = 0
    while found := _TARGET.match(header, at):
        relations: list[str] | None = None
        at = found.end()
        while parameter := _PARAMETER.match(header, at):
            at = parameter.end()
            if parameter[1].lower() == "rel" and relations is None:
                quoted = parameter[2]
                relations = (_ESCAPE.sub(r"\1", quoted) if quoted is not None else parameter[3] or "").split()
        yield found[1], relations or []
