"""iClients as resources: create, read, list, replace, delete (contract.md 12)."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any, Final

from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import ConditionNotMet, InvalidContent, Problem
from fairlead.domain.iclient import HeaderLines, header_entries
from fairlead.domain.rules.iclient import check_iclient
from fairlead.engine.pooling import CONNECTIONS
from fairlead.engine.ports import Clock, Coordinator, Place, Store, TemplateError, Templates
from fairlead.engine.prepare import ICLIENTS, decoded
from fairlead.engine.resources import MODIFIED_BY, Documents, Stored, alone, etag, shown
from fairlead.engine.secrets import SecretBox, kept

REFERENCES: Final = ("http._iClientId", "rest._iClientId")
"""Members of a connection that name an iClient."""

_FIXED: Final = "_httpConnectorId"
"""Cannot change after create (contract.md 12): a PUT without it keeps it, one with another is refused."""

_NAMED: Final = 10
"""Connections that ``resource_in_use`` names (contract.md 1.5)."""

_URIS: Final = ("auth.uri", "token.uri", "refresh.uri", "revoke.uri")
_BODIES: Final = ("token.body", "refresh.body", "revoke.body")
_HEADERS: Final = ("token.headers", "refresh.headers", "revoke.headers")
"""Templates below ``oauth2``."""


class Iclients:
    """The use cases of the resource."""

    def __init__(
        self, store: Store, box: SecretBox, clock: Clock, coordinator: Coordinator, templates: Templates
    ) -> None:
        self._store = store
        self._box = box
        self._coordinator = coordinator
        self._templates = templates
        self._documents = Documents(store, box, clock, ICLIENTS, "iClient")

    async def create(self, account: AccountId, user: str, tree: Tree) -> Stored:
        """Check everything, store, answer the stored document. Raises ``InvalidContent``."""
        whole = self._checked(kept(tree, {}))
        return _stored(await self._documents.insert(account, whole, {MODIFIED_BY: user}))

    async def get(self, account: AccountId, id: str) -> Stored:
        """Raises 404 ``NotFound``."""
        return _stored(await self._documents.get(account, id))

    async def list(
        self, account: AccountId, filters: Mapping[str, Sequence[str]], skip: int, limit: int
    ) -> tuple[list[Stored], bool]:
        """One page in order of creation, and whether there is more."""
        documents, more = await self._documents.list(account, filters, skip, limit)
        return [_stored(document) for document in documents], more

    async def replace(self, account: AccountId, user: str, id: str, tree: Tree, if_match: str | None) -> Stored:
        """Put ``tree`` in the place of the document; a mask keeps the stored secret. Raises 404, 412, ``InvalidContent``,
        ``update_not_allowed``."""

        async def change(document: Document) -> tuple[Tree, Tree]:
            whole = self._checked(kept(_with_fixed(tree, document), self._box.revealed(document)))
            return whole, {**document.runtime, MODIFIED_BY: user}

        async with alone(self._coordinator, f"{ICLIENTS}/{id}"):
            return _stored(await self._documents.replace(account, id, if_match, change))

    async def delete(self, account: AccountId, id: str, if_match: str | None) -> None:
        """Raises 404, 412, and ``resource_in_use`` when a connection refers to it."""

        async def users() -> Sequence[str]:
            return [f"connection {found}" for found in await self._connections(account, id)]

        async with alone(self._coordinator, f"{ICLIENTS}/{id}"):
            await self._documents.delete(account, id, if_match, users)

    async def _connections(self, account: AccountId, id: str) -> Sequence[str]:
        """Ids of the first connections that refer to this iClient."""
        found: set[str] = set()
        for field in REFERENCES:
            documents = await self._store.list(CONNECTIONS, account, filters={field: [id]}, limit=_NAMED)
            found.update(document.id for document in documents)
        return sorted(found)[:_NAMED]

    def _checked(self, tree: Tree) -> Tree:
        """The tree; raises ``InvalidContent`` with everything that is wrong between its fields and with its templates."""
        clear = decoded(tree)
        problems = check_iclient(clear)
        oauth2 = clear.get("oauth2") or {}
        for name, place in (*((name, Place.URI) for name in _URIS), *((name, Place.FORM) for name in _BODIES)):
            self._compile(_value(oauth2, name), place, f"oauth2.{name}", problems)
        for name in _HEADERS:
            for value in _header_values(_value(oauth2, name)):
                self._compile(value, Place.PLAIN, f"oauth2.{name}", problems)
        if problems:
            raise InvalidContent(problems)
        return tree

    def _compile(self, text: Any, place: Place, field: str, problems: MutableSequence[Problem]) -> None:
        try:
            self._templates.compile(text or "", place)
        except TemplateError as error:
            problems.append(Problem("invalid_template", f"{field}: {error.message}", field))


def _stored(document: Document) -> Stored:
    return Stored(shown(document), etag(document))


def _with_fixed(tree: Tree, document: Document) -> Tree:
    stored = document.fields.get(_FIXED)
    if tree.get(_FIXED, stored) != stored:
        raise ConditionNotMet(Problem("update_not_allowed", f"{_FIXED} cannot change after create", _FIXED))
    return tree if stored is None else {_FIXED: stored, **tree}


def _value(oauth2: Mapping[str, Any], path: str) -> Any:
    block, name = path.split(".")
    return (oauth2.get(block) or {}).get(name)


def _header_values(headers: Any) -> list[str]:
    """The values of header fields; of such that cannot be read, which is a problem of its own, none."""
    try:
        return [entry["value"] for entry in header_entries(headers)]
    except HeaderLines:
        return []
