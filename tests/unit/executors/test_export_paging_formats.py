"""Every paging method over answers that are no JSON: what leads on stands at an XPath, in a header, or in a cell (connections.md 5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure
from tests.unit.executors.exporting import compiled, exporter_of, fetch, fetch_by_position, ids
from tests.unit.scripted import BASE, Reply, Script

PAGE = "/o?p={{export.http.paging.page}}"
SKIP = "/o?s={{export.http.paging.skip}}"
TOKEN = "/o?t={{export.http.paging.token}}"


def xml(*numbers: int, **more: Any) -> Reply:
    """Orders in a namespace, and elements beside them."""
    orders = "".join(f"<s:order><id>{number}</id></s:order>" for number in numbers)
    beside = "".join(
        f"<s:{name} at='{value}'> {value} </s:{name}>" for name, value in more.items() if name != "headers"
    )
    text = f'<s:page xmlns:s="urn:s">{orders}{beside}</s:page>'
    return Reply(text, headers={"Content-Type": "application/xml", **more.get("headers", {})})


def csv(*numbers: int, **more: Any) -> Reply:
    """Rows, the members of ``more`` as columns."""
    columns = [name for name in more if name != "headers"]
    rows = [[str(number), *(str(more[name]) for name in columns)] for number in numbers]
    text = "\n".join(map(",".join, [["id", *columns], *rows]))
    return Reply(text, headers={"Content-Type": "text/csv", **more.get("headers", {})})


def of_xml(uri: str, **paging: Any) -> Tree:
    http = {"relativeURI": uri, "successMediaType": "xml", "response": {"resourcePath": "//order"}, "paging": paging}
    return {"http": http}


def of_csv(uri: str, **paging: Any) -> Tree:
    return {"http": {"relativeURI": uri, "successMediaType": "csv", "paging": paging}}


NEXT = {"Link": f'<{BASE}/o?n=2>; rel="next"'}
METHODS: dict[str, tuple[Tree, list[tuple[str, Reply]]]] = {
    "xml, page, maxPagePath": (
        of_xml(PAGE, method="page", maxPagePath="/page/pages"),
        [("GET /o?p=0", xml(1, 2, pages=2)), ("GET /o?p=1", xml(3, pages=2))],
    ),
    "xml, skip, maxCountPath is an attribute": (
        of_xml(SKIP, method="skip", maxCountPath="//total/@at"),
        [("GET /o?s=0", xml(1, 2, total=3)), ("GET /o?s=2", xml(3, total=3))],
    ),
    "xml, skip, a dotted path": (
        of_xml(SKIP, method="skip", maxCountPath="total"),
        [("GET /o?s=0", xml(1, 2, total=3)), ("GET /o?s=2", xml(3, total=3))],
    ),
    "xml, token": (
        of_xml(TOKEN, method="token", path="/page/next/@at", pathAfterFirstRequest="/page/after/@at"),
        [("GET /o?t=", xml(1, 2, next="a")), ("GET /o?t=a", xml(3, after=""))],
    ),
    "xml, url": (
        of_xml("/o", method="url", path="//next/@at"),
        [("GET /o", xml(1, 2, next="/o?n=2")), ("GET /o?n=2", xml(3))],
    ),
    "xml, linkheader": (of_xml("/o", method="linkheader"), [("GET /o", xml(1, 2, headers=NEXT)), ("GET /o?n=2", xml(3))]),
    "xml, relativeuri by the whole answer": (
        of_xml("/o", method="relativeuri", relativeURI="{{#if previous_page.full_response.more}}/o?n={{previous_page.full_response.more.[@at]}}{{/if}}"),
        [("GET /o", xml(1, 2, more=2)), ("GET /o?n=2", xml(3))],
    ),
    "xml, relativeuri by the last record, lastPagePath": (
        of_xml("/o", method="relativeuri", relativeURI="/o?n={{previous_page.last_record.id}}", lastPagePath="/page/end/@at", lastPageValues=["yes"]),
        [("GET /o", xml(1, 2, end="no")), ("GET /o?n=2", xml(3, end="yes"))],
    ),
    "csv, page": (of_csv(PAGE, method="page"), [("GET /o?p=0", csv(1, 2)), ("GET /o?p=1", csv(3)), ("GET /o?p=2", Reply(status=404))]),
    "csv, page, maxPagePath in a cell": (
        of_csv(PAGE, method="page", maxPagePath="[0].pages"),
        [("GET /o?p=0", csv(1, 2, pages=2)), ("GET /o?p=1", csv(3, pages=2))],
    ),
    "csv, skip, maxCountPath in a cell": (
        of_csv(SKIP, method="skip", maxCountPath="[0].total"),
        [("GET /o?s=0", csv(1, 2, total=3)), ("GET /o?s=2", csv(3, total=3))],
    ),
    "csv, token in a cell": (
        of_csv(TOKEN, method="token", path="[0].next"),
        [("GET /o?t=", csv(1, 2, next="a")), ("GET /o?t=a", csv(3, next=""))],
    ),
    "csv, token in a header": (
        of_csv(TOKEN, method="token", path="X-Next", pathLocation="header"),
        [("GET /o?t=", csv(1, 2, headers={"x-next": "a"})), ("GET /o?t=a", csv(3))],
    ),
    "csv, linkheader": (of_csv("/o", method="linkheader"), [("GET /o", csv(1, 2, headers=NEXT)), ("GET /o?n=2", csv(3))]),
    "csv, body by the last record": (
        {"http": {**of_csv("/o", method="body", body='{"after":{{previous_page.last_record.id}}}', lastPagePath="[0].end", lastPageValues=["yes"])["http"], "method": "POST", "body": "{}"}},
        [("POST /o {}", csv(1, 2, end="no")), ('POST /o {"after":2}', csv(3, end="yes"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("export", "steps"), METHODS.values(), ids=METHODS.keys())
async def test_a_method(export: Tree, steps: list[tuple[str, Reply]]) -> None:
    """exports-imports.md 4.2: the same requests and records as with JSON, in one run and from a position alone."""
    pages, _ = await fetch(export, steps)
    found = [[int(number) for number in page] for page in ids(pages)]
    assert [page for page in found if page] == [[1, 2], [3]]
    again = await fetch_by_position(export, steps)
    assert [list(page.records) for page in again] == [list(page.records) for page in pages]


def test_a_path_that_is_none() -> None:
    """connections.md 5.1: paths into XML are XPaths and refused as such, with their field."""
    for name in ("maxPagePath", "maxCountPath", "lastPagePath", "path"):
        paging = {"method": "token", "path": "/next", "lastPageValues": ["x"], name: "//a//b"}
        _, _, problems = compiled(of_xml(TOKEN, **paging))
        assert ("invalid_field", f"http.paging.{name}") in [(problem.code, problem.field) for problem in problems]


async def test_a_body_that_is_too_large_to_look_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """contract.md 1.15, 1.16: its records are read all the same; what leads on cannot be found, and that is an error, not an end."""
    monkeypatch.setattr("fairlead.codecs.csv.MAX_PARSED", 10)
    exporter, tree = exporter_of(of_csv(TOKEN, method="token", path="[0].next"))
    script = Script([("GET /o?t=", csv(1, 2, next="a"))])
    with pytest.raises(ApplicationFailure) as error:
        [page async for page in exporter.pages(script.run(tree), None, whole_run=True)]
    assert [problem.code for problem in error.value.problems] == ["response_too_large"]
