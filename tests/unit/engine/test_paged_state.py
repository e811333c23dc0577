"""pagedExportState: signature, scope, age and size (exports-imports.md 5.1, 5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fairlead.crypto.key import Key
from fairlead.crypto.keyring import Keyring
from fairlead.crypto.signature import Signer
from fairlead.domain import jsonvalue
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import ConditionNotMet, InvalidContent
from fairlead.engine.paged_state import Cursor, PagedStates, StateScope, export_digest, signed_text
from tests.unit.clock import ManualClock

KEY = Key("k1", bytes(range(32)))
EXPORT: Tree = {
    "pageSize": 2,
    "http": {
        "method": "GET",
        "relativeURI": "/orders?page={{export.http.paging.page}}",
        "paging": {"method": "page", "page": 1},
        "response": {"resourcePath": "orders"},
    },
}
SCOPE = StateScope(
    AccountId("5f0000000000000000000001"), "connection", "5541489353bb53af29000009", export_digest(EXPORT), "page"
)
CURSOR = Cursor("page", {"state": {"page": 2}, "requests": 1, "records": 2}, 1, 2, "1970", "2026")


def states(clock: ManualClock | None = None, *keys: Key) -> PagedStates:
    """States under the key of the vector."""
    return PagedStates(Keyring(keys or [KEY]), clock or ManualClock())


def issued(of: PagedStates, cursor: Cursor | None = CURSOR, **more: Any) -> Tree:
    """A state for page 2."""
    return of.issue(SCOPE, page_index=2, page_size=2, cursor=cursor, **more)


def refusal(of: PagedStates, state: Any, scope: StateScope = SCOPE) -> str:
    """The message with which a state is refused."""
    with pytest.raises(ConditionNotMet) as error:
        of.read(scope, state)
    problem = error.value.problems[0]
    assert (problem.code, problem.field) == ("invalid_paged_export_state", "pagedExportState")
    return problem.message


def resigned(state: Tree) -> Tree:
    """The state as somebody with the key would sign it."""
    return {**state, "sig": Signer(Keyring([KEY])).sign(signed_text(SCOPE, state))}


def test_the_published_vector() -> None:
    """exports-imports.md 5.4: digest, text and signature, computed by the specification's author."""
    state = {
        "pageIndex": 2,
        "pageSize": 2,
        "done": False,
        "issuedAt": 1768469400,
        "kid": "k1",
        "cursor": "AAECAw",
        "sig": "72c6c5e557be34302a562b28c46201bc977a476127317022cce98530bb62704b",
    }
    assert SCOPE.export == "0863f241756fc24d287a45a06240c2f2fc5ef3bace2675a05493538ae57d2d7a"
    assert signed_text(SCOPE, state) == (
        b'{"account":"5f0000000000000000000001","export":"0863f241756fc24d287a45a06240c2f2fc5ef3bace2675a05493538ae57d2d7a",'
        b'"kind":"connection","resource":"5541489353bb53af29000009","state":{"cursor":"AAECAw","done":false,'
        b'"issuedAt":1768469400,"kid":"k1","pageIndex":2,"pageSize":2},"v":1}'
    )
    assert resigned(state)["sig"] == state["sig"]


def test_a_state_comes_back() -> None:
    """5.1: the members of the contract; another process with the same keys reads the cursor."""
    state = issued(states(), total_pages=4, total_records=7)
    assert {name: state[name] for name in state if name not in ("sig", "cursor")} == {
        "pageIndex": 2,
        "pageSize": 2,
        "totalPages": 4,
        "totalRecords": 7,
        "done": False,
        "issuedAt": 1768469400,
        "kid": "k1",
    }
    assert len(state["sig"]) == 64
    posted = jsonvalue.loads(jsonvalue.dumps(dict(reversed(state.items()))))
    assert states().read(SCOPE, posted) == CURSOR


def test_a_done_state_has_no_cursor() -> None:
    """5.3: it says that there is nothing more, and is signed like any other."""
    state = issued(states(), None)
    assert state["done"] is True
    assert "cursor" not in state
    assert states().read(SCOPE, state) is None
    assert "not valid" in refusal(states(), {**state, "pageIndex": 3})


@pytest.mark.parametrize(
    "change",
    [
        lambda state: [],
        lambda state: None,
        lambda state: {},
        lambda state: {**state, "more": 1},
        lambda state: {**state, "pageIndex": "2"},
        lambda state: {**state, "pageIndex": True},
        lambda state: {**state, "pageSize": 2.5},
        lambda state: {**state, "done": 0},
        lambda state: {**state, "done": None},
        lambda state: {**state, "sig": 5},
        lambda state: {**state, "kid": 1},
        lambda state: {**state, "cursor": None},
        *(
            lambda state, name=name: {key: value for key, value in state.items() if key != name}
            for name in ("pageIndex", "pageSize", "done", "issuedAt", "sig")
        ),
    ],
)
def test_malformed(change: Callable[[Tree], Any]) -> None:
    """5.5, first check: the members, their types, and no other."""
    assert "malformed" in refusal(states(), change(issued(states())))


@pytest.mark.parametrize(
    "change",
    [
        {"pageIndex": 3},
        {"pageSize": 3},
        {"done": True},
        {"issuedAt": 1768469401},
        {"totalRecords": 9},
        {"searchId": "x"},
        {"sig": "0" * 64},
        {"sig": ""},
        {"kid": "k2"},
        {"kid": ""},
        {"cursor": ""},
        {"cursor": "AAECAw"},
    ],
)
def test_tampered(change: Tree) -> None:
    """5.5, second check: one changed member is enough, and the message says no more than that."""
    assert refusal(states(), {**issued(states()), **change}) == "pagedExportState is not valid here"


