"""Batches: which records share a request, which part of the answer is whose, and who waits for whom."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import partial
from typing import Any

import pytest

from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from tests.unit.engine.serving import Service, http, reply


async def created(service: Service, **block: Any) -> str:
    """The id of a stored connection."""
    return str((await service.create(http(**block))).tree["_id"])


def bulk(**block: Any) -> dict[str, Any]:
    """An import in batches of two."""
    response = {"resourcePath": ["items"], **block.pop("response", {})}
    return {"http": {"relativeURI": ["/bulk"], "batchSize": 2, "response": response, **block}}


def bodies(service: Service) -> list[Any]:
    """What was sent, decoded."""
    return [json.loads(request.body or b"null") for request in service.application.sent]


def numbered(request: HttpRequest) -> HttpResponse:
    """An application that gives every record an id."""
    return reply({"items": [{"id": f"k{record['n']}"} for record in json.loads(request.body or b"[]")]})


def same(answer: HttpResponse, request: HttpRequest) -> HttpResponse:
    """An application of one answer."""
    return answer


WORKED: dict[str, Any] = bulk(
    response={"resourceIdPath": ["key"], "successPath": ["ok"], "successValues": [["true"]], "errorPath": "why"}
)


async def test_the_worked_example(service: Service) -> None:
    """exports-imports.md 9.7."""
    service.application.answers = lambda request: reply(
        {"items": [{"ok": True, "key": "a"}, {"ok": False, "why": "dup"}]}
    )
    data = b'[{"n":1},{"n":2}]'
    results = await service.run_import(await created(service), WORKED, data)
    assert service.application.lines == ['POST /bulk [{"n":1},{"n":2}]']
    assert results == [
        {"statusCode": 200, "id": "a", "_json": {"ok": True, "key": "a"}},
        {
            "statusCode": 422,
            "errors": [{"code": "422", "message": "dup", "source": "application"}],
            "_json": {"ok": False, "why": "dup"},
        },
    ]


def ok(**document: Any) -> dict[str, Any]:
    """A good result."""
    return {"statusCode": 200, "_json": document}


def bad(code: str, message: str, document: Any = None) -> dict[str, Any]:
    """A bad one."""
    result: dict[str, Any] = {
        "statusCode": 422,
        "errors": [{"code": code, "message": message, "source": "application"}],
    }
    return result if document is None else {**result, "_json": document}


SHORT = "the answer has 1 results for 2 records, none for this one"
NONE = "the answer has no array of results at items"
JUDGED = {"successPath": ["ok"], "successValues": [["true"]], "errorPath": "why"}
ANSWERS: list[tuple[str, dict[str, Any], HttpResponse, list[Any]]] = [
    ("shorter", {}, reply({"items": [{"a": 1}]}), [ok(a=1), bad("invalid_response", SHORT)]),
    ("longer", {}, reply({"items": [{"a": 1}, {"a": 2}, {"a": 3}]}), [ok(a=1), ok(a=2)]),
    ("no array", {}, reply({"items": {"a": 1}}), [bad("invalid_response", NONE, {"items": {"a": 1}})] * 2),
    ("nothing there", {}, reply({"x": 1}), [bad("invalid_response", NONE, {"x": 1})] * 2),
    ("empty", {}, reply(b"", 204), [bad("invalid_response", NONE)] * 2),
    ("empty, with a success path", JUDGED, reply(b"", 204), [bad("422", "status 204")] * 2),
    ("failed", {}, reply({"x": 1}, 500), [bad("500", '{"x": 1}', {"x": 1})] * 2),
    ("scalars", {}, reply({"items": [1, None]}), [{"statusCode": 200, "_json": {"_raw": "1"}}, {"statusCode": 200}]),
    ("digits stay", {}, reply(b'{"items":[{"id":9007199254740993},{"d":1.50}]}'), [{"statusCode": 200, "id": "9007199254740993", "_json": {"id": 9007199254740993}}, ok(d=1.5)]),
    ("judged by the whole", JUDGED, reply({"ok": True, "items": [{"a": 1}, {"ok": False, "why": "w"}]}), [ok(a=1), bad("422", "w", {"ok": False, "why": "w"})]),
    ("failed as a whole", JUDGED, reply({"ok": False, "why": "all"}), [bad("422", "all", {"ok": False, "why": "all"})] * 2),
    ("the message of the whole", JUDGED, reply({"why": "all", "items": [{"ok": True}, {"ok": False}]}), [ok(ok=True), bad("422", "all", {"ok": False})]),
    ("fail paths", {"failPath": ["e"]}, reply({"items": [{"e": "x"}, {"e": ""}]}), [bad("422", '{"e":"x"}', {"e": "x"}), ok(e="")]),
    ("the whole body is the array", {"resourcePath": ["$"]}, reply([{"id": 1}, {"id": 2}]), [{"statusCode": 200, "id": "1", "_json": {"id": 1}}, {"statusCode": 200, "id": "2", "_json": {"id": 2}}]),
    ("spread", {"resourcePath": ["items[*].r"]}, reply({"items": [{"r": {"id": 1}}, {"r": {"id": 2}}]}), [{"statusCode": 200, "id": "1", "_json": {"id": 1}}, {"statusCode": 200, "id": "2", "_json": {"id": 2}}]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "response", "answer", "expected"), ANSWERS, ids=[row[0] for row in ANSWERS])
async def test_which_element_is_whose(
    service: Service, name: str, response: dict[str, Any], answer: HttpResponse, expected: list[Any]
) -> None:
    """exports-imports.md 9.7: element k belongs to record k; what is missing fails with ``invalid_response``."""
    service.application.answers = lambda request: answer
    assert await service.run_import(await created(service), bulk(response=response), [{}, {}]) == expected


async def test_a_large_answer_is_judged_beside_the_event_loop(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md 1.15: an answer may have 50 MiB; other calls go on while paths look into it."""
    threads: set[str] = set()

    def loads(data: bytes) -> Any:
        threads.add(threading.current_thread().name.rpartition("_")[0])
        return jsonvalue.loads(data)

    monkeypatch.setattr("fairlead.codecs.json.loads_by_turns", loads)
    id = await created(service, auth={"type": "custom", "failPath": "why", "failValues": ["signed out"]})
    for text, names in (("x", {""}), ("x" * 300_000, {"fairlead-answers"})):
        threads.clear()
        service.application.answers = partial(same, reply({"id": 7, "text": text}))
        (result,) = await service.run_import(id, {"http": {"relativeURI": ["/one"]}}, [{}])
        assert (result["id"], threads) == ("7", names)


