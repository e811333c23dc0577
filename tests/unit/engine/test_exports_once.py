"""Telling the application of each record that was pulled (exports-imports.md 3.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from tests.unit.engine.exporting import FIRST, REST, SIGNED, Service, ids, orders, reply, seven_orders

ONCE = {"relativeURI": "/seen/{{record.id}}", "body": '{"id":{{record.id}},"at":"{{lastExportDateTime}}"}'}


class Shop:
    """Seven orders; notes callbacks and refuses some of them."""

    def __init__(self, refused: Mapping[str, Any] | None = None) -> None:
        self.refused = refused or {}
        self.told: list[tuple[str, str, bytes | None]] = []

    def __call__(self, request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        """An answer."""
        path = request.url.removeprefix("https://api.example.test")
        if not path.startswith("/seen"):
            return seven_orders(request, query)
        self.told.append((request.method, path, request.body))
        answer = self.refused.get(path, 200)
        if isinstance(answer, Exception):
            raise answer
        return reply({"error": "no"} if answer >= 400 else {}, answer)


def once(**more: Any) -> Tree:
    """The seven orders with callbacks."""
    http = {"once": {**ONCE, **more.pop("once", {})}, **more.pop("http", {})}
    return orders(type="once", http=http, **more)


async def test_one_callback_for_each_record() -> None:
    """The default is POST with the rendered body, sent before the answer."""
    shop = Shop()
    result = await Service(shop).execute(once())
    assert (ids(result), result.errors) == ([1, 2, 3, 4, 5, 6, 7], [])
    assert sorted(shop.told) == [
        ("POST", f"/seen/{n}", b'{"id":%d,"at":"1970-01-01T00:00:00.000Z"}' % n) for n in range(1, 8)
    ]


async def test_callbacks_of_a_page_are_those_of_its_raw_records() -> None:
    """Before the filter and of this page only; of a record that the transform loses as well."""
    shop = Shop()
    more = {"filter": {"expression": {"rules": ["equals", ["extract", "id"], 2]}}}
    service, export = Service(shop), once(pageSize=2, **more)
    first = await service.page(export)
    assert (ids(first), sorted(path for _, path, _ in shop.told)) == ([2], ["/seen/1", "/seen/2"])
    shop.told.clear()
    await service.page(export, first.state)
    assert sorted(path for _, path, _ in shop.told) == ["/seen/3", "/seen/4"]


async def test_a_failed_callback() -> None:
    """An entry in errors with source application for each, in order; the record stays."""
    broken = TransportFailure("connection_error", "reset", sent=True)
    shop = Shop({"/seen/2": 500, "/seen/5": broken, "/seen/6": 404})
    result = await Service(shop).execute(once(traceKeyTemplate="O-{{record.id}}"))
    assert ids(result) == [1, 2, 3, 4, 5, 6, 7]
    assert [(p.code, p.source) for p in result.errors] == [
        ("500", "application"),
        ("connection_error", "application"),
        ("404", "application"),
    ]
    assert result.errors[0].message.startswith("record 'O-2': the once callback failed: ")


async def test_refused_credentials_are_refused_once() -> None:
    """connections.md 6.2: nothing more is sent with them; every record says so."""
    shop = Shop({f"/seen/{n}": 401 for n in range(1, 8)})
    result = await Service(shop).execute(once(), to=SIGNED)  # one request at a time
    assert [p.code for p in result.errors] == ["401"] * 7
    assert (len(ids(result)), len(shop.told)) == (7, 1)


async def test_a_get_has_no_body() -> None:
    """As of exports: a GET sends no body."""
    shop = Shop()
    await Service(shop).execute(once(once={"method": "GET"}))
    assert {(method, body) for method, _, body in shop.told} == {("GET", None)}


async def test_a_callback_in_the_rest_notation() -> None:
    """exports-imports.md 1.4: postBody is its body."""
    shop = Shop()
    block = {
        "relativeURI": "/orders?page=1",
        "resourcePath": "orders",
        "once": {"relativeURI": "/seen", "method": "PUT", "postBody": "{{record.id}}"},
    }
    await Service(shop).execute({"type": "once", "rest": block}, to=REST)
    assert shop.told == [("PUT", "/seen", b"1"), ("PUT", "/seen", b"2"), ("PUT", "/seen", b"3")]


async def test_a_form() -> None:
    """exports-imports.md 2.1: a JSON template is form-encoded where the media type says so."""
    shop = Shop()
    http = {"requestMediaType": "urlencoded"}
    await Service(shop).execute(once(http=http, once={"body": '{"id":{{record.id}}}'}))
    assert shop.told[0][2] == b"id=1"


async def test_an_export_that_is_refused_tells_nothing() -> None:
    """contract.md 2.6: what is not answered was not pulled."""

    def endless(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        assert not request.url.endswith("/seen/1")
        start = 4000 * int(query["page"])
        return reply({"orders": [{"id": n} for n in range(start, start + 4000)]})

    with pytest.raises(InvalidContent):
        await Service(endless).execute(once())


async def test_secrets_in_what_the_application_says() -> None:
    """contract.md 1.7: a message shows none; the record itself passes untouched."""

    def leaking(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return reply({"id": 1}) if request.method == "GET" else reply({"bad": 1}, 400)

    result = await Service(leaking).execute({"type": "once", "http": {"relativeURI": "/", "once": ONCE}}, to=FIRST)
    assert json.loads(result.records[0]) == {"id": 1}
    assert result.errors[0].message == 'record 1: the once callback failed: {"bad": 1}'
