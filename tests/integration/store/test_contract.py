"""The contract of ``fairlead.engine.ports.Store``: the same tests on every store (D9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from fairlead.engine.ports import DuplicateKey, Store
from tests.integration.store.documents import MINE, NOW, THEIRS, connection, number

LARGE = 10**400 + 7


async def test_what_is_inserted_is_read_back_whole(store: Store) -> None:
    """Every part of a document comes back as it was: fields, secrets, runtime, versions, dates, key."""
    document = connection(
        fields={"name": "n", "http": {"headers": [{"name": "a", "value": "b"}], "level": 5, "none": None, "on": True}},
        secrets={"http.auth.token.token": "v1.k.a.b", "http.encrypted": "v1.k.c.d"},
        runtime={"offline": True, "cookies": [{"name": "sid"}]},
        key="unique",
    )
    await store.insert(document)
    assert await store.get("connections", MINE, document.id) == document
    assert await store.find("connections", "unique") == document


async def test_nothing_is_found_where_nothing_is(store: Store) -> None:
    """Unknown ids and keys, and ids of another kind, find nothing; deleting nothing says so."""
    await store.insert(connection(key="unique"))
    assert await store.get("connections", MINE, number(9)) is None
    assert await store.get("exports", MINE, number(1)) is None
    assert await store.find("connections", "other") is None
    assert await store.find("exports", "unique") is None
    assert await store.list("exports", MINE, filters={}) == []
    assert not await store.delete("connections", MINE, number(9))


@pytest.mark.parametrize(
    "value",
    [
        *(
            b'{"b":140891.90,"a":9007199254740993}',
            b"[1e2, 1E400]",
            b'"\\ud800"',
            b"null",
            b"",
            '{"k":"ü\u2028"}'.encode(),
        ),
        *(str(LARGE).encode(), 0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, LARGE, -LARGE),
        *(
            0.0,
            1.0,
            -0.5,
            0.1,
            1e300,
            5e-324,
            True,
            False,
            None,
            "",
            "a\x00b",
            "ü\U0001f600",
            "$json",
            [],
            {},
            [[], {}, None],
        ),
    ],
    ids=lambda value: repr(value)[:24],
)
async def test_values_survive_exactly(store: Store, value: Any) -> None:
    """A value comes back equal and of its own type: open values byte by byte, integers of any size, floats as floats."""
    document = connection(fields={"value": value, "list": [value]}, runtime={"value": value})
    await store.insert(document)
    found = await store.get("connections", MINE, document.id)
    assert found == document
    for back in (found.fields["value"], found.fields["list"][0], found.runtime["value"]):
        assert type(back) is type(value)


ODD_KEYS = [
    "a.b",
    ".",
    "$where",
    "$json",
    "$int",
    "$$",
    "a$b",
    "__proto__",
    "",
    "%",
    "%2E",
    "a\x00b",
    "@odata.nextLink",
    "_id",
    "ü x",
]


@pytest.mark.parametrize("key", ODD_KEYS, ids=repr)
async def test_odd_keys_survive(store: Store, key: str) -> None:
    """No key means anything to the database, at any level, alone in its object or not."""
    tree = {"open": {key: {key: "text"}}, "list": [{key: b"[1]"}, {key: 1, "other": 2}], key: "top"}
    document = connection(fields=tree, secrets={key: "v1.a.b.c"}, runtime={key: {key: 1}})
    await store.insert(document)
    changed = await store.replace_runtime(document, {"cookie": {key: key}})
    assert changed == replace(document, runtime={"cookie": {key: key}}, runtime_version=2)
    assert await store.get("connections", MINE, document.id) == changed


async def test_odd_keys_stay_apart(store: Store) -> None:
    """Keys that look alike when escaped are still different keys, in their order."""
    document = connection(fields=dict.fromkeys(ODD_KEYS, 1))
    await store.insert(document)
    found = await store.get("connections", MINE, document.id)
    assert found is not None
    assert list(found.fields) == ODD_KEYS


async def test_dates_keep_milliseconds_in_utc(store: Store) -> None:
    """Dates come back aware, in UTC and cut to the millisecond, whatever they were given as."""
    document = replace(connection(), created=NOW + timedelta(microseconds=999), modified=NOW + timedelta(days=1))
    await store.insert(document)
    found = await store.get("connections", MINE, document.id)
    assert found is not None
    assert (found.created, found.modified) == (NOW, NOW + timedelta(days=1))
    assert found.created.tzinfo is UTC


async def test_lists_are_in_order_of_id(store: Store) -> None:
    """A list is ordered by id, whatever the order of writing, and cut by skip and limit."""
    for n in (3, 1, 5, 2, 4):
        await store.insert(connection(n))

    async def ids(**cut: int) -> list[str]:
        return [d.id for d in await store.list("connections", MINE, filters={}, **cut)]

    assert await ids() == [number(n) for n in (1, 2, 3, 4, 5)]
    assert await ids(skip=1, limit=2) == [number(2), number(3)]
    assert await ids(skip=4, limit=2) == [number(5)]
    assert await ids(skip=5) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": ["a"]}, [1, 3]),
        ({"name": ["a", "b"]}, [1, 2, 3]),
        ({"name": ["a"], "externalId": ["x"]}, [3]),
        ({"http._iClientId": ["i1", "i2"]}, [2, 3]),
        ({"name": ["A"]}, []),
        ({"missing": ["a"]}, []),
        ({"name": []}, []),
        ({"count": ["1"]}, []),
        ({"name": ["' OR 1=1 --", "$ne"]}, []),
    ],
    ids=str,
)
async def test_filters_match_text_exactly(store: Store, filters: dict[str, list[str]], expected: list[int]) -> None:
    """Any value of one filter, all filters together; case counts, numbers are no text, no accepted value means no document."""
    await store.insert(connection(1, fields={"name": "a", "count": 1}))
    await store.insert(connection(2, fields={"name": "b", "http": {"_iClientId": "i1"}}))
    await store.insert(connection(3, fields={"name": "a", "externalId": "x", "http": {"_iClientId": "i2"}}))
    await store.insert(connection(4, THEIRS, fields={"name": "a", "externalId": "x"}))
    found = await store.list("connections", MINE, filters=filters)
    assert [document.id for document in found] == [number(n) for n in expected]


@pytest.mark.parametrize("path", ["", "a..b", "a'b", '"', "$where", "a b", "a.$"])
async def test_a_filter_path_is_a_plain_path(store: Store, path: str) -> None:
    """A path that is not made of plain names never reaches the database."""
    with pytest.raises(ValueError, match="no path to filter by"):
        await store.list("connections", MINE, filters={path: ["a"]})


async def test_another_account_sees_nothing(store: Store) -> None:
    """Reading, listing, replacing, changing and deleting with another account find nothing and change nothing."""
    mine = connection()
    await store.insert(mine)
    theirs = replace(mine, account=THEIRS)
    assert await store.get("connections", THEIRS, mine.id) is None
    assert await store.list("connections", THEIRS, filters={}) == []
    assert not await store.replace(theirs.replaced({}, {}, {}, NOW))
    assert await store.replace_runtime(theirs, {"offline": True}) is None
    assert not await store.delete("connections", THEIRS, mine.id)
    assert await store.get("connections", MINE, mine.id) == mine


async def test_all_accounts_are_listed_for_the_operator(store: Store) -> None:
    """``list_everywhere`` crosses accounts, stays within the kind, and is ordered and cut."""
    for n, account in ((2, MINE), (1, THEIRS), (3, THEIRS)):
        await store.insert(connection(n, account))
    await store.insert(replace(connection(4), kind="exports"))
    assert [d.id for d in await store.list_everywhere("connections")] == [number(n) for n in (1, 2, 3)]
    assert [d.id for d in await store.list_everywhere("connections", skip=1, limit=1)] == [number(2)]


async def test_an_id_is_unique_in_its_kind(store: Store) -> None:
    """A second document of the kind with the id is refused, in whatever account; another kind may have it."""
    await store.insert(connection())
    with pytest.raises(DuplicateKey):
        await store.insert(connection(fields={"name": "second"}))
    with pytest.raises(DuplicateKey):
        await store.insert(connection(account=THEIRS))
    await store.insert(replace(connection(), kind="exports"))
    found = await store.get("connections", MINE, number(1))
    assert found is not None
    assert found.fields["name"] == "connection 1"


async def test_a_key_is_unique_in_its_kind(store: Store) -> None:
    """One document of a kind has a key, over all accounts; documents without key do not disturb each other."""
    await store.insert(connection(1, key="k"))
    with pytest.raises(DuplicateKey):
        await store.insert(connection(2, THEIRS, key="k"))
    await store.insert(replace(connection(2, key="k"), kind="exports"))
    await store.insert(connection(3))
    await store.insert(connection(4))
    with pytest.raises(DuplicateKey):
        await store.replace(replace(connection(3).replaced({}, {}, {}, NOW), key="k"))
    assert await store.delete("connections", MINE, number(1))
    await store.insert(connection(5, THEIRS, key="k"))


@pytest.mark.parametrize("key", ["a/b", "ü", "", "K"], ids=repr)
async def test_a_key_is_any_text(store: Store, key: str) -> None:
    """A key is found as it was written, and no other spelling of it."""
    await store.insert(connection(key=key))
    assert await store.find("connections", key) == connection(key=key)
    assert await store.find("connections", key + " ") is None
    assert await store.find("connections", "k") is None


async def test_replace_takes_the_next_version_only(store: Store) -> None:
    """The version that was read can be replaced once; the second writer with the same version learns that it is gone."""
    await store.insert(connection())
    first = connection().replaced({"name": "first"}, {"a": "v1.a.b.c"}, {"offline": True}, NOW + timedelta(seconds=1))
    second = connection().replaced({"name": "second"}, {}, {}, NOW)
    assert await store.replace(first)
    assert not await store.replace(second)
    assert await store.get("connections", MINE, number(1)) == first
    assert not await store.replace(connection(2).replaced({}, {}, {}, NOW))
    assert await store.get("connections", MINE, number(2)) is None


@pytest.mark.parametrize(("version", "runtime_version"), [(1, 2), (3, 2), (2, 1), (2, 3)])
async def test_replace_looks_at_both_versions(store: Store, version: int, runtime_version: int) -> None:
    """Only the successor of both stored versions is taken: one that fits is not enough."""
    await store.insert(connection())
    assert not await store.replace(replace(connection(), fields={}, version=version, runtime_version=runtime_version))
    assert await store.get("connections", MINE, number(1)) == connection()


async def test_replace_does_not_undo_a_newer_runtime(store: Store) -> None:
    """A replacement made from an older runtime is refused: it would bring back a token that has been renewed since."""
    await store.insert(connection(runtime={"token": "old"}))
    stale = connection(runtime={"token": "old"})
    assert await store.replace_runtime(stale, {"token": "new"})
    assert not await store.replace(stale.replaced(stale.fields, {}, stale.runtime, NOW))
    found = await store.get("connections", MINE, number(1))
    assert found is not None
    assert found.runtime == {"token": "new"}


async def test_runtime_has_its_own_version(store: Store) -> None:
    """Writing the runtime leaves version and dates alone, and takes the runtime version that was read only once."""
    document = connection()
    await store.insert(document)
    changed = await store.replace_runtime(document, {"offline": True})
    assert changed == replace(document, runtime={"offline": True}, runtime_version=2)
    assert await store.replace_runtime(document, {"offline": False}) is None
    assert await store.replace_runtime(connection(2), {}) is None
    assert await store.get("connections", MINE, document.id) == changed


async def test_replace_after_runtime_goes_on(store: Store) -> None:
    """Both kinds of writes follow each other as long as each is made from what was read."""
    await store.insert(connection())
    changed = await store.replace_runtime(connection(), {"offline": True})
    assert changed is not None
    assert await store.replace(changed.replaced({"name": "n"}, {}, changed.runtime, NOW))
    found = await store.get("connections", MINE, number(1))
    assert found is not None
    assert (found.version, found.runtime_version, found.runtime) == (2, 3, {"offline": True})


async def test_delete_with_a_version_deletes_that_version_only(store: Store) -> None:
    """A version that is gone is not deleted; without version any is; the second delete finds nothing."""
    await store.insert(connection())
    assert not await store.delete("connections", MINE, number(1), version=2)
    assert await store.delete("connections", MINE, number(1), version=1)
    assert not await store.delete("connections", MINE, number(1))
    await store.insert(connection())
    assert await store.delete("connections", MINE, number(1))
    assert await store.get("connections", MINE, number(1)) is None


async def test_a_store_that_is_there_answers_a_ping(store: Store) -> None:
    """Ping returns, on an empty store too."""
    await store.ping()


async def test_a_document_of_a_megabyte_fits(store: Store) -> None:
    """The largest document of the contract (contract.md 1.15) is stored and read."""
    document = connection(fields={"name": "n", "settings": b'{"text":"' + b"x" * (1 << 20) + b'"}'})
    await store.insert(document)
    assert await store.get("connections", MINE, document.id) == document
