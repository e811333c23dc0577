"""Dynamic lookups: asked per record, shared and kept within the call, in mappings, templates, transforms and decisions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fairlead.domain.errors import ConditionNotMet, InvalidContent
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from tests.unit.engine.serving import Service, http, refusal, reply

CUSTOMERS = {"a+b@x.test": "c9", "c@x.test": "c3"}


async def created(service: Service, **block: Any) -> str:
    """The id of a stored connection."""
    return str((await service.create(http(**block))).tree["_id"])


def crm(request: HttpRequest) -> HttpResponse:
    """An application that finds customers by e-mail address, and takes everything else."""
    path = request.url.removeprefix("https://api.example.test")
    if path.startswith("/customers?email="):
        mail = path.partition("=")[2].replace("%2B", "+").replace("%40", "@")
        if mail == "broken":
            return reply({"why": "down"}, 500)
        if mail == "gone":
            return reply({"why": "unknown"}, 404)
        if mail == "two":
            return reply([{"id": "c2", "tags": ["x", "y"]}])
        if mail == "xml":
            answer = reply(b"<r><id>7</id><tag>a</tag><tag>b</tag></r>")
            answer.headers.set("Content-Type", "application/xml")
            return answer
        found = CUSTOMERS.get(mail)
        return reply([{"id": found, "tags": ["x"]}] if found else [])
    return reply({"id": "new"})


def asked(service: Service, what: str = "/customers") -> list[str]:
    """Requests of lookups, as lines."""
    return [line for line in service.application.lines if line.split()[1].startswith(what)]


CUSTOMER: dict[str, Any] = {
    "name": "custId",
    "relativeURI": "/customers?email={{record.email}}",
    "method": "GET",
    "extract": "[0].id",
    "allowFailures": True,
}
STRICT = {**CUSTOMER, "allowFailures": False}
MAPPING = {"mapping": {"fields": [{"generate": "customer", "lookupName": "custId", "extract": "email"}, {"extract": "n", "generate": "n"}]}}  # fmt: skip


def importing(*lookups: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An import with these lookups in its block."""
    block = {"relativeURI": ["/orders"], **more.pop("http", {})}
    return {**more, "http": {**block, "lookups": list(lookups)}}


async def test_the_worked_example(service: Service) -> None:
    """exports-imports.md 12: URL-encoded in the request; the result is the value at ``extract``."""
    service.application.answers = crm
    id = await created(service)
    results = await service.run_import(id, importing(CUSTOMER, **MAPPING), [{"email": "a+b@x.test", "n": 1}])
    assert service.application.lines == ["GET /customers?email=a%2Bb%40x.test", 'POST /orders {"customer":"c9","n":1}']
    assert results[0]["statusCode"] == 200


RESULTS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("found", CUSTOMER, "a+b@x.test", {"customer": "c9"}),
    ("no match, allowed", CUSTOMER, "z", {}),
    ("no match, default", {**CUSTOMER, "default": "none"}, "z", {"customer": "none"}),
    ("404 is no match", {**CUSTOMER, "default": "none"}, "gone", {"customer": "none"}),
    ("the whole body", {**CUSTOMER, "extract": None}, "c@x.test", {"customer": [{"id": "c3", "tags": ["x"]}]}),
    ("a value that is no text", {**CUSTOMER, "extract": "[0].tags"}, "c@x.test", {"customer": ["x"]}),
    ("several matches are an array", {**CUSTOMER, "extract": "[0].tags[*]"}, "two", {"customer": ["x", "y"]}),
    ("the whole body of XML", {**CUSTOMER, "extract": None}, "xml", {"customer": {"id": "7", "tag": ["a", "b"]}}),
    ("no match, not allowed", STRICT, "z", ("lookup_no_match", "lookup")),
    ("404, not allowed", STRICT, "gone", ("lookup_no_match", "lookup")),
    ("a failure fails, allowed or not", CUSTOMER, "broken", ("500", "lookup")),
]


