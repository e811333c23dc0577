"""Imports and mapping alone: one result per record, in order, whatever happens to the others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fairlead.domain.document import Document
from fairlead.domain.errors import InvalidContent, NotFound, NotSupported
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ports import StoreUnavailable
from tests.unit.engine.serving import MINE, Service, http, model_of, refusal, reply, rest

PLAIN = {"http": {"relativeURI": ["/r"]}}


def by_path(answers: dict[str, Any]) -> Any:
    """An application that answers by the request's path and body."""

    def answer(request: HttpRequest) -> HttpResponse:
        found: Any = answers[request.url.removeprefix("https://api.example.test")]
        if isinstance(found, Exception):
            raise found
        answer: HttpResponse = found(request) if callable(found) else found
        return answer

    return answer


async def created(service: Service, document: Any | None = None) -> str:
    """The id of a stored connection."""
    return str((await service.create(document or http())).tree["_id"])


# -- exports-imports.md 9.4 ------------------------------------------------------------------------------------------------

UPSERT = {
    "http": {
        "requestType": ["UPDATE", "CREATE"],
        "method": ["PUT", "POST"],
        "relativeURI": ["/customers/{{{record.erpId}}}", "/customers"],
        "existingExtract": "erpId",
        "response": {"resourceIdPath": ["customer.id", "customer.id"]},
    },
    "mapping": {
        "fields": [
            {"extract": "name", "generate": "customer.name"},
            {"generate": "customer.source", "hardCodedValue": "web", "conditional": {"when": "record_created"}},
        ]
    },
}
PEOPLE = [{"name": "Ada", "erpId": "77"}, {"name": "Bob"}, {"name": "Bob", "erpId": ""}]


def customers(request: HttpRequest) -> HttpResponse:
    """The application of the worked example."""
    return reply({"customer": {"id": 77 if request.method == "PUT" else 78}})


async def test_the_composite_upsert(service: Service) -> None:
    """exports-imports.md 9.4, worked: URIs see the record before, bodies after the mapping; conditions see the operation."""
    service.application.answers = customers
    id = await created(service)
    results = await service.run_import(id, UPSERT, PEOPLE)
    assert [(r["statusCode"], r["id"], r["_json"]) for r in results] == [
        (200, "77", {"customer": {"id": 77}}),
        (200, "78", {"customer": {"id": 78}}),
        (200, "78", {"customer": {"id": 78}}),
    ]
    created_body = '{"customer":{"name":"Bob","source":"web"}}'
    assert sorted(service.application.lines) == [
        f"POST /customers {created_body}",
        f"POST /customers {created_body}",
        'PUT /customers/77 {"customer":{"name":"Ada"}}',
    ]
    service.application.sent.clear()
    ignoring = await service.run_import(id, {**UPSERT, "ignoreExisting": True}, PEOPLE)
    assert ignoring[0] == {"statusCode": 200, "ignored": True}
    assert len(service.application.sent) == 2


async def test_mapping_alone_sees_the_operation_and_ignores_nobody(service: Service) -> None:
    """contract.md 2.11: ``conditional.when`` by 9.4; no request."""
    id = await created(service)
    mapped = await service.map(id, {**UPSERT, "ignoreExisting": True}, PEOPLE)
    bob = {"customer": {"name": "Bob", "source": "web"}}
    assert mapped == [{"customer": {"name": "Ada"}}, bob, bob]
    assert service.application.sent == []


async def test_mapping_alone_runs_nothing_else(service: Service) -> None:
    """contract.md 2.11: no filter, no hook, no lookup that only decides the operation: what this build cannot run of an import does not
    matter then."""
    id = await created(service)
    more = {
        "filter": {"type": "expression", "expression": {"version": "1", "rules": ["equals", 1, 2]}},
        "hooks": {"preMap": {"function": "f", "_scriptId": "5" * 24}},
        "idLockTemplate": "{{id}}",
    }
    block = {"existingLookupName": "l", "successMediaType": "xml", "relativeURI": ["/x/{{lookup.l}}"]}
    lookups = [{"name": "l", "relativeURI": "/l"}]
    model = {**more, "http": {**block, "lookups": lookups}, "mapping": {"fields": [{"extract": "a", "generate": "b"}]}}
    assert await service.map(id, model, [{"a": 1}]) == [{"b": 1}]
    for name in (*more, "http"):
        call = service.run_import(id, {**PLAIN, name: model[name]}, [{"a": 1}])
        assert await refusal(call, NotSupported)
    assert await refusal(service.map(id, {**PLAIN, "oneToMany": True}, []), NotSupported) == {
        ("feature_not_supported", "import.oneToMany")
    }


