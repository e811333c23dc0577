"""The steps of an import: filter, transform, children, mapping, what the application said, each record for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpRequest, HttpResponse
from tests.unit.engine.serving import Service, http, reply


async def created(service: Service, **block: Any) -> str:
    """The id of a stored connection."""
    return str((await service.create(http(**block))).tree["_id"])


def echo(request: HttpRequest) -> HttpResponse:
    """An application that answers with what it was sent, under its URL."""
    sent = json.loads(request.body) if request.body else None
    return reply({"at": request.url.removeprefix("https://api.example.test"), "got": sent})


def expression(rules: Any) -> dict[str, Any]:
    """A filter."""
    return {"type": "expression", "expression": {"version": "1", "rules": rules}}


def rules_one(*rules: tuple[str, str]) -> dict[str, Any]:
    """A transform of version 1."""
    pairs = [{"extract": extract, "generate": generate} for extract, generate in rules]
    return {"type": "expression", "expression": {"version": "1", "rules": [pairs]}}


def rules_two(mode: str, *mappings: tuple[str, str], lookups: Any = ()) -> dict[str, Any]:
    """A transform of version 2."""
    entries = [{"generate": g, "dataType": "string", "extract": e, "status": "Active"} for g, e in mappings]
    inner = {"mode": mode, "mappings": entries, "lookups": list(lookups)}
    return {"type": "expression", "expression": {"version": "2", "rulesTwoDotZero": inner}}


PLAIN: dict[str, Any] = {"http": {"relativeURI": ["/r"]}}
OPEN = expression(["equals", ["extract", "status"], "open"])
IGNORED = {"statusCode": 200, "ignored": True}


def fine(at: str, got: Any, **more: Any) -> dict[str, Any]:
    """The result of a record that ``echo`` took."""
    return {"statusCode": 200, "_json": {"at": at, "got": got}, **more}


def failed(code: str, source: str) -> dict[str, Any]:
    """The result of a record that failed; messages are compared elsewhere."""
    return {"statusCode": 422, "errors": [{"code": code, "source": source}]}


MAPPED = {"mapping": {"fields": [{"extract": "n", "generate": "m"}]}}
ROWS: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("a filter", {**PLAIN, "filter": OPEN}, [{"status": "open"}, {"status": "x"}], [fine("/r", {"status": "open"}), IGNORED]),
    ("no rules: all pass", {**PLAIN, "filter": expression([])}, [{"a": 1}], [fine("/r", {"a": 1})]),
    ("the filter sees the record before the transform", {**PLAIN, "filter": OPEN, "transform": rules_one(("id", "key"))}, [{"status": "open", "id": 7}, {"key": 1}], [fine("/r", {"key": 7}), IGNORED]),
    ("URI and mapping see it after", {"http": {"relativeURI": ["/{{record.n}}"]}, "transform": rules_one(("id", "n")), **MAPPED}, [{"id": 7}], [fine("/7", {"m": 7})]),
    ("modify", {**PLAIN, "transform": rules_two("modify", ("name", "{{uppercase record.name}}"))}, [{"id": 5, "name": "x"}], [fine("/r", {"id": 5, "name": "X"})]),
    ("existence sees it after the transform", {"http": {"relativeURI": ["/r"], "existingExtract": "key"}, "ignoreExisting": True, "transform": rules_one(("id", "key"))}, [{"id": 7}, {"key": 7}], [IGNORED, fine("/r", {})]),
    ("responseTransform", {**PLAIN, "responseTransform": rules_one(("got.a", "b"), ("at", "path"))}, [{"a": 1}], [{"statusCode": 200, "_json": {"b": 1, "path": "/r"}}]),
    ("sendPostMappedData", {"http": {"relativeURI": ["/r"], "sendPostMappedData": False}, **MAPPED}, [{"n": 1}], [fine("/r", {"n": 1})]),
    ("ignoreEmptyNodes", {"http": {"relativeURI": ["/r"], "ignoreEmptyNodes": True}}, [{"a": {"b": []}, "c": 0}], [fine("/r", {"c": 0})]),
    ("settings in a filter", {**PLAIN, "settings": {"min": 3}, "filter": expression(["greaterthan", ["extract", "n"], ["settings", "import.min"]])}, [{"n": 4}, {"n": 2}], [fine("/r", {"n": 4}), IGNORED]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "data", "expected"), ROWS, ids=[row[0] for row in ROWS])
async def test_the_order_of_the_steps(
    service: Service, name: str, model: dict[str, Any], data: list[Any], expected: list[Any]
) -> None:
    """exports-imports.md 13."""
    service.application.answers = echo
    assert await service.run_import(await created(service), model, data) == expected


async def test_a_record_that_fails_in_a_step_fails_alone(service: Service) -> None:
    """exports-imports.md 13: the others go on; the source names the step."""
    service.application.answers = echo
    qty = {"generate": "q", "dataType": "number", "extract": "$.q", "status": "Active"}
    transform = {"expression": {"version": "2", "rulesTwoDotZero": {"mode": "modify", "mappings": [qty]}}}
    model = {
        **PLAIN,
        "transform": transform,
        "mapping": {"fields": [{"extract": "n", "generate": "n", "dataType": "number"}]},
        "dataURITemplate": "/{{record.n}}",
    }
    data = [{"n": 1, "q": "2"}, {"n": 2, "q": "x"}, {"n": "y", "q": 1}, {"n": 4}]
    results = await service.run_import(await created(service), model, data)
    assert [result["statusCode"] for result in results] == [200, 422, 422, 200]
    assert [(r["errors"][0]["source"], r["dataURI"]) for r in results[1:3]] == [
        ("transformation", "/2"),
        ("mapping", "/y"),
    ]
    assert len(service.application.sent) == 2


async def test_a_response_transform_that_fails_leaves_the_answer(service: Service) -> None:
    """exports-imports.md 13: the record is in the application already; its result keeps the answer and tells the error."""
    service.application.answers = lambda request: reply({"id": 7, "n": "x"})
    entry = {"generate": "n", "dataType": "number", "extract": "$.n", "status": "Active"}
    transform = {"expression": {"version": "2", "rulesTwoDotZero": {"mode": "create", "mappings": [entry]}}}
    (result,) = await service.run_import(await created(service), {**PLAIN, "responseTransform": transform}, [{}])
    assert (result["statusCode"], result["id"], result["_json"]) == (200, "7", {"id": 7, "n": "x"})
    assert result["errors"][0]["source"] == "transformation"


async def test_records_that_nothing_looks_at_are_never_decoded(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D1: proved with a counter; templates without the record, of the connection too, do not count as looking."""
    id = await created(service, headers=[{"name": "X-A", "value": "{{connection.name}}"}])
    decoded = []
    loads = jsonvalue.loads

    def counting(data: Any, **more: Any) -> Any:
        if b"9007199254740993" in bytes(data if isinstance(data, bytes) else data.encode()):
            decoded.append(data)
        return loads(data, **more)

    monkeypatch.setattr(jsonvalue, "loads", counting)
    record = b'{"big":9007199254740993 }'
    for model, looks in (
        (PLAIN, False),
        ({"http": {"relativeURI": ["/{{settings.import.a}}"], "headers": [{"name": "Y", "value": "{{import.name}}"}]}}, False),
        ({"http": {"relativeURI": ["/{{record.big}}"]}}, True),
        ({**PLAIN, "filter": expression(["notempty", ["extract", "big"]])}, True),
    ):  # fmt: skip
        decoded.clear()
        service.application.sent.clear()
        await service.run_import(id, model, b"[" + record + b"]")
        assert bool(decoded) is looks
        assert service.application.sent[0].body == record


