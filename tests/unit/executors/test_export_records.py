"""From answer to records (exports-imports.md 2.2), and what an export's templates see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.codecs.form_data import FormDataCodec
from fairlead.codecs.json import JsonCodec
from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure, InvalidContent
from fairlead.domain.jsonvalue import Json
from tests.unit.executors.exporting import TOKEN_URI, compiled, exporter_of, fetch, http, rest
from tests.unit.scripted import Reply, Script

EXACT = b'{"big":9007199254740993, "price":140891.90,"z":1,"a":"\\u00e9","z":2}'


async def records(export: Tree, body: Any, **reply: Any) -> Sequence[bytes]:
    """The records of one answer."""
    pages, _ = await fetch(export, [("GET /o", Reply(body, **reply))])
    assert len(pages) == 1
    return pages[0].records


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (None, b'[{"a":1},{"a":2}]', [b'{"a":1}', b'{"a":2}']),
        (None, b'{"a":1}', [b'{"a":1}']),
        (None, b"5", []),
        (None, b"", []),
        ("o", b'{"o":[{"a":1}]}', [b'{"a":1}']),
        ("o", b'{"o":{"a":1}}', [b'{"a":1}']),
        ("o", b'{"o":null}', []),
        ("o", b'{"x":1}', []),
        ("o", b"", []),
        ("o[*].i", b'{"o":[{"i":[{"a":1}]},{"i":{"a":2}}]}', [b'{"a":1}', b'{"a":2}']),
        ("o", b'{"o":[1,"x",[2]]}', [b'{"value":1}', b'{"value":"x"}', b"[2]"]),
        ("o", b'{"o":[' + EXACT + b"]}", [EXACT]),
    ],
)
async def test_records_of_an_answer(path: str | None, body: bytes, expected: list[bytes]) -> None:
    """exports-imports.md 2.2, line by line; digits, key order, blanks and repeated keys of a record come through as sent."""
    assert await records({"http": {"relativeURI": "/o", "response": {"resourcePath": path}}}, body) == expected


@pytest.mark.parametrize(
    ("export", "body", "content_type", "expected"),
    [
        ({"response": {"resourcePath": "/r/o"}}, b"<r><o><a>1</a></o></r>", "text/xml", [b'{"a":"1"}']),
        ({"response": {"resourcePath": "/r/o[2]"}}, b"<r><o/><o><a>1</a></o></r>", "text/xml", [b'{"a":"1"}']),
        (
            {"response": {"resourcePath": "//o[@t='1']"}},
            b"<r><o/><o t='1'>x</o></r>",
            "text/xml",
            [b'{"@t":"1","#text":"x"}'],
        ),
        ({"successMediaType": "xml", "response": {"resourcePath": "//o"}}, b"<r><o/></r>", "x/y", [b'{"value":""}']),
        ({"successMediaType": "csv"}, b"a;b\n1;\xe9\n", "x/y", ['{"a":"1","b":"é"}'.encode()]),
        ({"type": "csvstream"}, b"a;b\n1;2\n", "application/json", [b'{"a":"1","b":"2"}']),
        ({}, b"a;b\n1;\xc3\xa9\n", "text/csv; charset=utf-8", ['{"a":"1","b":"é"}'.encode()]),
        ({}, b"a=1&b[c]=2", "application/x-www-form-urlencoded", [b'{"a":"1","b":{"c":"2"}}']),
        ({"successMediaType": "plaintext"}, b"\xe9", "x/y", ['{"value":"é"}'.encode()]),
        ({}, b'[{"a":"\xe9"}]', "application/json", ['{"a":"é"}'.encode()]),
    ],
)
async def test_records_of_other_media_types(
    export: Tree, body: bytes, content_type: str, expected: list[bytes]
) -> None:
    """exports-imports.md 2.3, 1.2: read by the export's media type, else ``Content-Type``; ``file.csv`` and ``file.encoding`` count."""
    tree = {"http": {"relativeURI": "/o", **export}, "file": {"encoding": "win1252", "csv": {"columnDelimiter": ";"}}}
    assert await records(tree, body, headers={"Content-Type": content_type}) == expected


