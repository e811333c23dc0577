"""Scenarios of virtual exports and imports, over every way to call the service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.client import ApiClient, ApiError
from tests.e2e.conftest import Served
from tests.e2e.test_connections import http

ALL = [1, 2, 3, 4, 5, 6, 7]
ORDERS = {"resourcePath": "orders"}

PAGING: dict[str, dict[str, Any]] = {
    "page, 404 ends": {"relativeURI": "/pages?page={{export.http.paging.page}}", "paging": {"method": "page", "page": 1}},
    "page, maxPagePath": {
        "relativeURI": "/pages?page={{export.http.paging.page}}",
        "paging": {"method": "page", "page": 1, "maxPagePath": "pages"},
    },
    "page, maxCountPath": {
        "relativeURI": "/pages?page={{export.http.paging.page}}",
        "paging": {"method": "page", "page": 1, "maxCountPath": "total"},
    },
    "skip": {"relativeURI": "/skip?offset={{export.http.paging.skip}}", "paging": {"method": "skip"}},
    "token in the body": {
        "relativeURI": "/token{{#if export.http.paging.token}}?cursor={{export.http.paging.token}}{{/if}}",
        "paging": {"method": "token", "path": "meta.next"},
    },
    "token in a header": {
        "relativeURI": "/token{{#if export.http.paging.token}}?cursor={{export.http.paging.token}}{{/if}}",
        "paging": {"method": "token", "path": "x-next-token", "pathLocation": "header"},
    },
    "url": {"relativeURI": "/url", "paging": {"method": "url", "path": "links.next"}},
    "linkheader": {"relativeURI": "/link", "paging": {"method": "linkheader"}, "response": {}},
    "relativeuri": {
        "relativeURI": "/after",
        "paging": {"method": "relativeuri", "relativeURI": "/after?after={{previous_page.last_record.id}}"},
    },
    "body": {
        "method": "POST",
        "relativeURI": "/search",
        "body": '{"query":"open"}',
        "paging": {
            "method": "body",
            "body": '{"query":"open","after":{{previous_page.full_response.next}}}',
            "lastPagePath": "more",
            "lastPageValues": ["false"],
        },
    },
}  # fmt: skip

REST_PAGING: dict[str, dict[str, Any]] = {
    "nextpageurl": {"relativeURI": "/url", "pagingMethod": "nextpageurl", "nextPagePath": "links.next"},
    "pageargument": {"relativeURI": "/pages", "pagingMethod": "pageargument", "pageArgument": "page"},
    "skipargument": {"relativeURI": "/skip?limit=3", "pagingMethod": "skipargument", "skipArgument": "offset"},
    "token": {
        "relativeURI": "/token",
        "pagingMethod": "token",
        "nextPagePath": "meta.next",
        "pageArgument": "cursor",
    },
    "linkheader": {"relativeURI": "/link", "pagingMethod": "linkheader", "resourcePath": ""},
    "relativeuri": {
        "relativeURI": "/after",
        "pagingMethod": "relativeuri",
        "nextPageRelativeURI": "/after?after={{previous_page.last_record.id}}",
    },
    "postbody": {
        "relativeURI": "/search",
        "method": "POST",
        "postBody": "{}",
        "pagingMethod": "postbody",
        "pagingPostBody": '{"after":{{previous_page.full_response.next}}}',
        "lastPagePath": "more",
        "lastPageValue": "false",
    },
}  # fmt: skip


async def pull(api: ApiClient, connection: str, export: dict[str, Any]) -> list[Any]:
    """All records, page by page with the state of the page before."""
    records: list[Any] = []
    body: dict[str, Any] = {"export": export}
    for number in range(2, 40):
        page = await api.page(connection, body)
        records += page["data"]
        assert len(page["dataURIs"]) == len(page["data"])
        state = page["pagedExportState"]
        assert (state["pageIndex"], state["pageSize"]) == (number, export.get("pageSize", 20))
        if state["done"]:
            body["pagedExportState"] = state
            assert await api.page(connection, body) == {"data": [], "dataURIs": []}
            return records
        body = {"export": export, "pagedExportState": state}
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("name", PAGING)
async def test_every_paging_method_finds_every_record_once(api: ApiClient, application: Served, name: str) -> None:
    """exports-imports.md 4.3, 5.2: joined by /export, cut into pages of 2 and of 5 by /export/pages."""
    connection = (await api.create(http(application)))["_id"]
    block = {"response": ORDERS, **PAGING[name]}
    whole = await api.run_export(connection, {"export": {"http": block}})
    assert [record["id"] for record in whole["data"]] == ALL
    assert whole["dataURIs"] == [None] * 7
    for size in (2, 5):
        records = await pull(api, connection, {"pageSize": size, "http": block})
        assert [record["id"] for record in records] == ALL


@pytest.mark.parametrize("name", REST_PAGING)
async def test_every_rest_paging_method_too(api: ApiClient, application: Served, name: str) -> None:
    """exports-imports.md 4.4."""
    connection = (await api.create(http(application)))["_id"]
    block = {"resourcePath": "orders", **REST_PAGING[name]}
    assert [record["id"] for record in await pull(api, connection, {"pageSize": 2, "rest": block})] == ALL


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({"relativeURI": "/alternate?cursor={{export.http.paging.token}}", "paging": {"method": "token", "path": "next"}}, "paging_loop"),
        ({"relativeURI": "/away", "paging": {"method": "url", "path": "links.next"}}, "paging_origin_mismatch"),
        ({"relativeURI": "/rubbish"}, "invalid_response"),
        ({"relativeURI": "/status/500"}, "500"),
        ({"relativeURI": "/reset"}, "connection_error"),
        ({"relativeURI": "/status/401"}, "401"),
    ],
)  # fmt: skip
async def test_a_failing_application_fails_the_export_by_name(
    api: ApiClient, application: Served, block: dict[str, Any], code: str
) -> None:
    """contract.md 1.16, 2.6: 422, no partial data."""
    connection = (await api.create(http(application)))["_id"]
    with pytest.raises(ApiError) as error:
        await api.run_export(connection, {"export": {"http": {"response": ORDERS, **block}}})
    assert (error.value.status, error.value.code) == (422, code)


async def test_a_token_used_again_is_an_end(api: ApiClient, application: Served) -> None:
    """exports-imports.md 4.2, rules 5 and 6."""
    connection = (await api.create(http(application)))["_id"]
    block = {"relativeURI": "/loop?c={{export.http.paging.token}}", "paging": {"method": "token", "path": "next"}}
    answer = await api.run_export(connection, {"export": {"http": {**block, "response": ORDERS}}})
    assert len(answer["data"]) == 2


@pytest.mark.parametrize("member", ["sig", "pageIndex", "pageSize", "issuedAt", "cursor", "kid", "done"])
async def test_a_state_that_was_touched_is_refused(api: ApiClient, application: Served, member: str) -> None:
    """exports-imports.md 5.5: one changed member is enough, and the application is not asked."""
    connection = (await api.create(http(application)))["_id"]
    export = {"pageSize": 2, "http": {"response": ORDERS, **PAGING["skip"]}}
    state = (await api.page(connection, {"export": export}))["pagedExportState"]
    asked = len(application.application.seen)
    value = state[member]
    if isinstance(value, str):
        state[member] = ("y" if value[0] == "x" else "x") + value[1:]
    else:
        state[member] = (not value) if isinstance(value, bool) else value + 1
    with pytest.raises(ApiError) as error:
        await api.page(connection, {"export": export, "pagedExportState": state})
    assert (error.value.status, error.value.code) == (422, "invalid_paged_export_state")
    assert error.value.fields == {"pagedExportState"}
    assert len(application.application.seen) == asked


async def test_a_state_belongs_to_its_connection_and_its_export(api: ApiClient, application: Served) -> None:
    """exports-imports.md 5.4: key order and `asynchronous` do not matter, everything else does."""
    first, second = [(await api.create(http(application)))["_id"] for _ in range(2)]
    export = {"pageSize": 2, "http": {"response": ORDERS, **PAGING["skip"]}}
    state = (await api.page(first, {"export": export}))["pagedExportState"]
    same: dict[str, Any] = {
        "http": {**PAGING["skip"], "response": ORDERS, "method": "get"},
        "pageSize": 2,
        "asynchronous": True,
    }
    with pytest.raises(ApiError):
        await api.page(first, {"export": same, "pagedExportState": state})
    del same["http"]["method"]
    assert (await api.page(first, {"export": same, "pagedExportState": state}))["data"]
    for connection, model in ((second, export), (first, {**export, "pageSize": 3})):
        with pytest.raises(ApiError) as error:
            await api.page(connection, {"export": model, "pagedExportState": state})
        assert error.value.code == "invalid_paged_export_state"


async def test_a_netsuite_export_says_that_it_does_not_run(api: ApiClient, application: Served) -> None:
    """exports-imports.md 15."""
    connection = (await api.create(http(application)))["_id"]
    with pytest.raises(ApiError) as error:
        await api.page(connection, {"export": {"asynchronous": True, "pageSize": 5, "netsuite": {"type": "search"}}})
    assert (error.value.status, error.value.code) == (422, "adaptor_not_supported")


async def test_the_specifications_import(api: ApiClient, application: Served) -> None:
    """Seed, example 5: four records through a mapping; a number keeps its type, a constant is added; results in input order."""
    connection = (await api.create(http(application)))["_id"]
    body = {
        "import": {
            "mapping": {
                "fields": [
                    {"extract": "timestamp", "generate": "timestamp"},
                    {"generate": "key", "hardCodedValue": "sqs_flow"},
                ]
            },
            "rest": {"relativeURI": ["/records"], "method": ["PUT"]},
        },
        "data": [{"timestamp": 1512012818751}] * 4,
    }
    results = await api.run_import(connection, body)
    assert [result["statusCode"] for result in results] == [200] * 4
    assert application.application.stored == [{"timestamp": 1512012818751, "key": "sqs_flow"}] * 4
    assert sorted(result["id"] for result in results) == ["r1", "r2", "r3", "r4"]
    assert all(result["_json"]["_id"] == result["id"] for result in results)
    assert await api.map(connection, body) == application.application.stored


async def test_one_bad_record_never_fails_the_rest(api: ApiClient, application: Served) -> None:
    """contract.md 4.4: element n is the result of record n."""
    connection = (await api.create(http(application)))["_id"]
    model = {
        "http": {"relativeURI": "/sometimes", "method": "POST", "response": {"errorPath": "error.text"}},
        "mapping": {
            "fields": [{"extract": "sku", "generate": "sku"}, {"extract": "n", "generate": "n", "dataType": "number"}]
        },
    }
    data = [{"sku": "a", "n": "1"}, {"sku": "bad", "n": 2}, {"sku": "c", "n": "no number"}, {"sku": "d", "n": 4}]
    results = await api.run_import(connection, {"import": model, "data": data})
    assert [result["statusCode"] for result in results] == [200, 422, 422, 200]
    assert results[1]["errors"] == [{"code": "400", "message": "sku is unknown", "source": "application"}]
    assert results[1]["_json"] == {"error": {"text": "sku is unknown"}}
    assert (results[2]["errors"][0]["code"], results[2]["errors"][0]["source"]) == ("mapping_error", "mapping")
    assert results[0]["id"] == "981"
    assert [entry["sku"] for entry in application.application.stored] in (["a", "d"], ["d", "a"])
    with pytest.raises(ApiError) as error:
        await api.map(connection, {"import": model, "data": data})
    assert error.value.fields == {"data.2"}


async def test_a_composite_upsert_takes_the_position_of_its_record(api: ApiClient, application: Served) -> None:
    """exports-imports.md 9.4, the worked example."""
    connection = (await api.create(http(application)))["_id"]
    model = {
        "http": {
            "requestType": ["UPDATE", "CREATE"],
            "method": ["PUT", "POST"],
            "relativeURI": ["/echo?id={{{record.erpId}}}", "/echo"],
            "existingExtract": "erpId",
        },
        "mapping": {
            "fields": [
                {"extract": "name", "generate": "customer.name"},
                {"generate": "customer.source", "hardCodedValue": "web", "conditional": {"when": "record_created"}},
            ]
        },
    }
    data = [{"name": "Ada", "erpId": "77"}, {"name": "Bob"}, {"name": "Bob", "erpId": ""}]
    sent = [result["_json"] for result in await api.run_import(connection, {"import": model, "data": data})]
    assert [(entry["method"], entry["path"], entry["body"]) for entry in sent] == [
        ("PUT", "/echo?id=77", '{"customer":{"name":"Ada"}}'),
        ("POST", "/echo", '{"customer":{"name":"Bob","source":"web"}}'),
        ("POST", "/echo", '{"customer":{"name":"Bob","source":"web"}}'),
    ]
    ignoring = {**model, "ignoreExisting": True}
    first, *_ = await api.run_import(connection, {"import": ignoring, "data": data})
    assert first == {"statusCode": 200, "ignored": True}


async def test_body_templates_escape_by_place(api: ApiClient, application: Served) -> None:
    """handlebars.md 3."""
    connection = (await api.create(http(application)))["_id"]
    block = {"relativeURI": ["/echo?q={{record.n}}"], "method": ["POST"], "body": ['{"n":"{{record.n}}"}']}
    (result,) = await api.run_import(connection, {"import": {"http": block}, "data": [{"n": 'a"b c/d'}]})
    assert result["_json"]["body"] == '{"n":"a\\"b c/d"}'
    assert result["_json"]["path"] == "/echo?q=a%22b%20c%2Fd"


async def test_refused_credentials_end_an_import_and_take_the_connection_offline(
    api: ApiClient, application: Served
) -> None:
    """contract.md 4.4: all remaining records get 401 without a request; offline connections answer so at once."""
    connection = (await api.create(http(application, concurrencyLevel=1)))["_id"]
    model = {"http": {"relativeURI": ["/status/401"], "method": ["POST"]}}
    results = await api.run_import(connection, {"import": model, "data": [{"n": n} for n in range(5)]})
    assert [result["statusCode"] for result in results] == [401] * 5
    assert len(application.application.seen) == 1
    assert (await api.get(connection))["offline"] is True
    results = await api.run_import(connection, {"import": model, "data": [{"n": 1}]})
    assert (results[0]["statusCode"], results[0]["errors"][0]["code"]) == (401, "connection_offline")
    with pytest.raises(ApiError) as error:
        await api.run_export(connection, {"export": {"http": {"relativeURI": "/ok"}}})
    assert error.value.code == "connection_offline"
    assert await api.ping(connection) == {"code": 200}
    assert "offline" not in await api.get(connection)


async def test_the_level_of_a_connection_holds(api: ApiClient, application: Served) -> None:
    """connections.md 8.1: never more in flight than the level, and the level is reached."""
    connection = (await api.create(http(application, concurrencyLevel=3)))["_id"]
    model = {"http": {"relativeURI": ["/together"], "method": ["POST"]}}
    await api.run_import(connection, {"import": model, "data": [{"n": n} for n in range(60)]})
    assert application.application.most_in_flight == 3


@pytest.mark.parametrize(
    ("model", "code", "field"),
    [
        ({"http": {"relativeURI": ["/x"], "method": ["FETCH"]}}, "invalid_field", "import.http.method.0"),
        ({"mapping": {"fields": [{"extract": "a"}]}, "http": {"relativeURI": ["/x"]}}, "missing_required_field", "import.mapping.fields.0.generate"),
        ({"http": {"relativeURI": ["/{{nohelper 1}}"]}}, "invalid_template", "import.http.relativeURI.0"),
        ({"http": {"relativeURI": ["/x"]}, "mapping": {"fields": [{"generate": "a", "extract": "a", "lookupName": "none"}]}}, "invalid_ref", "import.mapping.fields.0.lookupName"),
        ({"http": {"relativeURI": ["/x"], "batchSize": 2}}, "missing_required_field", "import.http.response.resourcePath"),
        ({"rest": {"relativeURI": ["/{{#if x}}"]}}, "invalid_template", "import.rest.relativeURI.0"),
    ],
)  # fmt: skip
async def test_a_broken_model_is_refused_with_its_field(
    api: ApiClient, application: Served, model: dict[str, Any], code: str, field: str
) -> None:
    """contract.md 1.5: the path from the top of the request body; nothing is sent."""
    if isinstance(model.get("http"), dict) and model["http"].get("method") == ["FETCH"] and not hasattr(api, "base"):
        pytest.skip("a gRPC client cannot write a word that the enum does not have")
    connection = (await api.create(http(application)))["_id"]
    with pytest.raises(ApiError) as error:
        await api.run_import(connection, {"import": model, "data": [{"a": 1}]})
    assert (error.value.status, error.value.code, error.value.fields) == (422, code, {field})
    assert application.application.seen == []


async def test_a_signature_of_the_request_in_the_making_goes_out_with_its_date(
    api: ApiClient, application: Served
) -> None:
    """handlebars.md 6.7: `aws4` adds X-Amz-Date when it is not there; what it signed is what is sent."""
    aws4 = '{{{aws4 connection.http.unencrypted.id connection.http.encrypted.secret null "us-east-1" "execute-api"}}}'
    block = http(application, headers=[{"name": "Authorization", "value": aws4}], encrypted={"secret": "wJalrXUtnFEMI"})
    block["http"]["unencrypted"] = {"id": "AKIDEXAMPLE"}
    connection = (await api.create(block))["_id"]
    answer = await api.run_export(connection, {"export": {"http": {"relativeURI": "/echo?b=2&a=1"}}})
    headers = answer["data"][0]["headers"]
    assert headers["x-amz-date"][:8] in headers["authorization"]
    assert "SignedHeaders=host;x-amz-date" in headers["authorization"]


async def test_static_lookups_serve_templates_everywhere(api: ApiClient, application: Served) -> None:
    """exports-imports.md 12, handlebars.md 6.3: in URIs and bodies of exports and imports, not only in the mapping."""
    connection = (await api.create(http(application)))["_id"]
    lookups = [{"name": "s", "map": {"ada": "J P"}}]
    block = {"relativeURI": '/echo?q={{lookup "s" record.n}}', "body": '{"v":"{{lookup "s" record.n}}"}'}
    model = {"lookups": lookups, "http": {name: [value] for name, value in block.items()}}
    (result,) = await api.run_import(connection, {"import": model, "data": [{"n": "ada"}]})
    assert (result["_json"]["path"], result["_json"]["body"]) == ("/echo?q=J%20P", '{"v":"J P"}')
    export = {
        "lookups": lookups,
        "http": {"relativeURI": block["relativeURI"]},
        "dataURITemplate": '{{lookup "s" "ada"}}',
    }
    answer = await api.run_export(connection, {"export": export, "data": {"n": "ada"}})
    assert (answer["data"][0]["path"], answer["dataURIs"]) == ("/echo?q=J%20P", ["J P"])


@pytest.mark.parametrize("place", ["relativeURI", "body", "mapping"])
async def test_a_dynamic_lookup_in_a_template_is_never_silently_empty(
    api: ApiClient, application: Served, place: str
) -> None:
    """exports-imports.md 12: it is asked for wherever its result is read."""
    connection = (await api.create(http(application)))["_id"]
    model: dict[str, Any] = {
        "lookups": [{"name": "cid", "relativeURI": "/ok", "extract": "status", "allowFailures": True}],
        "http": {"relativeURI": ["/echo"], "method": ["POST"]},
    }
    if place == "mapping":
        model["mapping"] = {"fields": [{"extract": "{{lookup.cid}}", "generate": "x"}]}
    else:
        model["http"][place] = ["/echo?{{lookup.cid}}"]
    (result,) = await api.run_import(connection, {"import": model, "data": [{"a": 1}]})
    assert "success" in result["_json"]["path" if place == "relativeURI" else "body"]
    assert len(application.application.seen) == 2


async def test_a_page_named_by_a_header_alone_is_no_loop(api: ApiClient, application: Served) -> None:
    """exports-imports.md 4.1 allows the paging variable in a header; such requests differ by it."""
    connection = (await api.create(http(application)))["_id"]
    block = {
        "relativeURI": "/by-header",
        "headers": [{"name": "X-Page", "value": "{{export.http.paging.page}}"}],
        "paging": {"method": "page", "page": 1},
        "response": ORDERS,
    }
    assert [record["id"] for record in await pull(api, connection, {"pageSize": 2, "http": block})] == ALL


async def test_mapping_alone_needs_no_request(api: ApiClient, application: Served) -> None:
    """contract.md 2.11: only the mapping step runs; with neither mapping nor mappings the records come back unchanged."""
    connection = (await api.create(http(application)))["_id"]
    data = [{"a": 1}, {"b": [1.5]}]
    assert await api.map(connection, {"import": {}, "data": data}) == data
    model = {"mapping": {"fields": [{"extract": "a", "generate": "x.y"}]}}
    assert await api.map(connection, {"import": model, "data": data}) == [{"x": {"y": 1}}, {}]
    assert application.application.seen == []
