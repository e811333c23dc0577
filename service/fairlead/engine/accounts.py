"""Accounts and their owners (contract.md 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairlead.domain.document import AccountId, Document
from fairlead.domain.errors import InvalidContent, Problem, not_found
from fairlead.domain.ids import new_id
from fairlead.engine.ports import Clock, DuplicateKey, Store

ACCOUNTS: Final = "accounts"
USERS: Final = "users"
DEFAULT_NAME: Final = "default"
DEFAULT_OWNER: Final = "owner@localhost"

ABOVE_ACCOUNTS: Final = AccountId("")
"""Whose the users are: a person may own several accounts."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account: ``id`` is what every resource of it carries."""

    id: AccountId
    name: str
    owner_email: str
    owner_id: str
    created: datetime


class Accounts:
    """Makes and finds accounts. A name belongs to one account, an address to one user, whatever number of processes is at work."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ensure_default(self) -> Account:
        """The account ``default`` with owner ``owner@localhost``; made when it is not there, once."""
        return (
            await self._named(DEFAULT_NAME) or await self._insert(DEFAULT_NAME, DEFAULT_OWNER) or await self._default()
        )

    async def create(self, name: str, email: str) -> Account:
        """A new account. Raises ``InvalidContent`` for an empty or taken name, or a text that is no address."""
        problems = []
        if not name.strip():
            problems.append(Problem("missing_required_field", "name is required", "name"))
        if len(name) > 100:
            problems.append(Problem("invalid_field", "name may have at most 100 characters", "name"))
        if not _is_address(email):
            problems.append(
                Problem("invalid_field", f"{email!r} is no e-mail address; expected somebody@host", "email")
            )
        if problems:
            raise InvalidContent(problems)
        account = await self._insert(name, email)
        if account is None:
            raise InvalidContent(
                Problem("invalid_field", f"an account {name!r} exists already; choose another name", "name")
            )
        return account

    async def get(self, id: str) -> Account:
        """The account with that id. Raises ``NotFound``."""
        document = await self._store.get(ACCOUNTS, AccountId(id), id)
        if document is None:
            raise not_found(f"account {id}")
        return _account(document)

    async def list(self) -> list[Account]:
        """All accounts, in order of creation."""
        accounts: list[Account] = []
        while page := await self._store.list_everywhere(ACCOUNTS, skip=len(accounts)):
            accounts += map(_account, page)
        return accounts

    async def _named(self, name: str) -> Account | None:
        document = await self._store.find(ACCOUNTS, name)
        return _account(document) if document else None

    async def _default(self) -> Account:
        account = await self._named(DEFAULT_NAME)
        assert account is not None, "another process has just made it and nobody removes accounts"
        return account

    async def _insert(self, name: str, email: str) -> Account | None:
        """The new account, or nothing when the name is taken. The owner comes first: no account is ever without."""
        owner = await self._owner(email.lower())
        now = self._clock.now()
        id = AccountId(new_id(now))
        fields = {"name": name, "email": email, "_ownerId": owner}
        document = Document(ACCOUNTS, id, id, now, now, fields, key=name)
        try:
            await self._store.insert(document)
        except DuplicateKey:
            return None
        return _account(document)

    async def _owner(self, address: str) -> str:
        """The id of the user with that address, who is made when nobody has it."""
        found = await self._store.find(USERS, address)
        if found is None:
            now = self._clock.now()
            user = Document(USERS, new_id(now), ABOVE_ACCOUNTS, now, now, {"email": address}, key=address)
            try:
                await self._store.insert(user)
            except DuplicateKey:
                return await self._owner(address)
            return user.id
        return found.id


def _is_address(text: str) -> bool:
    """As much as can be said without sending mail."""
    local, at, host = text.rpartition("@")
    return bool(local and at and host) and not any(character.isspace() for character in text) and len(text) <= 254


def _account(document: Document) -> Account:
    fields = document.fields
    return Account(document.account, fields["name"], fields["email"], fields["_ownerId"], document.created)
