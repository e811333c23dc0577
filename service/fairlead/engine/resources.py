"""What every kind of stored resource shares: dates and versions, 404, lists, and writes that never mix (contract.md 1.6, 1.11, 1.12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fairlead.domain.dates import iso
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import ConditionNotMet, PreconditionFailed, Problem, ServiceUnavailable, not_found
from fairlead.domain.ids import new_id
from fairlead.engine.ports import Clock, Coordinator, Store
from fairlead.engine.secrets import SecretBox, masked

MODIFIED_BY: Final = "lastModifiedBy"
"""Member of ``runtime`` and of answers: the user who wrote the document last."""

ATTEMPTS: Final = 40
"""Races with other processes that a write without If-Match rides out; the last one wins (contract.md 1.12)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as answers show it: masked, with the members that only the server knows."""

    tree: Tree
    etag: str


def etag(document: Document) -> str:
    """Strong validator of one version (RFC 9110 8.8.3)."""
    return f'"{document.id}-{document.version}"'


def match(document: Document, if_match: str | None) -> None:
    """Raise 412 ``PreconditionFailed`` unless the document is one of the versions that If-Match names; absent and ``*`` name all."""
    if if_match is not None and if_match.strip() != "*":
        wanted = [tag.strip() for tag in if_match.split(",")]
        if etag(document) not in wanted:
            raise mismatch()


def mismatch() -> PreconditionFailed:
    """The 412 of a version that is not the stored one."""
    return PreconditionFailed(
        Problem("precondition_failed", "If-Match does not match the stored version; read it again")
    )


def shown(document: Document) -> Tree:
    """The document as every answer shows it: masked, with id and dates (contract.md 1.6)."""
    tree: Tree = {
        **masked(document),
        "_id": document.id,
        "createdAt": iso(document.created),
        "lastModified": iso(document.modified),
    }
    if document.runtime.get(MODIFIED_BY):
        tree[MODIFIED_BY] = document.runtime[MODIFIED_BY]
    return tree


@asynccontextmanager
async def alone(coordinator: Coordinator, *keys: str) -> AsyncIterator[None]:
    """No other write of these documents, each named ``kind/id``, meanwhile: what a check saw of them is still true when something is
    stored. Taken in one order, so that two writers who need each other's do not wait for ever."""
    async with AsyncExitStack() as stack:
        for key in sorted(set(keys)):
            await stack.enter_async_context(coordinator.once(key))
        yield


class Documents:
    """The documents of one kind in the store; ``noun`` is what messages call one."""

    def __init__(self, store: Store, box: SecretBox, clock: Clock, kind: str, noun: str) -> None:
        self._store = store
        self._box = box
        self._clock = clock
        self._kind = kind
        self._noun = noun

    async def get(self, account: AccountId, id: str) -> Document:
        """Raises 404 ``NotFound``."""
        document = await self._store.get(self._kind, account, id)
        if document is None:
            raise not_found(self._noun)
        return document

    async def list(
        self, account: AccountId, filters: Mapping[str, Sequence[str]], skip: int, limit: int
    ) -> tuple[Sequence[Document], bool]:
        """One page in order of creation, and whether there is more."""
        found = await self._store.list(self._kind, account, filters=filters, skip=skip, limit=limit + 1)
        return found[:limit], len(found) > limit

    async def insert(self, account: AccountId, tree: Tree, runtime: Tree) -> Document:
        """Store a new document with its secrets sealed."""
        now = self._clock.now()
        id = new_id(now)
        fields, secrets = self._box.seal(tree, self._kind, account, id)
        document = Document(self._kind, id, account, now, now, fields, secrets, runtime)
        await self._store.insert(document)
        return document

    async def replace(
        self,
        account: AccountId,
        id: str,
        if_match: str | None,
        change: Callable[[Document], Awaitable[tuple[Tree, Tree]]],
    ) -> Document:
        """Put the tree and runtime that ``change`` makes of the stored document in its place; made anew when another process was
        faster. Raises 404, 412, and what ``change`` raises."""
        for _ in range(ATTEMPTS):
            document = await self.get(account, id)
            match(document, if_match)
            tree, runtime = await change(document)
            fields, secrets = self._box.seal(tree, self._kind, account, id)
            new = document.replaced(fields, secrets, runtime, max(self._clock.now(), document.modified))
            if await self._store.replace(new):
                return new
        raise ServiceUnavailable(
            Problem("service_unavailable", f"other processes keep writing this {self._noun}; try again")
        )

    async def delete(
        self, account: AccountId, id: str, if_match: str | None, users: Callable[[], Awaitable[Sequence[str]]]
    ) -> None:
        """Raises 404, 412, and ``resource_in_use`` when ``users`` names somebody (``connection 65a...``)."""
        document = await self.get(account, id)
        match(document, if_match)
        if names := await users():
            used = f"the {self._noun} is used by {', '.join(names)}; change or delete what uses it first"
            raise ConditionNotMet(Problem("resource_in_use", used))
        version = document.version if if_match is not None else None
        if not await self._store.delete(self._kind, account, id, version=version):
            raise not_found(self._noun) if if_match is None else mismatch()