# -- exports-imports.md 9.8 ------------------------------------------------------------------------------------------------

MANY: dict[str, Any] = {
    "oneToMany": True,
    "pathToMany": "lines",
    "http": {"relativeURI": ["/o/{{record._PARENT.orderId}}/{{record.sku}}"]},
}
ORDER = {"orderId": 9, "lines": [{"sku": "A"}, {"sku": "B"}]}
CHILDREN: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("bodies without _PARENT", MANY, ORDER, {"statusCode": 200, "_json": [{"at": "/o/9/A", "got": {"sku": "A"}}, {"at": "/o/9/B", "got": {"sku": "B"}}]}),
    ("unless mapped", {**MANY, "mapping": {"fields": [{"extract": "sku", "generate": "s"}, {"extract": "_PARENT.orderId", "generate": "o"}]}}, ORDER, {"statusCode": 200, "_json": [{"at": "/o/9/A", "got": {"s": "A", "o": 9}}, {"at": "/o/9/B", "got": {"s": "B", "o": 9}}]}),
    ("a body template sees _PARENT", {**MANY, "http": {"relativeURI": ["/o"], "body": ['{"s":"{{record.s}}","o":{{record._PARENT.orderId}}}']}, "mapping": {"fields": [{"extract": "sku", "generate": "s"}]}}, ORDER, {"statusCode": 200, "_json": [{"at": "/o", "got": {"s": "A", "o": 9}}, {"at": "/o", "got": {"s": "B", "o": 9}}]}),
    ("a member of that name is the child's own", {**MANY, "http": {"relativeURI": ["/{{record._PARENT}}"]}}, {"lines": [{"_PARENT": 5}]}, {"statusCode": 200, "_json": [{"at": "/5", "got": {"_PARENT": 5}}]}),
    ("not in the body with ignoreEmptyNodes", {**MANY, "http": {"relativeURI": ["/o"], "ignoreEmptyNodes": True}}, {"orderId": 9, "lines": [{"sku": "A", "x": ""}]}, {"statusCode": 200, "_json": [{"at": "/o", "got": {"sku": "A"}}]}),
    ("no children", MANY, {"orderId": 9, "lines": []}, IGNORED),
    ("no array", MANY, {"orderId": 9}, IGNORED),
    ("null", MANY, {"orderId": 9, "lines": None}, IGNORED),
    ("one object", MANY, {"orderId": 9, "lines": {"sku": "A"}}, {"statusCode": 200, "_json": [{"at": "/o/9/A", "got": {"sku": "A"}}]}),
    ("scalars", MANY, {"orderId": 9, "lines": ["A"]}, {"statusCode": 200, "_json": [{"at": "/o/9/", "got": {"value": "A"}}]}),
    ("some ignored", {**MANY, "ignoreExisting": True, "http": {**MANY["http"], "existingExtract": "id"}}, {"orderId": 9, "lines": [{"sku": "A", "id": 1}, {"sku": "B"}]}, {"statusCode": 200, "_json": [None, {"at": "/o/9/B", "got": {"sku": "B"}}]}),
    ("all ignored", {**MANY, "ignoreExisting": True, "http": {**MANY["http"], "existingExtract": "id"}}, {"orderId": 9, "lines": [{"id": 1}]}, IGNORED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "record", "expected"), CHILDREN, ids=[row[0] for row in CHILDREN])