@pytest.mark.parametrize("empty", [{}, {"mapping": {}}, {"mapping": {"fields": [], "lists": []}, "mappings": []}])
async def test_without_rules_records_come_back_byte_for_byte(service: Service, empty: dict[str, Any]) -> None:
    """contract.md 1.6, 2.11: digits, blanks and duplicate keys as they were sent."""
    data = b'[ {"n":9007199254740993, "d":140891.90,"d":1e400 } ]'
    id = await created(service)
    assert await service.imports.map_records(MINE, id, model_of({**PLAIN, **empty}), data, {}) == data


async def test_every_record_that_cannot_be_mapped_is_told(service: Service) -> None:
    """contract.md 2.11: 422, one entry per failing record, ``data.<n>``, source mapping or lookup."""
    model = {
        **PLAIN,
        "lookups": [{"name": "country", "map": {"USA": "US"}}],
        "mapping": {
            "fields": [
                {"extract": "n", "generate": "n", "dataType": "number"},
                {"extract": "c", "generate": "c", "lookupName": "country"},
            ]
        },
    }
    id = await created(service)
    with pytest.raises(InvalidContent) as error:
        await service.map(id, model, [{"n": 1, "c": "USA"}, {"n": "x", "c": "USA"}, {"n": 1, "c": "XX"}])
    assert [(p.code, p.field, p.source) for p in error.value.problems] == [
        ("mapping_error", "data.1", "mapping"),
        ("lookup_no_match", "data.2", "lookup"),
    ]


# -- results ---------------------------------------------------------------------------------------------------------------


async def test_one_bad_record_never_touches_another(service: Service) -> None:
    """contract.md 4.4: results in the order of the input, each with its own failure, and ``dataURI`` where one failed."""
    service.application.answers = by_path(
        {
            "/r/0": reply({"id": 981}),
            "/r/1": reply({"error": {"text": "sku is unknown"}}, 400),
            "/r/2": TransportFailure("connection_error", "reset"),
            "/r/3": reply(b"<html>", 500),
            "/r/5": TransportFailure("connection_timeout", "no byte for 60 s"),
            "/r/6": reply(b"", 204),
            "/r/7": reply({"ok": False}),
        }
    )
    model = {
        "http": {
            "relativeURI": ["/r/{{record.n}}"],
            "response": {"errorPath": "error.text", "failPath": ["ok"], "failValues": [["false"]]},
        },
        "mapping": {"fields": [{"extract": "n", "generate": "n"}, {"extract": "d", "generate": "d", "dataType": "number"}]},
        "dataURITemplate": "https://app.test/{{record.n}}",
    }  # fmt: skip
    data = [{"n": n} for n in range(8)]
    data[4]["d"] = "no number"  # type: ignore[assignment]  # the record that cannot be mapped
    results = await service.run_import(await created(service), model, data)

    def failed(n: int, code: str, message: str, source: str, **more: Any) -> dict[str, Any]:
        error = {"code": code, "message": message, "source": source}
        return {"statusCode": 422, "errors": [error], "dataURI": f"https://app.test/{n}", **more}

    mapping = results.pop(4)
    assert (mapping["errors"][0]["code"], mapping["errors"][0]["source"]) == ("mapping_error", "mapping")
    assert mapping["dataURI"] == "https://app.test/4"
    assert results == [
        {"statusCode": 200, "id": "981", "_json": {"id": 981}},
        failed(1, "400", "sku is unknown", "application", _json={"error": {"text": "sku is unknown"}}),
        failed(2, "connection_error", "reset", "connection"),
        failed(3, "500", "<html>", "application", _json={"_raw": "<html>"}),
        failed(5, "connection_timeout", "no byte for 60 s", "connection"),
        {"statusCode": 200},
        failed(7, "422", '{"ok": false}', "application", _json={"ok": False}),
    ]


