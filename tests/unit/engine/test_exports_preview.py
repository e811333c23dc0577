"""One request of an export, stage by stage (contract.md 3.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import ConditionNotMet, InvalidContent, NotSupported
from fairlead.domain.http import Headers, HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.preview import Previewed
from fairlead.engine.run import RunStats
from tests.unit.engine.exporting import BASE, FIRST, MINE, OFFLINE, REST, SIGNED, Answers, Service, code_of, reply

TRANSFORM = {"expression": {"version": "1", "rules": [[{"extract": "id", "generate": "key"}]]}}
NUMBER = {
    "expression": {
        "version": "2",
        "rulesTwoDotZero": {
            "mappings": [{"generate": "key", "extract": "$.id", "dataType": "number", "status": "Active"}]
        },
    }
}
FILTER = {"expression": {"version": "1", "rules": ["notequals", ["extract", "key"], 2]}}


def model(**more: Any) -> Tree:
    """Three orders."""
    http = {"relativeURI": "/orders?since={{lastExportDateTime}}", "response": {"resourcePath": "orders"}}
    return {"_connectionId": FIRST, "http": {**http, **more.pop("http", {})}, **more}


def answering(body: Any, status: int = 200) -> Answers:
    """An application that says this."""

    def answers(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return reply(body, status)

    return answers


THREE = {"orders": [{"id": 1}, {"id": 2}, {"id": 3}]}


async def preview(
    export: Tree,
    answers: Answers | None = None,
    *,
    post: Tree | None = None,
    data: bytes | None = None,
    service: Service | None = None,
) -> Previewed:
    """The answer of one call."""
    used = service or Service(answers or answering(THREE))
    return await used.preview.run(MINE, export, post or {}, data, None, RunStats())


def stages(found: Previewed) -> list[str]:
    """Their names; the failing ones with an exclamation mark."""
    return [stage.name + ("!" if stage.errors else "") for stage in found.stages]


def data(found: Previewed, name: str) -> Any:
    """What a stage made."""
    (stage,) = [stage for stage in found.stages if stage.name == name]
    return None if stage.data is None else [json.loads(raw) for raw in stage.data]


async def test_all_stages() -> None:
    """In their order, each with what it made."""
    export = model(transform=TRANSFORM, filter=FILTER, dataURITemplate="/o/{{record.key}}")
    found = await preview(export, post={"lastExportDateTime": "1768469400"})
    assert stages(found) == ["request", "raw", "parse", "transform", "outputFilter"]
    (request,) = data(found, "request")
    assert (request["url"], request["method"], request["body"]) == (
        f"{BASE}/orders?since=2026-01-15T09%3A30%3A00.000Z",
        "GET",
        None,
    )
    assert request["headers"]["accept"] == "application/json"
    assert data(found, "raw") == [
        {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(THREE)}
    ]
    assert data(found, "parse") == THREE["orders"]
    assert data(found, "transform") == [{"key": 1}, {"key": 2}, {"key": 3}]
    assert data(found, "outputFilter") == [{"key": 1}, {"key": 3}]
    assert [json.loads(raw) for raw in found.records] == [{"key": 1}, {"key": 3}]
    assert found.data_uris == ["/o/1", "/o/3"]


async def test_stages_that_do_not_apply() -> None:
    """Without rules there is no stage for them."""
    assert stages(await preview(model())) == ["request", "raw", "parse"]


def broken(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """No answer."""
    raise TransportFailure("connection_error", "refused", sent=False)


FAILING: dict[str, tuple[Tree, Answers, list[str], str, str | None, str | None]] = {
    "the application fails": (model(), answering({}, 500), ["request", "raw!"], "500", "application", None),
    "it is not there": (model(), broken, ["request", "raw!"], "connection_error", "connection", None),
    "it refuses us": (model(), answering({}, 401), ["request", "raw!"], "401", "connection", None),
    "a path says so": (
        model(http={"response": {"successPath": "ok", "successValues": ["true"]}}),
        answering({"ok": False}),
        ["request", "raw!"],
        "422",
        "application",
        None,
    ),
    "it sends something else": (
        model(),
        answering(b'{"orders":['),
        ["request", "raw", "parse!"],
        "invalid_response",
        "application",
        None,
    ),
    "a record cannot be transformed": (
        model(transform=NUMBER, filter=FILTER),
        answering({"orders": [{"id": 1}, {"id": "x"}, {"id": 2}]}),
        ["request", "raw", "parse", "transform!"],
        "mapping_error",
        "transformation",
        None,
    ),
    "the request cannot be made": (
        model(http={"headers": [{"name": "X-A", "value": "{{record.a}}"}]}),
        answering({}),
        ["request!"],
        "invalid_template",
        None,
        "http.relativeURI",
    ),
    "the input cannot be mapped": (
        model(mappings=[{"generate": "n", "extract": "$.a", "dataType": "number", "status": "Active"}]),
        answering({}),
        ["request!"],
        "mapping_error",
        "mapping",
        None,
    ),
}


@pytest.mark.parametrize(("export", "answers", "names", "code", "source", "place"), FAILING.values(), ids=FAILING)
async def test_a_stage_that_fails_is_the_last(
    export: Tree, answers: Answers, names: list[str], code: str, source: str | None, place: str | None
) -> None:
    """Its errors tell why; the call itself is carried out."""
    found = await preview(export, answers, data=b'{"a":"x\\ny"}')
    assert stages(found) == names
    (problem,) = found.stages[-1].errors
    assert (problem.code, problem.source, problem.field) == (code, source, place)


async def test_an_answer_that_is_judged_failed_is_shown() -> None:
    """The raw stage has both, data and errors; also when signing in failed."""
    for status in (500, 401):
        found = await preview(model(), answering({"why": "no"}, status))
        assert data(found, "raw")[0]["body"] == '{"why": "no"}'
        assert data(found, "raw")[0]["statusCode"] == status
        assert found.records == []
    assert data(await preview(model(), broken), "raw") is None


async def test_records_that_fail_do_not_hide_the_others() -> None:
    """What the export would give of the same answer is in data."""
    answers = answering({"orders": [{"id": 1}, {"id": "x"}, {"id": 2}]})
    found = await preview(model(transform=NUMBER, filter=FILTER), answers)
    assert [json.loads(raw) for raw in found.records] == [{"key": 1}]
    assert data(found, "transform") == [{"key": 1}, {"key": 2}]


async def test_one_request_and_a_hundred_records() -> None:
    """Of however many there are; a test export stops at its own limit; callbacks are not sent."""
    service = Service(answering({"orders": [{"id": n} for n in range(150)], "next": "/orders?page=2"}))
    paged = model(type="once", http={"paging": {"method": "url", "path": "next"}, "once": {"relativeURI": "/seen"}})
    assert len((await preview(paged, service=service)).records) == 100
    assert len(service.wire.asked) == 1
    assert len((await preview(model(type="test", test={"limit": 3}), service=service)).records) == 3
    assert len((await preview(model(type="test"), service=service)).records) == 1


async def test_lookups_that_do_not_pass_ask_nothing() -> None:
    """exports-imports.md 3.4: no request, no stage."""
    service = Service(answering(THREE))
    found = await preview(model(inputFilter={"rules": ["or"]}), service=service, data=b"{}")
    assert (found.stages, found.records, service.wire.asked) == ([], [], [])


async def test_only_the_first_child_is_asked_about() -> None:
    """One request to the application."""
    service = Service(answering(THREE))
    export = model(oneToMany=True, pathToMany="l", http={"relativeURI": "/{{record.value}}"})
    await preview(export, service=service, data=b'{"l":[1,2]}')
    assert service.wire.asked == ["/1"]


def echoing(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """Says everything back."""
    said = {"orders": [], "headers": dict(request.headers.items()), "url": request.url}
    answer = reply(said)
    answer.headers = Headers([*answer.headers.items(), ("Set-Cookie", "s=1"), ("X-Token", "s3cr3t-t0k3n")])
    return answer


async def test_secrets_are_masked() -> None:
    """contract.md 1.7, 3.5: in URL, headers and body of request and raw answer, wherever the application repeats them."""
    http = {
        "method": "POST",
        "relativeURI": "/orders?key={{connection.http.auth.token.token}}&q=1",
        "headers": [{"name": "X-Copy", "value": "{{connection.http.auth.token.token}}"}],
        "body": '{"t":"{{connection.http.auth.token.token}}"}',
    }
    found = await preview(model(_connectionId=SIGNED, http=http), echoing)
    (request,), (raw,) = data(found, "request"), data(found, "raw")
    assert "s3cr3t" not in json.dumps([request, raw])
    assert request["url"] == f"{BASE}/orders?key=******&q=1"
    assert request["headers"]["authorization"] == request["headers"]["x-copy"] == "******"
    assert raw["headers"]["set-cookie"] == raw["headers"]["x-token"] == "******"


async def test_a_long_body_is_cut() -> None:
    """contract.md 2.5: shown are 64 KiB; the records are whole."""
    long = {"orders": [{"id": 1, "text": "x" * 100_000}]}
    found = await preview(model(), answering(long))
    body = data(found, "raw")[0]["body"]
    assert body.endswith("...truncated")
    assert len(body) == (64 << 10) + len("...truncated")
    assert data(found, "parse") == long["orders"]


@pytest.mark.parametrize(
    ("export", "kind", "code", "field"),
    [
        ({"http": {"relativeURI": "/"}}, InvalidContent, "missing_required_field", "_connectionId"),
        (model(_connectionId="f" * 24), InvalidContent, "invalid_ref", "_connectionId"),
        (model(_connectionId=OFFLINE), ConditionNotMet, "connection_offline", None),
        (model(http={"relativeURI": "{{"}), InvalidContent, "invalid_template", "http.relativeURI"),
        (
            {"_connectionId": REST, "rest": {"relativeURI": "/", "resourcePath": "a["}},
            InvalidContent,
            "invalid_field",
            "rest.resourcePath",
        ),
        (
            model(hooks={"preSavePage": {"function": "f", "_scriptId": "s"}}),
            NotSupported,
            "script_runtime_unavailable",
            "hooks.preSavePage",
        ),
        (
            model(hooks={"preSavePage": {"function": "f", "_stackId": "s"}}),
            InvalidContent,
            "invalid_ref",
            "hooks.preSavePage._stackId",
        ),
    ],
)
async def test_a_model_that_is_wrong(export: Tree, kind: Any, code: str, field: str | None) -> None:
    """contract.md 1.5: refused before anything is sent, fields from the top of the document."""
    service = Service(answering(THREE))
    assert await code_of(preview(export, service=service), kind) == (code, field)
    assert service.wire.asked == []
