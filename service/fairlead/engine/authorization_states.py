"""What is remembered of an authorisation between its start and the browser's return (contract.md 2.9): signed, single use, ten minutes."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from secrets import token_urlsafe
from typing import Final

from fairlead.crypto.keyring import Keyring
from fairlead.crypto.signature import Signer
from fairlead.domain.dates import from_millis, iso, parse_iso, to_millis
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import not_found
from fairlead.domain.ids import new_id
from fairlead.engine.ports import Clock, Store, StoreUnavailable
from fairlead.engine.secrets import SecretBox

STATE_LIFE: Final = timedelta(minutes=10)

_STATES: Final = "authorizations"
_VERIFIER: Final = "verifier"
_STATUS: Final = "status"
_LONGEST: Final = 512
_FORGOTTEN: Final = 20
"""States over their time that a start forgets at most: each start adds one."""


class Status(Enum):
    """How far an authorisation has come."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What whoever started an authorisation may know of it. ``message`` is empty while it is pending."""

    status: Status
    message: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """An authorisation whose state came back, for the first time."""

    account: AccountId
    connection: str
    redirect_uri: str
    verifier: str | None
    document: Document

    def __repr__(self) -> str:
        return f"Begun({self.connection})"


class States:
    """The states of all accounts in the store. A state is found by the digest of its random part, which the store never sees."""

    def __init__(self, store: Store, box: SecretBox, keyring: Keyring, clock: Clock) -> None:
        self._store = store
        self._box = box
        self._signer = Signer(keyring)
        self._clock = clock

    async def begin(
        self, account: AccountId, connection: str, redirect_uri: str, verifier: str | None
    ) -> tuple[str, str]:
        """Id and state of a new authorisation."""
        await self._forget_old(account)
        now = self._clock.now()
        nonce, until = token_urlsafe(24), to_millis(now + STATE_LIFE)
        fields = {"connection": connection, "redirectUri": redirect_uri, "until": iso(from_millis(until))}
        document = Document(_STATES, new_id(now), account, now, now, fields, key=_digest(nonce))
        if verifier is not None:
            document.secrets[_VERIFIER] = self._box.sealed(document, _VERIFIER, verifier)
        await self._store.insert(document)
        signature = self._signer.sign(_signed_text(document, nonce, until))
        return document.id, f"{until}.{nonce}.{self._signer.kid}.{signature}"

    async def take(self, state: str) -> Begun | None:
        """What was begun with this state, which nobody can take again; nothing for one that is not good."""
        parts = state.split(".")
        if len(state) > _LONGEST or len(parts) != 4 or not parts[0].isdecimal():
            return None
        until, nonce, kid, signature = parts
        document = await self._store.find(_STATES, _digest(nonce))
        if document is None or not self._signer.verify(kid, _signed_text(document, nonce, int(until)), signature):
            return None
        if document.fields.get(_STATUS) or not self._counts(document):
            return None
        taken = self._next(document, Progress(Status.PENDING))
        if not await self._store.replace(taken):
            return None  # somebody was faster
        sealed = document.secrets.get(_VERIFIER)
        verifier = str(self._box.opened(document, _VERIFIER, sealed)) if sealed else None
        fields = document.fields
        return Begun(document.account, str(fields["connection"]), str(fields["redirectUri"]), verifier, taken)

    async def settle(self, begun: Begun, progress: Progress) -> None:
        """Remember how it ended. A store that is away right now does not change how it ended."""
        with suppress(StoreUnavailable):
            await self._store.replace(self._next(begun.document, progress))

    async def progress(self, account: AccountId, connection: str, id: str) -> Progress:
        """How it stands. Raises ``NotFound``, also when its time is over."""
        document = await self._store.get(_STATES, account, id)
        if document is None or document.fields["connection"] != connection or not self._counts(document):
            raise not_found("authorization")
        status = Status(document.fields.get(_STATUS) or Status.PENDING.value)
        return Progress(status, str(document.fields.get("message") or ""))

    def _next(self, document: Document, progress: Progress) -> Document:
        fields: Tree = {**document.fields, _STATUS: progress.status.value, "message": progress.message}
        return document.replaced(fields, {}, {}, self._clock.now())

    def _counts(self, document: Document) -> bool:
        return parse_iso(document.fields["until"]) > self._clock.now()

    async def _forget_old(self, account: AccountId) -> None:
        """The oldest come first: ids begin with the time."""
        for document in await self._store.list(_STATES, account, filters={}, limit=_FORGOTTEN):
            if self._counts(document):
                return
            await self._store.delete(_STATES, account, document.id)


def _signed_text(document: Document, nonce: str, until: int) -> bytes:
    return f"oauth2 state\n{document.account}\n{document.fields['connection']}\n{until}\n{nonce}".encode()


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