async def test_no_records_no_results(service: Service) -> None:
    """contract.md 2.10, 2.11: ``[]`` for ``[]``, also offline."""
    for id in (await created(service), await created(service, {**http(), "offline": True})):
        assert await service.run_import(id, PLAIN, []) == []
        assert await service.map(id, PLAIN, []) == []


async def test_more_than_ten_thousand_records_are_refused(service: Service) -> None:
    """contract.md 1.15."""
    id = await created(service)
    data = b"[" + b",".join([b"{}"] * 10_001) + b"]"
    for call in (service.run_import(id, PLAIN, data), service.map(id, PLAIN, data)):
        assert await refusal(call, InvalidContent) == {("invalid_field", "data")}


async def test_an_offline_connection_answers_every_record(service: Service) -> None:
    """contract.md 4.4, connections.md 6.2: 401 per record, ``dataURI`` with it, and no request."""
    id = await created(service, {**http(), "offline": True})
    results = await service.run_import(id, {**PLAIN, "dataURITemplate": "/{{record.n}}"}, [{"n": 1}, {"n": 2}])
    assert [(r["statusCode"], r["errors"][0]["code"], r["dataURI"]) for r in results] == [
        (401, "connection_offline", "/1"),
        (401, "connection_offline", "/2"),
    ]
    assert service.application.sent == []


async def test_refused_credentials_end_the_call(service: Service) -> None:
    """contract.md 4.4: the connection goes offline and the remaining records get 401 without a request."""
    service.application.answers = by_path({"/r/0": reply({"id": 0}), "/r/1": reply(b"who?", 401)})
    id = await created(service, http(concurrencyLevel=1))
    model = {"http": {"relativeURI": ["/r/{{record.n}}"]}, "dataURITemplate": "/{{record.n}}"}
    results = await service.run_import(id, model, [{"n": n} for n in range(4)])
    assert [r["statusCode"] for r in results] == [200, 401, 401, 401]
    assert [r.get("dataURI") for r in results] == [None, "/1", "/2", "/3"]
    assert results[3]["errors"] == [{"code": "401", "message": "who?", "source": "connection"}]
    assert len(service.application.sent) == 2
    assert (await service.connections.get(MINE, id)).tree["offline"] is True


