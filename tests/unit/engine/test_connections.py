"""Connections as resources: create, read, list, replace, and the rules of versions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.domain.document import Document
from fairlead.domain.errors import ConditionNotMet, InvalidContent, NotFound, PreconditionFailed
from fairlead.domain.secret import MASK
from tests.unit.clock import START
from tests.unit.engine.serving import MINE, THEIRS, USER, Service, http, refusal, rest


def seeded(kind: str, id: str) -> Document:
    """A resource that something refers to."""
    return Document(kind, id, MINE, START, START, {"name": "x"})


# -- create and read ------------------------------------------------------------------------------------------------------


async def test_a_created_connection_is_answered_as_it_is_stored(service: Service) -> None:
    """contract.md 1.6, 2.1: ids of 24 hex digits, both dates equal, the queue, masks, and nothing that was not written."""
    stored = await service.create(http(auth={"type": "token", "token": {"token": "t0k3n"}}))
    id = stored.tree["_id"]
    assert len(id) == 24
    assert set(id) <= set("0123456789abcdef")
    assert stored.tree["createdAt"] == stored.tree["lastModified"] == "2026-01-15T09:30:00.000Z"
    assert stored.tree["queues"] == [{"name": id, "size": 0}]
    assert stored.tree["http"]["auth"] == {"type": "token", "token": {"token": MASK}}
    assert stored.tree["lastModifiedBy"] == USER
    written = {"type", "name", "http"}
    assert set(stored.tree) == written | {"_id", "createdAt", "lastModified", "lastModifiedBy", "queues"}
    assert await service.connections.get(MINE, id) == stored


async def test_output_only_members_of_a_document_copied_from_elsewhere_are_ignored(service: Service) -> None:
    """contract.md 1.9, 1.12: a client-sent ``_id`` and the like change nothing."""
    foreign = {"_id": "f" * 24, "createdAt": "2001-01-01T00:00:00.000Z", "queues": [], "needsAuthorization": True}
    stored = await service.create({**http(), **foreign})
    assert stored.tree["_id"] != "f" * 24
    assert stored.tree["createdAt"].startswith("2026")
    assert "needsAuthorization" not in stored.tree


@pytest.mark.parametrize("account", [THEIRS, "0" * 24])
async def test_a_connection_of_another_account_does_not_exist(service: Service, account: Any) -> None:
    """contract.md 1.2: 404, never 403, whatever is done with it."""
    id = (await service.create(http())).tree["_id"]
    for call in (
        service.connections.get(account, id),
        service.put(id, http(), account=account),
        service.connections.delete(account, id, None),
        service.pings.stored(account, id, None, service.stats),
    ):
        assert await refusal(call, NotFound) == {("not_found", None)}
    assert await service.connections.list(account, {}, 0, 10) == ([], False)


OAUTH: list[tuple[dict[str, Any], bool]] = [
    (http(auth={"type": "oauth", "oauth": {"authURI": "u", "tokenURI": "u", "clientId": "c", "clientSecret": "s"}}), True),
    (
        http(auth={"type": "oauth", "token": {"token": "t"}, "oauth": {"authURI": "u", "tokenURI": "u", "clientId": "c", "clientSecret": "s"}}),
        False,
    ),
    (
        http(auth={"type": "oauth", "oauth": {"grantType": "clientcredentials", "tokenURI": "u", "clientId": "c", "clientSecret": "s"}}),
        False,
    ),
    (rest(authType="oauth", authURI="u", oauthTokenURI="u", oauth={"clientId": "c", "clientSecret": "s"}), True),
    (rest(authType="oauth", bearerToken="t", authURI="u", oauthTokenURI="u", oauth={"clientId": "c", "clientSecret": "s"}), False),
    (http(), False),
]  # fmt: skip


@pytest.mark.parametrize(("document", "needed"), OAUTH)
async def test_a_connection_says_when_somebody_has_to_authorise_it(
    service: Service, document: dict[str, Any], needed: bool
) -> None:
    """contract.md 2.1: true for oauth with authorizecode and no stored token, else absent."""
    tree = (await service.create(document)).tree
    assert tree.get("needsAuthorization") == (True if needed else None)


@pytest.mark.parametrize(("block", "maximum"), [("http", 50), ("rest", 100)])
async def test_a_level_above_the_maximum_is_lowered_silently(service: Service, block: str, maximum: int) -> None:
    """connections.md 2."""
    document = http(concurrencyLevel=1000) if block == "http" else rest(concurrencyLevel=1000)
    stored = await service.create(document)
    assert stored.tree[block]["concurrencyLevel"] == maximum
    document[block]["concurrencyLevel"] = maximum
    assert (await service.put(stored.tree["_id"], document)).tree[block]["concurrencyLevel"] == maximum


# -- lists ----------------------------------------------------------------------------------------------------------------


async def test_lists_are_in_order_of_creation_and_know_whether_there_is_more(service: Service) -> None:
    """contract.md 1.11: skip, limit, and a next page only when there is one."""
    ids = []
    for number in range(5):
        ids.append((await service.create({**http(), "externalId": f"e{number % 2}"})).tree["_id"])
        await service.clock.advance(1)
    for skip, limit, expected, more in [(0, 5, ids, False), (0, 4, ids[:4], True), (4, 4, ids[4:], False), (9, 1, [], False)]:  # fmt: skip
        found, further = await service.connections.list(MINE, {}, skip, limit)
        assert ([entry.tree["_id"] for entry in found], further) == (expected, more)


FILTERS: list[tuple[dict[str, list[str]], list[str]]] = [
    ({"externalId": ["e1"]}, ["a", "b"]),
    ({"externalId": ["e1", "e2"]}, ["a", "b", "c"]),
    ({"externalId": ["e1"], "name": ["b", "c"]}, ["b"]),
    ({"type": ["rest"]}, ["c"]),
    ({"externalId": ["E1"]}, []),
    ({"_integrationId": ["e1"]}, []),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
async def test_lists_filter_by_exact_match(
    service: Service, filters: dict[str, list[str]], expected: list[str]
) -> None:
    """contract.md 1.11: OR within one filter, AND between them."""
    for document, name, external in ((http(), "a", "e1"), (http(), "b", "e1"), (rest(), "c", "e2")):
        await service.create({**document, "name": name, "externalId": external})
        await service.clock.advance(1)
    found, _ = await service.connections.list(MINE, filters, 0, 10)
    assert [entry.tree["name"] for entry in found] == expected


# -- replace --------------------------------------------------------------------------------------------------------------


async def test_a_put_replaces_all_but_what_a_mask_keeps(service: Service) -> None:
    """contract.md 1.7, 1.12: GET, edit, PUT works; what is not sent is gone; dates and ETag move, createdAt does not."""
    document = {**http(encrypted={"a": "1", "b": "2"}, unencrypted={"x": 1}), "externalId": "e"}
    stored = await service.create(document)
    id = stored.tree["_id"]
    await service.clock.advance(60)
    edited = await service.put(
        id,
        {**{k: v for k, v in document.items() if k != "externalId"}, "http": {**document["http"], "encrypted": MASK}},
    )
    assert "externalId" not in edited.tree
    assert edited.tree["createdAt"] == stored.tree["createdAt"]
    assert edited.tree["lastModified"] == "2026-01-15T09:31:00.000Z"
    assert edited.etag != stored.etag
    revealed = service.box.revealed(await service.document(id))
    assert revealed["http"]["encrypted"].reveal() == b'{"a": "1", "b": "2"}'
    without = await service.put(id, http())
    assert "encrypted" not in without.tree["http"]
    assert (await service.document(id)).secrets == {}


async def test_a_mask_inside_a_bag_keeps_that_key(service: Service) -> None:
    """contract.md 1.7."""
    id = (await service.create(http(encrypted={"a": "1", "b": "2"}))).tree["_id"]
    await service.put(id, http(encrypted={"a": MASK, "c": "3"}))
    assert service.box.revealed(await service.document(id))["http"]["encrypted"].reveal() == b'{"a":"1","c":"3"}'


async def test_a_mask_where_nothing_is_stored_counts_as_absent(service: Service) -> None:
    """contract.md 1.7, 1.10: the required-field rules see it so, and an object left without members is dropped."""
    id = (await service.create(http())).tree["_id"]
    token = http(auth={"type": "token", "token": {"token": MASK}})
    assert await refusal(service.put(id, token), InvalidContent) == {
        ("missing_required_field", "http.auth.token.token")
    }
    custom = http(auth={"type": "custom", "token": {"token": MASK}}, encrypted=MASK)
    assert (await service.put(id, custom)).tree["http"].get("auth") == {"type": "custom"}
    assert "encrypted" not in (await service.connections.get(MINE, id)).tree["http"]


FIELDS = [{"id": "key", "label": "Key", "required": True}]


@pytest.mark.parametrize(
    ("bag", "refused"),
    [({"key": "v"}, False), ({"key": MASK}, False), (MASK, False), ({"key": ""}, True), ({"other": "v"}, True), (None, True)],
)  # fmt: skip
@pytest.mark.parametrize("stored", [True, False])
async def test_required_fields_of_a_bag_are_there_or_kept(
    service: Service, bag: Any, refused: bool, stored: bool
) -> None:
    """connections.md 10: ``required: true`` without a value is missing; a mask is a value where one is stored."""
    first = http(encrypted={"key": "v"}) if stored else http(encrypted={"other": "v"})
    id = (await service.create(first)).tree["_id"]
    document = http(encryptedFields=FIELDS, **({} if bag is None else {"encrypted": bag}))
    if refused or (not stored and bag != {"key": "v"}):
        expected = {("missing_required_field", "http.encrypted.key")}
        assert await refusal(service.put(id, document), InvalidContent) == expected
    else:
        assert (await service.put(id, document)).tree["http"]["encrypted"] == MASK


async def test_offline_is_the_value_sent_and_absent_is_false(service: Service) -> None:
    """contract.md 2.1, connections.md 6.2."""
    stored = await service.create({**http(), "offline": True})
    id = stored.tree["_id"]
    assert stored.tree["offline"] is True
    assert (await service.put(id, {**http(), "offline": True})).tree["offline"] is True
    assert "offline" not in (await service.put(id, http())).tree
    await service.connections.set_offline(MINE, id, True)
    assert "offline" not in (await service.put(id, {**http(), "offline": False})).tree


async def test_going_offline_is_outside_of_dates_and_etag(service: Service) -> None:
    """D21: ``runtime`` has a version of its own."""
    stored = await service.create(http())
    id = stored.tree["_id"]
    await service.clock.advance(5)
    await service.connections.set_offline(MINE, id, True)
    shown = await service.connections.get(MINE, id)
    assert shown.tree == {**stored.tree, "offline": True}
    assert shown.etag == stored.etag
    await service.connections.set_offline(MINE, "0" * 24, True)


async def test_written_nulls_and_empties_come_back(service: Service) -> None:
    """contract.md 1.10: ``ping.relativeURI: null``, empty lists and objects as they were sent; other nulls are dropped."""
    block = {"ping": {"relativeURI": None, "method": "GET"}, "headers": [], "encrypted": {}, "unencrypted": {"a": None}}
    stored = await service.create({**http(**block), "externalId": None, "settings": {}})
    shown = stored.tree["http"]
    assert (shown["ping"], shown["headers"]) == ({"relativeURI": None, "method": "GET"}, [])
    assert (shown["unencrypted"], stored.tree["settings"]) == (b'{"a": null}', b"{}")
    assert "externalId" not in stored.tree
    again = await service.put(
        stored.tree["_id"],
        {
            **http(
                **block,
            ),
            "settings": {},
        },
    )
    assert again.tree["http"] == shown


@pytest.mark.parametrize(
    ("change", "field"),
    [({"_connectorId": "b" * 24}, "_connectorId"), ({"_integrationId": "b" * 24}, "_integrationId")],
)
async def test_what_is_written_on_create_only(service: Service, change: dict[str, Any], field: str) -> None:
    """contract.md 1.13, connections.md 1.1: another value is refused; the same one, or none, leaves it."""
    kind = {"_connectorId": "connectors", "_integrationId": "integrations"}[field]
    for letter in "ab":
        await service.store.insert(seeded(kind, letter * 24))
    id = (await service.create({**http(), field: "a" * 24})).tree["_id"]
    assert await refusal(service.put(id, {**http(), **change}), ConditionNotMet) == {("update_not_allowed", field)}
    assert (await service.put(id, {**http(), field: "a" * 24})).tree[field] == "a" * 24
    assert (await service.put(id, http())).tree[field] == "a" * 24


async def test_the_type_cannot_change(service: Service) -> None:
    """connections.md 1.1."""
    id = (await service.create(http())).tree["_id"]
    assert await refusal(service.put(id, rest()), ConditionNotMet) == {("update_not_allowed", "type")}


# -- If-Match -------------------------------------------------------------------------------------------------------------


async def test_if_match_lets_only_the_known_version_be_written(service: Service) -> None:
    """contract.md 1.12: 412 changes nothing; ``*`` and lists match; weak tags never do."""
    stored = await service.create(http())
    id, etag = stored.tree["_id"], stored.etag
    for wrong in ('"other"', "", f"W/{etag}", etag.strip('"')):
        assert await refusal(service.put(id, {**http(), "name": "no"}, wrong), PreconditionFailed)
        assert await refusal(service.connections.delete(MINE, id, wrong), PreconditionFailed)
    assert (await service.connections.get(MINE, id)) == stored
    for right in (etag, "*", f'"other", {etag}'):
        etag = (await service.put(id, http(), right if right == "*" else right.replace(stored.etag, etag))).etag
    await service.connections.delete(MINE, id, etag)


async def test_of_two_writers_with_one_version_one_is_refused(service: Service) -> None:
    """contract.md 1.12, D21: the race is decided by the store, not before it."""
    stored = await service.create(http())
    puts = [service.put(stored.tree["_id"], {**http(), "name": name}, stored.etag) for name in "ab"]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["PreconditionFailed", "Stored"]


async def test_without_if_match_every_writer_gets_through(service: Service) -> None:
    """contract.md 1.12: the last one wins, also while pings note their outcome."""
    id = (await service.create(http())).tree["_id"]
    notes = [service.connections.set_offline(MINE, id, offline) for offline in (True, False)]
    puts = [service.put(id, {**http(), "name": name}) for name in "abc"]
    race = asyncio.gather(*puts, *notes)
    while not race.done():
        await service.clock.advance(0.01)
    results = await race
    assert (await service.connections.get(MINE, id)).tree["name"] in "abc"
    assert len({result.etag for result in results if result is not None}) == 3
