"""Connections as resources: create, read, list, replace, delete (contract.md 2.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fairlead.domain.dates import iso
from fairlead.domain.dialect import http_connection, written_field
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import (
    ConditionNotMet,
    InvalidContent,
    NotSupported,
    PreconditionFailed,
    Problem,
    ServiceUnavailable,
    not_found,
)
from fairlead.domain.ids import new_id
from fairlead.domain.registry import Registry
from fairlead.domain.rules.connection import MAXIMUM_LEVEL
from fairlead.engine.model import as_written
from fairlead.engine.ports import Clock, Coordinator, Pools, Store
from fairlead.engine.prepare import CONNECTIONS, Preparer, connection_of
from fairlead.engine.run import Executor
from fairlead.engine.secrets import SecretBox, kept, masked

_LENDER: Final = "_borrowConcurrencyFromConnectionId"

_REFERENCES: Final[Mapping[str, str]] = {
    "_agentId": "agents",
    _LENDER: CONNECTIONS,
    "_connectorId": "connectors",
    "_integrationId": "integrations",
    "http._iClientId": "iclients",
    "rest._iClientId": "iclients",
}

_FIXED: Final = ("_connectorId", "_integrationId")
"""Written on create only (connections.md 1.1): a PUT without them keeps them, one with others is refused."""
_REST_LISTS: Final = ("encryptedFields", "unencryptedFields", "scope")
"""Answered by a ``rest`` connection even when empty (contract.md 1.10)."""
_MODIFIED_BY: Final = "lastModifiedBy"
_ATTEMPTS: Final = 40
"""Races with other processes that a write without If-Match rides out; the last one wins (contract.md 1.12)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A connection as answers show it: masked, with the members that only the server knows."""

    tree: Tree
    etag: str


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

    async def create(self, account: AccountId, user: str, tree: Tree) -> Stored:
        """Check everything, store, answer the stored document. Raises ``InvalidContent``, ``NotSupported``."""
        offline = bool(tree.pop("offline", False))
        async with self._alone(tree.get(_LENDER)):
            whole = await self.check(account, tree)
            now = self._clock.now()
            id = new_id(now)
            fields, secrets = self._box.seal(_lowered(whole), CONNECTIONS, account, id)
            document = Document(CONNECTIONS, id, account, now, now, fields, secrets, _written(user, {}, offline))
            await self._store.insert(document)
        return self._shown(document)

    async def get(self, account: AccountId, id: str) -> Stored:
        """Raises 404 ``NotFound``."""
        return self._shown(await self._document(account, id))

    async def list(
        self, account: AccountId, filters: Mapping[str, Sequence[str]], skip: int, limit: int
    ) -> tuple[list[Stored], bool]:
        """One page in order of creation, and whether there is more."""
        documents = await self._store.list(CONNECTIONS, account, filters=filters, skip=skip, limit=limit + 1)
        return [self._shown(document) for document in documents[:limit]], len(documents) > limit

    async def replace(self, account: AccountId, user: str, id: str, tree: Tree, if_match: str | None) -> Stored:
        """Put ``tree`` in the place of the document; a mask keeps the stored secret. Raises 404, 412, ``InvalidContent``."""
        offline = bool(tree.pop("offline", False))
        async with self._alone(id, tree.get(_LENDER)):
            for _ in range(_ATTEMPTS):
                document = await self._document(account, id)
                _match(document, if_match)
                _unchanged(document, tree)
                whole = await self.check(account, _with_fixed(tree, document), document)
                fields, secrets = self._box.seal(_lowered(whole), CONNECTIONS, account, id)
                runtime = _written(user, document.runtime, offline)
                new = document.replaced(fields, secrets, runtime, max(self._clock.now(), document.modified))
                if await self._store.replace(new):
                    return self._shown(new)
        raise ServiceUnavailable(
            Problem("service_unavailable", "other processes keep writing this connection; try again")
        )

    async def delete(self, account: AccountId, id: str, if_match: str | None) -> None:
        """Raises 404, 412, and ``resource_in_use`` when another connection borrows from this one."""
        async with self._alone(id):
            document = await self._document(account, id)
            _match(document, if_match)
            if borrowers := await self._borrowers(account, id):
                names = ", ".join(f"connection {b.id}" for b in borrowers)
                raise ConditionNotMet(Problem("resource_in_use", f"the connection is used by {names}"))
            version = document.version if if_match is not None else None
            if not await self._store.delete(CONNECTIONS, account, id, version=version):
                raise not_found("connection") if if_match is None else _mismatch()

    @asynccontextmanager
    async def _alone(self, *ids: str | None) -> AsyncIterator[None]:
        """No other write of these connections meanwhile: what a check saw of them is still true when the document is stored. Taken in
        one order, so that two borrowers of each other do not wait for ever."""
        async with AsyncExitStack() as stack:
            for id in sorted({id for id in ids if id}):
                await stack.enter_async_context(self._coordinator.once(f"{CONNECTIONS}/{id}"))
            yield

    async def set_offline(self, account: AccountId, id: str, offline: bool) -> None:
        """Note the outcome of signing in; outside ``lastModified`` and the ETag. A document that is gone is no error."""
        for _ in range(_ATTEMPTS):
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
        for field, kind in _REFERENCES.items():
            block, _, name = field.rpartition(".")
            id = ((tree.get(block) or {}) if block else tree).get(name)
            if id is None:
                continue
            found = await self._store.get(kind, account, str(id))
            if found is None:
                problems.append(Problem("invalid_ref", f"{field}: no such resource in this account: {id}", field))
            elif kind == CONNECTIONS:
                if stored is not None and found.id == stored.id:
                    problems.append(Problem("invalid_ref", f"{field}: a connection cannot borrow from itself", field))
                elif found.fields.get(field):
                    message = f"{field}: connection {id} borrows itself; borrow from its lender"
                    problems.append(Problem("invalid_ref", message, field))
                elif stored is not None and await self._borrowers(account, stored.id):
                    message = f"{field}: other connections borrow from this one, which therefore cannot borrow"
                    problems.append(Problem("invalid_ref", message, field))
        return problems

    async def _borrowers(self, account: AccountId, id: str) -> Sequence[Document]:
        """Up to ten of the connections that borrow from this one."""
        return await self._store.list(CONNECTIONS, account, filters={_LENDER: [id]}, limit=10)

    async def _document(self, account: AccountId, id: str) -> Document:
        document = await self._store.get(CONNECTIONS, account, id)
        if document is None:
            raise not_found("connection")
        return document

    def _shown(self, document: Document) -> Stored:
        queue = str(document.fields.get(_LENDER) or document.id)
        tree: Tree = {
            **masked(document),
            "_id": document.id,
            "createdAt": iso(document.created),
            "lastModified": iso(document.modified),
            "queues": [{"name": queue, "size": self._pools.waiting(queue)}],
        }
        if isinstance(tree.get("rest"), dict) and tree.get("type") == "rest":
            tree["rest"] = {**{name: [] for name in _REST_LISTS}, **tree["rest"]}
        if document.runtime.get(_MODIFIED_BY):
            tree[_MODIFIED_BY] = document.runtime[_MODIFIED_BY]
        if document.runtime.get("offline"):
            tree["offline"] = True
        if _needs_authorization(document):
            tree["needsAuthorization"] = True
        return Stored(tree, etag(document))


def _written(user: str, runtime: Tree, offline: bool) -> Tree:
    """The runtime part after a write by ``user``."""
    rest = {name: value for name, value in runtime.items() if name != "offline"}
    return {**rest, _MODIFIED_BY: user, **({"offline": True} if offline else {})}


def etag(document: Document) -> str:
    """Strong validator of one version (RFC 9110 8.8.3)."""
    return f'"{document.id}-{document.version}"'


def _match(document: Document, if_match: str | None) -> None:
    if if_match is not None and if_match.strip() != "*":
        wanted = [tag.strip() for tag in if_match.split(",")]
        if etag(document) not in wanted:
            raise _mismatch()


def _mismatch() -> PreconditionFailed:
    return PreconditionFailed(
        Problem("precondition_failed", "If-Match does not match the stored version; read it again")
    )


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


def _needs_authorization(document: Document) -> bool:
    """Whether somebody has to authorise it in a browser first (contract.md 2.1)."""
    type_ = str(document.fields.get("type"))
    block = document.fields.get(type_)
    if not isinstance(block, Mapping):
        return False
    kind = block.get("authType") if type_ == "rest" else (block.get("auth") or {}).get("type")
    if kind != "oauth":
        return False
    auth = http_connection(document.fields)["auth"]
    grant = (auth.get("oauth") or {}).get("grantType") or "authorizecode"
    return (
        grant == "authorizecode" and written_field("http.auth.token.token", type_, "connection") not in document.secrets
    )


def _lowered(tree: Tree) -> Tree:
    """The document with a level above the maximum lowered silently (connections.md 2)."""
    result = dict(tree)
    for block, maximum in MAXIMUM_LEVEL.items():
        settings = result.get(block)
        if isinstance(settings, dict) and (settings.get("concurrencyLevel") or 0) > maximum:
            result[block] = {**settings, "concurrencyLevel": maximum}
    return result