FLAGS = b'<r><st>bad</st><w>Wm</w><i><k>1</k><d><ok a="1">no</ok></d></i><i><k>2</k><d><ok a="2">yes</ok></d></i></r>'
INSIDE: list[tuple[dict[str, Any], list[int], list[str | None], str]] = [
    ({"successPath": ["d.ok"], "successValues": [["yes"]], "errorPath": "d.ok"}, [422, 200], [None, None], "no"),
    ({"successPath": ["d/ok"], "successValues": [["yes"]], "errorPath": "d.ok"}, [422, 200], [None, None], "no"),
    ({"failPath": ["d/ok/@a"], "failValues": [["1"]], "errorPath": "./d/ok"}, [422, 200], [None, None], "no"),
    ({"resourceIdPath": ["d/ok/@a"]}, [200, 200], ["1", "2"], ""),
    ({"resourceIdPath": ["k/text()"]}, [200, 200], ["1", "2"], ""),
    ({"resourceIdPath": ["k"]}, [200, 200], ["1", "2"], ""),
    ({"failPath": ["/r/st"], "failValues": [["bad"]], "errorPath": "/r/w"}, [422, 422], [None, None], "Wm"),
    ({"failPath": ["//st"], "failValues": [["bad"]], "errorPath": "w"}, [422, 422], [None, None], "Wm"),
    ({"successPath": ["/r/st"], "successValues": [["bad"]]}, [200, 200], [None, None], ""),
]


