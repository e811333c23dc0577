"""Accounts and their owners (contract.md 6.2)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fairlead.domain.errors import InvalidContent, NotFound
from fairlead.engine.accounts import ABOVE_ACCOUNTS, USERS, Accounts
from fairlead.store.sqlite import SqliteStore
from tests.unit.clock import START, ManualClock


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An empty store."""
    opened = SqliteStore(tmp_path / "fairlead.db")
    yield opened
    await opened.close()


@pytest.fixture
def accounts(store: SqliteStore) -> Accounts:
    """Accounts of an empty store."""
    return Accounts(store, ManualClock())


async def test_the_default_account_makes_itself_once(accounts: Accounts) -> None:
    """Account ``default`` of ``owner@localhost``; every later call finds the same."""
    made = await accounts.ensure_default()
    assert (made.name, made.owner_email, made.created) == ("default", "owner@localhost", START)
    assert re.fullmatch("[0-9a-f]{24}", made.id)
    assert await accounts.ensure_default() == made
    assert await accounts.list() == [made]


async def test_processes_that_start_together_make_one_default_account(tmp_path: Path, store: SqliteStore) -> None:
    """Twenty starts at once, over two stores on one file, end with one account and one owner."""
    other = SqliteStore(tmp_path / "fairlead.db")
    stores = [store, other] * 10
    made = await asyncio.gather(*(Accounts(each, ManualClock()).ensure_default() for each in stores))
    assert len(set(made)) == 1
    assert await Accounts(store, ManualClock()).list() == [made[0]]
    users = await store.list_everywhere(USERS)
    assert [user.id for user in users] == [made[0].owner_id]
    await other.close()


async def test_an_account_is_made_with_its_owner(accounts: Accounts, store: SqliteStore) -> None:
    """The owner is a user with that address; the account is found by its id and listed after the older ones."""
    default = await accounts.ensure_default()
    made = await accounts.create("Acme", "Ann@acme.example")
    assert (made.name, made.owner_email) == ("Acme", "Ann@acme.example")
    assert await accounts.get(made.id) == made
    assert await accounts.list() == [default, made]
    user = await store.get(USERS, ABOVE_ACCOUNTS, made.owner_id)
    assert user is not None
    assert user.fields == {"email": "ann@acme.example"}


async def test_one_address_is_one_user(accounts: Accounts) -> None:
    """Who owns two accounts is the same user in both, however the address is capitalised."""
    one = await accounts.create("one", "ann@acme.example")
    two = await accounts.create("two", "ANN@acme.example")
    other = await accounts.create("three", "bob@acme.example")
    assert one.owner_id == two.owner_id != other.owner_id
    assert one.id != two.id


async def test_a_name_is_taken_once(accounts: Accounts) -> None:
    """A second account of the name is refused and the first stays."""
    first = await accounts.create("Acme", "ann@acme.example")
    with pytest.raises(InvalidContent, match="an account 'Acme' exists already") as failure:
        await accounts.create("Acme", "bob@acme.example")
    assert [problem.field for problem in failure.value.problems] == ["name"]
    assert await accounts.list() == [first]


@pytest.mark.parametrize(
    ("name", "email", "fields"),
    [
        ("", "a@b", ["name"]),
        ("  ", "a@b", ["name"]),
        ("x" * 101, "a@b", ["name"]),
        ("a", "", ["email"]),
        ("a", "ann", ["email"]),
        ("a", "@b", ["email"]),
        ("a", "ann@", ["email"]),
        ("a", "ann b@c", ["email"]),
        ("a", "a@" + "b" * 253, ["email"]),
        ("", "ann", ["name", "email"]),
    ],
)
async def test_bad_input_names_every_field(accounts: Accounts, name: str, email: str, fields: list[str]) -> None:
    """All that is wrong is told at once, and nothing is stored."""
    with pytest.raises(InvalidContent) as failure:
        await accounts.create(name, email)
    assert [problem.field for problem in failure.value.problems] == fields
    assert await accounts.list() == []


async def test_an_unknown_account_is_not_found(accounts: Accounts) -> None:
    """``get`` of an id that no account has raises ``NotFound``."""
    with pytest.raises(NotFound, match="account 5f0000000000000000000001 not found"):
        await accounts.get("5f0000000000000000000001")