async def test_one_to_many(service: Service, name: str, model: dict[str, Any], record: Any, expected: Any) -> None:
    """exports-imports.md 9.8."""
    service.application.answers = echo
    (result,) = await service.run_import(await created(service), model, [record])
    assert result == expected


async def test_the_children_of_a_record_fail_and_succeed_for_themselves(service: Service) -> None:
    """exports-imports.md 9.8: the highest status, the first id, all errors; other records are not touched."""

    def answers(request: HttpRequest) -> HttpResponse:
        if request.url.endswith("B"):
            return reply({"why": "no"}, 400)
        return reply({} if request.url.endswith("A") else {"id": request.url[-1]})

    service.application.answers = answers
    lines = [{"sku": sku} for sku in "ABCD"]
    model = {**MANY, "dataURITemplate": "/{{record.sku}}"}
    data = [{"lines": lines}, {"lines": [{"sku": "E"}]}]
    first, second = await service.run_import(await created(service), model, data)
    assert first == {
        "statusCode": 422,
        "id": "C",
        "_json": [{}, {"why": "no"}, {"id": "C"}, {"id": "D"}],
        "errors": [{"code": "400", "message": '{"why": "no"}', "source": "application"}],
        "dataURI": "/B",
    }
    assert second == {"statusCode": 200, "id": "E", "_json": [{"id": "E"}]}


async def test_mapping_alone_gives_one_element_per_child(service: Service) -> None:
    """contract.md 2.11: in order; without rules the children as they are; failures by the number of the record."""
    id = await created(service)
    data = [ORDER, {"lines": []}, {"orderId": 1, "lines": [{"sku": "C"}]}]
    fields = [{"extract": "sku", "generate": "s"}, {"extract": "_PARENT.orderId", "generate": "o"}]
    mapped = await service.map(id, {**MANY, "mapping": {"fields": fields}}, data)
    assert mapped == [{"s": "A", "o": 9}, {"s": "B", "o": 9}, {"s": "C", "o": 1}]
    assert await service.map(id, MANY, data) == [{"sku": "A"}, {"sku": "B"}, {"sku": "C"}]


# -- exports-imports.md 9.3 ------------------------------------------------------------------------------------------------

RECORD = {"a": "x y", "b": {"c": 2}, "d": ["e"]}
BODIES: list[tuple[str, dict[str, Any], Any, str, str]] = [
    ("json", {}, RECORD, '{"a":"x y","b":{"c":2},"d":["e"]}', "application/json"),
    ("urlencoded", {"requestMediaType": "urlencoded"}, RECORD, "a=x+y&b[c]=2&d[0]=e", "application/x-www-form-urlencoded"),
    ("xml", {"requestMediaType": "xml"}, RECORD, "<record><a>x y</a><b><c>2</c></b><d>e</d></record>", "application/xml"),
    ("csv", {"requestMediaType": "csv"}, {"a": "x,y", "b": 1}, 'a,b\n"x,y",1\n', "text/csv"),
    ("plain text of one member", {"requestMediaType": "plaintext"}, {"a": "x y"}, "x y", "text/plain; charset=utf-8"),
    ("a JSON template as a form", {"requestMediaType": "urlencoded", "body": ['{"k":"{{record.a}}"}']}, RECORD, "k=x+y", "application/x-www-form-urlencoded"),
    ("a template of a form", {"requestMediaType": "urlencoded", "body": ["k={{record.a}}"]}, RECORD, "k=x+y", "application/x-www-form-urlencoded"),
    ("a template of XML", {"requestMediaType": "xml", "body": ["<a>{{record.a}}</a>"]}, {"a": "<"}, "<a>&lt;</a>", "application/xml"),
    ("an XML batch", {"requestMediaType": "xml", "batchSize": 2, "response": {"resourcePath": ["r"]}}, {"a": 1}, "<records><record><a>1</a></record></records>", "application/xml"),
    ("a CSV batch", {"requestMediaType": "csv", "batchSize": 2, "response": {"resourcePath": ["r"]}}, {"a": 1}, "a\n1\n", "text/csv"),
    ("a JSON batch of one", {"batchSize": 2, "response": {"resourcePath": ["r"]}}, {"a": 1}, '[{"a":1}]', "application/json"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "block", "record", "body", "content_type"), BODIES, ids=[row[0] for row in BODIES])