@pytest.mark.parametrize(("response", "statuses", "ids", "message"), INSIDE)
async def test_xpaths_start_at_the_element_or_at_the_document(
    service: Service, response: dict[str, Any], statuses: list[int], ids: list[str | None], message: str
) -> None:
    """exports-imports.md 9.7, connections.md 5.1: inside the element first, then on the whole answer, which is where a leading slash starts."""
    answer = reply(FLAGS)
    answer.headers.set("Content-Type", "application/xml")
    service.application.answers = lambda request: answer
    model = bulk(response={"resourcePath": ["/r/i"], **response}, successMediaType="xml")
    id = await created(service)
    results = await service.run_import(id, model, [{"n": 1}, {"n": 2}])
    assert [result["statusCode"] for result in results] == statuses
    assert [result.get("id") for result in results] == ids
    assert [error["message"] for result in results for error in result.get("errors", [])][:1] == (
        [message] if message else []
    )


async def test_elements_of_an_xml_answer(service: Service) -> None:
    """exports-imports.md 9.7, 2.3: the resource path is an XPath."""
    answer = reply(b"<r><i><id>1</id></i><i><id>2</id><bad>1</bad></i></r>")
    answer.headers.set("Content-Type", "application/xml")
    service.application.answers = lambda request: answer
    model = bulk(response={"resourcePath": ["/r/i"], "failPath": ["bad"]}, successMediaType="xml")
    first, second = await service.run_import(await created(service), model, [{}, {}])
    assert first == {"statusCode": 200, "id": "1", "_json": {"id": "1"}}
    assert (second["statusCode"], second["_json"]) == (422, {"id": "2", "bad": "1"})


async def test_an_answer_that_does_not_parse(service: Service) -> None:
    """exports-imports.md 9.7, contract.md 1.16: ``invalid_response`` for each record of the batch."""
    service.application.answers = lambda request: reply(b"<html>")
    results = await service.run_import(await created(service), bulk(), [{}, {}])
    assert [r["errors"][0]["code"] for r in results] == ["invalid_response"] * 2


UPSERT = {"requestType": ["UPDATE", "CREATE"], "method": ["PUT", "POST"], "relativeURI": ["/u", "/c"], "existingExtract": "id"}  # fmt: skip


async def test_records_of_one_position_are_batched_in_order(service: Service) -> None:
    """exports-imports.md 9.7: what is ignored or fails before takes no place; results stand where the records stood."""
    service.application.answers = numbered
    data: list[Any] = [{"n": n} for n in range(7)]
    for n in (1, 2, 6):
        data[n]["id"] = n
    data[3]["d"] = "no number"
    model = {
        **bulk(**UPSERT),
        "filter": {"expression": {"version": "1", "rules": ["notequals", ["extract", "n"], 4]}},
        "mapping": {"fields": [{"extract": "n", "generate": "n"}, {"extract": "d", "generate": "d", "dataType": "number"}]},
    }  # fmt: skip
    results = await service.run_import(await created(service, concurrencyLevel=1), model, data)
    assert service.application.lines == [
        'PUT /u [{"n":1},{"n":2}]',
        'POST /c [{"n":0},{"n":5}]',
        'PUT /u [{"n":6}]',
    ]
    assert [r.get("id") for r in results] == ["k0", "k1", "k2", None, None, "k5", "k6"]
    assert [r["statusCode"] for r in results] == [200, 200, 200, 422, 200, 200, 200]
    assert results[4] == {"statusCode": 200, "ignored": True}


async def test_a_failed_batch_fails_no_other(service: Service) -> None:
    """exports-imports.md 9.7: a request that fails fails its records with the same error."""

    def answers(request: HttpRequest) -> HttpResponse:
        if b'"n": 2' in (request.body or b""):
            raise TransportFailure("connection_error", "reset")
        return numbered(request)

    service.application.answers = answers
    results = await service.run_import(await created(service), bulk(), [{"n": n} for n in range(5)])
    assert [r["statusCode"] for r in results] == [200, 200, 422, 422, 200]
    assert {r["errors"][0]["code"] for r in results[2:4]} == {"connection_error"}


