"""iClients as resources: create, read, list, replace, delete, and what keeps one from going."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.mappers import resource_tree
from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from fairlead.domain.document import AccountId, Document
from fairlead.domain.errors import ConditionNotMet, InvalidContent, NotFound, PreconditionFailed
from fairlead.domain.secret import MASK
from fairlead.engine.iclients import Iclients
from fairlead.engine.prepare import ICLIENTS
from fairlead.engine.resources import Stored, alone
from fairlead.engine.secrets import SecretBox
from fairlead.limits.coordinator import StoreCoordinator
from fairlead.store.sqlite import SqliteStore
from fairlead.templates.compiler import TemplateCompiler
from fairlead.v1 import iclient_pb2, options_pb2
from tests.unit.clock import START, ManualClock
from tests.unit.engine.exporting import KEYS, MINE, THEIRS
from tests.unit.engine.serving import USER, refusal


class Kept:
    """The use cases on an empty store."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = ManualClock()
        self.box = SecretBox(KEYS)
        self.coordinator = StoreCoordinator(self.clock)
        self.iclients = Iclients(store, self.box, self.clock, self.coordinator, TemplateCompiler())

    async def create(self, document: Any) -> Stored:
        """POST."""
        return await self.iclients.create(MINE, USER, tree_of(document, options_pb2.MODE_CREATE))

    async def put(
        self, id: str, document: Any, if_match: str | None = None, *, account: AccountId = MINE, user: str = USER
    ) -> Stored:
        """PUT."""
        tree = tree_of(document, options_pb2.MODE_REPLACE)
        return await self.iclients.replace(account, user, id, tree, if_match)

    async def secrets(self, id: str) -> Any:
        """The stored document with its secrets in clear."""
        document = await self.store.get(ICLIENTS, MINE, id)
        assert document is not None
        return self.box.revealed(document)

    async def refer(self, id: str, block: str, connection: str, account: AccountId = MINE) -> None:
        """Store a connection that names an iClient."""
        fields = {"type": block, "name": "x", block: {"_iClientId": id}}
        await self.store.insert(Document("connections", connection, account, START, START, fields))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Kept]:
    """The use cases on an empty store."""
    store = SqliteStore(tmp_path / "fairlead.db")
    yield Kept(store)
    await store.close()


def tree_of(document: Any, mode: int) -> Any:
    """An iClient as the API hands it on."""
    return resource_tree(read(json.dumps(document).encode(), iclient_pb2.Iclient, mode).message)


def oauth2(**members: Any) -> dict[str, Any]:
    """An iClient of OAuth 2.0."""
    return {"provider": "custom_oauth2", "oauth2": {"clientId": "c", "clientSecret": "s3cr3t", **members}}


# -- create and read ------------------------------------------------------------------------------------------------------


async def test_a_created_iclient_is_answered_as_it_is_stored(service: Kept) -> None:
    """contract.md 1.6, 12: id, both dates, the writer, masks, the provider as it was sent, and nothing that was not written."""
    stored = await service.create({**oauth2(scope="read"), "provider": "Shopify", "_id": "f" * 24, "sandbox": True})
    id = stored.tree["_id"]
    assert id != "f" * 24
    assert stored.tree == {
        "_id": id,
        "createdAt": "2026-01-15T09:30:00.000Z",
        "lastModified": "2026-01-15T09:30:00.000Z",
        "lastModifiedBy": USER,
        "provider": "Shopify",
        "oauth2": {"clientId": "c", "clientSecret": MASK, "scope": ["read"]},
    }
    assert await service.iclients.get(MINE, id) == stored


BLOCKS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("netsuite", {"netsuite": {"consumerKey": "k", "consumerSecret": "s"}}, {"consumerKey", "consumerSecret"}),
    ("amazonmws", {"amazonmws": {"accessKeyId": "k", "secretKey": "s"}}, {"secretKey"}),
    (
        "ebay-xml",
        {"ebay": {"appId": "a", "devId": "d", "certId": "c", "ruName": "r", "accessKeyId": "k", "secretKey": "s"}},
        {"certId", "secretKey"},
    ),
    (
        "salesforce",
        {"salesforce": {"clientId": "c", "clientSecret": "s", "apiToken": "t", "privateKey": "p", "publicKey": "q"}},
        {"clientSecret", "apiToken", "privateKey"},
    ),
    (
        "azureserviceprincipal",
        {"azureserviceprincipal": {"clientId": "c", "clientSecret": "s", "tenantId": "t"}},
        {"clientSecret"},
    ),
    ("awsIam", {"awsIam": {"externalId": "e", "roleArn": "r"}}, set()),
    (
        "google",
        {"oauth2": {"clientSecret": "s", "username": "u", "password": "p", "encrypted": {"a": "b"}}},
        {"clientSecret", "password", "encrypted"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "block", "masked"), BLOCKS)
