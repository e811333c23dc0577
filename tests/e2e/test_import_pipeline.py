"""Scenarios of imports that do more than send: upserts by lookups, batches, children, locks, every media type; over every way to call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.bulk import Bulk
from tests.e2e.client import ApiClient, ApiError


@pytest.fixture
async def bulk() -> AsyncIterator[tuple[Bulk, str]]:
    """The application on a free port."""
    fake = Bulk()
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def connection(url: str, **block: Any) -> dict[str, Any]:
    """A connection to it."""
    return {"type": "http", "name": "bulk", "http": {"baseURI": url, "mediaType": "json", **block}}


async def push(api: ApiClient, url: str, model: Any, data: Any, **block: Any) -> Any:
    """Results of an import through a new connection."""
    id = (await api.create(connection(url, **block)))["_id"]
    return await api.run_import(id, {"import": model, "data": data})


LOOKUP = {
    "name": "custId",
    "relativeURI": "/customers?email={{record.email}}",
    "extract": "[0].id",
    "allowFailures": True,
}
UPSERT = {
    "filter": {"expression": {"version": "1", "rules": ["notempty", ["extract", "email"]]}},
    "transform": {"expression": {"version": "1", "rules": [[{"extract": "mail", "generate": "email"}, {"extract": "name", "generate": "name"}]]}},
    "http": {
        "requestType": ["UPDATE", "CREATE"],
        "method": ["PUT", "POST"],
        "relativeURI": ["/customers/{{lookup.custId}}", "/customers"],
        "existingLookupName": "custId",
        "response": {"resourcePath": ["customer", "customer"]},
        "lookups": [LOOKUP],
    },
    "mapping": {
        "fields": [
            {"extract": "email", "generate": "email"},
            {"extract": "name", "generate": "name"},
            {"generate": "source", "hardCodedValue": "web", "conditional": {"when": "record_created"}},
        ]
    },
    "responseTransform": {"expression": {"version": "1", "rules": [[{"extract": "id", "generate": "key"}, {"extract": "source", "generate": "from"}]]}},
}  # fmt: skip


async def test_an_upsert_by_a_lookup(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """exports-imports.md 13: filter, transform, existence, mapping, request, verdict, responseTransform, in this order."""
    fake, url = bulk
    data = [
        {"mail": "ada@x.test", "name": "Ada", "email": "kept by the filter only"},
        {"mail": "bob@x.test", "name": "Bob", "email": "x"},
        {"mail": "eve@x.test"},
    ]
    results = await push(api, url, UPSERT, data, concurrencyLevel=1)
    assert results == [
        {"statusCode": 200, "id": "c1", "_json": {"key": "c1"}},
        {"statusCode": 200, "id": "c2", "_json": {"key": "c2", "from": "web"}},
        {"statusCode": 200, "ignored": True},
    ]
    assert sorted(fake.lines) == ["GET ada@x.test", "GET bob@x.test", "POST bob@x.test", "PUT c1"]


async def test_batches(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """exports-imports.md 9.7: results in the order of the input, whatever their batch."""
    fake, url = bulk
    response = {
        "resourcePath": ["items"],
        "resourceIdPath": ["key"],
        "successPath": ["ok"],
        "successValues": [["true"]],
        "errorPath": "why",
    }
    model = {"http": {"relativeURI": ["/bulk"], "batchSize": 4, "response": response}}
    results = await push(api, url, model, [{"n": n} for n in range(10)])
    assert sorted(fake.batches) == [2, 4, 4]
    assert [(r["statusCode"], r.get("id"), r["_json"]["key"]) for r in results] == [
        (422, None, f"k{n}") if n % 3 == 2 else (200, f"k{n}", f"k{n}") for n in range(10)
    ]
    assert results[2]["errors"] == [{"code": "422", "message": "2 is odd", "source": "application"}]


async def test_children(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """exports-imports.md 9.8, contract.md 2.11: one result per record; mapping alone gives the children."""
    fake, url = bulk
    fields = [{"extract": "sku", "generate": "sku"}, {"extract": "_PARENT.no", "generate": "order"}]
    model = {
        "oneToMany": True,
        "pathToMany": "lines",
        "http": {"relativeURI": ["/orders"]},
        "mapping": {"fields": fields},
    }
    data = [{"no": 1, "lines": [{"sku": "A"}, {"sku": "B"}]}, {"no": 2, "lines": []}]
    first, second = await push(api, url, model, data, concurrencyLevel=1)
    assert first == {"statusCode": 200, "id": "1", "_json": [{"id": 1}, {"id": 2}]}
    assert second == {"statusCode": 200, "ignored": True}
    assert fake.orders == [{"sku": "A", "order": 1}, {"sku": "B", "order": 1}]
    id = (await api.create(connection(url)))["_id"]
    mapped = await api.map(id, {"import": model, "data": data})
    assert mapped == [{"sku": "A", "order": 1}, {"sku": "B", "order": 1}]


async def test_locks(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """exports-imports.md 9.1: records with one key never at the same time, and in order."""
    fake, url = bulk
    model = {"http": {"relativeURI": ["/locked/{{record.k}}"]}, "idLockTemplate": "{{record.k}}"}
    results = await push(api, url, model, [{"k": "ab"[n % 2], "n": n} for n in range(20)])
    assert {r["statusCode"] for r in results} == {200}
    assert not fake.overlapped
    for key in "ab":
        numbers = [int(line[1:]) for line in fake.lines if line[0] == key]
        assert numbers == sorted(numbers)


MEDIA: list[tuple[str, Any, Any]] = [
    ("json", "application/json", {"a": "ü", "b": 1}),
    ("urlencoded", "application/x-www-form-urlencoded", {"a": "ü", "b": "1"}),
    ("form-data", "multipart/form-data", {"a": "ü", "b": "1"}),
    ("xml", "application/xml", "<record><a>ü</a><b>1</b></record>"),
    ("csv", "text/csv", "a,b\nü,1\n"),
    ("plaintext", "text/plain", '{"a":"ü","b":1}'),
]


@pytest.mark.parametrize(("word", "kind", "got"), MEDIA, ids=[row[0] for row in MEDIA])
async def test_media_types(api: ApiClient, bulk: tuple[Bulk, str], word: str, kind: str, got: Any) -> None:
    """exports-imports.md 9.3: what a real server reads in them."""
    _, url = bulk
    model = {
        "http": {"relativeURI": ["/echo"], "requestMediaType": word},
        "mapping": {"fields": [{"extract": name, "generate": name} for name in "ab"]},
    }
    (result,) = await push(api, url, model, [{"a": "ü", "b": 1}])
    assert result == {"statusCode": 200, "_json": {"kind": kind, "got": got}}


async def test_a_lookup_that_refers_to_itself(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """exports-imports.md 12: refused with its field, before anything is sent."""
    fake, url = bulk
    loops = {"name": "l", "relativeURI": "/customers?email={{lookup.l}}"}
    with pytest.raises(ApiError) as error:
        await push(api, url, {"http": {"relativeURI": ["/orders"], "lookups": [loops]}}, [{}])
    assert (error.value.code, error.value.fields) == ("invalid_ref", {"import.http.lookups.0.relativeURI"})
    assert fake.lines == fake.orders == []


async def test_one_bad_record_never_touches_another(api: ApiClient, bulk: tuple[Bulk, str]) -> None:
    """contract.md 4.4: each fails with the step that it failed in; the others are done."""
    fake, url = bulk
    model = {
        "http": {"relativeURI": ["/orders"], "lookups": [{**LOOKUP, "allowFailures": False}]},
        "mapping": {
            "fields": [
                {"extract": "n", "generate": "n", "dataType": "number"},
                {"extract": "email", "generate": "c", "lookupName": "custId"},
            ]
        },
    }
    data = [
        {"n": 1, "email": "ada@x.test"},
        {"n": "x", "email": "ada@x.test"},
        {"n": 3, "email": "z"},
        {"n": 4, "email": "ada@x.test"},
    ]
    results = await push(api, url, model, data, concurrencyLevel=1)
    assert [(r["statusCode"], r.get("errors", [{}])[0].get("source")) for r in results] == [
        (200, None),
        (422, "mapping"),
        (422, "lookup"),
        (200, None),
    ]
    assert fake.orders == [{"n": 1, "c": "c1"}, {"n": 4, "c": "c1"}]
