"""What the tests of the HTTP exporter share: compile, fetch, and the scripts of exports-imports.md 4.3 and 4.4."""

from __future__ import annotations

from typing import Any

from fairlead.codecs.registry import codecs
from fairlead.domain import jsonvalue
from fairlead.domain.dialect import http_export
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.engine.ports import ApplicationPage
from fairlead.engine.prepare import connection_of, decoded
from fairlead.executors.http.export import HttpExporter
from fairlead.executors.http.export_plan import ExportPlan
from fairlead.paging.registry import paging_strategies
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.scripted import ACCOUNT, BASE, Reply, Script

TEMPLATES = TemplateCompiler()
CONNECTION = {"type": "http", "name": "scripted", "http": {"baseURI": BASE, "mediaType": "json"}}


def compiled(export: Tree, connection: Tree | None = None) -> tuple[HttpExporter, Tree, list[Problem]]:
    """The exporter, its export in the ``http`` dialect, and what is wrong with it."""
    problems: list[Problem] = []
    tree = decoded(http_export(export, "http"))
    plan = ExportPlan.of(
        connection_of(ACCOUNT, connection or CONNECTION), tree, TEMPLATES, codecs, paging_strategies, problems
    )
    return HttpExporter(plan), tree, problems


def exporter_of(export: Tree) -> tuple[HttpExporter, Tree]:
    """An export that compiles."""
    exporter, tree, problems = compiled(export)
    assert problems == []
    return exporter, tree


async def fetch(export: Tree, steps: list[tuple[str, Reply]], **context: Any) -> tuple[list[ApplicationPage], Script]:
    """Every page, and the script as it was played: to its end."""
    exporter, tree = exporter_of(export)
    script = Script(steps)
    run = script.run(tree, **context)
    pages = [page async for page in exporter.pages(run, None, whole_run=True)]
    assert len(script.asked) == len(steps)
    return pages, script


async def fetch_by_position(export: Tree, steps: list[tuple[str, Reply]]) -> list[ApplicationPage]:
    """Every page, each by another process that knows nothing but the position, as JSON."""
    script = Script(steps)
    pages: list[ApplicationPage] = []
    position: Tree | None = None
    while True:
        exporter, tree = exporter_of(export)
        stream = exporter.pages(script.run(tree), position, whole_run=False)
        pages.append(await anext(stream))
        await stream.aclose()
        following = pages[-1].following
        if following is None:
            assert len(script.asked) == len(steps)
            return pages
        position = jsonvalue.loads(jsonvalue.dumps(following))


def ids(pages: list[ApplicationPage]) -> list[list[int]]:
    """The ids of each page."""
    return [[jsonvalue.loads(record)["id"] for record in page.records] for page in pages]


def orders(*numbers: int, **more: Any) -> Reply:
    """An answer with these orders."""
    return Reply({"orders": [{"id": number} for number in numbers], **more})


def http(uri: str, paging: Tree, **more: Any) -> Tree:
    """An export in the ``http`` notation, records at ``orders``."""
    return {"http": {"relativeURI": uri, "paging": paging, "response": {"resourcePath": "orders"}, **more}}


def rest(uri: str, **more: Any) -> Tree:
    """An export in the ``rest`` notation, records at ``orders``."""
    return {"rest": {"relativeURI": uri, "resourcePath": "orders", **more}}


NOT_FOUND = Reply(status=404)
AFTER_2 = f"{BASE}/v1/orders?limit=2&after=2"
PAGE_URI = "/orders?page={{export.http.paging.page}}&size=2"
TOKEN_URI = "/orders?limit=2{{#if export.http.paging.token}}&cursor={{export.http.paging.token}}{{/if}}"
SEARCH = '{"query":"open","size":2}'
SEARCH_ON = '{"query":"open","size":2,"after":{{previous_page.full_response.next}}}'

THREE = [[1, 2], [3, 4], [5]]
AND_AN_EMPTY_ONE = [*THREE, []]

