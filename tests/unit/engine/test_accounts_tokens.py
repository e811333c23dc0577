"""API tokens (contract.md 1.2, 6.2)."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from fairlead.domain.document import AccountId
from fairlead.domain.errors import InvalidContent, NotFound, Unauthenticated
from fairlead.engine.accounts import Account, Accounts
from fairlead.engine.tokens import TOKENS, Identity, Tokens, bearer
from fairlead.store.sqlite import SqliteStore
from tests.unit.clock import START, ManualClock

REFUSED = r"^Bearer Authentication Failed$"
BOOTSTRAP = "0123456789abcdef" * 4


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An empty store."""
    opened = SqliteStore(tmp_path / "fairlead.db")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    """Time, moved by hand."""
    return ManualClock()


@pytest.fixture
def tokens(store: SqliteStore, clock: ManualClock) -> Tokens:
    """Tokens of the store."""
    return Tokens(store, clock)


@pytest_asyncio.fixture
async def account(store: SqliteStore, clock: ManualClock) -> Account:
    """The default account."""
    return await Accounts(store, clock).ensure_default()


@pytest_asyncio.fixture
async def other(store: SqliteStore, clock: ManualClock) -> Account:
    """Another account."""
    return await Accounts(store, clock).create("other", "bob@acme.example")


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


async def test_a_token_says_who_calls(tokens: Tokens, account: Account) -> None:
    """The text of a new token, 64 lower-case hex digits, authenticates as the account's owner with full access."""
    text = await tokens.create(account.id, "ci")
    assert re.fullmatch("[0-9a-f]{64}", text)
    (listed,) = await tokens.list()
    assert await tokens.authenticate(text) == Identity(account.id, account.owner_id, listed.id, "*")


async def test_only_the_digest_is_stored(tokens: Tokens, account: Account, store: SqliteStore, tmp_path: Path) -> None:
    """Neither documents nor files hold a token's text; its SHA-256 is the unique key."""
    text = await tokens.create(account.id, "ci")
    assert await store.find(TOKENS, hashlib.sha256(text.encode()).hexdigest()) is not None
    assert not [file for file in _files(tmp_path) if text.encode() in file]
    assert text not in repr(await tokens.list())


@pytest.mark.parametrize(("scope", "full"), [("*", True), ("custom", False)])
async def test_the_scope_is_kept(tokens: Tokens, account: Account, store: SqliteStore, scope: str, full: bool) -> None:
    """Full access or custom (contract.md 6.1), stored as ``fullAccess``."""
    text = await tokens.create(account.id, "ci", scope)
    assert (await tokens.authenticate(text)).scope == scope
    (document,) = await store.list(TOKENS, account.id, filters={})
    assert document.fields["fullAccess"] is full


@pytest.mark.parametrize(
    "text", ["", " ", "x", "0" * 64, "0" * 63, "A" * 64, "é" * 64, "\ud800", "0" * 64 + "\n"], ids=ascii
)
async def test_an_unknown_token_is_refused(tokens: Tokens, account: Account, text: str) -> None:
    """Unknown, empty and malformed tokens get the same answer (contract.md 1.2)."""
    with pytest.raises(Unauthenticated, match=REFUSED) as failure:
        await tokens.authenticate(text)
    assert [problem.code for problem in failure.value.problems] == ["unauthorized"]


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc ", "abc"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer a b", "a b"),
    ],
)
def test_the_scheme_word_is_read_without_case(header: str, token: str) -> None:
    """``Bearer`` in any letter case; what follows is the token, also when it is empty or no token."""
    assert bearer(header) == token


@pytest.mark.parametrize("header", [None, "", "abc", "Basic YTpi", "Bearerabc", "Token abc"])
def test_no_bearer_is_unauthorized(header: str | None) -> None:
    """No header, or another scheme, has a message of its own (contract.md 1.2)."""
    with pytest.raises(Unauthenticated, match=r"^Unauthorized$"):
        bearer(header)


async def test_a_revoked_token_is_refused_at_once(tokens: Tokens, account: Account, tmp_path: Path) -> None:
    """Revoked in one process, refused by the next call in another."""
    text = await tokens.create(account.id, "ci")
    elsewhere = SqliteStore(tmp_path / "fairlead.db")
    there = Tokens(elsewhere, ManualClock())
    identity = await there.authenticate(text)
    await tokens.revoke(identity.token_id)
    with pytest.raises(Unauthenticated, match=REFUSED):
        await there.authenticate(text)
    await elsewhere.close()


