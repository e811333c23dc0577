"""Scenarios of exports that do more than pull: media types, transform, filter, lookups, callbacks, preview; over every way to call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.client import ApiClient, ApiError, GrpcClient

SECRET = "s3cr3t-shop-token"  # of an application that lives for one test


class Shop:
    """An application that answers in several media types and takes callbacks."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def app(self) -> web.Application:
        """Ready to serve."""
        app = web.Application()
        app.router.add_get("/orders", self.orders)
        app.router.add_get("/table", self.table)
        app.router.add_get("/text/{kind}", self.text)
        app.router.add_get("/stock", self.stock)
        app.router.add_post("/seen/{id}", self.seen)
        app.router.add_get("/latin", self.latin)
        return app

    async def orders(self, request: web.Request) -> web.Response:
        self.lines.append(request.path_qs)
        rows = [{"id": n, "total": f"{n}.50", "state": "open" if n % 2 else "held"} for n in range(1, 6)]
        return web.json_response({"orders": rows})

    async def table(self, request: web.Request) -> web.Response:
        self.lines.append(request.path_qs)
        count = int(request.query["rows"])
        body = "id;name\n" + "".join(f'{n};"N {n}"\n' for n in range(count))
        return web.Response(text=body, content_type="text/csv")

    async def text(self, request: web.Request) -> web.Response:
        body, kind = {
            "xml": ("<r><o no='1'><l>a</l><l>b</l></o><o no='2'/></r>", "application/xml"),
            "form": ("a=1&b[c]=x+y", "application/x-www-form-urlencoded"),
            "plain": ("hello", "text/plain"),
        }[request.match_info["kind"]]
        return web.Response(text=body, content_type=kind)

    async def latin(self, request: web.Request) -> web.Response:
        return web.Response(body="name\nÄ\n".encode("windows-1252"), headers={"Content-Type": "text/csv"})

    async def stock(self, request: web.Request) -> web.Response:
        self.lines.append(request.path_qs)
        return web.json_response({"sku": request.query["sku"], "n": 3})

    async def seen(self, request: web.Request) -> web.Response:
        self.lines.append(f"{request.match_info['id']} {await request.text()}")
        status = 500 if request.match_info["id"] == "2" else 200
        return web.json_response({}, status=status)


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    """The application on a free port."""
    fake = Shop()
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def connected(api: ApiClient, url: str, **block: Any) -> str:
    """A new connection to it."""
    http = {"baseURI": url, "mediaType": "json", "auth": {"type": "token", "token": {"token": SECRET}}, **block}
    return str((await api.create({"type": "http", "name": "shop", "http": http}))["_id"])


OPEN = {"expression": {"version": "1", "rules": ["equals", ["extract", "open"], True]}}
RESHAPED = {
    "expression": {
        "version": "2",
        "rulesTwoDotZero": {
            "mode": "create",
            "mappings": [
                {"generate": "no", "dataType": "string", "extract": "O-{{record.id}}", "status": "Active"},
                {"generate": "total", "dataType": "number", "extract": "$.total", "status": "Active"},
                {"generate": "open", "dataType": "boolean", "extract": "$.state", "lookupName": "states", "status": "Active"},
            ],
            "lookups": [{"name": "states", "map": {"open": "true", "held": "false"}}],
        },
    }
}  # fmt: skip
ORDERS = {"relativeURI": "/orders?since={{lastExportDateTime}}", "response": {"resourcePath": "orders"}}
PIPELINE = {
    "type": "delta",
    "delta": {"startDate": "2026-01-01T00:00:00Z", "dateFormat": "YYYY-MM-DD"},
    "http": ORDERS,
    "transform": RESHAPED,
    "filter": OPEN,
    "dataURITemplate": "/o/{{record.no}}",
}
DONE = [{"no": "O-1", "total": 1.5, "open": True}, {"no": "O-3", "total": 3.5, "open": True}, {"no": "O-5", "total": 5.5, "open": True}]  # fmt: skip


