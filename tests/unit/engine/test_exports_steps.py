"""What happens with the records of an answer: transform, filter, data URIs, errors (exports-imports.md 6, 7, 8)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.exports import Exported
from tests.unit.engine.exporting import Answers, Service, ids, orders, reply, state_of

FIELDS = {"extract": "id", "generate": "key"}


def transform(*rules: Tree) -> Tree:
    """A transform of version 1."""
    return {"transform": {"expression": {"version": "1", "rules": [list(rules)]}}}


def rules(*expression: Any) -> Tree:
    """A filter."""
    return {"filter": {"type": "expression", "expression": {"version": "1", "rules": list(expression)}}}


def entry(generate: str, extract: str, kind: str = "string", **more: Any) -> Tree:
    """One mapping of version 2."""
    return {"generate": generate, "extract": extract, "dataType": kind, "status": "Active", **more}


def answering(*records: Any) -> Answers:
    """An application with these orders on one page."""

    def answers(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return reply({"orders": list(records)})

    return answers


def plain(**more: Any) -> Tree:
    """An export with one request."""
    return {"http": {"relativeURI": "/orders", "response": {"resourcePath": "orders"}}, **more}


def values(result: Exported) -> list[Any]:
    """The records, decoded."""
    return [json.loads(record) for record in result.records]


GROUPED = [{"o": 1, "s": "A"}, {"o": 1, "s": "B"}]
MODIFY = {
    "transform": {
        "type": "expression",
        "expression": {
            "version": "2",
            "rulesTwoDotZero": {"mode": "modify", "mappings": [entry("name", "{{uppercase record.name}}")]},
        },
    }
}
RECORDS: dict[str, tuple[Any, Tree, list[Any]]] = {
    "6, version 1": (
        {"id": 5, "ship": {"no": "S1"}, "x": 0},
        transform(FIELDS, {"extract": "ship.no", "generate": "shipment.number"}, {"extract": "nope", "generate": "n"}),
        [{"key": 5, "shipment": {"number": "S1"}}],
    ),
    "6, grouped rows": (
        GROUPED,
        transform({"extract": "o", "generate": "order"}, {"extract": "*.s", "generate": "lines[*].sku"}),
        [{"order": 1, "lines": [{"sku": "A"}, {"sku": "B"}]}],
    ),
    "6, brackets": (
        {"Internal ID": 3, "list": [{"a": 1}, {"a": 2}]},
        transform({"extract": "[Internal ID]", "generate": "id"}, {"extract": "list[0].a", "generate": "first"}),
        [{"id": 3, "first": 1}],
    ),
    "6, version 2, modify": ({"id": 5, "name": "x"}, MODIFY, [{"id": 5, "name": "X"}]),
    "6, older place of the rules": (
        {"id": 1},
        {"transform": {"version": "1", "rules": [[FIELDS]]}},
        [{"key": 1}],
    ),
    "7, passes": ({"status": "Open"}, rules("equals", ["extract", "status"], "Open"), [{"status": "Open"}]),
    "7, does not": ({"status": "Open"}, rules("equals", ["extract", "status"], "open"), []),
    "7, settings of the connection": (
        {"region": "eu"},
        rules("equals", ["extract", "region"], ["settings", "connection.region"]),
        [{"region": "eu"}],
    ),
    "7, settings of the export": (
        {"n": 5},
        {"settings": b'{"min":6}', **rules("lessthan", ["extract", "n"], ["settings", "export.min"])},
        [{"n": 5}],
    ),
    "7, context": (
        {"at": "1970-01-01T00:00:00.000Z"},
        rules("equals", ["extract", "at"], ["context", "lastExportDateTime"]),
        [{"at": "1970-01-01T00:00:00.000Z"}],
    ),
    "8, the filter sees what the transform made": (
        {"id": 7},
        {**transform(FIELDS), **rules("equals", ["extract", "key"], 7)},
        [{"key": 7}],
    ),
    "12, static lookups of the document": (
        {"c": "USA"},
        {
            "lookups": [{"name": "iso", "map": b'{"USA":"US"}'}],
            "transform": {
                "expression": {
                    "version": "2",
                    "rulesTwoDotZero": {"mappings": [entry("c", "$.c", lookupName="iso")]},
                }
            },
        },
        [{"c": "US"}],
    ),
}


@pytest.mark.parametrize(("record", "more", "expected"), RECORDS.values(), ids=RECORDS.keys())
async def test_records(record: Any, more: Tree, expected: list[Any]) -> None:
    """exports-imports.md 6, 7, 8: the same over both ways to pull."""
    service = Service(answering(record))
    assert values(await service.execute(plain(**more))) == expected
    page = await service.page(plain(**more))
    assert values(page) == expected
    assert state_of(page)["done"] is True
    assert page.errors == []


async def test_data_uris_are_of_the_records_that_are_left() -> None:
    """exports-imports.md 8: rendered after transform and filter."""
    more = {**transform(FIELDS), **rules("notequals", ["extract", "key"], 2), "dataURITemplate": "/o/{{record.key}}"}
    result = await Service(answering({"id": 1}, {"id": 2}, {"id": 3})).execute(plain(**more))
    assert (values(result), result.data_uris) == ([{"key": 1}, {"key": 3}], ["/o/1", "/o/3"])


NUMBER = {
    "transform": {
        "expression": {"version": "2", "rulesTwoDotZero": {"mode": "modify", "mappings": [entry("n", "$.n", "number")]}}
    }
}
NO_MATCH = {
    "lookups": [{"name": "iso", "map": b"{}"}],
    "transform": {
        "expression": {"version": "2", "rulesTwoDotZero": {"mappings": [entry("n", "$.n", lookupName="iso")]}}
    },
}


@pytest.mark.parametrize(
    ("more", "code", "source", "name"),
    [
        (NUMBER, "mapping_error", "transformation", "record 2: "),
        ({**NUMBER, "traceKeyTemplate": "no. {{record.n}}"}, "mapping_error", "transformation", "record 'no. x': "),
        ({**NUMBER, "traceKeyTemplate": "{{record.nope}}"}, "mapping_error", "transformation", "record 2: "),
        (rules("matches", ["extract", "n"], ["string", ["extract", "p"]]), "invalid_filter", "output_filter", "record 2: "),
    ],
)  # fmt: skip
async def test_a_record_that_fails(more: Tree, code: str, source: str, name: str) -> None:
    """exports-imports.md 6: it is in errors and not in data, whoever else fails; the message names it."""
    service = Service(answering({"n": "1", "p": "1"}, {"n": "x", "p": "("}, {"n": "3", "p": "3"}))
    for call in (service.execute(plain(**more)), service.page(plain(**more))):
        result = await call
        (problem,) = result.errors
        assert (problem.code, problem.source) == (code, source)
        assert problem.message.startswith(name)
        assert [str(value["n"]) for value in values(result)] == ["1", "3"]


async def test_a_lookup_without_a_match() -> None:
    """exports-imports.md 12: the source is the lookup."""
    result = await Service(answering({"n": "x"})).execute(plain(**NO_MATCH))
    assert [(p.code, p.source) for p in result.errors] == [("lookup_no_match", "lookup")]
    assert result.records == []


def shop(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """Orders of two customers, and customers one by one; nobody knows the third."""
    if request.url.split("/")[3].startswith("customers"):
        return reply({"name": f"<{query['id']}>"}) if query["id"] != "c3" else reply({}, 404)
    return reply({"orders": [{"id": n, "customer": f"c{(n - 1) % 3 + 1}"} for n in range(1, 7)]})


async def test_dynamic_lookups_of_a_transform() -> None:
    """exports-imports.md 12: one request per record, equal ones once; no match fails that record alone."""
    lookup = {"name": "who", "relativeURI": "/customers?id={{record.customer}}", "extract": "name"}
    mappings = [entry("id", "$.id", "number"), entry("who", "$.customer", lookupName="who")]
    inner = {"version": "2", "rulesTwoDotZero": {"mappings": mappings, "lookups": [lookup]}}
    service = Service(shop)
    result = await service.execute(plain(transform={"expression": inner}))
    assert values(result) == [{"id": n, "who": f"<c{(n - 1) % 3 + 1}>"} for n in (1, 2, 4, 5)]
    assert [(p.code, p.source) for p in result.errors] == [("lookup_no_match", "lookup")] * 2
    assert sorted(service.wire.asked) == ["/customers?id=c1", "/customers?id=c2", "/customers?id=c3", "/orders"]


async def test_a_refused_lookup_ends_the_call() -> None:
    """connections.md 6.2: credentials that are refused are no matter of one record."""

    def refused(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return reply({}, 401) if query else reply({"orders": [{"customer": "c"}]})

    lookup = {"name": "who", "relativeURI": "/customers?id={{record.customer}}"}
    inner = {"version": "2", "rulesTwoDotZero": {"mappings": [entry("w", "$.customer", lookupName="who")]}}
    with pytest.raises(ApplicationFailure) as error:
        await Service(refused).execute(plain(lookups=[lookup], transform={"expression": inner}))
    assert (error.value.problems[0].code, error.value.problems[0].source) == ("401", "connection")


async def test_the_page_size_counts_raw_records() -> None:
    """exports-imports.md 5.2: a page may be short, even empty, before the end; pageSize is before the filter."""
    more = rules("greaterthan", ["extract", "id"], 4)
    service, export = Service(), orders(pageSize=3, **more)
    pages: list[list[int]] = []
    state: Tree | None = None
    while state is None or not state["done"]:
        result = await service.page(export, state)
        pages.append(ids(result))
        state = state_of(result)
    assert pages == [[], [5, 6], [7]]


async def test_a_test_export_counts_raw_records() -> None:
    """exports-imports.md 3.3: the limit is before the filter."""
    more = rules("greaterthan", ["extract", "id"], 1)
    assert ids(await Service().execute(orders(type="test", test={"limit": 3}, **more))) == [2, 3]


MARK = b'"sku"'
EXACT = b'{"orders":[{"id":12345678901234567890123,"sku":"A","d":1.50,"d":1.0e2},{"sku":"B\\ud800","id":1}]}'


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every record that is decoded."""
    found: list[bytes] = []
    real: Callable[..., Any] = jsonvalue.loads

    def counting(data: Any, **options: Any) -> Any:
        if MARK in bytes(data, "utf-8") if isinstance(data, str) else MARK in data:
            found.append(data)
        return real(data, **options)

    monkeypatch.setattr(jsonvalue, "loads", counting)
    return found


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 0),
        (transform(), 0),
        (rules(), 0),
        ({"traceKeyTemplate": "{{record.id}}"}, 0),
        (rules("and"), 2),
        ({**rules("and"), "dataURITemplate": "{{record.id}}"}, 2),
        ({"dataURITemplate": "{{record.id}}"}, 2),
        ({**transform(FIELDS), **rules("and"), "dataURITemplate": "{{record.key}}"}, 2),
    ],
)
async def test_what_nobody_looks_at_is_never_decoded(decoded: list[bytes], more: Tree, count: int) -> None:
    """exports-imports.md 2.2: what nothing rewrites passes byte for byte, and each record is decoded at most once."""
    service = Service(lambda request, query: reply(EXACT))
    for call in (service.execute(plain(**more)), service.page(plain(**more))):
        decoded.clear()
        result = await call
        assert len(decoded) == count
        if "transform" not in more or not more["transform"]["expression"]["rules"][0]:
            assert b",".join(result.records) == EXACT[len(b'{"orders":[') : -2]