EXAMPLES: dict[str, tuple[Tree, list[tuple[str, Reply]], list[list[int]]]] = {
    "page, 404 ends": (
        http(PAGE_URI, {"method": "page", "page": 1}),
        [
            ("GET /orders?page=1&size=2", orders(1, 2)),
            ("GET /orders?page=2&size=2", orders(3, 4)),
            ("GET /orders?page=3&size=2", orders(5)),
            ("GET /orders?page=4&size=2", NOT_FOUND),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "page, from 0, no records end": (
        http(PAGE_URI, {"method": "page"}),
        [
            ("GET /orders?page=0&size=2", orders(1, 2)),
            ("GET /orders?page=1&size=2", orders(3, 4)),
            ("GET /orders?page=2&size=2", orders(5)),
            ("GET /orders?page=3&size=2", orders()),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "page, maxPagePath": (
        http(PAGE_URI, {"method": "page", "page": 1, "maxPagePath": "pages"}),
        [
            ("GET /orders?page=1&size=2", orders(1, 2, pages=3)),
            ("GET /orders?page=2&size=2", orders(3, 4, pages=3)),
            ("GET /orders?page=3&size=2", orders(5, pages=3)),
        ],
        THREE,
    ),
    "page, maxCountPath": (
        http(PAGE_URI, {"method": "page", "page": 1, "maxCountPath": "total"}),
        [
            ("GET /orders?page=1&size=2", orders(1, 2, total=5)),
            ("GET /orders?page=2&size=2", orders(3, 4, total=5)),
            ("GET /orders?page=3&size=2", orders(5, total="5")),
        ],
        THREE,
    ),
    "skip": (
        http("/orders?offset={{export.http.paging.skip}}&limit=2", {"method": "skip"}),
        [
            ("GET /orders?offset=0&limit=2", orders(1, 2)),
            ("GET /orders?offset=2&limit=2", orders(3, 4)),
            ("GET /orders?offset=4&limit=2", orders(5)),
            ("GET /orders?offset=5&limit=2", orders()),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "token in the body": (
        http(TOKEN_URI, {"method": "token", "path": "meta.next", "pathLocation": "body"}),
        [
            ("GET /orders?limit=2", orders(1, 2, meta={"next": "a+b"})),
            ("GET /orders?limit=2&cursor=a%2Bb", orders(3, 4, meta={"next": "c"})),
            ("GET /orders?limit=2&cursor=c", orders(5, meta={"next": None})),
        ],
        THREE,
    ),
    "token in a header": (
        http(TOKEN_URI, {"method": "token", "path": "X-Next-Token", "pathLocation": "header"}),
        [
            ("GET /orders?limit=2", Reply({"orders": [{"id": 1}, {"id": 2}]}, headers={"x-next-token": "t1"})),
            (
                "GET /orders?limit=2&cursor=t1",
                Reply({"orders": [{"id": 3}, {"id": 4}]}, headers={"X-NEXT-TOKEN": "t2"}),
            ),
            ("GET /orders?limit=2&cursor=t2", orders(5)),
        ],
        THREE,
    ),
    "token, another path after the first request": (
        http(TOKEN_URI, {"method": "token", "path": "meta.next", "pathAfterFirstRequest": "next"}),
        [
            ("GET /orders?limit=2", orders(1, 2, meta={"next": "b"}, next="no")),
            ("GET /orders?limit=2&cursor=b", orders(3, 4, meta={"next": "no"}, next="c")),
            ("GET /orders?limit=2&cursor=c", orders(5, next="")),
        ],
        THREE,
    ),
    "url": (
        http("/orders?limit=2", {"method": "url", "path": "links.next"}),
        [
            ("GET /orders?limit=2", orders(1, 2, links={"next": AFTER_2})),
            ("GET /v1/orders?limit=2&after=2", orders(3, 4, links={"next": "/v1/orders?limit=2&after=4"})),
            ("GET /v1/orders?limit=2&after=4", orders(5, links={})),
        ],
        THREE,
    ),
    "linkheader": (
        http("/orders?limit=2", {"method": "linkheader"}),
        [
            (
                "GET /orders?limit=2",
                Reply(
                    {"orders": [{"id": 1}, {"id": 2}]},
                    headers={"Link": f'<{AFTER_2}>; rel="next", <{BASE}/v1/orders?limit=2&after=4>; rel="last"'},
                ),
            ),
            (
                "GET /v1/orders?limit=2&after=2",
                Reply({"orders": [{"id": 3}, {"id": 4}]}, headers={"Link": "</v1/orders?limit=2&after=4>; rel=next"}),
            ),
            ("GET /v1/orders?limit=2&after=4", orders(5)),
        ],
        THREE,
    ),
    "relativeuri": (
        http(
            "/orders?limit=2",
            {"method": "relativeuri", "relativeURI": "/orders?limit=2&after={{previous_page.last_record.id}}"},
        ),
        [
            ("GET /orders?limit=2", orders(1, 2)),
            ("GET /orders?limit=2&after=2", orders(3, 4)),
            ("GET /orders?limit=2&after=4", orders(5)),
            ("GET /orders?limit=2&after=5", orders()),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "body": (
        http(
            "/search",
            {"method": "body", "body": SEARCH_ON, "lastPagePath": "more", "lastPageValues": ["false"]},
            method="POST",
            body=SEARCH,
        ),
        [
            ('POST /search {"query":"open","size":2}', orders(1, 2, next=2, more=True)),
            ('POST /search {"query":"open","size":2,"after":2}', orders(3, 4, next=4, more=True)),
            ('POST /search {"query":"open","size":2,"after":4}', orders(5, next=5, more=False)),
        ],
        THREE,
    ),
    "rest, pageargument": (
        rest("/orders", pagingMethod="pageargument", pageArgument="page"),
        [
            ("GET /orders", orders(1, 2)),
            ("GET /orders?page=2", orders(3, 4)),
            ("GET /orders?page=3", orders(5)),
            ("GET /orders?page=4", NOT_FOUND),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "rest, pageargument with a first value in the URI": (
        rest("/orders?page=0&size=2", pagingMethod="pageargument", pageArgument="page"),
        [
            ("GET /orders?page=0&size=2", orders(1, 2)),
            ("GET /orders?page=1&size=2", orders(3, 4)),
            ("GET /orders?page=2&size=2", orders(5)),
            ("GET /orders?page=3&size=2", orders()),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "rest, skipargument": (
        rest("/orders?limit=2", pagingMethod="skipargument", skipArgument="offset"),
        [
            ("GET /orders?limit=2", orders(1, 2)),
            ("GET /orders?limit=2&offset=2", orders(3, 4)),
            ("GET /orders?limit=2&offset=4", orders(5)),
            ("GET /orders?limit=2&offset=5", orders()),
        ],
        AND_AN_EMPTY_ONE,
    ),
    "rest, token": (
        rest("/orders", pagingMethod="token", nextPagePath="next", pageArgument="cursor"),
        [
            ("GET /orders", orders(1, 2, next="abc")),
            ("GET /orders?cursor=abc", orders(3, 4, next="")),
        ],
        [[1, 2], [3, 4]],
    ),
    "rest, nextpageurl": (
        rest("/orders", pagingMethod="nextpageurl", nextPagePath="next"),
        [("GET /orders", orders(1, next="/orders?n=1")), ("GET /orders?n=1", orders(2))],
        [[1], [2]],
    ),
    "rest, linkheader": (
        rest("/orders", pagingMethod="linkheader", linkHeaderRelation="onward"),
        [
            (
                "GET /orders",
                Reply({"orders": [{"id": 1}]}, headers={"Link": '<?n=9>; rel=next, <?n=1>; rel="more onward"'}),
            ),
            ("GET /orders?n=1", Reply({"orders": [{"id": 2}]}, headers={"Link": "<?n=2>; rel=Onward"})),
        ],
        [[1], [2]],
    ),
    "rest, relativeuri": (
        rest(
            "/orders",
            pagingMethod="relativeuri",
            nextPageRelativeURI="{{#if previous_page.full_response.n}}/orders?n={{previous_page.full_response.n}}{{/if}}",
        ),
        [("GET /orders", orders(1, n=1)), ("GET /orders?n=1", orders(2))],
        [[1], [2]],
    ),
    "rest, postbody": (
        rest(
            "/search",
            method="POST",
            postBody="{}",
            pagingMethod="postbody",
            pagingPostBody='{"after":{{previous_page.last_record.id}}}',
            lastPagePath="end",
            lastPageValue="true",
        ),
        [("POST /search {}", orders(1)), ('POST /search {"after":1}', orders(2, end=True))],
        [[1], [2]],
    ),
}