async def test_reshaped(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 3.1, 6, 7, 8: transform, then filter, then data URIs; the dates of a delta export."""
    fake, url = shop
    id = await connected(api, url)
    found = await api.run_export(id, {"export": PIPELINE})
    assert found == {"data": DONE, "dataURIs": ["/o/O-1", "/o/O-3", "/o/O-5"]}
    await api.run_export(id, {"export": PIPELINE, "postData": {"lastExportDateTime": "1768469400"}})
    assert fake.lines == ["/orders?since=2026-01-01", "/orders?since=2026-01-15"]


async def test_pages(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 5.2: pageSize counts raw records, and the application is asked once."""
    fake, url = shop
    id = await connected(api, url)
    body: dict[str, Any] = {"export": {**PIPELINE, "pageSize": 2}}
    pages = []
    while not body.get("pagedExportState", {}).get("done"):
        page = await api.page(id, body)
        pages.append([record["no"] for record in page["data"]])
        body["pagedExportState"] = page["pagedExportState"]
    assert pages == [["O-1"], ["O-3"], ["O-5"]]
    assert len(fake.lines) == 1


async def test_records_that_fail(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """contract.md 2.6: the record is not in data, its error says why and which."""
    _, url = shop
    id = await connected(api, url)
    mapping = {"generate": "n", "dataType": "number", "extract": "$.state", "status": "Active"}
    model = {
        "http": {**ORDERS, "response": {"resourcePath": "orders[0]"}},
        "transform": {"expression": {"version": "2", "rulesTwoDotZero": {"mappings": [mapping]}}},
        "traceKeyTemplate": "O-{{record.id}}",
    }
    found = await api.run_export(id, {"export": model})
    (error,) = found.pop("errors")
    assert found == {"data": [], "dataURIs": []}
    assert (error["code"], error["source"]) == ("mapping_error", "transformation")
    assert error["message"].startswith("record 'O-1': ")


TYPES: list[tuple[str, Any, Any]] = [
    ("/text/xml", {"successMediaType": "xml", "response": {"resourcePath": "/r/o"}}, [{"@no": "1", "l": ["a", "b"]}, {"@no": "2"}]),
    ("/text/plain", {"successMediaType": "plaintext"}, [{"value": "hello"}]),
    ("/table?rows=2", {"type": "csvstream"}, [{"id;name": '0;"N 0"'}, {"id;name": '1;"N 1"'}]),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "http", "records"), TYPES, ids=[row[0] for row in TYPES])
async def test_media_types(api: ApiClient, shop: tuple[Shop, str], uri: str, http: Any, records: Any) -> None:
    """exports-imports.md 2.3: records of each media type."""
    _, url = shop
    id = await connected(api, url)
    found = await api.run_export(id, {"export": {"http": {"relativeURI": uri, **http}}})
    assert found["data"] == records


async def test_forms(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 2.3: one record, where the connection's media type says so."""
    _, url = shop
    id = await connected(api, url, mediaType="urlencoded")
    found = await api.run_export(id, {"export": {"http": {"relativeURI": "/text/form"}}})
    assert found["data"] == [{"a": "1", "b": {"c": "x y"}}]


async def test_tables(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 2.3: file.csv and file.encoding; a column that no row needs is left to the transform."""
    _, url = shop
    id = await connected(api, url)
    table = {
        "http": {"relativeURI": "/table?rows=2", "successMediaType": "csv"},
        "file": {"csv": {"columnDelimiter": ";"}},
    }
    found = await api.run_export(id, {"export": table})
    assert found["data"] == [{"id": "0", "name": "N 0"}, {"id": "1", "name": "N 1"}]
    latin = {"http": {"relativeURI": "/latin", "successMediaType": "csv"}, "file": {"encoding": "win1252"}}
    assert (await api.run_export(id, {"export": latin}))["data"] == [{"name": "Ä"}]


async def test_a_large_table_in_small_pages(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 5.2: 3,000 rows in pages of 500 and one request."""
    fake, url = shop
    id = await connected(api, url)
    http = {"relativeURI": "/table?rows=3000", "successMediaType": "csv"}
    model = {"http": http, "file": {"csv": {"columnDelimiter": ";"}}, "pageSize": 500}
    body: dict[str, Any] = {"export": model}
    ids: list[str] = []
    while not body.get("pagedExportState", {}).get("done"):
        page = await api.page(id, body)
        ids += [record["id"] for record in page["data"]]
        body["pagedExportState"] = page["pagedExportState"]
    assert ids == [str(n) for n in range(3000)]
    assert len(fake.lines) == 1


async def test_lookups(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 3.4: one request per element, answers joined in order; a record that inputFilter refuses asks nothing."""
    fake, url = shop
    id = await connected(api, url, concurrencyLevel=1)
    model = {
        "isLookup": True,
        "oneToMany": True,
        "pathToMany": "lines",
        "inputFilter": {"rules": ["notempty", ["extract", "lines"]]},
        "http": {"relativeURI": "/stock?sku={{record.sku}}&no={{record._PARENT.no}}"},
    }
    data = {"no": 7, "lines": [{"sku": "A"}, {"sku": "B"}]}
    found = await api.run_export(id, {"export": model, "data": data})
    assert found["data"] == [{"sku": "A", "n": 3}, {"sku": "B", "n": 3}]
    assert fake.lines == ["/stock?sku=A&no=7", "/stock?sku=B&no=7"]
    assert (await api.run_export(id, {"export": model, "data": {"lines": []}}))["data"] == []
    assert len(fake.lines) == 2


async def test_once(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """exports-imports.md 3.2: a callback for each raw record before the answer; one that fails is told, its record stays."""
    fake, url = shop
    id = await connected(api, url, concurrencyLevel=1)
    model = {
        "type": "once",
        "http": {**ORDERS, "once": {"relativeURI": "/seen/{{record.id}}", "body": '{"s":"{{record.state}}"}'}},
        "filter": {"rules": ["equals", ["extract", "state"], "held"]},
    }
    found = await api.run_export(id, {"export": model})
    assert [record["id"] for record in found["data"]] == [2, 4]
    assert [(error["code"], error["source"]) for error in found["errors"]] == [("500", "application")]
    assert sorted(fake.lines[1:]) == [f'{n} {{"s":"{"open" if n % 2 else "held"}"}}' for n in range(1, 6)]


async def test_preview(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """contract.md 3.5: every stage of one request, secrets masked; nothing is stored and no callback sent."""
    fake, url = shop
    id = await connected(api, url)
    http = {**ORDERS, "once": {"relativeURI": "/seen/{{record.id}}"}}
    body = {**PIPELINE, "http": http, "_connectionId": id, "postData": {"lastExportDateTime": "1768469400"}}
    found = await api.preview(body)
    assert [stage["name"] for stage in found["stages"]] == ["request", "raw", "parse", "transform", "outputFilter"]
    assert all("errors" not in stage for stage in found["stages"])
    (request,), (raw,) = found["stages"][0]["data"], found["stages"][1]["data"]
    assert (request["url"], request["method"]) == (f"{url}/orders?since=2026-01-15", "GET")
    assert (request["headers"]["authorization"], raw["statusCode"]) == ("******", 200)
    assert SECRET not in json.dumps(found)
    assert len(found["stages"][2]["data"]) == 5
    assert (found["data"], found["dataURIs"]) == (DONE, ["/o/O-1", "/o/O-3", "/o/O-5"])
    assert fake.lines == ["/orders?since=2026-01-15"]


async def test_preview_of_a_lookup(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """contract.md 3.5: ``data`` stands beside the document, as in the calls that run it."""
    _, url = shop
    id = await connected(api, url)
    model = {"_connectionId": id, "http": {"relativeURI": "/stock?sku={{record.sku}}"}, "data": {"sku": "Z"}}
    assert (await api.preview(model))["data"] == [{"sku": "Z", "n": 3}]


async def test_preview_that_fails(api: ApiClient, shop: tuple[Shop, str]) -> None:
    """contract.md 3.5: a stage that fails is an answer; a model that is wrong is refused, fields from the top of the document."""
    _, url = shop
    id = await connected(api, url)
    found = await api.preview({"_connectionId": id, "http": {"relativeURI": "/nowhere"}})
    assert [stage["name"] for stage in found["stages"]] == ["request", "raw"]
    assert [error["code"] for error in found["stages"][1]["errors"]] == ["404"]
    assert (found["stages"][1]["data"][0]["statusCode"], found["data"], found["dataURIs"]) == (404, [], [])
    for more, code, field in (
        ({"postData": {"lastExportDateTime": [1]}}, "invalid_field", "postData.lastExportDateTime"),
        ({"data": 5}, "invalid_field", "data"),
        ({"filter": {"rules": ["is", 1, 1]}}, "invalid_filter", "filter.rules"),
        ({"_connectionId": None}, "missing_required_field", "_connectionId"),
        ({"hooks": {"preSavePage": {"function": "f", "_scriptId": "s"}}}, "script_runtime_unavailable", "hooks.preSavePage"),
    ):  # fmt: skip
        with pytest.raises(ApiError) as error:
            await api.preview({"_connectionId": id, "http": ORDERS, **more})
        assert (error.value.status, error.value.code, error.value.fields) == (422, code, {field})
    if not isinstance(api, GrpcClient):
        with pytest.raises(ApiError) as error:
            await api.preview({"_connectionId": id, "http": ORDERS, "postdata": {}})
        assert (error.value.code, error.value.fields) == ("unknown_field", {"postdata"})