@pytest.mark.parametrize(
    ("media_type", "content_type", "body"),
    [
        ("urlencoded", "application/x-www-form-urlencoded", b"q=a%26%22&n[0]=1"),
        ("form-data", "multipart/form-data; boundary=fairlead-", FormDataCodec().write(b'{"q":"a&\\"","n":[1]}')),
    ],
)
async def test_a_json_body_template_leaves_as_a_form(media_type: str, content_type: str, body: bytes) -> None:
    """exports-imports.md 2.1: the object is form-encoded, or turned into parts."""
    text = '{"q":"{{settings.q}}","n":[1]}'
    export = http("/o", {}, method="POST", requestMediaType=media_type, body=text)
    steps = [(f"POST /o {body.decode()}", Reply(b'{"orders":[]}'))]
    _, script = await fetch(export, steps, settings={"q": 'a&"'})
    (request,) = script.requests
    assert (request.headers.get("Content-Type") or "").startswith(content_type)


@pytest.mark.parametrize("body", [b'{"x":1}', b'{"orders":null}', b""])
async def test_rest_may_demand_the_records(body: bytes) -> None:
    """exports-imports.md 2.2: with allowUndefinedResource false, nothing at the path is invalid_response."""
    with pytest.raises(ApplicationFailure) as error:
        await records(rest("/o", allowUndefinedResource=False), body)
    assert error.value.problems[0].code == "invalid_response"


async def test_an_empty_list_is_there() -> None:
    """allowUndefinedResource false asks for the member, not for records in it."""
    assert await records(rest("/o", allowUndefinedResource=False), b'{"orders":[]}') == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b'{"orders":[{"id":1},'),
        Reply(b"<html>sign in</html>", headers={"Content-Type": "text/html"}),
        Reply(b'{"orders":' + b"[" * 501 + b"]" * 501 + b"}"),
    ],
)
async def test_an_answer_that_cannot_be_read(reply: Reply) -> None:
    """contract.md 1.16: rubbish, a page for people, nesting over 500 levels: invalid_response, from the application."""
    exporter, tree = exporter_of(http("/o", {}))
    with pytest.raises(ApplicationFailure) as error:
        await anext(exporter.pages(Script([("GET /o", reply)]).run(tree), None, whole_run=True))
    assert (error.value.problems[0].code, error.value.problems[0].source) == ("invalid_response", "application")


@pytest.mark.parametrize(
    ("response", "body", "code", "message"),
    [
        ({"failPath": "e", "failValues": ["x"], "errorPath": "m"}, {"e": "x", "m": "no"}, "422", "no"),
        ({"successPath": "ok", "successValues": ["true"], "errorPath": "m"}, {"ok": False, "m": "no"}, "422", "no"),
    ],
)
async def test_a_failure_told_in_the_body(response: Tree, body: Any, code: str, message: str) -> None:
    """connections.md 5.3: paths judge a 200; the code is 422 and the message that of the error path (contract.md 1.16)."""
    with pytest.raises(ApplicationFailure) as error:
        await records({"http": {"relativeURI": "/o", "response": response}}, body)
    problem = error.value.problems[0]
    assert (problem.code, problem.message, problem.source) == (code, message, "application")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"hasHeader": True}, [b'{"a":1.50,"b":"x"}', b'{"a":2,"b":null,"Column2":3}', b'{"a":4}']),
        (
            {},
            [
                b'{"Column0":"a","Column1":"b"}',
                b'{"Column0":1.50,"Column1":"x"}',
                b'{"Column0":2,"Column1":null,"Column2":3}',
                b'{"Column0":4}',
            ],
        ),
        ({"doNotNormalize": True, "hasHeader": True}, [b'["a","b"]', b'[1.50,"x"]', b"[2,null,3]", b"[4]"]),
    ],
)
async def test_rows_become_records(settings: Tree, expected: list[bytes]) -> None:
    """exports-imports.md 2.2, twoDArray: named by the first row, by number, or left as rows; cells keep their digits."""
    response = {"resourcePath": "rows", "twoDArray": settings}
    body = b'{"rows":[["a","b"],[1.50,"x"],[2,null,3],[4]]}'
    assert await records({"http": {"relativeURI": "/o", "response": response}}, body) == expected


