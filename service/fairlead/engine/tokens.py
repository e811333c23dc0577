"""API tokens (contract.md 1.2, 6.2): 256 random bits, of which only the SHA-256 digest is stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairlead.domain.dates import iso, parse_iso
from fairlead.domain.document import AccountId, Document
from fairlead.domain.errors import InvalidContent, Problem, Unauthenticated, not_found
from fairlead.domain.ids import new_id
from fairlead.engine.accounts import ACCOUNTS, Account
from fairlead.engine.ports import Clock, DuplicateKey, Store

TOKENS: Final = "accesstokens"
FULL: Final = "*"
CUSTOM: Final = "custom"
"""Scopes, as ``tokenInfo`` shows them (contract.md 6.1)."""

BOOTSTRAP_NAME: Final = "bootstrap"
_TEXT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: what a valid token says."""

    account: AccountId
    user_id: str
    token_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token as lists show it: its text is not kept anywhere."""

    id: str
    account: AccountId
    name: str
    scope: str
    created: datetime
    auto_purge_at: datetime | None


def bearer(authorization: str | None) -> str:
    """The token of an ``Authorization`` header. Raises ``Unauthenticated`` when there is no header or its scheme is another one."""
    scheme, _, token = (authorization or "").strip(" \t").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(Problem("unauthorized", "Unauthorized"))
    return token.strip(" \t")


class Tokens:
    """Makes, checks and revokes API tokens. A token is looked up in the store at every call: revoking works at once, everywhere."""

    def __init__(self, store: Store, clock: Clock, ids: Callable[[datetime], str] = new_id) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def authenticate(self, token: str) -> Identity:
        """Whose token it is. Raises ``Unauthenticated`` for an unknown, revoked, expired or empty one; an expired one is deleted."""
        document = await self._store.find(TOKENS, _digest(token)) if _TEXT.fullmatch(token) else None
        if document is None:
            raise _refused()
        expiry = _auto_purge_at(document)
        if expiry is not None and expiry <= self._clock.now():
            await self._store.delete(TOKENS, document.account, document.id)
            raise _refused()
        return Identity(document.account, document.fields["_userId"], document.id, _scope(document))

    async def create(
        self, account: AccountId, name: str, scope: str = FULL, *, auto_purge_at: datetime | None = None
    ) -> str:
        """A new token of the account, acting as its owner: its text, which cannot be had again. Raises ``NotFound`` for an unknown
        account, ``InvalidContent`` for an empty name, an unknown scope or an expiry that has passed."""
        problems = []
        if not name.strip():
            problems.append(Problem("missing_required_field", "name is required", "name"))
        if scope not in (FULL, CUSTOM):
            problems.append(Problem("invalid_field", f"scope {scope!r} must be {FULL} or {CUSTOM}", "scope"))
        if auto_purge_at is not None and auto_purge_at <= self._clock.now():
            problems.append(Problem("invalid_field", f"autoPurgeAt {iso(auto_purge_at)} has passed", "autoPurgeAt"))
        if problems:
            raise InvalidContent(problems)
        text = secrets.token_hex(32)
        await self._insert(await self._owner(account), account, name, scope, text, auto_purge_at)
        return text

    async def ensure_bootstrap(self, account: Account, text: str) -> None:
        """Make ``text`` a token with full access of the account, once (``FAIRLEAD_BOOTSTRAP_TOKEN``). Raises ``ValueError`` when it is
        not 64 lower-case hex digits or belongs to another account; the message does not repeat it."""
        if not _TEXT.fullmatch(text):
            raise ValueError(
                f"a token is 64 lower-case hex digits; this one has {len(text)} characters or others than 0-9 and a-f"
            )
        found = await self._store.find(TOKENS, _digest(text))
        if found is None:
            try:
                await self._insert(account.owner_id, account.id, BOOTSTRAP_NAME, FULL, text, None)
            except DuplicateKey:
                await self.ensure_bootstrap(account, text)
        elif found.account != account.id:
            raise ValueError("this token belongs to another account; choose another one")

    async def revoke(self, which: str, account: AccountId | None = None) -> None:
        """Delete a token by its id, or by its text (what somebody has who finds a leaked one). Raises ``NotFound``."""
        if _TEXT.fullmatch(which):
            found = await self._store.find(TOKENS, _digest(which))
            documents = [found] if found and account in (None, found.account) else []
        else:
            documents = [document for document in await self._documents(account) if document.id == which]
        for document in documents:
            if await self._store.delete(TOKENS, document.account, document.id):
                return
        raise not_found("token")

    async def _documents(self, account: AccountId | None) -> list[Document]:
        documents: list[Document] = []
        while True:
            if account is None:
                page = await self._store.list_everywhere(TOKENS, skip=len(documents))
            else:
                page = await self._store.list(TOKENS, account, filters={}, skip=len(documents))
            if not page:
                return documents
            documents += page

    async def _owner(self, account: AccountId) -> str:
        document = await self._store.get(ACCOUNTS, account, account)
        if document is None:
            raise not_found(f"account {account}")
        return str(document.fields["_ownerId"])

    async def _insert(
        self, owner: str, account: AccountId, name: str, scope: str, text: str, auto_purge_at: datetime | None
    ) -> None:
        now = self._clock.now()
        fields = {"name": name, "fullAccess": scope == FULL, "_userId": owner}
        if auto_purge_at is not None:
            fields["autoPurgeAt"] = iso(auto_purge_at)
        await self._store.insert(Document(TOKENS, self._ids(now), account, now, now, fields, key=_digest(text)))

    async def list(self, account: AccountId | None = None) -> list[Token]:
        """Tokens of one account, or of all, in order of creation."""
        return [_token(document) for document in await self._documents(account)]


def _refused() -> Unauthenticated:
    return Unauthenticated(Problem("unauthorized", "Bearer Authentication Failed"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _auto_purge_at(document: Document) -> datetime | None:
    text = document.fields.get("autoPurgeAt")
    return parse_iso(text) if text else None


def _scope(document: Document) -> str:
    return FULL if document.fields.get("fullAccess") else CUSTOM


def _token(document: Document) -> Token:
    fields = document.fields
    return Token(
        document.id, document.account, fields["name"], _scope(document), document.created, _auto_purge_at(document)
    )