async def test_an_expired_token_is_refused_and_deleted(tokens: Tokens, account: Account, clock: ManualClock) -> None:
    """``autoPurgeAt``: valid until a moment before, refused from that moment on, and gone when it was tried."""
    text = await tokens.create(account.id, "ci", auto_purge_at=START + timedelta(hours=1))
    await clock.advance(3599)
    assert await tokens.authenticate(text)
    await clock.advance(1)
    with pytest.raises(Unauthenticated, match=REFUSED):
        await tokens.authenticate(text)
    assert await tokens.list() == []


async def test_lists_show_what_may_be_shown(tokens: Tokens, account: Account, other: Account) -> None:
    """Tokens of one account or of all, in order of creation, with name, scope and expiry."""
    expiry = START + timedelta(days=1)
    await tokens.create(account.id, "one")
    await tokens.create(other.id, "two", "custom", auto_purge_at=expiry)
    shown = [(t.account, t.name, t.scope, t.created, t.auto_purge_at) for t in await tokens.list()]
    assert shown == [(account.id, "one", "*", START, None), (other.id, "two", "custom", START, expiry)]
    assert [token.name for token in await tokens.list(other.id)] == ["two"]


async def test_a_token_is_revoked_by_id_or_text(tokens: Tokens, account: Account) -> None:
    """Who finds a leaked token can revoke it without knowing its id; the second time there is none."""
    texts = [await tokens.create(account.id, name) for name in ("one", "two")]
    by_id = (await tokens.list())[0].id
    for which in (by_id, texts[1]):
        await tokens.revoke(which)
        with pytest.raises(NotFound, match="token not found"):
            await tokens.revoke(which)
    assert await tokens.list() == []


async def test_a_token_of_another_account_is_not_revoked(tokens: Tokens, account: Account, other: Account) -> None:
    """With an account given, tokens of others are not found, by id or by text."""
    text = await tokens.create(account.id, "one")
    (listed,) = await tokens.list()
    for which in (text, listed.id):
        with pytest.raises(NotFound):
            await tokens.revoke(which, other.id)
    assert await tokens.authenticate(text)
    await tokens.revoke(text, account.id)


async def test_bad_input_names_every_field(tokens: Tokens, account: Account) -> None:
    """Empty name, unknown scope and an expiry that has come are told at once; an unknown account is not found; nothing is stored."""
    with pytest.raises(InvalidContent) as failure:
        await tokens.create(account.id, " ", "all", auto_purge_at=START)
    assert [problem.field for problem in failure.value.problems] == ["name", "scope", "autoPurgeAt"]
    with pytest.raises(NotFound, match="account nobody not found"):
        await tokens.create(AccountId("nobody"), "ci")
    assert await tokens.list() == []


async def test_the_bootstrap_token_is_made_once(tokens: Tokens, account: Account) -> None:
    """Ten starts at once leave one token, which has full access of the account; it can be revoked like any other."""
    await asyncio.gather(*(tokens.ensure_bootstrap(account, BOOTSTRAP) for _ in range(10)))
    (listed,) = await tokens.list()
    assert await tokens.authenticate(BOOTSTRAP) == Identity(account.id, account.owner_id, listed.id, "*")
    await tokens.revoke(listed.id)
    with pytest.raises(Unauthenticated):
        await tokens.authenticate(BOOTSTRAP)


@pytest.mark.parametrize("text", ["", "secret", BOOTSTRAP.upper(), BOOTSTRAP + "0", BOOTSTRAP[:-1] + "g"])
async def test_a_wrong_bootstrap_token_is_not_repeated(tokens: Tokens, account: Account, text: str) -> None:
    """A text that is no token stops the start with a sentence that does not hold it."""
    with pytest.raises(ValueError, match="64 lower-case hex digits") as failure:
        await tokens.ensure_bootstrap(account, text)
    assert not text or text not in str(failure.value)
    assert await tokens.list() == []


async def test_a_bootstrap_token_of_another_account_is_refused(
    tokens: Tokens, account: Account, other: Account
) -> None:
    """A token never changes its account."""
    await tokens.ensure_bootstrap(other, BOOTSTRAP)
    with pytest.raises(ValueError, match="belongs to another account"):
        await tokens.ensure_bootstrap(account, BOOTSTRAP)
    assert (await tokens.authenticate(BOOTSTRAP)).account == other.id
