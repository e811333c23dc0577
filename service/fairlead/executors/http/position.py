"""Where an export stands in an application's paging: all that fetches one page again, as small JSON (exports-imports.md 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from fairlead.domain.document import Tree
from fairlead.domain.http import HttpRequest

REMEMBERED: Final = 16
"""Requests whose digests a position carries (exports-imports.md 4.2 rule 6)."""

_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Position:
    """The request that is to be made next. ``state`` is the paging strategy's own, ``texts`` what the templates made of the page
    before (``uri``, ``body``, ``headers``, ``query``): that page is gone when the position is used. ``requests`` and ``records`` count
    what came before it, ``digests`` are those of the last requests."""

    state: Tree
    texts: Tree = field(default_factory=dict)
    requests: int = 0
    records: int = 0
    digests: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        """No request was made before."""
        return self.requests == 0

    def after(self, state: Tree, texts: Tree, records: int, digest: str) -> Position:
        """The position of the page after this one, which had ``records`` records and whose request had ``digest``."""
        digests = (*self.digests, digest)[-REMEMBERED:]
        return Position(state, texts, self.requests + 1, self.records + records, digests)

    def tree(self) -> Tree:
        """As JSON."""
        tree: Tree = {"state": self.state, "requests": self.requests, "records": self.records}
        if self.texts:
            tree["texts"] = self.texts
        if self.digests:
            tree["digests"] = list(self.digests)
        return tree

    @classmethod
    def of(cls, tree: Tree) -> Position:
        """From ``tree()``."""
        return cls(
            tree["state"], tree.get("texts") or {}, tree["requests"], tree["records"], tuple(tree.get("digests") or ())
        )


def digest_of(request: HttpRequest, headers: Sequence[str] = ()) -> str:
    """What tells one request from another: method, URL, body and the ``headers`` that name the page, before it is signed."""
    texts = [request.method, request.url, *(f"{name}:{request.headers.get(name) or ''}" for name in headers)]
    parts = [*(text.encode("utf-8", "surrogatepass") for text in texts), request.body or b""]
    return blake2b(b"\0".join(parts), digest_size=_DIGEST_BYTES).hexdigest()