async def test_records_are_not_decoded_when_nothing_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """D1: paging by page number and by Link header costs no decoding, however many records there are."""
    decoded: list[bytes | str] = []
    loads = jsonvalue.loads

    def counting(data: bytes | str, **more: Any) -> Any:
        decoded.append(data)
        return loads(data, **more)

    monkeypatch.setattr(jsonvalue, "loads", counting)
    monkeypatch.setattr("fairlead.codecs.json.loads", counting)
    body = {"orders": [{"id": n} for n in range(100)]}
    numbered = http("/o?p={{export.http.paging.page}}", {"method": "page"})
    pages, _ = await fetch(
        numbered, [("GET /o?p=0", Reply(body)), ("GET /o?p=1", Reply(body)), ("GET /o?p=2", Reply(status=404))]
    )
    linked = [("GET /o", Reply(body, headers={"Link": "</p>; rel=next"})), ("GET /p", Reply(body))]
    await fetch(http("/o", {"method": "linkheader"}), linked)
    exporter, _ = exporter_of(numbered)
    assert len(pages[0].records) == 100
    assert not exporter.names_data
    assert decoded == []


async def test_the_body_is_decoded_once_when_a_path_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many paths and templates look at an answer, it is decoded once."""
    decoded: list[bytes] = []
    parse = JsonCodec.parse

    def counting(self: JsonCodec, body: bytes, charset: str | None) -> Any:
        decoded.append(body)
        return parse(self, body, charset)

    monkeypatch.setattr(JsonCodec, "parse", counting)
    paging = {"method": "page", "lastPagePath": "x", "lastPageValues": ["1"], "maxCountPath": "n", "maxPagePath": "p"}
    await fetch(
        http("/o?p={{export.http.paging.page}}", paging),
        [("GET /o?p=0", Reply({"orders": [{"id": 1}], "x": 1, "n": 5, "p": 5}))],
    )
    assert len(decoded) == 1


async def test_what_the_templates_see() -> None:
    """handlebars.md 2.1: connection, export, settings, dates; with ``data`` also record, data and the record's members."""
    uri = "/o?c={{connection.name}}&s={{export.pageSize}}&d={{lastExportDateTime}}&r={{record.id}}-{{data.id}}-{{id}}"
    export = {"pageSize": 7, "http": {"relativeURI": uri}}
    asked = "GET /o?c=scripted&s=7&d=2026-01-15T00%3A00%3A00.000Z&r=3-3-3"
    record = {"id": 3}
    await fetch(export, [(asked, Reply([]))], lastExportDateTime="2026-01-15T00:00:00.000Z", record=record, data=record)


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        ({}, "2026-01-15T09:30:00.500Z"),
        ({"dateFormat": "YYYY-MM-DD"}, "2026-01-15"),
        ({"dateFormat": "DD.MM.YYYY HH:mm"}, "15.01.2026 09:30"),
    ],
)
def test_dates_take_the_form_of_the_export(delta: Tree, text: str) -> None:
    """exports-imports.md 3.1: dateFormat in moment tokens, else ISO 8601 in UTC."""
    exporter, _ = exporter_of({"delta": delta, "http": {"relativeURI": "/o"}})
    assert exporter.date_text(datetime(2026, 1, 15, 9, 30, 0, 500_000, tzinfo=UTC)) == text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (None, ["", ""]),
        ("", ["", ""]),
        ("/orders/{{record.id}}", ["/orders/1", "/orders/2"]),
        ("{{#if last}}/orders/{{id}}{{/if}}", ["", "/orders/2"]),
    ],
)
def test_data_uris(template: str | None, expected: list[str]) -> None:
    """exports-imports.md 1.1: rendered per record; absent or empty is the empty text, which prints null."""
    exporter, tree = exporter_of({"dataURITemplate": template, "http": {"relativeURI": "/o"}})
    run = Script([]).run(tree)
    assert [exporter.data_uri(run, record) for record in ({"id": 1}, {"id": 2, "last": True})] == expected


def test_a_data_uri_over_its_bounds_names_its_field() -> None:
    """A template that goes over a bound while it renders is the model's fault: invalid_template with the field."""
    long = "{{#each list}}{{@root.text}}{{/each}}"
    exporter, tree = exporter_of({"dataURITemplate": long, "http": {"relativeURI": "/o"}})
    record: Json = {"list": list(range(100)), "text": "x" * 200_000}
    with pytest.raises(InvalidContent) as error:
        exporter.data_uri(Script([]).run(tree), record)
    assert (error.value.problems[0].code, error.value.problems[0].field) == ("invalid_template", "dataURITemplate")


