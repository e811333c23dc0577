"""``pagedExportState``: signed, stateless, good for one account, one resource and one export (D6, exports-imports.md 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from fairlead.crypto.cursor import CursorCipher
from fairlead.crypto.key import DecryptionFailed
from fairlead.crypto.keyring import Keyring
from fairlead.crypto.signature import Signer
from fairlead.domain import jsonvalue
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import ConditionNotMet, InvalidContent, Problem
from fairlead.engine.ports import Clock
from fairlead.engine.prepare import decoded

VERSION: Final = 1
OLDEST_SECONDS: Final = 24 * 3600
FUTURE_SECONDS: Final = 5 * 60
CURSOR_CHARACTERS: Final = 8 << 10

_REQUIRED: Final[Mapping[str, type]] = {"pageIndex": int, "pageSize": int, "done": bool, "issuedAt": int, "sig": str}
_OPTIONAL: Final[Mapping[str, type]] = {
    "totalPages": int,
    "totalRecords": int,
    "searchId": str,
    "kid": str,
    "cursor": str,
}
_NOT_CONTENT: Final = ("asynchronous",)
"""Members of an export that change nothing about it (exports-imports.md 5.4)."""


@dataclass(frozen=True, slots=True)
class StateScope:
    """What a state is good for: the text that is signed holds all of it."""

    account: AccountId
    kind: str
    """``connection`` for a virtual export, ``export`` for a saved one."""
    resource: str
    export: str
    """``export_digest`` of the model."""
    method: str | None = None
    """The paging method that a cursor must fit."""


class Cursor(msgspec.Struct, frozen=True):
    """The encrypted part: where the next page begins, and what the run must remember to get there."""

    method: str | None
    position: Tree
    delivered: int
    """Records of the application's page at ``position`` that the client has."""
    taken: int
    """Raw records of all pages so far, for ``test.limit``."""
    last: str
    """``lastExportDateTime`` of the first page; requests of later pages must not differ."""
    current: str
    """``currentExportDateTime``, the same."""
    kept: str = ""
    """The name under which this process may still hold the application's page."""


def export_digest(export: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of an export model: nulls dropped; key order and ``asynchronous`` do not matter."""
    content = {name: value for name, value in export.items() if name not in _NOT_CONTENT}
    return hashlib.sha256(jsonvalue.canonical(_without_nulls(decoded(content)))).hexdigest()


def signed_text(scope: StateScope, state: Mapping[str, Any]) -> bytes:
    """What ``sig`` signs (exports-imports.md 5.4): all members of the state but ``sig`` itself."""
    return jsonvalue.canonical(
        {
            "v": VERSION,
            "account": scope.account,
            "kind": scope.kind,
            "resource": scope.resource,
            "export": scope.export,
            "state": {name: value for name, value in state.items() if name != "sig"},
        }
    )


class PagedStates:
    """Makes and checks states. Any replica with the same keys reads what another one made."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._signer = Signer(keyring)
        self._cipher = CursorCipher(keyring)
        self._clock = clock

    def issue(
        self,
        scope: StateScope,
        *,
        page_index: int,
        page_size: int,
        cursor: Cursor | None,
        total_pages: int | None = None,
        total_records: int | None = None,
    ) -> Tree:
        """The state that fetches page ``page_index`` (from 1); without a cursor it is ``done``. Raises ``InvalidContent`` with
        ``paged_export_state_too_large`` when the cursor has more than 8 KiB."""
        state: Tree = {"pageIndex": page_index, "pageSize": page_size}
        if total_pages is not None:
            state["totalPages"] = total_pages
        if total_records is not None:
            state["totalRecords"] = total_records
        state |= {"done": cursor is None, "issuedAt": self._now(), "kid": self._signer.kid}
        if cursor is not None:
            plain = jsonvalue.dumps(msgspec.to_builtins(cursor))
            state["cursor"] = self._cipher.seal(plain, account=scope.account, resource=scope.resource)
            if len(state["cursor"]) > CURSOR_CHARACTERS:
                raise InvalidContent(
                    Problem(
                        "paged_export_state_too_large",
                        f"the position in the application's paging needs {len(state['cursor'])} characters, "
                        f"{CURSOR_CHARACTERS} are allowed: make the rendered URI and body of the next page shorter, "
                        "or use /export",
                    )
                )
        state["sig"] = self._signer.sign(signed_text(scope, state))
        return state

    def read(self, scope: StateScope, state: Mapping[str, Any]) -> Cursor | None:
        """The cursor of a posted state, nothing when it is ``done``. Raises ``ConditionNotMet`` with ``invalid_paged_export_state``;
        the checks and their order are those of exports-imports.md 5.5."""
        if not _is_well_formed(state):
            raise _refused("is malformed: send the object back exactly as it was received")
        if not self._signer.verify(str(state.get("kid") or ""), signed_text(scope, state), state["sig"]):
            raise _refused("is not valid here")
        age = self._now() - state["issuedAt"]
        if age > OLDEST_SECONDS or age < -FUTURE_SECONDS:
            raise _refused("has expired: begin again with the first page")
        return None if state["done"] else self._cursor(scope, state)

    def _cursor(self, scope: StateScope, state: Mapping[str, Any]) -> Cursor:
        try:
            plain = self._cipher.open(
                state.get("cursor") or "", kid=state["kid"], account=scope.account, resource=scope.resource
            )
            cursor = msgspec.convert(jsonvalue.loads(plain), Cursor)
        except (DecryptionFailed, jsonvalue.JsonError, msgspec.ValidationError):
            raise _refused("is not valid here") from None
        if cursor.method != scope.method:
            raise _refused("is not valid here")
        return cursor

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _is_well_formed(state: Mapping[str, Any]) -> bool:
    if not isinstance(state, Mapping) or not set(_REQUIRED) <= set(state) <= {*_REQUIRED, *_OPTIONAL}:
        return False
    types = {**_REQUIRED, **_OPTIONAL}
    return all(type(value) is types[name] for name, value in state.items())


def _refused(why: str) -> ConditionNotMet:
    return ConditionNotMet(Problem("invalid_paged_export_state", f"pagedExportState {why}", "pagedExportState"))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