def test_a_state_without_key_id() -> None:
    """5.5: the key must be known."""
    state = issued(states())
    del state["kid"]
    assert "not valid" in refusal(states(), state)


@pytest.mark.parametrize(
    "scope",
    [
        replace(SCOPE, account=AccountId("5f0000000000000000000002")),
        replace(SCOPE, resource="5541489353bb53af29000008"),
        replace(SCOPE, kind="export"),
        replace(SCOPE, export=export_digest({**EXPORT, "pageSize": 3})),
    ],
)
def test_foreign(scope: StateScope) -> None:
    """5.4: another account, connection, kind or export content is not what was signed; a done state neither."""
    assert "not valid" in refusal(states(), issued(states()), scope)
    assert "not valid" in refusal(states(), issued(states(), None), scope)


async def test_age() -> None:
    """5.5, third check: 24 hours and no second more; a state of tomorrow's clock may be 5 minutes ahead."""
    clock = ManualClock()
    state = issued(states(clock))
    await clock.advance(24 * 3600)
    assert states(clock).read(SCOPE, state) == CURSOR
    await clock.advance(1)
    assert "expired" in refusal(states(clock), state)
    now = ManualClock()
    ahead = ManualClock()
    await ahead.advance(300)
    assert states(now).read(SCOPE, issued(states(ahead))) == CURSOR
    await ahead.advance(1)
    assert "expired" in refusal(states(now), issued(states(ahead)))


async def test_a_bad_signature_comes_before_age() -> None:
    """5.5: the order of the checks; nobody learns from an old state whether its signature was right."""
    clock = ManualClock()
    state = issued(states(clock))
    await clock.advance(48 * 3600)
    assert "not valid" in refusal(states(clock), {**state, "pageIndex": 9})


@pytest.mark.parametrize("change", [{"cursor": "AAECAw"}, {"cursor": "!"}, {"cursor": ""}, {"cursor": None}])
def test_a_cursor_that_does_not_open(change: Tree) -> None:
    """5.5, fourth check: even rightly signed, a cursor must decrypt."""
    state = {name: value for name, value in {**issued(states()), **change}.items() if value is not None}
    assert "not valid" in refusal(states(), resigned(state))


def test_a_cursor_of_another_place_does_not_open() -> None:
    """5.5: account and resource are its additional data."""
    other = replace(SCOPE, resource="5541489353bb53af29000008")
    foreign = states().issue(other, page_index=2, page_size=2, cursor=CURSOR)
    assert "not valid" in refusal(states(), resigned({**issued(states()), "cursor": foreign["cursor"]}))


def test_a_cursor_must_fit_the_paging_method() -> None:
    """5.5, fourth check: what was made for pages is no token."""
    token = replace(SCOPE, method="token")
    assert "not valid" in refusal(states(), issued(states()), token)


def test_keys_rotate() -> None:
    """5.5: new states use the newest key, the older one still verifies; a key that is gone does not."""
    old, new = states(), states(None, Key("k2", bytes(32)), KEY)
    assert new.read(SCOPE, issued(old)) == CURSOR
    assert issued(new)["kid"] == "k2"
    assert "not valid" in refusal(states(None, Key("k2", bytes(32))), issued(old))


def test_a_cursor_of_more_than_eight_kibibytes() -> None:
    """5.5: 422 paged_export_state_too_large; just below it passes."""
    cursor = Cursor("body", {"texts": {"body": "x" * 5_900}}, 0, 0, "", "")
    assert len(issued(states(), cursor)["cursor"]) <= 8192
    with pytest.raises(InvalidContent) as error:
        issued(states(), Cursor("body", {"texts": {"body": "x" * 6_200}}, 0, 0, "", ""))
    assert error.value.problems[0].code == "paged_export_state_too_large"


def test_a_cursor_hides_what_it_holds() -> None:
    """5.1: rendered URIs and bodies are encrypted, and two cursors of one position differ."""
    cursor = Cursor("body", {"texts": {"body": '{"secret":"s3cr3t \ud800"}'}}, 0, 0, "", "")
    first, second = issued(states(), cursor), issued(states(), cursor)
    assert first["cursor"] != second["cursor"]
    assert "s3cr3t" not in str(first)
    assert states().read(replace(SCOPE, method="body"), first) == cursor


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(EXPORT.items())),
        {**EXPORT, "asynchronous": True},
        {**EXPORT, "description": None},
        {**EXPORT, "http": {**EXPORT["http"], "body": None}},
    ],
)
def test_what_does_not_change_an_export(same: Tree) -> None:
    """5.4: key order, nulls and asynchronous do not matter."""
    assert export_digest(same) == export_digest(EXPORT)


def test_what_changes_an_export() -> None:
    """5.4: any other member does; open values count by content, digits as written, not by blanks."""
    digests = {
        export_digest(tree)
        for tree in (
            EXPORT,
            {**EXPORT, "pageSize": 3},
            {**EXPORT, "settings": b'{"a":1.0}'},
            {**EXPORT, "settings": b'{"a":1.00}'},
            {**EXPORT, "settings": b'{ "a" : 1.0 }'},
            {**EXPORT, "settings": b'{"b":2,"a":1}'},
            {**EXPORT, "settings": b'{"a":1,"b":2}'},
        )
    }
    assert len(digests) == 5