async def test_secrets_are_masked_and_kept(
    service: Kept, provider: str, block: dict[str, Any], masked: set[str]
) -> None:
    """contract.md 1.7, 12; fields.md: the flagged members show the mask, and a PUT of what was read keeps them."""
    stored = await service.create({"provider": provider, **block})
    (name,) = block
    shown = stored.tree[name]
    assert {member for member, value in shown.items() if value == MASK} == masked
    before = await service.secrets(stored.tree["_id"])
    await service.put(stored.tree["_id"], {"provider": provider, name: shown})
    after = await service.secrets(stored.tree["_id"])
    assert {member: secret.reveal() for member, secret in after[name].items() if member in masked} == {
        member: secret.reveal() for member, secret in before[name].items() if member in masked
    }


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ({"oauth2": {}}, {("missing_required_field", "provider")}),
        ({"provider": "", "oauth2": {}}, {("missing_required_field", "provider")}),
        ({"provider": "acme", "oauth2": {}}, {("invalid_field", "provider")}),
        ({**oauth2(grantType="magic"), "name": "x" * 101}, {("invalid_field", "oauth2.grantType"), ("invalid_field", "name")}),
        (oauth2(clientSecret=MASK), {("invalid_field", "oauth2.clientSecret")}),
        (oauth2(clientsecret="s"), {("unknown_field", "oauth2.clientsecret")}),
        (oauth2(token={"headers": {"a": "b"}}), {("invalid_field", "oauth2.token.headers")}),
        ({"provider": "awsIam", "awsIam": {}}, {("missing_required_field", "awsIam.externalId")}),
        ({"provider": "netsuite", "netsuite": {}, "azureserviceprincipal": {"clientId": "c"}},
         {("missing_required_field", "azureserviceprincipal.clientSecret"), ("missing_required_field", "azureserviceprincipal.tenantId")}),
    ],
)  # fmt: skip
def test_what_a_field_alone_can_say_is_told_at_once(document: Any, problems: set[tuple[str, str]]) -> None:
    """contract.md 1.5, 12: required fields, words, lengths, masks and unknown members."""
    with pytest.raises(ContractError) as error:
        tree_of(document, options_pb2.MODE_CREATE)
    assert {(problem.code, problem.field) for problem in error.value.problems} == problems


async def test_everything_between_fields_is_told_at_once(service: Kept) -> None:
    """contract.md 1.5: the missing block, templates and paths in one 422; nothing is stored."""
    document = oauth2(
        accessTokenPath="a[",
        auth={"uri": "{{#if"},
        token={"uri": "{{x", "body": "{{#each a}}", "headers": "X-A: {{x"},
        refresh={"headers": [{"name": "X-B", "value": "{{x"}]},
    )
    assert await refusal(service.create({**document, "provider": "netsuite"}), InvalidContent) == {
        ("missing_required_field", "netsuite"),
        ("invalid_field", "oauth2.accessTokenPath"),
        ("invalid_template", "oauth2.auth.uri"),
        ("invalid_template", "oauth2.token.uri"),
        ("invalid_template", "oauth2.token.body"),
        ("invalid_template", "oauth2.token.headers"),
        ("invalid_template", "oauth2.refresh.headers"),
    }
    assert await service.iclients.list(MINE, {}, 0, 10) == ([], False)


@pytest.mark.parametrize("account", [THEIRS, "0" * 24])
async def test_an_iclient_of_another_account_does_not_exist(service: Kept, account: Any) -> None:
    """contract.md 1.2: 404, whatever is done with it."""
    id = (await service.create(oauth2())).tree["_id"]
    for call in (
        service.iclients.get(account, id),
        service.put(id, oauth2(), account=account),
        service.iclients.delete(account, id, None),
    ):
        assert await refusal(call, NotFound) == {("not_found", None)}
    assert await service.iclients.list(account, {}, 0, 10) == ([], False)


async def test_lists_are_in_order_of_creation_and_filter_by_name(service: Kept) -> None:
    """contract.md 1.11."""
    for name in "abc":
        await service.create({**oauth2(), "name": name})
        await service.clock.advance(1)
    for filters, skip, limit, expected, more in (
        ({}, 0, 3, "abc", False),
        ({}, 1, 1, "b", True),
        ({"name": ["a", "c"]}, 0, 9, "ac", False),
        ({"name": ["A"]}, 0, 9, "", False),
    ):
        found, further = await service.iclients.list(MINE, filters, skip, limit)
        assert ("".join(entry.tree["name"] for entry in found), further) == (expected, more)


# -- replace --------------------------------------------------------------------------------------------------------------