@pytest.mark.parametrize(("name", "lookup", "email", "expected"), RESULTS, ids=[row[0] for row in RESULTS])
async def test_what_a_lookup_finds(
    service: Service, name: str, lookup: dict[str, Any], email: str, expected: Any
) -> None:
    """exports-imports.md 12; the record before and after it goes on."""
    service.application.answers = crm
    lookup = {key: value for key, value in lookup.items() if value is not None}
    mapping = {"mapping": {"fields": [{"generate": "customer", "lookupName": "custId", "extract": "email"}]}}
    results = await service.run_import(
        await created(service, concurrencyLevel=1),
        importing(lookup, **mapping),
        [{"email": "c@x.test"}, {"email": email}, {"email": "c@x.test"}],
    )
    bodies = [json.loads(r.body or b"") for r in service.application.sent if r.method == "POST"]
    if isinstance(expected, tuple):
        assert [r["statusCode"] for r in results] == [200, 422, 200]
        assert (results[1]["errors"][0]["code"], results[1]["errors"][0]["source"]) == expected
        assert len(bodies) == 2
    else:
        assert [r["statusCode"] for r in results] == [200, 200, 200]
        assert bodies[1] == expected


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (TransportFailure("connection_error", "reset"), "connection_error"),
        (reply(b"<html>"), "invalid_response"),
        (reply(b"["), "invalid_response"),
    ],
)
async def test_an_application_that_does_not_answer_a_lookup(service: Service, failure: Any, code: str) -> None:
    """exports-imports.md 12, contract.md 1.16: the word, source ``lookup``."""

    def answers(request: HttpRequest) -> HttpResponse:
        if isinstance(failure, Exception):
            raise failure
        return failure  # type: ignore[no-any-return]  # the table holds answers and failures

    service.application.answers = answers
    (result,) = await service.run_import(await created(service), importing(CUSTOMER, **MAPPING), [{"email": "x"}])
    assert (result["errors"][0]["code"], result["errors"][0]["source"]) == (code, "lookup")


@pytest.mark.parametrize(
    ("connection", "block", "result", "accept"),
    [
        ({}, {}, ("invalid_response", "lookup"), "application/json"),
        ({"successMediaType": "xml"}, {}, {"customer": "7"}, "application/xml"),
        ({}, {"successMediaType": "xml"}, {"customer": "7"}, "application/xml"),
        ({"successMediaType": "plaintext"}, {"successMediaType": "xml"}, {"customer": "7"}, "application/xml"),
    ],
)
async def test_how_the_answer_to_a_lookup_is_read(
    service: Service, connection: dict[str, Any], block: dict[str, Any], result: Any, accept: str
) -> None:
    """connections.md 1.2 and 5.1, exports-imports.md 1.2: by the media type of the resource, then of the connection, before
    ``Content-Type``."""
    service.application.answers = lambda request: reply(b"<r><id>7</id></r>")
    lookup = {**CUSTOMER, "extract": "/r/id"}
    mapping = {"mapping": {"fields": [{"generate": "customer", "lookupName": "custId", "extract": "email"}]}}
    id = await created(service, **connection)
    (got,) = await service.run_import(id, importing(lookup, http=block, **mapping), [{"email": "x"}])
    first, *later = service.application.sent
    assert first.headers.get("Accept") == accept
    if isinstance(result, tuple):
        assert [(each["code"], each["source"]) for each in got["errors"]] == [result]
    else:
        assert [json.loads(request.body or b"") for request in later] == [result]


async def test_equal_requests_are_made_once_in_a_call(service: Service) -> None:
    """exports-imports.md 12: kept for the call, keyed by the rendered request; equal ones at the same time are one; no longer than the
    call."""
    service.application.answers = crm
    id = await created(service)
    data = [{"email": mail, "n": n} for n, mail in enumerate(["c@x.test", "z", "c@x.test", "z", "c@x.test"] * 20)]
    for calls in (1, 2):
        results = await service.run_import(id, importing(CUSTOMER, **MAPPING), data)
        assert {r["statusCode"] for r in results} == {200}
        assert sorted(set(asked(service))) == ["GET /customers?email=c%40x.test", "GET /customers?email=z"]
        assert len(asked(service)) == 2 * calls


