"""``explain``: how the result of a ping came about, over REST, over REST through a channel, and over gRPC."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.application import Handler
from tests.e2e.client import ApiClient, ApiError, RestClient
from tests.e2e.conftest import Served
from tests.e2e.processes import Place
from tests.e2e.test_connections import http, token

FAILED = {"failStatusCode": 200, "failPath": "reason", "failValues": ["Authentication"]}
TIMES = {"tookMs", "waitedMs"}


async def test_an_explanation_names_the_rule_and_what_was_looked_at(api: ApiClient, application: Served) -> None:
    """Which rule fired and by what: status, path, found and configured values, with the fields of the document."""
    block = token("/auth-in-body")
    block["auth"] = {**block["auth"], **FAILED, "token": {"token": "wr0ng-token-of-20-chars"}}
    answer = await api.ping_virtual(http(application, **block), explain=True)
    assert (answer["code"], answer["errors"][0]["source"]) == (401, "connection")
    explanation = answer["explanation"]
    assert explanation["summary"] == (
        "Authentication failed, because status 200 is http.auth.failStatusCode"
        ' and http.auth.failPath reason found "Authentication", one of http.auth.failValues.'
    )
    [step] = explanation["steps"]
    assert (step["purpose"], step["method"], step["status"]) == ("request", "GET", 200)
    assert step["url"] == f"{application.url}/auth-in-body"
    assert (step["rule"], step["verdict"]) == ("authentication", "authentication_failed")
    assert step["tookMs"] > 0
    assert explanation["tookMs"] >= step["tookMs"]
    assert step["credentials"] == {
        "type": "token",
        "headers": ["Authorization"],
        "token": {"length": 23, "sha256": sha256(b"wr0ng-token-of-20-chars").hexdigest()[:8]},
    }
    assert step["lookedAt"] == [
        {"rule": "rate_limit", "looked": "status", "found": "200", "configured": ["429"], "matched": False},
        {
            "rule": "authentication",
            "looked": "status",
            "field": "http.auth.failStatusCode",
            "found": "200",
            "configured": ["200"],
            "matched": True,
        },
        {
            "rule": "authentication",
            "looked": "path",
            "field": "http.auth.failPath",
            "path": "reason",
            "found": "Authentication",
            "configured": ["Authentication"],
            "matched": True,
        },
        {"looked": "header", "path": "Content-Type", "found": "application/json; charset=utf-8"},
    ]


async def test_every_way_to_ask_answers_the_same(api: ApiClient, application: Served) -> None:
    """The parameter of the ping of a stored and of a posted connection, and the call of its own."""
    document = http(application, **token("/bearer"))
    id = (await api.create(document))["_id"]
    answers = [await api.ping(id, explain=True), await api.explain(id), await api.ping_virtual(document, explain=True)]
    shown = [without_times(answer) for answer in answers]
    assert shown[0] == shown[1] == shown[2]
    assert shown[0]["code"] == 200
    assert shown[0]["explanation"]["summary"] == "The connection works: good, because status 200 is within 200 to 299."


async def test_without_the_parameter_a_good_ping_is_byte_for_byte_the_published_one(
    edge: RestClient, application: Served
) -> None:
    """contract.md 2.3: ``{"code":200}`` and nothing else; POST takes the parameter as GET does."""
    id = (await edge.create(http(application)))["_id"]
    for query in ("", "?explain=false"):
        for method in ("GET", "POST"):
            assert (await edge.raw(method, f"/v1/connections/{id}/ping{query}"))[2] == b'{"code":200}'
    explained = json.loads((await edge.raw("POST", f"/v1/connections/{id}/ping?explain=true"))[2])
    assert set(explained) == {"code", "explanation"}
    status, _, _ = await edge.raw("GET", f"/v1/connections/{id}/ping?explain=perhaps")
    assert status == 400


async def test_a_transport_failure_keeps_the_steps_so_far(
    api: ApiClient, application: Served, serve: Callable[[str, Handler], Awaitable[str]]
) -> None:
    """A redirect to a place that breaks the connection: the step that led there is told, and why there was no answer."""

    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        raise ConnectionResetError

    application.application.redirect = f"{await serve('/broken', broken)}/broken?session=issued-just-now"
    answer = await api.ping_virtual(http(application, "/redirect"), explain=True)
    steps = answer["explanation"]["steps"]
    assert answer["code"] == 502
    assert [step["purpose"] for step in steps] == ["request", "redirect", "second_try"]
    assert steps[0]["status"] == 302
    assert steps[0]["sentence"].endswith("; the next step goes where it leads")
    assert {step.get("status") for step in steps[1:]} == {None}
    assert {step["problem"] for step in steps[1:]} == {"connection_error"}
    assert all("session=******" in step["url"] for step in steps[1:])
    assert "issued-just-now" not in json.dumps(answer)


async def test_a_connection_that_cannot_be_tried_has_no_explanation(api: ApiClient, application: Served) -> None:
    """contract.md 2.3: 422 with the envelope alone."""
    oauth = {"authURI": "https://a.test/a", "tokenURI": "https://a.test/t", "clientId": "c", "clientSecret": "s3cr3t"}
    auth = {"type": "oauth", "oauth": oauth}
    with pytest.raises(ApiError) as error:
        await api.ping_virtual(http(application, auth=auth), explain=True)
    assert (error.value.status, error.value.code) == (422, "needs_authorization")


async def test_fields_are_named_in_the_notation_of_the_document(api: ApiClient, application: Served) -> None:
    """connections.md 1.3: a rest connection reads the names that it was written with."""
    rest: dict[str, Any] = {
        "baseURI": application.url,
        "mediaType": "json",
        "authType": "custom",
        "pingRelativeURI": "/ok",
    }
    rest |= {"pingSuccessPath": "status", "pingSuccessValues": ["fine"]}
    answer = await api.ping_virtual({"type": "rest", "name": "r", "rest": rest}, explain=True)
    assert answer["explanation"]["summary"] == (
        'Failed, because rest.pingSuccessPath status found "success", none of rest.pingSuccessValues.'
    )


async def test_the_command_line_tells_it_and_keeps_its_exit_codes(tmp_path: Path, application: Served) -> None:
    """``--explain``: the sentence first, then the steps; ``--json``: the answer. 0 when it works, 1 when it does not, 3 when it cannot be
    tried."""
    place = Place(tmp_path)
    async with place.serve("serve", ready="fairlead is ready"):
        for path, code, mark in (
            ("/bearer", 0, "✓ The connection works: "),
            ("/basic", 1, "✗ Authentication failed, because "),
        ):
            _, stored = await place.post("/v1/connections", http(application, **token(path)))
            assert isinstance(stored, dict)
            exit_code, out, _ = await place.run("connection", "ping", stored["_id"], "--explain")
            lines = out.decode().splitlines()
            assert (exit_code, lines[0].startswith(mark)) == (code, True)
            assert f"1. GET {application.url}{path} → " in lines[1]
            assert "token ****** (11 characters), in header Authorization" in out.decode()
            assert "t0k3n-value" not in out.decode()
            exit_code, out, _ = await place.run("connection", "ping", stored["_id"], "--explain", "--json")
            assert (exit_code, "explanation" in json.loads(out)) == (code, True)
        exit_code, out, error = await place.run("connection", "ping", "0" * 24, "--explain")
        assert (exit_code, out, b"not_found" in error) == (3, b"", True)


def without_times(node: Any) -> Any:
    """Without what differs from call to call."""
    if isinstance(node, dict):
        return {name: without_times(value) for name, value in node.items() if name not in TIMES}
    if isinstance(node, list):
        return [without_times(item) for item in node]
    return node