@pytest.mark.parametrize(
    ("export", "code", "field"),
    [
        (http(TOKEN_URI, {"method": "token"}), "missing_required_field", "http.paging.path"),
        (http("/o", {"method": "token", "path": "n"}), "invalid_field", "http.paging.method"),
        (http("/o", {"method": "url"}), "missing_required_field", "http.paging.path"),
        (http("/o", {"method": "relativeuri"}), "missing_required_field", "http.paging.relativeURI"),
        (http("/o", {"method": "body"}, method="POST"), "missing_required_field", "http.paging.body"),
        (http("/o", {"method": "body", "body": "{}"}), "invalid_field", "http.method"),
        (http("/o", {"method": "page"}), "invalid_field", "http.paging.method"),
        (http("/o?p={{export.http.paging.skip}}", {"method": "page"}), "invalid_field", "http.paging.method"),
        (http("/o", {"method": "skip"}), "invalid_field", "http.paging.method"),
        (http("/o{{", {}), "invalid_template", "http.relativeURI"),
        (http("/o", {}, method="POST", body="{{#if}}"), "invalid_template", "http.body"),
        (http("/o", {}, headers=[{"name": "Host", "value": "x"}]), "invalid_field", "http.headers.0.name"),
        (http("/o", {}, headers=[{"name": "X", "value": "{{"}]), "invalid_template", "http.headers.0.value"),
        (http("/o", {"method": "url", "path": "a["}), "invalid_field", "http.paging.path"),
        (http("/o", {"lastPagePath": "a[", "lastPageValues": ["1"]}), "invalid_field", "http.paging.lastPagePath"),
        (
            {"http": {"relativeURI": "", "response": {"resourcePath": "a["}}},
            "invalid_field",
            "http.response.resourcePath",
        ),
        (
            {"http": {"relativeURI": "", "response": {"successPath": "a["}}},
            "invalid_field",
            "http.response.successPath",
        ),
        ({"dataURITemplate": "{{", "http": {"relativeURI": ""}}, "invalid_template", "dataURITemplate"),
        ({"http": {"relativeURI": "", "type": "blob"}}, "feature_not_supported", "http.type"),
        ({"http": {"relativeURI": "", "_asyncHelperId": "a"}}, "feature_not_supported", "http._asyncHelperId"),
        (
            {"http": {"relativeURI": "", "successMediaType": "xml", "response": {"resourcePath": "a[0]"}}},
            "invalid_field",
            "http.response.resourcePath",
        ),
        (
            {"http": {"relativeURI": ""}, "file": {"csv": {"columnDelimiter": "\n"}}},
            "invalid_field",
            "file.csv.columnDelimiter",
        ),
        (
            {"http": {"relativeURI": "", "errorMediaType": "xml", "response": {"errorPath": "//a[b or c]"}}},
            "invalid_field",
            "http.response.errorPath",
        ),
    ],
)
def test_what_does_not_compile_is_named(export: Tree, code: str, field: str) -> None:
    """exports-imports.md 4.1, contract.md 1.5: each problem once, with its code and field; nothing is asked of anybody."""
    _, _, problems = compiled(export)
    assert [(problem.code, problem.field) for problem in problems] == [(code, field)]


@pytest.mark.parametrize(
    "export",
    [
        http("/o", {"method": "page"}, method="POST", body='{"p":{{export.http.paging.page}}}'),
        http("/o", {"method": "page"}, headers=[{"name": "X-Page", "value": "{{export.http.paging.page}}"}]),
        http("/o", {"method": "page", "relativeURI": "/o?p={{export.http.paging.page}}"}),
        http("/o?p={{add export.http.paging.page 1}}", {"method": "page"}),
        http("/o?{{#with export.http.paging}}p={{page}}{{/with}}", {"method": "page"}),
        http("/o", {}, method="POST", requestMediaType="urlencoded", body="a={{export.pageSize}}"),
    ],
)
def test_a_paging_variable_counts_wherever_it_is_read(export: Tree) -> None:
    """exports-imports.md 4.1: URI, body or header, of the first or of later requests, inside of helpers and blocks too."""
    assert compiled(export)[2] == []
