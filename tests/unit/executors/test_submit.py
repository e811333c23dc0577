"""One record, one request, one result: bodies, ids, ``_json`` and what the application says."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from fairlead.codecs.registry import codecs
from fairlead.domain import jsonvalue
from fairlead.domain.dialect import http_import
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.engine.ports import RecordResult
from fairlead.engine.prepare import connection_of, decoded
from fairlead.engine.run import Run, Submission
from fairlead.executors.http.submit import HttpImporter
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.engine.serving import model_of
from tests.unit.scripted import ACCOUNT, BASE, Reply, Script

TEMPLATES = TemplateCompiler()


def compiled(model: Any, media_type: str = "json", type_: str = "http") -> tuple[HttpImporter, list[Problem]]:
    """An import as the API reads it, for a connection of that media type."""
    problems: list[Problem] = []
    connection = connection_of(ACCOUNT, {"type": "http", "http": {"baseURI": BASE, "mediaType": media_type}})
    tree = decoded(http_import(model_of(model), type_))
    return HttpImporter.of(connection, tree, TEMPLATES, codecs, problems), problems


async def sent(
    model: Any, record: Any, reply: Reply, *, position: int = 0, mapped: Any = None, media_type: str = "json"
) -> tuple[RecordResult, Script, Run]:
    """The result of one record, and what was asked for it; the script takes any request."""
    importer, problems = compiled(model, media_type)
    assert problems == []
    submission = Submission(0, json.dumps(record).encode() if not isinstance(record, bytes) else record)
    if mapped is not None:
        submission.mapped(mapped)
    script = AnyRequest(reply)
    run = script.run({})
    (parcel,) = importer.parcels(run, position, [submission])
    if parcel.problem is not None:
        raise InvalidContent(parcel.problem)
    (result,) = await importer.submit(run, parcel)
    return result, script, run


class AnyRequest(Script):
    """A script of one answer to whatever is asked."""

    def __init__(self, reply: Reply) -> None:
        super().__init__([("", reply)])

    async def send(self, request: Any, rules: Any, rebuild: Any = None) -> Any:
        """The line is taken from the request itself."""
        body = "" if request.body is None else f" {request.body.decode()}"
        self.steps = [(f"{request.method} {request.url.removeprefix(BASE)}{body}", self.steps[0][1])]
        return await super().send(request, rules)


def import_of(**http: Any) -> dict[str, Any]:
    """An import in the notation ``http``."""
    return {"http": {"relativeURI": ["/r"], **http}}


# -- requests -------------------------------------------------------------------------------------------------------------

RECORD = b'{"n":9007199254740993,"d":140891.90,"e":[],"o":{"x":null}}'
REQUESTS: list[tuple[str, dict[str, Any], Any, Any, str]] = [
    ("the record as it came", import_of(), RECORD, None, f"POST /r {RECORD.decode()}"),
    ("the mapped record", import_of(), {"a": 1}, {"b": 2}, 'POST /r {"b":2}'),
    ("not the mapped record", import_of(sendPostMappedData=False), {"a": 1}, {"b": 2}, 'POST /r {"a": 1}'),
    ("URI before, body after the mapping", import_of(relativeURI="/{{record.a}}", body='{"b":{{record.b}}}'), {"a": 1}, {"b": 2}, 'POST /1 {"b":2}'),
    ("other names of the record", import_of(relativeURI="/{{a}}/{{data.0.a}}/{{0.a}}"), {"a": "x/y"}, None, 'POST /x%2Fy/x%2Fy/x%2Fy {"a": "x/y"}'),
    ("GET has no body", import_of(method=["GET"]), {"a": 1}, None, "GET /r"),
    ("DELETE has no body", import_of(method=["DELETE"]), {"a": 1}, None, "DELETE /r"),
    ("but with a template", import_of(method=["DELETE"], body=['{"x":{{a}}}']), {"a": 1}, None, 'DELETE /r {"x":1}'),
    ("an empty list is no template", import_of(body=[]), {"a": 1}, None, 'POST /r {"a": 1}'),
    ("null is no template", import_of(body=[None]), {"a": 1}, None, 'POST /r {"a": 1}'),
    ("empty text is no template", import_of(body=[""]), {"a": 1}, None, 'POST /r {"a": 1}'),
    ("empty nodes go, from inside out", import_of(ignoreEmptyNodes=True), RECORD, None, 'POST /r {"n":9007199254740993,"d":140891.90}'),
    ("zero and false stay", import_of(ignoreEmptyNodes=True), {"a": 0, "b": False, "c": [[], None, 1]}, None, 'POST /r {"a":0,"b":false,"c":[1]}'),
    ("a template as an object", import_of(body=[{"k": "{{record.a}}", "n": 1.50}]), {"a": 'x"y'}, None, 'POST /r {"k":"x\\"y","n":1.5}'),
    ("grouped rows", import_of(relativeURI="/{{a}}/{{record.[1].a}}"), [{"a": 1}, {"a": 2}], None, 'POST /1/2 [{"a": 1}, {"a": 2}]'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "record", "mapped", "line"), REQUESTS, ids=[row[0] for row in REQUESTS])
async def test_the_request_of_a_record(name: str, model: Any, record: Any, mapped: Any, line: str) -> None:
    """exports-imports.md 9.2, 9.3."""
    _, script, _ = await sent(model, record, Reply({}), mapped=mapped)
    assert script.asked == [line]


POSITIONS: list[tuple[dict[str, Any], list[str]]] = [
    (import_of(method=["PUT", "POST"], relativeURI=["/a", "/b"], body=["1", "2"]), ["PUT /a 1", "POST /b 2"]),
    (import_of(method=["PUT", "POST"], relativeURI=["/a"], body=["1"]), ["PUT /a 1", "POST /a 1"]),
    (import_of(method=["PUT", "POST"], relativeURI=["/a", "/b"], body=["", "2"]), ["PUT /a {}", "POST /b 2"]),
    (import_of(relativeURI=["/a", "/b"]), ["POST /a {}", "POST /b {}"]),
    (import_of(method="PATCH", relativeURI="/a", body="1"), ["PATCH /a 1"]),
]


@pytest.mark.parametrize(("model", "lines"), POSITIONS)
async def test_lists_belong_to_positions(model: Any, lines: list[str]) -> None:
    """exports-imports.md 9.2: a shorter list serves the rest with its last element; a plain text is a list of one."""
    for position, line in enumerate(lines):
        _, script, _ = await sent(model, {}, Reply({}), position=position)
        assert script.asked == [line]


async def test_responses_belong_to_positions() -> None:
    """exports-imports.md 9.2, 9.5: paths and values per position."""
    model = import_of(
        method=["PUT", "POST"],
        relativeURI=["/a", "/b"],
        response={"resourceIdPath": ["x", "y"], "successPath": ["ok"], "successValues": [["1"], ["2", "3"]]},
    )
    answers = [(0, {"x": 5, "ok": 1}, "5"), (1, {"y": 6, "ok": 3}, "6"), (1, {"y": 6, "ok": 1}, None)]
    for position, answer, id in answers:
        result, _, _ = await sent(model, {}, Reply(answer), position=position)
        assert (result.status_code, result.id) == (200 if id else 422, id)


BRACES: list[tuple[str, str]] = [
    ("/c/{name}", "/c/a%20b"),
    ("/c/{none}/x", "/c//x"),
    ("/c/{Sales Rep}", "/c/s"),
    ("/c/{name}/{{record.name}}", "/c/%7Bname%7D/a%20b"),
    ("/c?q={name}&r={n}", "/c?q=a%20b&r=7"),
]


@pytest.mark.parametrize(("uri", "path"), BRACES)
async def test_single_braces_of_the_rest_notation(uri: str, path: str) -> None:
    """exports-imports.md 9.9: without ``{{`` a text may use them; URL-encoded; a missing member is empty."""
    model = {"rest": {"relativeURI": uri, "method": "GET"}}
    _, script, _ = await sent(model, {"name": "a b", "Sales Rep": "s", "n": 7}, Reply({}))
    assert script.asked == [f"GET {path}"]
    _, script, _ = await sent(import_of(relativeURI="/{name}", method="GET"), {"name": "x"}, Reply({}))
    assert script.asked == ["GET /%7Bname%7D"]


@pytest.mark.parametrize("place", ["inside", "outside"])
def test_single_braces_name_a_lookup_where_there_is_one(place: str) -> None:
    """exports-imports.md 9.9: wherever the lookup stands; in URIs of lookups inside the block, too."""
    lookups = [{"name": "idLookup", "relativeURI": "/l/{name}"}]
    block = {"relativeURI": "/customers/{idLookup}", "method": "GET"}
    inside = {"rest": {**block, "lookups": lookups}}
    importer, problems = compiled(inside if place == "inside" else {"rest": block, "lookups": lookups}, type_="rest")
    assert problems == []
    assert importer.lookups_read(0) == {"idLookup"}
    request = importer.lookups["idLookup"].request(Script([]).run({}), {"name": "a b"}, {})
    assert request.url == BASE + ("/l/a%20b" if place == "inside" else "/l/%7Bname%7D")


async def test_a_body_that_is_too_long_is_not_sent() -> None:
    """exports-imports.md 9.2: a single record over ``endPointBodyLimit`` fails; the limit counts bytes."""
    model = import_of(endPointBodyLimit=9)
    result, _, _ = await sent(model, b'{"a":"b"}', Reply({}))
    assert result.status_code == 200
    with pytest.raises(InvalidContent) as error:
        await sent(model, '{"a":"ü"}'.encode(), Reply({}))
    assert "10 bytes" in error.value.problems[0].message


# -- results --------------------------------------------------------------------------------------------------------------

PLAIN = import_of()
EXACT = b'{"_id":"123ab456c789de1011fg12h13i","n":9007199254740993,"d":140891.90,"d":1.0}'
RESULTS: list[tuple[str, dict[str, Any], Reply, tuple[int, str | None, bytes | None]]] = [
    ("the sample of the specification", PLAIN, Reply(EXACT), (200, "123ab456c789de1011fg12h13i", EXACT)),
    ("id before _id", PLAIN, Reply(b'{"_id":1,"id":2}'), (200, "2", b'{"_id":1,"id":2}')),
    ("an empty id is none", PLAIN, Reply(b'{"_id":1,"id":""}'), (200, "1", b'{"_id":1,"id":""}')),
    ("zero is an id", PLAIN, Reply(b'{"id":0}'), (200, "0", b'{"id":0}')),
    ("no id", PLAIN, Reply(b'{"key":1}'), (200, None, b'{"key":1}')),
    ("an object is no id", PLAIN, Reply(b'{"id":{"x":1}}'), (200, None, b'{"id":{"x":1}}')),
    ("an array of one", PLAIN, Reply(b'[{"id":7}]'), (200, "7", b'[{"id":7}]')),
    ("an array of two", PLAIN, Reply(b'[{"id":7},{"id":8}]'), (200, None, b'[{"id":7},{"id":8}]')),
    ("at a path", import_of(response={"resourceIdPath": ["a.b"]}), Reply(b'{"a":{"b":1.50},"id":2}'), (200, "1.50", b'{"a":{"b":1.50},"id":2}')),
    ("at a path in an array of one", import_of(response={"resourceIdPath": ["k"]}), Reply(b'[{"k":true}]'), (200, "true", b'[{"k":true}]')),
    ("at a path with an index", import_of(response={"resourceIdPath": ["[0].k"]}), Reply(b'[{"k":3}]'), (200, "3", b'[{"k":3}]')),
    ("nothing at a path", import_of(response={"resourceIdPath": ["k"]}), Reply(b'{"id":3}'), (200, None, b'{"id":3}')),
    ("empty text at a path", import_of(response={"resourceIdPath": ["k"]}), Reply(b'{"k":""}'), (200, None, b'{"k":""}')),
    ("a resource", import_of(response={"resourcePath": ["r"]}), Reply(b'{"r":{"id":4},"id":5}'), (200, "4", b'{"id":4}')),
    ("a resource that is a scalar", import_of(response={"resourcePath": ["r"]}), Reply(b'{"r":"x"}'), (200, None, b'{"_raw":"x"}')),
    ("no resource", import_of(response={"resourcePath": ["r"]}), Reply(b'{"id":5}'), (200, None, None)),
    ("several at a resource", import_of(response={"resourcePath": ["r[*].x"], "resourceIdPath": ["[1].id"]}), Reply(b'{"r":[{"x":{"id":4}},{"x":{"id":5}}]}'), (200, "5", b'[{"id":4},{"id":5}]')),
    ("one of several at a resource", import_of(response={"resourcePath": ["r[*].x"]}), Reply(b'{"r":[{"x":{"id":4}}]}'), (200, "4", b'{"id":4}')),
    ("empty", PLAIN, Reply(b"", 204), (200, None, None)),
    ("empty, with a success path", import_of(response={"successPath": ["ok"]}), Reply(b"", 204), (200, None, None)),
    ("blank, with success values", import_of(response={"successPath": ["ok"], "successValues": [["1"]]}), Reply(b" \n"), (200, None, None)),
    ("blank", PLAIN, Reply(b" \n"), (200, None, None)),
    ("a number", PLAIN, Reply(b"981"), (200, None, b'{"_raw":"981"}')),
    ("a string", PLAIN, Reply(b'"x"'), (200, None, b'{"_raw":"\\"x\\""}')),
    ("no JSON", PLAIN, Reply(b"<ok/>"), (200, None, b'{"_raw":"<ok/>"}')),
    ("text by its type", PLAIN, Reply(b'{"id":1}', headers={"Content-Type": "text/plain"}), (200, None, b'{"_raw":"{\\"id\\":1}"}')),
    ("JSON of a vendor", PLAIN, Reply(b'{"id" :1}', headers={"Content-Type": "application/vnd.x+json; charset=UTF-8"}), (200, "1", b'{"id" :1}')),
    ("another charset", PLAIN, Reply('{"id":"ü"}'.encode("latin-1"), headers={"Content-Type": "application/json; charset=iso-8859-1"}), (200, "ü", '{"id":"ü"}'.encode())),
    ("a byte order mark", PLAIN, Reply(b'\xef\xbb\xbf{"id":1}\n'), (200, "1", b'{"id":1}')),
    ("an unknown charset", PLAIN, Reply(b"caf\xc3\xa9", headers={"Content-Type": "text/plain; charset=klingon"}), (200, None, '{"_raw":"café"}'.encode())),
    ("a charset that is none", PLAIN, Reply(b"xn--caf-dma", headers={"Content-Type": "text/plain; charset=idna"}), (200, None, b'{"_raw":"xn--caf-dma"}')),
    ("bytes that are no text", PLAIN, Reply(b"\xff\xfe", headers={"Content-Type": "text/plain"}), (200, None, '{"_raw":"\ufffd\ufffd"}'.encode())),
    ("failed", PLAIN, Reply(b'{"id":1}', 400), (422, None, b'{"id":1}')),
    ("failed, with a resource", import_of(response={"resourcePath": ["r"]}), Reply(b'{"r":{"id":1}}', 400), (422, None, b'{"id":1}')),
    ("failed, without its resource", import_of(response={"resourcePath": ["r"]}), Reply(b'{"why":1}', 400), (422, None, b'{"why":1}')),
    ("redirected nowhere", PLAIN, Reply(b"", 304), (422, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "reply", "expected"), RESULTS, ids=[row[0] for row in RESULTS])
async def test_id_and_json_of_a_result(name: str, model: Any, reply: Reply, expected: tuple[Any, ...]) -> None:
    """exports-imports.md 9.5, contract.md 4.4: the answer verbatim, or its text as ``_raw``; empty is absent; scalars become text."""
    result, _, _ = await sent(model, {}, reply)
    assert (result.status_code, result.id, result.json) == expected


ERRORS: list[tuple[dict[str, Any], Reply, tuple[str, str]]] = [
    ({}, Reply(b"no", 400), ("400", "no")),
    ({}, Reply(b"", 503), ("503", "Reason")),
    ({}, Reply(b"", 304), ("304", "Reason")),
    ({"errorPath": "error.text"}, Reply(b'{"error":{"text":"sku is unknown"}}', 400), ("400", "sku is unknown")),
    ({"errorPath": "error.text"}, Reply(b'{"e":1}', 400), ("400", '{"e":1}')),
    ({"failPath": "ok", "failValues": ["false"]}, Reply(b'{"ok":false}'), ("422", '{"ok":false}')),
    ({"successPath": "ok", "successValues": ["true"]}, Reply(b'{"ok":1}'), ("422", '{"ok":1}')),
    ({"successPath": "ok"}, Reply(b"not json"), ("422", "not json")),
    ({"failPath": "e", "errorPath": "e"}, Reply(b'{"e":[1,2]}'), ("422", "[1,2]")),
    ({"errorPath": "e[*].m"}, Reply(b'{"e":[{"m":"a"},{"m":"b"}]}', 400), ("400", '["a","b"]')),
    ({"errorPath": "e[*].m"}, Reply(b'{"e":[{"m":"a"}]}', 400), ("400", "a")),
    ({"errorPath": "e[*].m"}, Reply(b'{"e":[]}', 400), ("400", '{"e":[]}')),
    ({"errorPath": "e"}, Reply(b"<r><e>a</e><e>b</e></r>", 400, headers={"Content-Type": "text/xml"}), ("400", "a")),
]


@pytest.mark.parametrize(("response", "reply", "expected"), ERRORS)
async def test_what_the_application_said_about_a_failed_record(
    response: dict[str, Any], reply: Reply, expected: tuple[str, str]
) -> None:
    """exports-imports.md 9.6, contract.md 1.16: its status, ``"422"`` when a path judged; text at the error path or the body."""
    result, _, _ = await sent(import_of(response=response), {}, reply)
    assert result.errors == [(*expected, "application")]


@pytest.mark.parametrize(("size", "beside"), [(1, False), (300_000, True)])
async def test_a_large_answer_is_read_beside_the_event_loop(
    size: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md 1.15: an answer may have 50 MiB; other calls go on while it is read."""
    threads: list[str] = []
    real = jsonvalue.loads

    def loads(data: bytes) -> Any:
        threads.append(threading.current_thread().name)
        return real(data)

    monkeypatch.setattr("fairlead.codecs.json.loads_by_turns", loads)
    model = import_of(batchSize=2, response={"resourcePath": ["items"], "failPath": ["items"], "failValues": [["x"]]})
    body = b'{"items":[{"id":7,"text":"%b"}]}' % (b"x" * size)
    result, _, _ = await sent(model, {}, Reply(body))
    assert result.id == "7"
    assert {name.startswith("fairlead-answers") for name in threads} == {beside}


HALVES: list[tuple[str, dict[str, Any], str | None]] = [
    ("json", {}, '{"a":"\\ud800"}'),
    ("json", {"body": '{"b":"{{record.a}}"}'}, '{"b":"\\ud800"}'),
    ("json", {"body": '{"b":"{{{record.a}}}"}'}, '{"b":"\ufffd"}'),
    ("urlencoded", {}, None),
    ("urlencoded", {"body": '{"b":"{{record.a}}"}'}, None),
    ("urlencoded", {"body": "b={{record.a}}"}, "b=%EF%BF%BD"),
    ("form-data", {}, None),
    ("plaintext", {}, None),
    ("plaintext", {"body": "{{record.a}}"}, "\ufffd"),
    ("xml", {}, None),
    ("xml", {"body": "<b>{{record.a}}</b>"}, "<b>\ufffd</b>"),
    ("csv", {"requestMediaType": "csv"}, None),
]


@pytest.mark.parametrize(("media_type", "block", "body"), HALVES)
async def test_half_of_a_surrogate_pair_leaves_in_json_only(
    media_type: str, block: dict[str, Any], body: str | None
) -> None:
    """Issue 5, bad input: JSON has an escape for it; elsewhere the record fails, or a template prints U+FFFD. No bytes leave that are no
    UTF-8."""
    connection = "json" if media_type == "csv" else media_type
    record = b'{"a":"\\ud800"}'
    if body is None:
        with pytest.raises(InvalidContent, match=r"holds U\+D800"):
            await sent(import_of(**block), record, Reply({}), media_type=connection)
    else:
        _, script, _ = await sent(import_of(**block), record, Reply({}), media_type=connection)
        assert script.steps[0][0] == f"POST /r {body}"


async def test_a_deep_answer_is_an_answer() -> None:
    """contract.md 1.15: 500 levels; deeper ones are no JSON for us."""
    for depth, parsed in ((400, True), (600, False)):
        body = b"[" * depth + b"]" * depth
        result, _, _ = await sent(PLAIN, {}, Reply(body))
        assert result.status_code == 200
        assert (result.json == body) is parsed


@pytest.mark.parametrize(
    ("template", "uri"),
    [("/{{record.id}}", "/7"), ("/{{id}}-{{settings.x}}", "/7-"), ("{{record.none}}", None), (None, None)],
)
async def test_the_data_uri_of_a_record(template: str | None, uri: str | None) -> None:
    """contract.md 4.4: from the record before the mapping; nothing when it renders to nothing."""
    importer, _ = compiled({**PLAIN, **({} if template is None else {"dataURITemplate": template})})
    assert importer.data_uri(Script([]).run({}), Submission(0, b'{"id":7}')) == uri


BODIES: list[tuple[dict[str, Any], str, tuple[str, str] | None]] = [
    ({}, "json", None),
    ({"requestMediaType": "json"}, "octet-stream", None),
    ({}, "octet-stream", ("feature_not_supported", "http.body")),
    ({"body": ["a={{record.a}}"]}, "octet-stream", None),
    ({"requestMediaType": "octet-stream"}, "json", ("feature_not_supported", "http.requestMediaType")),
    ({"method": ["PUT", "POST"], "body": ["x", ""]}, "octet-stream", ("feature_not_supported", "http.body")),
]


@pytest.mark.parametrize(("block", "media_type", "problem"), BODIES)
def test_bodies_that_this_build_cannot_write(
    block: dict[str, Any], media_type: str, problem: tuple[str, str] | None
) -> None:
    """exports-imports.md 9.3: a template is sent as it is rendered; without one the record would have to be written."""
    _, problems = compiled(import_of(**block), media_type)
    assert [(p.code, p.field) for p in problems] == ([problem] if problem else [])
