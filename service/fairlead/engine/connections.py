"""Connections as resources: create, read, list, replace, delete (contract.md 2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import (
    ConditionNotMet,
    InvalidContent,
    NotSupported,
    Problem,
)
from fairlead.domain.registry import Registry
from fairlead.domain.rules.connection import MAXIMUM_LEVEL
from fairlead.engine.credentials import after_replacement
from fairlead.engine.model import as_written
from fairlead.engine.pooling import CONNECTIONS, LENDER, lender_of, pool_settings, stored_limits
from fairlead.engine.ports import Clock, Coordinator, Pools, Store
from fairlead.engine.prepare import Preparer, connection_of
from fairlead.engine.resources import ATTEMPTS, MODIFIED_BY, Documents, Stored, alone, etag, shown
from fairlead.engine.run import Executor
from fairlead.engine.secrets import SecretBox, kept

_REFERENCES: Final[Mapping[str, str]] = {
    "_agentId": "agents",
    LENDER: CONNECTIONS,
    "_connectorId": "connectors",
    "_integrationId": "integrations",
    "http._iClientId": "iclients",
    "rest._iClientId": "iclients",
}

_FIXED: Final = ("_connectorId", "_integrationId")
"""Written on create only (connections.md 1.1): a PUT without them keeps them, one with others is refused."""
_REST_LISTS: Final = ("encryptedFields", "unencryptedFields", "scope")
"""Answered by a ``rest`` connection even when empty (contract.md 1.10)."""


class Connections:
    """The use cases of the resource. Which types there are, and what is wrong with a document of one, the executors say."""

    def __init__(
        self,
        store: Store,
        box: SecretBox,
        preparer: Preparer,
        pools: Pools,
        clock: Clock,
        coordinator: Coordinator,
        executors: Registry[Executor],
    ) -> None:
        self._store = store
        self._box = box
        self._preparer = preparer
        self._pools = pools
        self._clock = clock
        self._coordinator = coordinator
        self._executors = executors
        self._documents = Documents(store, box, clock, CONNECTIONS, "connection")

    async def create(self, account: AccountId, user: str, tree: Tree) -> Stored:
        """Check everything, store, answer the stored document. Raises ``InvalidContent``, ``NotSupported``."""
        offline = bool(tree.pop("offline", False))
        async with alone(self._coordinator, *_referred(tree)):
            whole = await self.check(account, tree)
            document = await self._documents.insert(account, _lowered(whole), _written(user, {}, offline))
        return await self._shown(document)

    async def get(self, account: AccountId, id: str) -> Stored:
        """Raises 404 ``NotFound``."""
        return await self._shown(await self._documents.get(account, id))

    async def list(
        self, account: AccountId, filters: Mapping[str, Sequence[str]], skip: int, limit: int
    ) -> tuple[list[Stored], bool]:
        """One page in order of creation, and whether there is more."""
        documents, more = await self._documents.list(account, filters, skip, limit)
        return [await self._shown(document) for document in documents], more

    async def replace(self, account: AccountId, user: str, id: str, tree: Tree, if_match: str | None) -> Stored:
        """Put ``tree`` in the place of the document; a mask keeps the stored secret. Raises 404, 412, ``InvalidContent``."""
        offline = bool(tree.pop("offline", False))
        before: Document | None = None

        async def change(document: Document) -> tuple[Tree, Tree]:
            nonlocal before
            before = document
            _unchanged(document, tree)
            whole = await self.check(account, _with_fixed(tree, document), document)
            runtime = _written(user, document.runtime, offline)
            return _lowered(whole), after_replacement(document, runtime, self._box.revealed(document), whole)

        async with alone(self._coordinator, f"{CONNECTIONS}/{id}", *_referred(tree)):
            document = await self._documents.replace(account, id, if_match, change)
            if before is None or _limits(before) != _limits(document):
                lender = await lender_of(self._store, account, document.fields)
                self._pools.configure(stored_limits(document, lender))
        return await self._shown(document)

    async def delete(self, account: AccountId, id: str, if_match: str | None) -> None:
        """Raises 404, 412, and ``resource_in_use`` when another connection borrows from this one."""

        async def users() -> Sequence[str]:
            return [f"connection {borrower.id}" for borrower in await self._borrowers(account, id)]

        async with alone(self._coordinator, f"{CONNECTIONS}/{id}"):
            await self._documents.delete(account, id, if_match, users)

    async def set_offline(self, account: AccountId, id: str, offline: bool) -> None:
        """Note the outcome of signing in; outside ``lastModified`` and the ETag. A document that is gone is no error."""
        for _ in range(ATTEMPTS):
            document = await self._store.get(CONNECTIONS, account, id)
            if document is None or bool(document.runtime.get("offline")) == offline:
                return
            runtime = {name: value for name, value in document.runtime.items() if name != "offline"}
            if offline:
                runtime["offline"] = True
            if await self._store.replace_runtime(document, runtime) is not None:
                return

    async def check(self, account: AccountId, tree: Tree, stored: Document | None = None) -> Tree:
        """The document as it will be stored, masks resolved. Conditional fields, combinations, references, templates and paths are
        checked; all that is wrong with them is collected in one ``InvalidContent``. Raises ``NotSupported`` for other types."""
        type_ = str(tree.get("type"))
        executor = self._executors.get(type_)
        if executor is None:
            raise NotSupported(
                Problem("adaptor_not_supported", f"connections of type {type_} are not supported by this build", "type")
            )
        if tree.get(type_) is None:
            raise InvalidContent(Problem("missing_required_field", f"{type_} is required for type {type_}", type_))
        whole = kept(tree, self._box.revealed(stored) if stored else {})
        problems = executor.check_connection(connection_of(account, whole))
        problems = [as_written(problem, type_, "connection") for problem in problems]
        problems += await self._references(account, whole, stored)
        if problems:
            raise InvalidContent(problems)
        return whole

    async def _references(self, account: AccountId, tree: Tree, stored: Document | None) -> Sequence[Problem]:
        problems = []
        for field, kind, id in _references(tree):
            found = await self._store.get(kind, account, id)
            if found is None:
                problems.append(Problem("invalid_ref", f"{field}: no such resource in this account: {id}", field))
            elif kind == CONNECTIONS:
                if stored is not None and found.id == stored.id:
                    problems.append(Problem("invalid_ref", f"{field}: a connection cannot borrow from itself", field))
                elif found.fields.get(field):
                    message = f"{field}: connection {id} borrows from another one; borrow from that one"
                    problems.append(Problem("invalid_ref", message, field))
                elif stored is not None and await self._borrowers(account, stored.id):
                    message = f"{field}: other connections borrow from this one, which therefore cannot borrow"
                    problems.append(Problem("invalid_ref", message, field))
        return problems

    async def _borrowers(self, account: AccountId, id: str) -> Sequence[Document]:
        """Up to ten of the connections that borrow from this one."""
        return await self._store.list(CONNECTIONS, account, filters={LENDER: [id]}, limit=10)

    async def _shown(self, document: Document) -> Stored:
        queue = str(document.fields.get(LENDER) or document.id)
        tree: Tree = {
            **shown(document),
            "queues": [{"name": queue, "size": await self._pools.size(queue)}],
        }
        if isinstance(tree.get("rest"), dict) and tree.get("type") == "rest":
            tree["rest"] = {**{name: [] for name in _REST_LISTS}, **tree["rest"]}
        if document.runtime.get("offline"):
            tree["offline"] = True
        if await self._preparer.needs_authorization(document):
            tree["needsAuthorization"] = True
        return Stored(tree, etag(document))


def _limits(document: Document) -> object:
    """What a document says of its limits: whose they are, when it borrows, else its own."""
    return document.fields.get(LENDER) or pool_settings(document.id, document.fields, None)


def _references(tree: Tree) -> Iterator[tuple[str, str, str]]:
    """Field, kind and id of every resource that a connection names."""
    for field, kind in _REFERENCES.items():
        block, _, name = field.rpartition(".")
        id = ((tree.get(block) or {}) if block else tree).get(name)
        if id is not None:
            yield field, kind, str(id)


def _referred(tree: Tree) -> Iterator[str]:
    """``kind/id`` of the resources that a connection names: none of them goes while it is checked and stored."""
    return (f"{kind}/{id}" for _, kind, id in _references(tree))


def _written(user: str, runtime: Tree, offline: bool) -> Tree:
    """The runtime part after a write by ``user``."""
    rest = {name: value for name, value in runtime.items() if name != "offline"}
    return {**rest, MODIFIED_BY: user, **({"offline": True} if offline else {})}


def _unchanged(document: Document, tree: Tree) -> None:
    problems = []
    if tree.get("type") != document.fields.get("type"):
        problems.append(Problem("update_not_allowed", "type cannot change; create a new connection", "type"))
    problems += [
        Problem("update_not_allowed", f"{name} cannot change after create", name)
        for name in _FIXED
        if name in tree and tree[name] != document.fields.get(name)
    ]
    if problems:
        raise ConditionNotMet(problems)


def _with_fixed(tree: Tree, document: Document) -> Tree:
    return {name: document.fields[name] for name in _FIXED if name in document.fields} | tree


def _lowered(tree: Tree) -> Tree:
    """The document with a level above the maximum lowered silently (connections.md 2)."""
    result = dict(tree)
    for block, maximum in MAXIMUM_LEVEL.items():
        settings = result.get(block)
        if isinstance(settings, dict) and (settings.get("concurrencyLevel") or 0) > maximum:
            result[block] = {**settings, "concurrencyLevel": maximum}
    return result