@pytest.mark.parametrize(("level", "requests"), [(1, 3), (3, 1)])
async def test_a_shared_failure_is_no_result(service: Service, level: int, requests: int) -> None:
    """exports-imports.md 12: who waits for the same request fails with it; who comes later asks again."""

    async def answers(request: HttpRequest) -> HttpResponse:
        await service.clock.sleep(1)
        return crm(request)

    service.application.answers = answers
    id = await created(service, concurrencyLevel=level)
    model = importing(CUSTOMER, **MAPPING)
    call = asyncio.create_task(service.run_import(id, model, [{"email": "broken"}] * 3))
    await service.clock.advance(10)
    assert {r["errors"][0]["code"] for r in await call} == {"500"}
    assert len(asked(service)) == requests


async def test_lookups_with_one_request_share_it(service: Service) -> None:
    """exports-imports.md 12: keyed by the request; each takes its own part of the answer."""
    service.application.answers = crm
    tags = {**CUSTOMER, "name": "tags", "extract": "[0].tags"}
    fields = [{"generate": name, "lookupName": name, "extract": "email"} for name in ("custId", "tags")]
    model = importing(CUSTOMER, tags, mapping={"fields": fields})
    await service.run_import(await created(service), model, [{"email": "c@x.test"}])
    assert service.application.lines == ["GET /customers?email=c%40x.test", 'POST /orders {"custId":"c3","tags":["x"]}']