LIMITS: list[tuple[int, int, list[list[int]], list[int]]] = [
    (4, 19, [[0, 1], [2, 3]], []),
    (4, 27, [[0, 1, 2], [3]], []),
    (4, 1000, [[0, 1, 2, 3]], []),
    (4, 10, [[0], [1], [2], [3]], []),
    (1, 7, [[0], [1], [2], [3]], []),
    (4, 5, [], [0, 1, 2, 3]),
]


@pytest.mark.parametrize(("size", "limit", "sent", "failing"), LIMITS)
async def test_a_batch_is_split_so_that_each_body_fits(
    service: Service, size: int, limit: int, sent: list[list[int]], failing: list[int]
) -> None:
    """exports-imports.md 9.2: ``endPointBodyLimit`` in bytes; a single record that does not fit fails."""
    service.application.answers = lambda request: reply({"items": [{}] * 4})
    model = bulk(batchSize=size, endPointBodyLimit=limit)
    data = b'[{"n":0},{"n":1},{"n":2},{"n":3}]'
    results = await service.run_import(await created(service, concurrencyLevel=1), model, data)
    got = bodies(service)
    assert [[r["n"] for r in (body if isinstance(body, list) else [body])] for body in got] == sent
    assert [n for n, result in enumerate(results) if result["statusCode"] != 200] == failing


async def test_one_long_record_in_a_batch_fails_alone(service: Service) -> None:
    """exports-imports.md 9.2, 9.7."""
    service.application.answers = lambda request: reply({"items": [{}] * 3})
    data = b'[{"n":0},{"n":"' + b"x" * 50 + b'"},{"n":2}]'
    model = bulk(batchSize=3, endPointBodyLimit=30)
    results = await service.run_import(await created(service, concurrencyLevel=1), model, data)
    assert [r["statusCode"] for r in results] == [200, 422, 200]
    assert "endPointBodyLimit" in results[1]["errors"][0]["message"]
    assert bodies(service) == [[{"n": 0}], [{"n": 2}]]


async def test_a_record_that_a_format_cannot_hold_fails_its_batch_not(service: Service) -> None:
    """exports-imports.md 9.3, contract.md 4.4: the others of its batch are sent."""
    answer = reply(b"<r><i><id>1</id></i><i><id>3</id></i></r>")
    answer.headers.set("Content-Type", "application/xml")
    service.application.answers = lambda request: answer
    model = bulk(batchSize=3, requestMediaType="xml", successMediaType="xml", response={"resourcePath": ["/r/i"]})
    results = await service.run_import(await created(service), model, [{"n": 1}, ["rows"], {"n": 3}])
    assert [(r["statusCode"], r.get("id")) for r in results] == [(200, "1"), (422, None), (200, "3")]
    (sent,) = service.application.sent
    assert sent.body == b"<records><record><n>1</n></record><record><n>3</n></record></records>"


async def test_templates_of_a_batch(service: Service) -> None:
    """handlebars.md 2.1: the URI sees the records before, the body after the mapping, as ``batch_of_records[].record`` and ``data[]``."""
    body = (
        '{"first":"{{record.m}}","zero":"{{0.m}}","all":[{{#each batch_of_records}}"{{record.m}}"{{#unless @last}},'
        '{{/unless}}{{/each}}],"data":[{{#each data}}{{m}}{{#unless @last}},{{/unless}}{{/each}}]}'
    )
    uri = "/b/{{data.1.n}}/{{record.n}}"
    model = {**bulk(relativeURI=[uri], body=[body]), "mapping": {"fields": [{"extract": "n", "generate": "m"}]}}
    await service.run_import(await created(service), model, [{"n": 1}, {"n": 2}])
    assert service.application.sent[0].url.endswith("/b/2/1")
    assert bodies(service) == [{"first": "1", "zero": "1", "all": ["1", "2"], "data": [1, 2]}]


