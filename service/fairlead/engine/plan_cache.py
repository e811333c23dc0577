"""Compiled exports and imports, kept for as long as document and connection stay the same: a client sends its document with each page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.engine.prepare import Prepared, decoded

T = TypeVar("T")

MAXIMUM_PLANS: Final = 512
MAXIMUM_TEXT: Final = 4 << 20
"""Bytes of the documents of all plans together; a plan takes some ten times as much memory as its document."""

Key = tuple[str, str, bytes]
"""Connection, variant, digest of the document."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    version: object
    weight: int
    plan: T


class PlanCache(Generic[T]):
    """The plans that were used last. One that was made of another version of its connection is not found."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept[T]] = {}
        self._weight = 0

    def key(self, prepared: Prepared, document: Tree, variant: str = "") -> tuple[Key, int]:
        """By what a plan is found, and its weight. The order of members counts: that of a query does for the application."""
        text = jsonvalue.dumps(decoded(document))
        return (prepared.connection.id, variant, hashlib.sha256(text).digest()), len(text)

    def find(self, key: Key, prepared: Prepared) -> T | None:
        """The plan, if it was made for this version of the connection, its lender and its iClient."""
        found = self._kept.pop(key, None)
        if found is None:
            return None
        if found.version is not prepared.rules:  # made once for each version, and kept when credentials are renewed
            self._weight -= found.weight
            return None
        self._kept[key] = found
        return found.plan

    def keep(self, key: Key, weight: int, prepared: Prepared, plan: T) -> T:
        """Keep a new plan; those that were not used for longest go."""
        if weight > MAXIMUM_TEXT:
            return plan
        self._kept[key] = _Kept(prepared.rules, weight, plan)
        self._weight += weight
        while self._weight > MAXIMUM_TEXT or len(self._kept) > MAXIMUM_PLANS:
            self._weight -= self._kept.pop(next(iter(self._kept))).weight
        return plan