async def test_results_beyond_the_bound_are_asked_for_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call keeps a bounded amount; the oldest go first."""
    monkeypatch.setattr("fairlead.engine.lookups.MAXIMUM_KEPT", 500)
    service.application.answers = crm
    data = [{"email": mail} for mail in ("c@x.test", "a+b@x.test", "z", "z", "c@x.test")]
    results = await service.run_import(await created(service, concurrencyLevel=1), importing(CUSTOMER, **MAPPING), data)
    assert {r["statusCode"] for r in results} == {200}
    assert len(asked(service)) == 4


def uri(text: str, **more: Any) -> dict[str, Any]:
    """An import whose URI that is."""
    return importing(CUSTOMER, http={"relativeURI": [text], "method": ["PUT"], **more})


TEMPLATES: list[tuple[str, dict[str, Any], str]] = [
    ("URI", uri("/c/{{lookup.custId}}"), 'PUT /c/c3 {"email":"c@x.test"}'),
    ("brackets", uri("/c/{{lookup.[custId]}}"), 'PUT /c/c3 {"email":"c@x.test"}'),
    ("body", uri("/c", body=['{"c":"{{lookup.custId}}"}']), 'PUT /c {"c":"c3"}'),
    ("the whole object", uri("/c", body=["{{{jsonSerialize lookup}}}"]), 'PUT /c {"custId":"c3"}'),
    ("rest braces", {"rest": {"relativeURI": "/c/{custId}/{email}", "method": "PUT", "lookups": [{**CUSTOMER, "relativeURI": "/customers?email={email}"}]}}, 'PUT /c/c3/c%40x.test {"email":"c@x.test"}'),
    ("in an outer list", {**uri("/c/{{lookup.custId}}"), "http": {"relativeURI": ["/c/{{lookup.custId}}"], "method": ["PUT"]}, "lookups": [CUSTOMER]}, 'PUT /c/c3 {"email":"c@x.test"}'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "line"), TEMPLATES, ids=[row[0] for row in TEMPLATES])
async def test_templates_read_results(service: Service, name: str, model: dict[str, Any], line: str) -> None:
    """exports-imports.md 12, 9.9, handlebars.md 2.1: ``{{lookup.name}}`` in URI, headers and body."""
    service.application.answers = crm
    await service.run_import(await created(service), model, b'[{"email":"c@x.test"}]')
    assert service.application.lines == ["GET /customers?email=c%40x.test", line]


async def test_headers_read_results_and_no_match_fails_before_the_request(service: Service) -> None:
    """exports-imports.md 12: a lookup that must match fails the record; the application is not asked for it."""
    service.application.answers = crm
    model = importing(STRICT, http={"headers": [{"name": "X-Customer", "value": "{{lookup.custId}}"}]})
    good, bad = await service.run_import(await created(service), model, [{"email": "c@x.test"}, {"email": "z"}])
    assert good["statusCode"] == 200
    assert (bad["errors"][0]["code"], bad["errors"][0]["source"]) == ("lookup_no_match", "lookup")
    assert [r.headers.get("X-Customer") for r in service.application.sent if r.method == "POST"] == ["c3"]


async def test_a_lookup_that_nobody_reads_is_not_asked_for(service: Service) -> None:
    """exports-imports.md 12: lookups cost requests only where they are used."""
    await service.run_import(await created(service), importing(CUSTOMER), [{"email": "c@x.test"}])
    assert len(service.application.sent) == 1


async def test_a_lookup_uses_another_one(service: Service) -> None:
    """exports-imports.md 12: the template context of a lookup has the results of others; POST with a body, too."""

    def answers(request: HttpRequest) -> HttpResponse:
        return reply({"region": "north"}) if request.url.endswith("/region") else crm(request)

    service.application.answers = answers
    region = {
        "name": "region",
        "relativeURI": "/region",
        "method": "POST",
        "body": '{"c":"{{lookup.custId}}"}',
        "extract": "region",
    }
    fields = {"fields": [{"generate": "r", "lookupName": "region", "extract": "email"}]}
    model = importing(CUSTOMER, region, mapping=fields)
    await service.run_import(await created(service), model, [{"email": "c@x.test"}])
    assert service.application.lines == [
        "GET /customers?email=c%40x.test",
        'POST /region {"c":"c3"}',
        'POST /orders {"r":"north"}',
    ]


@pytest.mark.parametrize("own", [True, False])
async def test_the_headers_of_the_import_are_sent_when_asked_for(service: Service, own: bool) -> None:
    """exports-imports.md 12: ``useImportHeaders``; they count as part of the request."""
    service.application.answers = crm
    lookup = {**CUSTOMER, "relativeURI": "/customers?email=c@x.test", "useImportHeaders": own}
    model = importing(lookup, http={"headers": [{"name": "X-N", "value": "{{record.n}}"}]}, **MAPPING)
    await service.run_import(await created(service, concurrencyLevel=1), model, [{"n": 1}, {"n": 2}])
    seen = [r.headers.get("X-N") for r in service.application.sent if r.method == "GET"]
    assert seen == (["1", "2"] if own else [None])


async def test_lookups_have_their_own_patience_and_purpose(service: Service) -> None:
    """connections.md 13.5, contract.md 2.5: 120 s to the first byte of a lookup, 60 of an import."""
    service.application.answers = crm
    await service.run_import(await created(service), importing(CUSTOMER, **MAPPING), [{"email": "c@x.test"}])
    assert [profile.first_byte for profile in service.application.profiles] == [120.0, 60.0]


# -- exports-imports.md 9.4 ------------------------------------------------------------------------------------------------

UPSERT: dict[str, Any] = {
    "requestType": ["UPDATE", "CREATE"],
    "method": ["PUT", "POST"],
    "relativeURI": ["/c/{{lookup.custId}}", "/c"],
    "existingLookupName": "custId",
}
NO_WORDS = {name: value for name, value in UPSERT.items() if name in ("method", "relativeURI")}
STATIC = {"name": "map", "map": {"c@x.test": "s3", "a+b@x.test": ""}, "allowFailures": True}
BY_MAP = {"method": ["PUT", "POST"], "relativeURI": ['/c/{{lookup "map" record.email}}', "/c"]}
DECIDED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("existingLookupName", importing(CUSTOMER, http=UPSERT), ["PUT /c/c3", "POST /c"]),
    ("a default is not found", importing({**CUSTOMER, "default": "d"}, http=UPSERT), ["PUT /c/c3", "POST /c"]),
    ("no match is no failure here", importing(STRICT, http=UPSERT), ["PUT /c/c3", "POST /c"]),
    ("ignoreExisting", {**importing(CUSTOMER, http=UPSERT), "ignoreExisting": True}, ["POST /c"]),
    ("ignoreMissing", {**importing(CUSTOMER, http={**UPSERT, "ignoreLookupName": "custId"}), "ignoreMissing": True}, ["PUT /c/c3"]),
    ("without words: the lookups of the URI", importing(CUSTOMER, http=NO_WORDS), ["PUT /c/c3", "POST /c"]),
    ("without words, must match", importing(STRICT, http=NO_WORDS), ["PUT /c/c3", "POST /c"]),
    ("without words, static lookups", importing(STATIC, http=BY_MAP), ["PUT /c/s3", "POST /c"]),
    ("without words, static, must match", importing({**STATIC, "allowFailures": False}, http=BY_MAP), ["PUT /c/s3", "POST /c"]),
    ("rest, earlier edition", {"rest": {"relativeURI": ["/c/{custId}", "/c"], "method": ["PUT", "POST"], "lookups": [{**CUSTOMER, "relativeURI": "/customers?email={email}"}]}}, ["PUT /c/c3", "POST /c"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "lines"), DECIDED, ids=[row[0] for row in DECIDED])
async def test_lookups_decide_about_create_and_update(
    service: Service, name: str, model: dict[str, Any], lines: list[str]
) -> None:
    """exports-imports.md 9.4."""
    service.application.answers = crm
    id = await created(service, concurrencyLevel=1)
    results = await service.run_import(id, model, [{"email": "c@x.test"}, {"email": "z"}])
    assert {r["statusCode"] for r in results} == {200}
    sent = [f"{r.method} {r.url.removeprefix('https://api.example.test')}" for r in service.application.sent]
    assert [line for line in sent if not line.startswith("GET")] == lines


# -- other steps -----------------------------------------------------------------------------------------------------------


async def test_a_transform_uses_lookups_of_its_own_and_of_the_document(service: Service) -> None:
    """exports-imports.md 12: joined, the inner one wins; the context is the record before the transform."""
    service.application.answers = crm
    inner = {**CUSTOMER, "relativeURI": "/customers?email={{record.other}}"}
    entries = [
        {"generate": "id", "dataType": "string", "extract": "$.other", "lookupName": "custId", "status": "Active"}
    ]
    rules = {"mode": "create", "mappings": entries, "lookups": [inner]}
    model = {**importing(CUSTOMER), "transform": {"expression": {"version": "2", "rulesTwoDotZero": rules}}}
    await service.run_import(await created(service), model, [{"email": "z", "other": "c@x.test"}])
    assert service.application.lines == ["GET /customers?email=c%40x.test", 'POST /orders {"id":"c3"}']
    service.application.sent.clear()
    outer = {**model, "transform": {"expression": {"version": "2", "rulesTwoDotZero": {**rules, "lookups": []}}}}
    await service.run_import(await created(service), outer, [{"email": "a+b@x.test", "other": "c@x.test"}])
    assert service.application.lines == ["GET /customers?email=a%2Bb%40x.test", 'POST /orders {"id":"c9"}']


async def test_children_look_up_for_themselves(service: Service) -> None:
    """exports-imports.md 9.8, 12: a child is a record; it sees ``_PARENT``."""
    service.application.answers = crm
    lookup = {**CUSTOMER, "relativeURI": "/customers?email={{record.name}}{{record._PARENT.domain}}"}
    model = {**importing(lookup, **MAPPING), "oneToMany": True, "pathToMany": "people"}
    data = [{"domain": "@x.test", "people": [{"name": "c", "n": 1}, {"name": "a+b", "n": 2}]}]
    await service.run_import(await created(service, concurrencyLevel=1), model, data)
    posts = [line for line in service.application.lines if line.startswith("POST")]
    assert posts == ['POST /orders {"customer":"c3","n":1}', 'POST /orders {"customer":"c9","n":2}']


async def test_mapping_alone_runs_the_lookups_of_the_mapping(service: Service) -> None:
    """contract.md 2.11: dynamic ones are executed; those that only decide are not; failures by record."""
    service.application.answers = crm
    id = await created(service)
    model = importing(
        CUSTOMER, {**CUSTOMER, "name": "other"}, http={**UPSERT, "existingLookupName": "other"}, **MAPPING
    )
    data = [{"email": "c@x.test"}, {"email": "z"}, {"email": "c@x.test"}]
    assert await service.map(id, model, data) == [{"customer": "c3"}, {}, {"customer": "c3"}]
    assert len(service.application.sent) == 2
    service.application.sent.clear()
    failing = service.map(id, importing(STRICT, **MAPPING), [*data, {"email": "broken"}])
    assert await refusal(failing, InvalidContent) == {("lookup_no_match", "data.1"), ("500", "data.3")}


async def test_mapping_alone_on_an_offline_connection(service: Service) -> None:
    """connections.md 6.2: nothing is asked; what needs no lookup is mapped."""
    id = str((await service.create({**http(), "offline": True})).tree["_id"])
    assert await refusal(service.map(id, importing(CUSTOMER, **MAPPING), [{}]), ConditionNotMet) == {
        ("connection_offline", None)
    }
    assert await service.map(id, {"mapping": {"fields": [{"extract": "a", "generate": "b"}]}}, [{"a": 1}]) == [{"b": 1}]
    assert service.application.sent == []


@pytest.mark.parametrize(("level", "shared"), [(1, False), (3, True), (3, False)])
async def test_credentials_that_a_lookup_finds_refused_end_the_call(service: Service, level: int, shared: bool) -> None:
    """contract.md 4.4: 401 for the record, for those that wait for the same request and for all remaining ones; no request more than were
    on their way."""

    async def answers(request: HttpRequest) -> HttpResponse:
        await service.clock.sleep(1)
        return reply(b"who?", 401)

    service.application.answers = answers
    id = await created(service, concurrencyLevel=level)
    data = [{"email": "same" if shared else str(n)} for n in range(5)]
    call = asyncio.create_task(service.run_import(id, importing(CUSTOMER, **MAPPING), data))
    await service.clock.advance(10)
    assert [r["statusCode"] for r in await call] == [401] * 5
    assert len(service.application.sent) == (1 if shared else level)


async def test_lookups_run_side_by_side_as_far_as_the_slots_allow(service: Service) -> None:
    """exports-imports.md 12, 13: through the connection's slots; results in order."""
    most = running = 0

    async def answers(request: HttpRequest) -> HttpResponse:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await service.clock.sleep(1)
        running -= 1
        return crm(request)

    service.application.answers = answers
    id = await created(service, concurrencyLevel=3)
    data = [{"email": f"{n}", "n": n} for n in range(6)]
    call = asyncio.create_task(service.run_import(id, importing(CUSTOMER, **MAPPING), data))
    await service.clock.advance(20)
    assert {r["statusCode"] for r in await call} == {200}
    assert most == 3


async def test_a_cancelled_call_cancels_its_lookups(service: Service) -> None:
    """Cancellation reaches every request, also those that others wait for."""
    stopped = 0

    async def hang(request: HttpRequest) -> HttpResponse:
        nonlocal stopped
        try:
            await service.clock.sleep(100)
        except asyncio.CancelledError:
            stopped += 1
            raise
        return reply({})

    service.application.answers = hang
    id = await created(service, concurrencyLevel=4)
    data = [{"email": mail} for mail in "aabbc"]
    call = asyncio.create_task(service.run_import(id, importing(CUSTOMER, **MAPPING), data))
    await service.clock.advance(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert stopped == len(service.application.sent) > 0
