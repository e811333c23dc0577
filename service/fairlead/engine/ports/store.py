"""Documents in a store (D9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fairlead.domain.document import AccountId, Document, Tree
from fairlead.engine.ports.coordination import Coordination


class DuplicateKey(Exception):
    """``insert`` met a document of the same kind with the same id or unique key."""


class StoreUnavailable(Exception):
    """The store is away; translated to 503."""


class Store(Protocol):
    """Documents by kind, account and id (D9). Every write is one atomic single-document operation, durable when it returns. Dates
    keep their milliseconds. Every call raises ``StoreUnavailable`` when the store is away or busy for too long; a call that is
    cancelled may have been carried out. One store serves one event loop."""

    async def insert(self, document: Document) -> None:
        """Store a new document; raises ``DuplicateKey``."""

    async def get(self, kind: str, account: AccountId, id: str) -> Document | None:
        """The document of that account, or nothing (also when it belongs to another account)."""

    async def find(self, kind: str, key: str) -> Document | None:
        """The document with that unique key, whatever its account: for tokens and accounts only."""

    async def list(
        self,
        kind: str,
        account: AccountId,
        *,
        filters: Mapping[str, Sequence[str]],
        skip: int = 0,
        limit: int = 1000,
    ) -> Sequence[Document]:
        """Documents in order of id; ``filters``: dotted path in ``fields`` -> accepted values (OR within, AND between)."""

    async def list_everywhere(self, kind: str, *, skip: int = 0, limit: int = 1000) -> Sequence[Document]:
        """Documents of all accounts, for the operator's commands only."""

    async def replace(self, document: Document) -> bool:
        """Put ``document`` in the place of version ``document.version - 1`` with runtime version ``document.runtime_version - 1``; false
        when either is gone. Raises ``DuplicateKey`` when its ``key`` is another document's."""

    async def replace_runtime(self, document: Document, runtime: Tree) -> Document | None:
        """Write ``runtime`` if the stored ``runtime_version`` is still ``document.runtime_version``; the new document, or nothing."""

    async def delete(self, kind: str, account: AccountId, id: str, *, version: int | None = None) -> bool:
        """Delete; with ``version`` only that version. False when nothing was deleted."""

    async def ping(self) -> None:
        """Raises ``StoreUnavailable`` when the store does not answer."""

    async def close(self) -> None:
        """Release connections and files."""

    def coordination(self) -> Coordination:
        """The documents by which the processes on this store agree; closed with the store. Raises ``StoreUnavailable``."""
