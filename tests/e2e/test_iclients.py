"""Scenarios of iClients, over REST, over REST through a channel, and over gRPC."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.client import ApiClient, ApiError, RestClient
from tests.golden.examples import load, missing

OAUTH2 = {"provider": "custom_oauth2", "oauth2": {"clientId": "c", "clientSecret": "s3cr3t", "scope": ["a", "b"]}}


def connection(block: str, iclient: str) -> dict[str, Any]:
    """A connection that signs in with OAuth 2.0 by the data of an iClient."""
    url = "https://api.example.test"
    if block == "http":
        auth = {"type": "oauth", "oauth": {"grantType": "clientcredentials"}}
        settings = {"baseURI": url, "mediaType": "json", "auth": auth, "_iClientId": iclient}
    else:
        settings = {"baseURI": url, "mediaType": "json", "authType": "oauth", "_iClientId": iclient}
    return {"type": block, "name": "signs in elsewhere", block: settings}


async def test_iclients_are_listed_as_published(api: ApiClient) -> None:
    """iClient API, example 1: each document can be stored as it was published, with secrets in the place of masks."""
    sample = load("iclients-1-list")["response"]["body"]
    for document in sample:
        for block in (value for value in document.values() if isinstance(value, dict)):
            block.update({name: "s3cr3t" for name, value in block.items() if value == "******"})
        await api.iclients.create(document)
    listed = await api.iclients.list()
    assert missing(load("iclients-1-list")["response"]["body"], listed) == []
    assert [list(document)[:2] for document in listed] == [["_id", "lastModified"]] * 5
    assert await api.iclients.list(skip="1", limit="1") == listed[1:2]
    assert await api.iclients.list(name="NetSuite") == listed[3:4]
    (only,) = await api.iclients.list(name="NetSuite", include="provider")
    assert set(only) == {"_id", "name", "provider"}


async def test_an_iclient_is_read_written_and_deleted(api: ApiClient) -> None:
    """contract.md 12: what is stored comes back masked, GET, edit, PUT works, DELETE is final."""
    stored = await api.iclients.create(OAUTH2)
    assert stored["oauth2"] == {"clientId": "c", "clientSecret": "******", "scope": ["a", "b"]}
    assert await api.iclients.get(stored["_id"]) == stored
    edited = await api.iclients.update(stored["_id"], {**stored, "name": "renamed"})
    assert (edited["name"], edited["oauth2"]) == ("renamed", stored["oauth2"])
    await api.iclients.delete(stored["_id"])
    for call in (api.iclients.get, api.iclients.delete):
        with pytest.raises(ApiError) as error:
            await call(stored["_id"])
        assert (error.value.status, error.value.code) == (404, "not_found")
    assert await api.iclients.list() == []


@pytest.mark.parametrize(
    ("document", "code", "fields"),
    [
        ({"oauth2": {}}, "missing_required_field", {"provider"}),
        ({"provider": "acme", "oauth2": {}}, "invalid_field", {"provider"}),
        ({"provider": "eBay-XML", "oauth2": {}}, "missing_required_field", {"ebay"}),
        ({"provider": "google", "oauth2": {"clientSecret": "******"}}, "invalid_field", {"oauth2.clientSecret"}),
        ({"provider": "google", "oauth2": {"token": {"body": "{{x"}}}, "invalid_template", {"oauth2.token.body"}),
    ],
)
async def test_a_wrong_iclient_is_refused(api: ApiClient, document: Any, code: str, fields: set[str]) -> None:
    """contract.md 1.5, 12: both groups of checks, over both edges alike; nothing is stored."""
    with pytest.raises(ApiError) as error:
        await api.iclients.create(document)
    assert (error.value.status, error.value.code, error.value.fields) == (422, code, fields)
    assert await api.iclients.list() == []


@pytest.mark.parametrize("block", ["http", "rest"])
async def test_connections_refer_to_iclients(api: ApiClient, block: str) -> None:
    """contract.md 1.13: the iClient must exist, and stays as long as a connection names it."""
    with pytest.raises(ApiError) as error:
        await api.create(connection(block, "d" * 24))
    assert (error.value.code, error.value.fields) == ("invalid_ref", {f"{block}._iClientId"})
    iclient = (await api.iclients.create(OAUTH2))["_id"]
    id = (await api.create(connection(block, iclient)))["_id"]
    with pytest.raises(ApiError) as error:
        await api.iclients.delete(iclient)
    assert (error.value.status, error.value.code) == (422, "resource_in_use")
    assert id in str(error.value.errors[0]["message"])
    await api.delete(id)
    await api.iclients.delete(iclient)


async def test_an_iclient_never_goes_while_somebody_starts_to_name_it(api: ApiClient) -> None:
    """contract.md 1.13: the check of a reference and the write that relies on it are one step."""
    iclient = (await api.iclients.create(OAUTH2))["_id"]
    calls = [*(api.create(connection("http", iclient)) for _ in range(5)), api.iclients.delete(iclient)]
    calls += [api.create(connection("rest", iclient)) for _ in range(5)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert bool(await api.list()) is isinstance(outcomes[5], ApiError)
    assert bool(await api.iclients.list()) is isinstance(outcomes[5], ApiError)


async def test_the_manners_of_rest(edge: RestClient) -> None:
    """contract.md 1.4, 1.5, 1.12, 12: 201 with ETag, 412, 204 without body, 405 with what is allowed, unknown members refused."""
    path = "/v1/iclients"
    status, headers, content = await edge.raw("POST", path, json=OAUTH2)
    place = f"{path}/{json.loads(content)['_id']}"
    assert status == 201
    status, _, content = await edge.raw("PUT", place, json=OAUTH2, headers={"If-Match": '"other"'})
    assert (status, json.loads(content)["errors"][0]["code"]) == (412, "precondition_failed")
    status, _, content = await edge.raw(
        "PUT", place, json={**OAUTH2, "extra": 1}, headers={"If-Match": headers["ETag"]}
    )
    assert (status, json.loads(content)["errors"][0]["field"]) == (422, "extra")
    status, answered, _ = await edge.raw("PATCH", place, json=[])
    assert (status, sorted(answered["Allow"].split(", "))[:2]) == (405, ["DELETE", "GET"])
    status, answered, content = await edge.raw("DELETE", place, headers={"If-Match": headers["ETag"]})
    assert (status, content, answered.get("Content-Type")) == (204, b"", None)
