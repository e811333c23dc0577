"""Lookup exports: what is asked about, once or once for each child (exports-imports.md 1.1, 3.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.exports import Exported
from tests.unit.engine.exporting import Service, reply, state_of

ORDER = {"no": "N 1", "lines": [{"sku": "A", "n": 2}, {"sku": "B", "n": 0}, {"sku": "C", "n": 1}]}


def stock(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """As many places as the article asks for, two a page."""
    if request.url.endswith("/names"):
        return reply({"A": "apple"})
    page, count = int(query.get("page", "1")), int(query.get("n", "1"))
    places = [f"{query.get('sku')}{number}" for number in range(1, count + 1)]
    return reply([{"place": place} for place in places[2 * page - 2 : 2 * page]])


def export(uri: str, **more: Any) -> Tree:
    """A lookup export with this address."""
    return {"isLookup": True, "http": {"relativeURI": uri, **more.pop("http", {})}, **more}


async def ask(service: Service, model: Tree, record: Any = None) -> Exported:
    """All records."""
    return await service.execute(model, data=None if record is None else json.dumps(record).encode())


def entry(generate: str, extract: str, **more: Any) -> Tree:
    """One mapping of version 2."""
    return {"generate": generate, "extract": extract, "dataType": "string", "status": "Active", **more}


MAPPED = {"mappings": [entry("key", "$.no"), entry("c", "$.no", lookupName="l")]}
MANY = {"oneToMany": True, "pathToMany": "lines"}
STATIC = {"lookups": [{"name": "l", "map": b'{"N 1":"one"}'}]}
ASKED: dict[str, tuple[Tree, list[str]]] = {
    "record and data": (export("/s?sku={{record.no}}-{{data.no}}-{{no}}"), ["/s?sku=N%201-N%201-N%201"]),
    "before the mapping": (export("/s?sku={{data._INITDATA.no}}"), ["/s?sku=N%201"]),
    "mapped first": (
        export("/s?sku={{record.key}}-{{record.no}}-{{data._INITDATA.no}}-{{record.c}}", **MAPPED, **STATIC),
        ["/s?sku=N%201--N%201-one"],
    ),
    "static lookups in templates": (export('/s?sku={{lookup "l" record.no}}', **STATIC), ["/s?sku=one"]),
    "the filter lets it pass": (export("/s", inputFilter={"rules": ["equals", ["extract", "no"], "N 1"]}), ["/s"]),
    "the filter does not": (export("/s", inputFilter={"rules": ["equals", ["extract", "no"], "N 2"]}), []),
    "one request per element": (
        export("/s?sku={{record.sku}}&no={{record._PARENT.no}}", **MANY),
        ["/s?sku=A&no=N%201", "/s?sku=B&no=N%201", "/s?sku=C&no=N%201"],
    ),
    "mapped elements keep their parent": (
        export("/s?sku={{record.s}}{{record.sku}}&no={{record._PARENT.no}}", mappings=[entry("s", "$.sku")], **MANY),
        ["/s?sku=A&no=N%201", "/s?sku=B&no=N%201", "/s?sku=C&no=N%201"],
    ),
    "scalars": (
        export("/s?sku={{record.value}}", oneToMany=True, pathToMany="lines[*].sku"),
        ["/s?sku=A", "/s?sku=B", "/s?sku=C"],
    ),
    "no such array": (export("/s", oneToMany=True, pathToMany="nope"), []),
    "without a path the switch means nothing": (export("/s", oneToMany=False, pathToMany="lines"), ["/s"]),
}


@pytest.mark.parametrize(("model", "asked"), ASKED.values(), ids=ASKED.keys())
async def test_requests(model: Tree, asked: list[str]) -> None:
    """exports-imports.md 3.4, handlebars.md 2.1: what the templates of the request see."""
    service = Service(stock)
    result = await ask(service, model, ORDER)
    assert (service.wire.asked, result.errors) == (asked, [])
    assert len(result.records) == len(asked)


async def test_answers_are_joined_in_order() -> None:
    """exports-imports.md 3.4: every element's pages, element by element; the same page by page with the state alone."""
    paging = {"method": "page", "page": 1}
    uri = "/s?sku={{record.sku}}&n={{record.n}}&page={{export.http.paging.page}}"
    model = export(uri, http={"paging": paging}, **MANY, pageSize=2)
    data = json.dumps({"lines": [{"sku": "A", "n": 3}, {"sku": "B", "n": 0}, {"sku": "C", "n": 2}]}).encode()
    places = ["A1", "A2", "A3", "C1", "C2"]
    whole = await Service(stock).execute(model, data=data)
    assert [json.loads(record)["place"] for record in whole.records] == places
    pages: list[list[str]] = []
    state: Tree | None = None
    while state is None or not state["done"]:
        result = await Service(stock).page(model, state, data=data)  # another process each time
        pages.append([json.loads(record)["place"] for record in result.records])
        state = state_of(result)
    assert pages == [["A1", "A2"], ["A3", "C1"], ["C2"]]