async def test_a_store_that_is_away_does_not_change_the_results(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md 4.4: what was sent keeps its result when the connection cannot be noted as offline."""
    service.application.answers = by_path({"/r/0": reply({"id": 0}), "/r/1": reply({}, 401)})
    id = await created(service, http(concurrencyLevel=1))
    await service.preparer.stored(MINE, id)

    async def away(document: Document, runtime: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(service.store, "replace_runtime", away)
    model = {"http": {"relativeURI": ["/r/{{record.n}}"]}}
    results = await service.run_import(id, model, [{"n": 0}, {"n": 1}])
    assert [r["statusCode"] for r in results] == [200, 401]


async def test_a_renewal_that_this_build_cannot_make_refuses_the_call(service: Service) -> None:
    """contract.md 2.10: ``feature_not_supported`` is a request failure, not a bug."""
    service.application.answers = lambda request: reply({}, 401)
    id = await created(service, http(auth={"type": "token", "token": {"token": "t", "refreshRelativeURI": "/t"}}))
    assert await refusal(service.run_import(id, PLAIN, [{}, {}]), NotSupported) == {
        ("feature_not_supported", "http.auth.token.refreshRelativeURI")
    }


# -- time ------------------------------------------------------------------------------------------------------------------


def hanging(service: Service, seconds: float) -> Any:
    """An application that answers after that time, or is cut off by the deadline as the transport does it."""

    async def answer(request: HttpRequest) -> HttpResponse:
        left = 300 - service.clock.monotonic()
        await service.clock.sleep(min(left, seconds))
        if seconds > left:
            raise TransportFailure("connection_timeout", "the time of the call is over")
        return reply({"id": 1})

    return answer


async def test_at_the_end_of_a_run_the_sent_ones_are_in_doubt_and_the_others_were_not_sent(service: Service) -> None:
    """contract.md 1.15: 300 s; 422 ``in_doubt`` in flight, 422 ``connection_timeout`` for what was not sent by then."""
    service.application.answers = hanging(service, 200)
    id = await created(service, http(concurrencyLevel=1))
    call = asyncio.create_task(service.run_import(id, PLAIN, [{}, {}, {}]))
    await service.clock.advance(400)
    results = await call
    assert [(r["statusCode"], r.get("errors", [{}])[0].get("code")) for r in results] == [
        (200, None),
        (422, "in_doubt"),
        (422, "connection_timeout"),
    ]
    assert len(service.application.sent) == 2
    assert service.clock.monotonic() >= 300


async def test_a_record_that_waits_for_a_slot_until_the_end_was_not_sent(service: Service) -> None:
    """contract.md 1.15: not in doubt."""
    service.application.answers = hanging(service, 1000)
    id = await created(service, http(concurrencyLevel=1))
    calls = [asyncio.create_task(service.run_import(id, PLAIN, [{}])) for _ in range(2)]
    await service.clock.advance(400)
    first, second = [await call for call in calls]
    assert first[0]["errors"][0]["code"] == "in_doubt"
    assert second[0]["errors"][0]["code"] == "connection_timeout"
    assert len(service.application.sent) == 1


async def test_a_rate_limit_beyond_the_run_is_told_with_its_code(service: Service) -> None:
    """connections.md 7.3: 422 code ``"429"``; waiting comes first while there is time."""
    answers = [
        HttpResponse(429, reply({}).headers, b""),
        reply({"id": 1}),
        HttpResponse(429, reply({}).headers, b"for an hour"),
    ]
    answers[2].headers.set("Retry-After", "3600")
    service.application.answers = lambda request: answers.pop(0)
    id = await created(service, http(concurrencyLevel=1))
    call = asyncio.create_task(service.run_import(id, PLAIN, [{}, {}]))
    await service.clock.advance(30)
    first, second = await call
    assert first["statusCode"] == 200
    assert (second["errors"][0]["code"], second["errors"][0]["source"]) == ("429", "application")
    assert "3600 s" in second["errors"][0]["message"]


async def test_a_cancelled_call_stops_what_is_in_flight_and_sends_nothing_more(service: Service) -> None:
    """Cancellation reaches the requests; slots are given back."""
    stopped = []

    async def hang(request: HttpRequest) -> HttpResponse:
        try:
            await service.clock.sleep(100)
        except asyncio.CancelledError:
            stopped.append(request.url)
            raise
        return reply({})

    service.application.answers = hang
    id = await created(service, http(concurrencyLevel=2))
    call = asyncio.create_task(service.run_import(id, PLAIN, [{}] * 5))
    await service.clock.advance(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (len(stopped), len(service.application.sent)) == (2, 2)
    service.application.answers = lambda request: reply({"id": 1})
    assert (await service.run_import(id, PLAIN, [{}]))[0]["statusCode"] == 200


async def test_records_that_are_not_sent_leave_room_for_other_calls(service: Service) -> None:
    """A call whose records all fail before a request lets others run between them."""
    id = await created(service)
    model = {**PLAIN, "mapping": {"fields": [{"extract": "a", "generate": "a", "dataType": "number"}]}}
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    results = await service.run_import(id, model, [{"a": "x"}] * 500)
    task.cancel()
    assert {r["statusCode"] for r in results} == {422}
    assert turns > 5


# -- models ----------------------------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({"name": "x"}, {("missing_required_field", "import.http")}),
    (
        {
            "http": {
                "relativeURI": ["/{{#if}}"],
                "method": ["PUT", "POST"],
                "existingExtract": "a[",
                "headers": [{"name": "Content-Length", "value": "1"}],
                "response": {"resourceIdPath": ["b["], "failValues": [["x"]]},
            },
            "mapping": {"fields": [{"generate": "x", "extract": "a", "lookupName": "nope"}]},
            "dataURITemplate": "{{",
        },
        {
            ("invalid_template", "import.http.relativeURI.0"),
            ("invalid_field", "import.http.existingExtract"),
            ("invalid_field", "import.http.headers.0.name"),
            ("invalid_field", "import.http.response.resourceIdPath.0"),
            ("missing_required_field", "import.http.response.failPath"),
            ("invalid_ref", "import.mapping.fields.0.lookupName"),
            ("invalid_template", "import.dataURITemplate"),
        },
    ),
    (
        {"rest": {"relativeURI": "/x", "method": "POST", "body": "{{", "responseIdPath": "a[", "successPath": "c["}},
        {
            ("invalid_template", "import.rest.body.0"),
            ("invalid_field", "import.rest.responseIdPath.0"),
            ("invalid_field", "import.rest.successPath.0"),
        },
    ),
    ({"http": {"relativeURI": ["a", "b", "c"]}}, {("invalid_field", "import.http.relativeURI")}),
]


@pytest.mark.parametrize(("model", "problems"), WRONG)
async def test_everything_that_is_wrong_with_a_model_is_told_at_once(
    service: Service, model: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    """contract.md 1.5: fields from the top of the body, in the notation of the model; each once, for both calls."""
    id = await created(service)
    for call in (service.run_import, service.map):
        with pytest.raises(InvalidContent) as error:
            await call(id, model, [{}])
        found = [(problem.code, problem.field) for problem in error.value.problems]
        assert set(found) == problems
        assert len(found) == len(problems)
    assert service.application.sent == []


UNSUPPORTED: list[tuple[dict[str, Any], str, str]] = [
    ({"netsuite_da": {}}, "adaptor_not_supported", "import.netsuite_da"),
    ({**PLAIN, "hooks": {"preMap": {"function": "f", "_scriptId": "5" * 24}}}, "script_runtime_unavailable", "import.hooks.preMap"),
    ({**PLAIN, "hooks": {"postMap": {"function": "f", "_stackId": "5" * 24}}}, "feature_not_supported", "import.hooks.postMap"),
    ({**PLAIN, "oneToMany": True}, "feature_not_supported", "import.oneToMany"),
    ({"http": {"relativeURI": ["/x"], "batchSize": 2}}, "feature_not_supported", "import.http.batchSize"),
    ({"http": {"relativeURI": ["/x"], "requestMediaType": "xml"}}, "feature_not_supported", "import.http.requestMediaType"),
    ({"http": {"relativeURI": ["/x"], "errorMediaType": "xml"}}, "feature_not_supported", "import.http.errorMediaType"),
    ({"rest": {"relativeURI": ["/x"], "resourceId": {"lookupName": "l"}}}, "feature_not_supported", "import.rest.resourceId.lookupName"),
    (
        {"http": {"relativeURI": ["/x/{{lookup.l}}"], "lookups": [{"name": "l", "relativeURI": "/l"}]}},
        "feature_not_supported",
        "import.http.relativeURI.0",
    ),
    (
        {"rest": {"relativeURI": ["/x/{l}"], "lookups": [{"name": "l", "relativeURI": "/l"}]}},
        "feature_not_supported",
        "import.rest.relativeURI.0",
    ),
    (
        {"http": {"relativeURI": ["/"], "body": ["{{lookup.l}}"]}, "lookups": [{"name": "l", "relativeURI": "/l"}]},
        "feature_not_supported",
        "import.http.body.0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "code", "field"), UNSUPPORTED)
async def test_what_an_import_asks_for_and_this_build_cannot_do(
    service: Service, model: dict[str, Any], code: str, field: str
) -> None:
    """contract.md 1.5, 2.10: never silence, the field named as it was written."""
    id = await created(service)
    assert await refusal(service.run_import(id, model, [{}]), NotSupported) == {(code, field)}


async def test_an_answer_type_of_the_connection_counts_too(service: Service) -> None:
    """connections.md 1.2: the import overrides what the connection says about answers."""
    id = await created(service, http(successMediaType="xml"))
    assert await refusal(service.run_import(id, PLAIN, [{}]), NotSupported)
    own = {"http": {"relativeURI": ["/r"], "successMediaType": "json"}}
    assert (await service.run_import(id, own, [{}]))[0]["statusCode"] == 200
    assert service.application.sent[0].headers.get("Accept") == "application/json"


async def test_an_unused_dynamic_lookup_is_stored_only(service: Service) -> None:
    """contract.md 1.5: only a call that would need it is refused."""
    model = {"http": {"relativeURI": ["/r"], "lookups": [{"name": "l", "relativeURI": "/l"}]}}
    assert (await service.run_import(await created(service), model, [{}]))[0]["statusCode"] == 200


async def test_an_unknown_connection(service: Service) -> None:
    """contract.md 2.10."""
    for call in (service.run_import("0" * 24, PLAIN, [{}]), service.map("0" * 24, PLAIN, [{}])):
        assert await refusal(call, NotFound) == {("not_found", None)}


# -- templates -------------------------------------------------------------------------------------------------------------


async def test_templates_of_an_import_see_static_lookups(service: Service) -> None:
    """exports-imports.md 12, handlebars.md 6: ``{{lookup "name" value}}`` in URI, headers and body; no match fails the record."""
    model = {
        "http": {
            "relativeURI": ['/{{lookup "country" record.c}}'],
            "headers": [{"name": "X-C", "value": '{{lookup "country" c}}'}],
            "body": ['{"c":"{{lookup "country" record.c}}"}'],
        },
        "lookups": [{"name": "country", "map": {"Japan": "JP"}}],
        "dataURITemplate": '{{lookup "country" c}}',
    }
    good, bad = await service.run_import(await created(service), model, [{"c": "Japan"}, {"c": "Mars"}])
    assert service.application.lines == ['POST /JP {"c":"JP"}']
    assert service.application.sent[0].headers.get("X-C") == "JP"
    assert good["statusCode"] == 200
    assert (bad["errors"][0]["code"], bad["errors"][0]["source"]) == ("lookup_no_match", "lookup")
    assert "dataURI" not in bad


SETTINGS = (
    "{{settings.import.a}}-{{settings.connection.b}}-{{import.settings.a}}-{{connection.settings.b}}-{{testMode}}"
)


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ({}, "1-2-1-2-false"),
        ({"import": {"a": 7}}, "7-2-1-2-false"),
        ({"connection": {}, "flow": {"x": 1}}, "1--1-2-false"),
    ],
)
async def test_a_scope_of_settings_that_is_given_replaces_that_scope(
    service: Service, given: dict[str, Any], rendered: str
) -> None:
    """contract.md 2.10, 3.4."""
    id = await created(service, {**http(), "settings": {"b": 2}})
    model = {"settings": {"a": 1}, "http": {"relativeURI": ["/"], "headers": [{"name": "X", "value": SETTINGS}]}}
    await service.run_import(id, model, [{}], settings=given)
    assert service.application.sent[0].headers.get("X") == rendered


async def test_strict_evaluation_fails_the_record_that_misses_something(service: Service) -> None:
    """exports-imports.md 9.2, handlebars.md 4: ``invalid_template``, source mapping, the message names the path."""
    model = {"http": {"relativeURI": ["/{{record.a}}"], "strictHandlebarEvaluation": True}}
    good, bad = await service.run_import(await created(service), model, [{"a": 1}, {"b": 1}])
    assert good["statusCode"] == 200
    assert (bad["errors"][0]["code"], bad["errors"][0]["source"]) == ("invalid_template", "mapping")
    assert "record.a" in bad["errors"][0]["message"]


async def test_the_time_of_regular_expressions_is_one_for_the_whole_call(service: Service) -> None:
    """handlebars.md 6.6: the scopes of one call share it."""
    prepared = await service.preparer.stored(MINE, await created(service))
    run = service.runs.open(prepared, "import", 300, None)
    assert run.scope({}).regex_time is run.scope({"record": 1}).regex_time


@pytest.mark.parametrize("notation", ["http", "rest"])
async def test_a_model_in_either_notation_on_either_type(service: Service, notation: str) -> None:
    """exports-imports.md 1.3, 9.9: the block of the connection's type counts, else the other."""
    models = {
        "http": {"http": {"relativeURI": ["/h"], "response": {"resourceIdPath": ["k"]}}},
        "rest": {"rest": {"relativeURI": "/r/{name}", "method": "PUT", "responseIdPath": "k"}},
    }
    service.application.answers = lambda request: reply({"k": 5})
    for document, own in ((http(), "http"), (rest(), "rest")):
        service.application.sent.clear()
        id = await created(service, document)
        (one,) = await service.run_import(id, models[notation], [{"name": "a b"}])
        assert one["id"] == "5"
        await service.run_import(id, {**models["http"], **models["rest"]}, [{"name": "a b"}])
        lines = {"http": "POST /h", "rest": "PUT /r/a%20b"}
        body = json.dumps({"name": "a b"})
        assert service.application.lines == [f"{lines[notation]} {body}", f"{lines[own]} {body}"]