async def test_a_put_replaces_all_but_what_a_mask_keeps(service: Kept) -> None:
    """contract.md 1.7, 1.12: what is not sent is gone, secrets with it; dates, writer and ETag move, createdAt does not."""
    stored = await service.create({**oauth2(scope=["a"], encrypted={"a": "1", "b": "2"}), "name": "x"})
    id = stored.tree["_id"]
    await service.clock.advance(60)
    edited = await service.put(id, oauth2(clientSecret=MASK, encrypted={"a": MASK}), user="c" * 24)
    assert edited.tree == {
        "_id": id,
        "createdAt": stored.tree["createdAt"],
        "lastModified": "2026-01-15T09:31:00.000Z",
        "lastModifiedBy": "c" * 24,
        "provider": "custom_oauth2",
        "oauth2": {"clientId": "c", "clientSecret": MASK, "encrypted": MASK},
    }
    assert edited.etag != stored.etag
    kept = (await service.secrets(id))["oauth2"]
    assert (kept["clientSecret"].reveal(), kept["encrypted"].reveal()) == ("s3cr3t", b'{"a":"1"}')
    await service.put(id, {"provider": "google", "oauth2": {"clientId": "c"}})
    assert (await service.secrets(id))["oauth2"] == {"clientId": "c"}


async def test_a_mask_where_nothing_is_stored_counts_as_absent(service: Kept) -> None:
    """contract.md 1.7: a required secret is missing then."""
    id = (await service.create(oauth2())).tree["_id"]
    block = {"clientId": "c", "clientSecret": MASK, "tenantId": "t"}
    call = service.put(id, {"provider": "azureserviceprincipal", "azureserviceprincipal": block})
    expected = {("missing_required_field", "azureserviceprincipal.clientSecret")}
    assert await refusal(call, InvalidContent) == expected


async def test_the_http_connector_cannot_change(service: Kept) -> None:
    """contract.md 12: another value is refused, one where there was none too; the same one, or none, leaves it."""
    field = "_httpConnectorId"
    id = (await service.create({**oauth2(), field: "a" * 24})).tree["_id"]
    assert await refusal(service.put(id, {**oauth2(), field: "b" * 24}), ConditionNotMet) == {
        ("update_not_allowed", field)
    }
    for same in ({field: "a" * 24}, {}):
        assert (await service.put(id, {**oauth2(), **same})).tree[field] == "a" * 24
    without = (await service.create(oauth2())).tree["_id"]
    assert await refusal(service.put(without, {**oauth2(), field: "b" * 24}), ConditionNotMet)


async def test_if_match_lets_only_the_known_version_be_written(service: Kept) -> None:
    """contract.md 1.12: 412 changes nothing."""
    stored = await service.create(oauth2())
    id = stored.tree["_id"]
    assert await refusal(service.put(id, oauth2(), '"other"'), PreconditionFailed)
    assert await refusal(service.iclients.delete(MINE, id, '"other"'), PreconditionFailed)
    assert await service.iclients.get(MINE, id) == stored
    changed = await service.put(id, oauth2(), stored.etag)
    assert await refusal(service.put(id, oauth2(), stored.etag), PreconditionFailed)
    await service.iclients.delete(MINE, id, changed.etag)
    assert await refusal(service.iclients.delete(MINE, id, None), NotFound)


# -- references -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", ["http", "rest"])
async def test_an_iclient_in_use_cannot_be_deleted(service: Kept, block: str) -> None:
    """contract.md 1.13: 422 names the connections that refer to it, ten at most, of this account alone."""
    id = (await service.create(oauth2())).tree["_id"]
    names = [f"{number:024x}" for number in range(12)]
    await service.refer(id, block, "f" * 24, THEIRS)
    for name in names:
        await service.refer(id, block, name)
    with pytest.raises(ConditionNotMet) as error:
        await service.iclients.delete(MINE, id, None)
    problem = error.value.problems[0]
    assert problem.code == "resource_in_use"
    assert [name for name in [*names, "f" * 24] if name in problem.message] == names[:10]
    for name in names:
        await service.store.delete("connections", MINE, name)
    await service.iclients.delete(MINE, id, None)


async def test_an_iclient_stays_while_somebody_stores_a_reference_to_it(service: Kept) -> None:
    """contract.md 1.13: between the check of a reference and its storing nobody deletes what it names."""
    id = (await service.create(oauth2())).tree["_id"]
    async with alone(service.coordinator, f"{ICLIENTS}/{id}"):
        going = asyncio.ensure_future(service.iclients.delete(MINE, id, None))
        await asyncio.sleep(0)
        await service.refer(id, "http", "1" * 24)
    assert await refusal(going, ConditionNotMet) == {("resource_in_use", None)}