async def test_without_a_record_there_is_one_request() -> None:
    """A call without data asks about nothing in particular."""
    service = Service(stock)
    model = export("/s?sku={{record.sku}}", **MANY, inputFilter={"rules": ["or"]})
    assert len((await ask(service, model)).records) == 1
    assert service.wire.asked == ["/s?sku="]


async def test_an_element_that_cannot_be_asked_about() -> None:
    """It is in errors, once; the others are asked about."""
    mappings = [entry("sku", "$.sku"), entry("n", "$.sku", lookupName="l")]
    lookups = [{"name": "l", "map": b'{"A":"1","C":"1"}'}]
    service = Service(stock)
    model = export("/s?sku={{record.sku}}&n={{record.n}}", mappings=mappings, lookups=lookups, pageSize=1, **MANY)
    whole = await ask(service, model, ORDER)
    assert [json.loads(record)["place"] for record in whole.records] == ["A1", "C1"]
    assert [(p.code, p.source, p.message.split(":")[0]) for p in whole.errors] == [
        ("lookup_no_match", "lookup", "element 2")
    ]
    state: Tree | None = None
    told = []
    while state is None or not state["done"]:
        result = await service.page(model, state, data=json.dumps(ORDER).encode())
        told += result.errors
        state = state_of(result)
    assert told == whole.errors


async def test_a_page_that_the_filter_refuses_is_the_last() -> None:
    """exports-imports.md 5.3: nothing to ask about is the end."""
    service = Service(stock)
    result = await service.page(export("/s", inputFilter={"rules": ["or"]}), data=b'{"no":1}')
    assert (result.records, state_of(result)["done"], service.wire.asked) == ([], True, [])


async def test_dynamic_lookups_in_the_request() -> None:
    """exports-imports.md 12: {{lookup.name}} is asked for before the request."""
    lookup = {"name": "who", "relativeURI": "/names", "extract": "A", "allowFailures": True}
    service = Service(stock)
    model = export("/s?sku={{lookup.who}}&no={{record.sku}}", lookups=[lookup], **MANY)
    await ask(service, model, ORDER)
    assert service.wire.asked == [
        "/names",
        "/s?sku=apple&no=A",
        "/s?sku=apple&no=B",
        "/s?sku=apple&no=C",
    ]


async def test_a_lookup_that_fails_without_a_record_fails_the_export() -> None:
    """contract.md 2.6: there is nothing else that could be answered."""
    lookup = {"name": "who", "relativeURI": "/names", "extract": "nope"}
    with pytest.raises(InvalidContent) as error:
        await ask(Service(stock), export("/s?sku={{lookup.who}}", lookups=[lookup]))
    assert (error.value.problems[0].code, error.value.problems[0].source) == ("lookup_no_match", "lookup")