async def test_a_template_that_fails_fails_its_batch_alone(service: Service) -> None:
    """handlebars.md 4: strict evaluation, source mapping."""
    service.application.answers = lambda request: reply({"items": [{}, {}]})
    body = "[{{#each data}}{{n}}{{#unless @last}},{{/unless}}{{/each}}]"
    model = bulk(body=[body], strictHandlebarEvaluation=True)
    results = await service.run_import(await created(service), model, [{"n": 1}, {"x": 1}, {"n": 2}, {"n": 3}])
    assert [r["statusCode"] for r in results] == [422, 422, 200, 200]
    assert (results[0]["errors"][0]["code"], results[0]["errors"][0]["source"]) == ("invalid_template", "mapping")


# -- idLockTemplate ---------------------------------------------------------------------------------------------------------


class Watched:
    """An application that takes a second for each request and notes when which record was with it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.log: list[str] = []

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = json.loads(request.body or b"[]")
        names = "+".join(str(record["n"]) for record in (sent if isinstance(sent, list) else [sent]))
        self.log.append(f"> {names}")
        await self.service.clock.sleep(1)
        self.log.append(f"< {names}")
        return reply({"items": [{}] * 9})


LOCKS: list[tuple[int, str | None, str, list[str]]] = [
    (1, "{{record.k}}", "aab", ["> 0", "> 2", "< 0", "> 1", "< 2", "< 1"]),
    (1, None, "aab", ["> 0", "> 1", "> 2", "< 0", "< 1", "< 2"]),
    (1, "{{none}}", "aab", ["> 0", "> 1", "> 2", "< 0", "< 1", "< 2"]),
    (2, "{{record.k}}", "abcd", ["> 0+1", "> 2+3", "< 0+1", "< 2+3"]),
    (2, "{{record.k}}", "aabc", ["> 0", "> 3", "< 0", "> 1+2", "< 3", "< 1+2"]),
    (2, "{{record.k}}", "abca", ["> 0+1", "< 0+1", "> 2+3", "< 2+3"]),
]


@pytest.mark.parametrize(("size", "template", "keys", "log"), LOCKS)
async def test_records_with_one_key_go_one_after_another(
    service: Service, size: int, template: str | None, keys: str, log: list[str]
) -> None:
    """exports-imports.md 9.1: equal rendered values in order, others beside them; never two in one request. An empty one locks nothing."""
    application = service.application.answers = Watched(service)
    model = {**bulk(batchSize=size), **({"idLockTemplate": template} if template else {})}
    id = await created(service, concurrencyLevel=3)
    call = asyncio.create_task(service.run_import(id, model, [{"n": n, "k": k} for n, k in enumerate(keys)]))
    await service.clock.advance(10)
    assert [result["statusCode"] for result in await call] == [200] * len(keys)
    assert application.log == log


async def test_a_key_holds_across_positions(service: Service) -> None:
    """exports-imports.md 9.1: a record never overtakes one with its key that takes another position."""
    application = service.application.answers = Watched(service)
    model = {**bulk(**UPSERT), "idLockTemplate": "{{record.k}}"}
    data = [{"n": 0, "k": "a", "id": 1}, {"n": 1, "k": "a"}, {"n": 2, "k": "b"}, {"n": 3, "k": "c", "id": 1}]
    call = asyncio.create_task(service.run_import(await created(service), model, data))
    await service.clock.advance(10)
    await call
    assert application.log.index("< 0") < application.log.index("> 1+2")


async def test_a_lock_template_that_fails_fails_its_record(service: Service) -> None:
    """handlebars.md 6.6, contract.md 4.4."""
    model = {
        "http": {"relativeURI": ["/r"]},
        "idLockTemplate": '{{lookup "l" record.k}}',
        "lookups": [{"name": "l", "map": {"a": "b"}}],
    }
    good, failing = await service.run_import(await created(service), model, [{"k": "a"}, {"k": "z"}])
    assert good["statusCode"] == 200
    assert failing["errors"][0]["code"] == "lookup_no_match"


async def test_ten_thousand_records_in_batches(service: Service) -> None:
    """contract.md 1.15: one call; every result at its place."""
    service.application.answers = numbered
    model = bulk(batchSize=100)
    results = await service.run_import(await created(service), model, [{"n": n} for n in range(10_000)])
    assert [r["id"] for r in results] == [f"k{n}" for n in range(10_000)]
    assert len(service.application.sent) == 100
