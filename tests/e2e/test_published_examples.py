"""The published calls of connections and tokens, over every way to call the service."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from fairlead.bootstrap import Running
from fairlead.domain.document import Document
from fairlead.engine.accounts import Accounts
from fairlead.engine.pooling import CONNECTIONS
from fairlead.transport.clock import SystemClock
from tests.e2e.client import ApiClient, ApiError
from tests.golden.examples import load, missing

ID = "5541e17a1383a6ce6e00000d"


async def seeded(running: Running, fields: dict[str, Any]) -> str:
    """A document put into the store as it is, as if it had been there before."""
    clock = SystemClock()
    account = await Accounts(running.store, clock).ensure_default()
    now = clock.now()
    await running.store.insert(Document(CONNECTIONS, ID, account.id, now, now, fields))
    return ID


async def test_a_connection_is_read_as_published(api: ApiClient, running: Running) -> None:
    """Connection API, example 1."""
    sample = load("connections-1-get")["response"]["body"]
    fields = {name: value for name, value in sample.items() if name not in ("_id", "lastModified", "queues")}
    fields["rest"] = {name: value for name, value in fields["rest"].items() if name != "bearerToken"}
    stored = await api.get(await seeded(running, fields))
    assert stored["queues"] == [{"name": ID, "size": 0}]
    del sample["queues"], sample["rest"]["bearerToken"]
    assert missing(sample, stored) == []
    created = await api.create({**fields, "rest": {**fields["rest"], "bearerToken": "xoxb-secret"}})
    assert created["rest"]["bearerToken"] == "******"
    assert list(created)[:2] == ["_id", "lastModified"]


async def test_a_ping_is_answered_as_published(api: ApiClient, application: Any) -> None:
    """Connection API, example 2."""
    connection: dict[str, Any] = {
        "type": "http",
        "name": "x",
        "http": {"baseURI": application.url, "mediaType": "json"},
    }
    connection["http"]["ping"] = {"relativeURI": "/ok"}
    stored = await api.create(connection)
    assert await api.ping(stored["_id"]) == load("connections-2-ping")["response"]["body"]


@pytest.mark.parametrize("name", ["connections-3-export-pages-first", "connections-4-export-pages-next"])
async def test_a_netsuite_search_says_that_it_does_not_run(api: ApiClient, running: Running, name: str) -> None:
    """Connection API, examples 3 and 4: their page shape is the next test's, with an application that we have."""
    id = await seeded(running, {"type": "netsuite", "name": "NetSuite", "netsuite": b'{"account":"1"}'})
    body = load(name)["request"]["body"]
    body.pop("pagedExportState", None)
    with pytest.raises(ApiError) as error:
        await api.page(id, body)
    assert (error.value.status, error.value.code) == (422, "adaptor_not_supported")


async def test_pages_have_the_published_shape(api: ApiClient, served_pages: str) -> None:
    """Connection API, examples 3 and 4, with an application that pages over HTTP: 822 records, 5 a page, byte by byte."""
    connection: dict[str, Any] = {"type": "http", "name": "x", "http": {"baseURI": served_pages, "mediaType": "json"}}
    id = (await api.create(connection))["_id"]
    paging = {"method": "page", "page": 1, "maxCountPath": "total"}
    http = {
        "relativeURI": "/search?page={{export.http.paging.page}}",
        "paging": paging,
        "response": {"resourcePath": "records"},
    }
    export = {"asynchronous": True, "pageSize": 5, "http": http}
    state = None
    for name in ("connections-3-export-pages-first", "connections-4-export-pages-next"):
        sample = load(name)["response"]["body"]
        answer = await api.page(
            id, {"export": export} if state is None else {"export": export, "pagedExportState": state}
        )
        del sample["pagedExportState"]["searchId"]
        assert missing(sample, answer) == []
        state = answer["pagedExportState"]


async def test_four_records_are_imported_as_published(api: ApiClient, heartbeat: str) -> None:
    """Connection API, example 5."""
    example = load("connections-5-import-four-records")
    rest = {"baseURI": heartbeat, "mediaType": "json", "authType": "custom"}
    id = (await api.create({"type": "rest", "name": "x", "rest": rest}))["_id"]
    results = await api.run_import(id, example["request"]["body"])
    assert missing(example["response"]["body"], results) == []


async def test_a_token_tells_its_user_as_published(api: ApiClient) -> None:
    """API introduction, Bearer Tokens."""
    assert missing(load("tokeninfo-1-get")["response"]["body"], await api.token_info()) == []


@pytest.fixture
async def served_pages(serve: Any) -> str:
    """An application that holds the published records on its first two pages, of 822."""

    async def search(request: web.Request) -> web.Response:
        name = {"1": "connections-3-export-pages-first", "2": "connections-4-export-pages-next"}[request.query["page"]]
        return web.json_response({"records": load(name)["response"]["body"]["data"], "total": 822})

    url: str = await serve("/search", search)
    return url


@pytest.fixture
async def heartbeat(serve: Any) -> str:
    """The application of example 5: answers each PUT with a document whose id it tells."""
    documents = [result["_json"] for result in load("connections-5-import-four-records")["response"]["body"]]

    async def beat(request: web.Request) -> web.Response:
        assert (request.method, await request.json()) == ("PUT", {"timestamp": 1512012818751, "key": "sqs_flow"})
        return web.json_response(documents.pop(0))

    url: str = await serve("/system/v1/heartbeat", beat)
    return url
