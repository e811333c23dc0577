"""Imports and mapping alone: one result per record, in order, whatever happens to the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.domain.document import Document
from fairlead.domain.errors import InvalidContent, NotSupported
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ports import StoreUnavailable
from tests.unit.engine.serving import MINE, Service, http, model_of, refusal, reply

PLAIN = {"http": {"relativeURI": ["/r"]}}


def by_path(answers: dict[str, Any]) -> Any:
    """An application that answers by the request's path and body."""

    def answer(request: HttpRequest) -> HttpResponse:
        found: Any = answers[request.url.removeprefix("https://api.example.test")]
        if isinstance(found, Exception):
            raise found
        reply: HttpResponse = found(request) if callable(found) else found
        return reply

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
        "filter": {"type": "script", "script": {"function": "f", "_scriptId": "5" * 24}},
        "hooks": {"preMap": {"function": "f", "_scriptId": "5" * 24}},
        "blobKeyPath": "id",
    }
    block = {"existingLookupName": "l", "successMediaType": "xml", "relativeURI": ["/x/{{lookup.l}}"]}
    lookups = [{"name": "l", "relativeURI": "/l"}]
    model = {**more, "http": {**block, "lookups": lookups}, "mapping": {"fields": [{"extract": "a", "generate": "b"}]}}
    assert await service.map(id, model, [{"a": 1}]) == [{"b": 1}]
    for name in more:
        call = service.run_import(id, {**PLAIN, name: model[name]}, [{"a": 1}])
        assert await refusal(call, NotSupported)
    assert service.application.sent == []
    dropping = {**model, "filter": {"type": "expression", "expression": {"version": "1", "rules": ["equals", 1, 2]}}}
    assert await service.map(id, dropping, [{"a": 1}]) == [{"b": 1}]


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


async def test_a_template_of_the_renewal_that_fails_is_told_for_each_record(service: Service) -> None:
    """contract.md 2.10: what happens to a record is in its element; the field says where to look."""
    service.application.answers = lambda request: reply({}, 401)
    token = {"token": "t", "refreshRelativeURI": "/t", "refreshHeaders": [{"name": "X", "value": "a\nb"}]}
    id = await created(service, http(auth={"type": "token", "token": token}))
    results = await service.run_import(id, PLAIN, [{}, {}])
    assert {result["errors"][0]["code"] for result in results} == {"invalid_template"}


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