async def test_bodies_by_media_type(
    service: Service, name: str, block: dict[str, Any], record: Any, body: str, content_type: str
) -> None:
    """exports-imports.md 9.3, connections.md 13.3."""
    data = json.dumps([record], separators=(",", ":")).encode()
    await service.run_import(await created(service), {"http": {"relativeURI": ["/r"], **block}}, data)
    (request,) = service.application.sent
    assert (request.body or b"").decode() == body
    assert request.headers.get("Content-Type") == content_type


async def test_form_data_has_a_part_for_each_member(service: Service) -> None:
    """exports-imports.md 9.3: objects and arrays as JSON text; the boundary is in the header."""
    await service.run_import(
        await created(service), {"http": {"relativeURI": ["/r"], "requestMediaType": "form-data"}}, [RECORD]
    )
    (request,) = service.application.sent
    boundary = (request.headers.get("Content-Type") or "").partition("boundary=")[2]
    parts = (request.body or b"").decode().split(f"--{boundary}")
    assert [part.strip().partition("\r\n\r\n")[2] for part in parts[1:-1]] == ["x y", '{"c":2}', '["e"]']


async def test_a_record_that_a_format_cannot_hold_fails_alone(service: Service) -> None:
    """exports-imports.md 9.3, contract.md 4.4."""
    model = {"http": {"relativeURI": ["/r"], "requestMediaType": "urlencoded"}}
    good, bad = await service.run_import(await created(service), model, [{"a": 1}, [{"a": 1}]])
    assert good["statusCode"] == 200
    assert (bad["statusCode"], bad["errors"][0]["code"]) == (422, "invalid_field")
    assert len(service.application.sent) == 1


ANSWERS: list[tuple[str, dict[str, Any], bytes, str, dict[str, Any]]] = [
    ("xml", {}, b"<customer><id>77</id><name>Ada</name></customer>", "application/xml", {"id": "77", "_json": {"id": "77", "name": "Ada"}}),
    ("xml, resource", {"resourcePath": ["/r/c"]}, b"<r><c><id>7</id></c></r>", "text/xml", {"id": "7", "_json": {"id": "7"}}),
    ("xml, XPath to the id", {"resourceIdPath": ["/r/c/@key"]}, b'<r><c key="k"/></r>', "text/xml", {"id": "k", "_json": {"c": {"@key": "k"}}}),
    ("xml of text only", {}, b"<id>7</id>", "text/xml", {"_json": {"_raw": "<id>7</id>"}}),
    ("broken xml", {}, b"<id>", "text/xml", {"_json": {"_raw": "<id>"}}),
    ("csv", {"resourceIdPath": ["id"]}, b"id,n\n7,x\n", "text/csv", {"id": "7", "_json": [{"id": "7", "n": "x"}]}),
    ("urlencoded", {}, b"id=7&n=x", "application/x-www-form-urlencoded", {"id": "7", "_json": {"id": "7", "n": "x"}}),
    ("plain text", {}, b"OK", "text/plain", {"_json": {"_raw": "OK"}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "response", "body", "kind", "expected"), ANSWERS, ids=[row[0] for row in ANSWERS])
async def test_answers_by_media_type(
    service: Service, name: str, response: dict[str, Any], body: bytes, kind: str, expected: dict[str, Any]
) -> None:
    """exports-imports.md 9.5, contract.md 4.4: the parsed body; text and what does not parse as ``_raw``."""

    def answers(request: HttpRequest) -> HttpResponse:
        answer = reply(body)
        answer.headers.set("Content-Type", kind)
        return answer

    service.application.answers = answers
    model = {"http": {"relativeURI": ["/r"], "response": response}}
    assert await service.run_import(await created(service), model, [{}]) == [{"statusCode": 200, **expected}]
