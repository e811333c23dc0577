"""Small shared documents by which processes on one store agree (D13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Note:
    """A shared document as it was read, or written: ``version`` is the one that the next write must name."""

    value: Mapping[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a write made: the document's new version, and the store's clock at that instant, in seconds from any zero."""

    version: int
    at: float


class Coordination(Protocol):
    """Documents by key, changed by compare-and-set on their version. Plain JSON values; member names without dots and dollars. Every call
    raises ``StoreUnavailable`` when the store is away; a write whose call failed or was cancelled may have been carried out, or may
    still be."""

    async def read(self, key: str) -> Note | None:
        """The document, or nothing."""

    async def read_all(self, prefix: str) -> Mapping[str, Note]:
        """The documents whose keys begin with ``prefix``, by the rest of their keys."""

    async def write(self, key: str, value: Mapping[str, Any], version: int) -> Written | None:
        """Put ``value`` in the place of that version (0: there is no document yet); nothing, and no change, when the version is another.
        No version comes twice, also when a document was removed meanwhile."""

    async def remove(self, key: str, version: int) -> bool:
        """Delete that version; false when it is another."""

    def beacon(self) -> tuple[str, int]:
        """Host and port in whose direction the other processes are."""
