"""The worked examples and stop rules of paging (exports-imports.md 4), played by a scripted application."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure, InvalidContent
from tests.unit.executors.exporting import (
    EXAMPLES,
    NOT_FOUND,
    PAGE_URI,
    TOKEN_URI,
    exporter_of,
    fetch,
    fetch_by_position,
    http,
    ids,
    orders,
)
from tests.unit.scripted import Reply, Script


@pytest.mark.parametrize(("export", "steps", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_worked_example(export: Tree, steps: list[tuple[str, Reply]], expected: list[list[int]]) -> None:
    """exports-imports.md 4.3, 4.4: these requests, no more, and these records."""
    pages, _ = await fetch(export, steps)
    assert ids(pages) == expected


@pytest.mark.parametrize(("export", "steps", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_position_alone_leads_on(
    export: Tree, steps: list[tuple[str, Reply]], expected: list[list[int]]
) -> None:
    """exports-imports.md 5.2: another process with nothing but the position makes the same requests."""
    assert ids(await fetch_by_position(export, steps)) == expected


@pytest.mark.parametrize(("export", "steps", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_page_can_be_fetched_again(
    export: Tree, steps: list[tuple[str, Reply]], expected: list[list[int]]
) -> None:
    """exports-imports.md 5.2 rule 1: the position of a page repeats its request, and that is no loop."""
    pages, _ = await fetch(export, steps)
    for page, step in zip(pages, steps, strict=True):
        exporter, tree = exporter_of(export)
        again = Script([step])
        stream = exporter.pages(again.run(tree), page.position, whole_run=False)
        repeated = await anext(stream)
        await stream.aclose()
        assert (repeated.records, repeated.following) == (page.records, page.following)


async def failing(export: Tree, steps: list[tuple[str, Reply]], *, whole_run: bool = True) -> tuple[str, Script]:
    """The code of the failure, and the script as far as it was played."""
    exporter, tree = exporter_of(export)
    script = Script(steps)
    with pytest.raises(ApplicationFailure) as error:
        async for _ in exporter.pages(script.run(tree), None, whole_run=whole_run):
            pass
    assert error.value.problems[0].source == "application"
    return error.value.problems[0].code, script


@pytest.mark.parametrize(
    ("paging", "steps"),
    [
        ({}, [("GET /orders?page=0&size=2", orders(1)), ("GET /orders?page=1&size=2", NOT_FOUND)]),
        (
            {"lastPageStatusCode": 400},
            [("GET /orders?page=0&size=2", orders(1)), ("GET /orders?page=1&size=2", Reply(status=400))],
        ),
        ({"lastPageStatusCode": 204}, [("GET /orders?page=0&size=2", Reply(status=204))]),
        ({"lastPageStatusCode": 404}, [("GET /orders?page=0&size=2", NOT_FOUND)]),
    ],
)
async def test_the_status_that_ends(paging: Tree, steps: list[tuple[str, Reply]]) -> None:
    """Rule 1: 404 from the second request on, the configured status from the first one on; never an error."""
    pages, _ = await fetch(http(PAGE_URI, {"method": "page", **paging}), steps)
    assert pages[-1].records == []


@pytest.mark.parametrize(
    ("paging", "steps", "code"),
    [
        ({}, [("GET /orders?page=0&size=2", NOT_FOUND)], "404"),
        (
            {"lastPageStatusCode": 400},
            [("GET /orders?page=0&size=2", orders(1)), ("GET /orders?page=1&size=2", NOT_FOUND)],
            "404",
        ),
        ({}, [("GET /orders?page=0&size=2", orders(1)), ("GET /orders?page=1&size=2", Reply(status=500))], "500"),
    ],
)
async def test_the_status_that_fails(paging: Tree, steps: list[tuple[str, Reply]], code: str) -> None:
    """Rule 1 does not hold for the first request when nothing is configured, nor for any other status (contract.md 1.16)."""
    assert (await failing(http(PAGE_URI, {"method": "page", **paging}), steps))[0] == code


@pytest.mark.parametrize(
    ("marker", "values"),
    [
        ({"last": True}, ["true"]),
        ({"last": "END"}, ["no", "END"]),
        ({"last": None}, ["null"]),
        ({"last": 1}, ["1"]),
    ],
)
async def test_a_marker_in_the_body_ends(marker: dict[str, Any], values: list[str]) -> None:
    """Rule 2: the text of the value counts, the records of the answer are kept, nothing more is asked."""
    paging = {"method": "page", "lastPagePath": "last", "lastPageValues": values}
    pages, _ = await fetch(http(PAGE_URI, paging), [("GET /orders?page=0&size=2", orders(1, 2, **marker))])
    assert ids(pages) == [[1, 2]]


@pytest.mark.parametrize("marker", [{}, {"last": False}, {"last": "TRUE"}])
async def test_a_marker_that_is_missing_or_different_goes_on(marker: dict[str, Any]) -> None:
    """Rule 2: a missing path never matches, another value neither."""
    paging = {"method": "page", "lastPagePath": "last", "lastPageValues": ["true"]}
    steps = [("GET /orders?page=0&size=2", orders(1, **marker)), ("GET /orders?page=1&size=2", NOT_FOUND)]
    assert len((await fetch(http(PAGE_URI, paging), steps))[0]) == 2


async def test_the_number_of_pages_wins_over_the_number_of_records() -> None:
    """Rule 4: with both settings the requests are counted, not the records."""
    paging = {"method": "page", "maxPagePath": "pages", "maxCountPath": "total"}
    steps = [
        ("GET /orders?page=0&size=2", orders(1, 2, pages=2, total=2)),
        ("GET /orders?page=1&size=2", orders(3, pages=2, total=2)),
    ]
    pages, _ = await fetch(http(PAGE_URI, paging), steps)
    assert ids(pages) == [[1, 2], [3]]
    assert (pages[0].total_pages, pages[0].total_records) == (2, 2)


async def test_a_short_page_is_no_end() -> None:
    """exports-imports.md 4.2: paging goes on after a page with fewer records than the one before."""
    steps = [
        ("GET /orders?page=0&size=2", orders(1, 2)),
        ("GET /orders?page=1&size=2", orders(3)),
        ("GET /orders?page=2&size=2", orders(4, 5)),
        ("GET /orders?page=3&size=2", orders()),
    ]
    pages, _ = await fetch(http(PAGE_URI, {"method": "page"}), steps)
    assert ids(pages) == [[1, 2], [3], [4, 5], []]


async def test_a_repeated_token_ends() -> None:
    """Rule 5: the token just used again is an end, not a loop."""
    steps = [
        ("GET /orders?limit=2", orders(1, next="a")),
        ("GET /orders?limit=2&cursor=a", orders(2, next="a")),
    ]
    pages, _ = await fetch(http(TOKEN_URI, {"method": "token", "path": "next"}), steps)
    assert ids(pages) == [[1], [2]]


@pytest.mark.parametrize("whole_run", [True, False])
async def test_alternating_tokens_are_a_loop(whole_run: bool) -> None:
    """Rule 6: a, b, a is found before the third request for a goes out, also when only the position remembers."""
    steps = [
        ("GET /orders?limit=2", orders(1, next="a")),
        ("GET /orders?limit=2&cursor=a", orders(2, next="b")),
        ("GET /orders?limit=2&cursor=b", orders(3, next="a")),
    ]
    code, script = await failing(http(TOKEN_URI, {"method": "token", "path": "next"}), steps, whole_run=whole_run)
    assert (code, len(script.asked)) == ("paging_loop", 3)


async def test_a_url_that_leads_to_itself_is_a_loop() -> None:
    """Rule 6: method, URL and body of the next request are those of the first."""
    export = http("/orders", {"method": "url", "path": "next"})
    code, script = await failing(export, [("GET /orders", orders(1, next="/orders"))])
    assert (code, len(script.asked)) == ("paging_loop", 1)


async def test_a_position_remembers_sixteen_requests() -> None:
    """Rule 6: a loop of 20 requests is found by a whole run, and is beyond what a cursor carries."""

    def steps(rounds: int) -> list[tuple[str, Reply]]:
        numbers = [n % 20 for n in range(20 * rounds)]
        return [(f"GET /orders?n={n}", orders(n, next=f"/orders?n={(n + 1) % 20}")) for n in numbers]

    export = http("/orders?n=0", {"method": "url", "path": "next"})
    code, script = await failing(export, steps(1))
    assert (code, len(script.asked)) == ("paging_loop", 20)
    exporter, tree = exporter_of(export)
    long = Script(steps(2))
    stream = exporter.pages(long.run(tree), None, whole_run=False)
    for _ in range(40):
        page = await anext(stream)
    await stream.aclose()
    assert page.following is not None
    assert len(page.following["digests"]) == 16


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("?n=1", "GET /orders?n=1"),
        ("more?n=1", "GET /more?n=1"),
        ("//api.example.test/x", "GET /x"),
        ("http://api.example.test/x?y=1", "GET /x?y=1"),
        ("http://api.example.test:443/x", "GET :443/x"),
        ("/a b/é", "GET /a%20b/%C3%A9"),
        ("/x#part", "GET /x"),
        ("\\\\evil.test/x", "GET /%5C%5Cevil.test/x"),
    ],
)
async def test_an_address_of_the_same_host(link: str, asked: str) -> None:
    """exports-imports.md 4.2: relative to the request, http raised to https, encoded, without fragment."""
    steps = [("GET /orders?a=1", orders(1, next=link)), (asked, orders(2))]
    pages, script = await fetch(http("/orders?a=1", {"method": "url", "path": "next"}), steps)
    assert ids(pages) == [[1], [2]]
    assert script.requests[1].url.startswith("https://")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.test/orders",
        "https://api.example.test:8443/orders",
        "http://api.example.test:8080/orders",
        "https://api.example.test.evil.test/",
        "https://api.example.test@evil.test/",
        "//evil.test/orders",
    ],
)
@pytest.mark.parametrize("method", ["url", "linkheader"])
async def test_an_address_elsewhere_is_refused(link: str, method: str) -> None:
    """exports-imports.md 4.2: credentials never go to another host or port; nothing is asked there."""
    paging = {"method": "url", "path": "next"} if method == "url" else {"method": "linkheader"}
    reply = Reply({"orders": [{"id": 1}], "next": link}, headers={"Link": f"<{link}>; rel=next"})
    code, script = await failing(http("/orders", paging), [("GET /orders", reply)])
    assert (code, len(script.asked)) == ("paging_origin_mismatch", 1)


async def test_a_position_of_another_base_is_refused() -> None:
    """A connection that was pointed elsewhere since the state was made does not send its credentials to the old host."""
    export = http("/orders", {"method": "url", "path": "next"})
    exporter, tree = exporter_of(export)
    script = Script([])
    position = {"state": {"uri": "https://old.example.test/orders?n=2"}, "requests": 1, "records": 1}
    with pytest.raises(ApplicationFailure) as error:
        await anext(exporter.pages(script.run(tree), position, whole_run=False))
    assert error.value.problems[0].code == "paging_origin_mismatch"
    assert script.asked == []


async def test_a_header_that_cannot_be_sent_is_no_wrong_address() -> None:
    """A next page whose header renders to two lines is invalid_template, whatever its address."""
    headers = [{"name": "X-Seen", "value": "{{previous_page.last_record.id}}"}]
    export = http("/orders", {"method": "url", "path": "next"}, headers=headers)
    exporter, tree = exporter_of(export)
    script = Script([("GET /orders", Reply({"orders": [{"id": "1\r\nX-More: 2"}], "next": "/orders?n=2"}))])
    with pytest.raises(InvalidContent) as error:
        async for _ in exporter.pages(script.run(tree), None, whole_run=True):
            pass
    assert error.value.problems[0].code == "invalid_template"


async def test_later_requests_have_their_own_uri_and_body() -> None:
    """exports-imports.md 4.1: relativeURI and body of the paging serve page, skip and token from the second request on, and
    previous_page is there: parsed body, last raw record, headers in lower case."""
    export = http(
        "/orders?p={{export.http.paging.page}}",
        {
            "method": "page",
            "relativeURI": "/orders/more?p={{export.http.paging.page}}&id={{previous_page.last_record.id}}",
            "body": '{"of":{{previous_page.full_response.total}}}',
        },
        method="POST",
        body="{}",
        headers=[{"name": "X-Seen", "value": "{{previous_page.headers.x-mark}}"}],
    )
    steps = [
        ("POST /orders?p=0 {}", Reply({"orders": [{"id": 1}, {"id": 2}], "total": 3}, headers={"X-Mark": "m0"})),
        ('POST /orders/more?p=1&id=2 {"of":3}', Reply({"orders": [{"id": 3}], "total": 4}, headers={"X-Mark": "m1"})),
        ('POST /orders/more?p=2&id=3 {"of":4}', orders()),
    ]
    pages, script = await fetch(export, steps)
    assert ids(pages) == [[1, 2], [3], []]
    assert [request.headers.get("X-Seen") for request in script.requests] == [None, "m0", "m1"]
    assert ids(await fetch_by_position(export, steps)) == [[1, 2], [3], []]


async def test_records_of_later_answers_may_lie_elsewhere() -> None:
    """exports-imports.md 4.1: paging.resourcePath counts from the second answer on."""
    paging = {"method": "url", "path": "next", "resourcePath": "more.orders"}
    steps = [
        ("GET /orders", orders(1, next="/orders?n=2")),
        ("GET /orders?n=2", Reply({"more": {"orders": [{"id": 2}]}, "orders": [{"id": 9}]})),
    ]
    pages, _ = await fetch(http("/orders", paging), steps)
    assert ids(pages) == [[1], [2]]


async def test_a_token_that_no_request_can_carry() -> None:
    """An object at the path is a failure of the application, not a token of braces."""
    export = http(TOKEN_URI, {"method": "token", "path": "next"})
    code, _ = await failing(export, [("GET /orders?limit=2", orders(1, next={"a": 1}))])
    assert code == "invalid_response"


async def test_the_query_of_rest_is_kept_on_every_request() -> None:
    """exports-imports.md 1.4, 4.4: the configured parameters stay, the paging parameter is set or replaced."""
    export = {
        "rest": {
            "relativeURI": "/orders",
            "query": b'{"size":2,"q":"a b"}',
            "resourcePath": "orders",
            "pagingMethod": "pageargument",
            "pageArgument": "p",
        }
    }
    steps = [("GET /orders?size=2&q=a%20b", orders(1)), ("GET /orders?size=2&q=a%20b&p=2", NOT_FOUND)]
    assert ids((await fetch(export, steps))[0]) == [[1], []]
