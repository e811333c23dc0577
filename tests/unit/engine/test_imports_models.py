"""Models of imports: what is wrong with one, what this build cannot do, and what its templates see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairlead.domain.errors import InvalidContent, NotFound, NotSupported
from tests.unit.engine.serving import MINE, Service, http, refusal, reply, rest

PLAIN = {"http": {"relativeURI": ["/r"]}}


async def created(service: Service, document: Any | None = None) -> str:
    """The id of a stored connection."""
    return str((await service.create(document or http())).tree["_id"])


# -- models ----------------------------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({"name": "x"}, {("missing_required_field", "import.http")}),
    (
        {
            "http": {
                "relativeURI": ["/{{#if}}"],
                "method": ["PUT", "POST"],
                "existingExtract": "a[",
                "headers": [{"name": "Content-Length", "value": "1"}],
                "response": {"resourceIdPath": ["b["], "failValues": [["x"]]},
            },
            "mapping": {"fields": [{"generate": "x", "extract": "a", "lookupName": "nope"}]},
            "dataURITemplate": "{{",
        },
        {
            ("invalid_template", "import.http.relativeURI.0"),
            ("invalid_field", "import.http.existingExtract"),
            ("invalid_field", "import.http.headers.0.name"),
            ("invalid_field", "import.http.response.resourceIdPath.0"),
            ("missing_required_field", "import.http.response.failPath"),
            ("invalid_ref", "import.mapping.fields.0.lookupName"),
            ("invalid_template", "import.dataURITemplate"),
        },
    ),
    (
        {"rest": {"relativeURI": "/x", "method": "POST", "body": "{{", "responseIdPath": "a[", "successPath": "c["}},
        {
            ("invalid_template", "import.rest.body.0"),
            ("invalid_field", "import.rest.responseIdPath.0"),
            ("invalid_field", "import.rest.successPath.0"),
        },
    ),
    ({"http": {"relativeURI": ["a", "b", "c"]}}, {("invalid_field", "import.http.relativeURI")}),
    ({**PLAIN, "oneToMany": True}, {("missing_required_field", "import.pathToMany")}),
    ({**PLAIN, "oneToMany": True, "pathToMany": "a["}, {("invalid_field", "import.pathToMany")}),
    ({**PLAIN, "idLockTemplate": "{{#if}}"}, {("invalid_template", "import.idLockTemplate")}),
    ({"http": {"relativeURI": ["/"], "existingLookupName": "l"}}, {("invalid_ref", "import.http.existingLookupName")}),
    (
        {"http": {"relativeURI": ["/"], "batchSize": 2}},
        {("missing_required_field", "import.http.response.resourcePath")},
    ),
    (
        {
            "http": {
                "relativeURI": ["/"],
                "batchSize": 2,
                "requestMediaType": "urlencoded",
                "response": {"resourcePath": ["r"]},
            }
        },
        {("invalid_field", "import.http.batchSize")},
    ),
    (
        {"http": {"relativeURI": ["/"], "lookups": [{"name": "l", "relativeURI": "/{{lookup.l}}"}]}},
        {("invalid_ref", "import.http.lookups.0.relativeURI")},
    ),
    (
        {
            "http": {
                "relativeURI": ["/"],
                "headers": [{"name": "X", "value": "{{lookup.c}}"}],
                "lookups": [
                    {"name": "a", "relativeURI": "/a", "method": "POST", "body": "{{lookup.b}}"},
                    {"name": "b", "relativeURI": "/{{lookup.[a].id}}"},
                    {"name": "c", "relativeURI": "/c", "useImportHeaders": True},
                    {"name": "d", "relativeURI": "/{{lookup.a}}", "extract": "x["},
                ],
            }
        },
        {
            ("invalid_ref", "import.http.lookups.0.body"),
            ("invalid_ref", "import.http.lookups.1.relativeURI"),
            ("invalid_ref", "import.http.lookups.2.useImportHeaders"),
            ("invalid_field", "import.http.lookups.3.extract"),
        },
    ),
]


@pytest.mark.parametrize(("model", "problems"), WRONG)
async def test_everything_that_is_wrong_with_a_model_is_told_at_once(
    service: Service, model: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    """contract.md 1.5: fields from the top of the body, in the notation of the model; each once, for both calls."""
    id = await created(service)
    # The mapping step alone asks no application, so a model without a request is whole for it (contract.md 2.11).
    calls = (
        (service.run_import,)
        if problems == {("missing_required_field", "import.http")}
        else (service.run_import, service.map)
    )
    for call in calls:
        with pytest.raises(InvalidContent) as error:
            await call(id, model, [{}])
        found = [(problem.code, problem.field) for problem in error.value.problems]
        assert set(found) == problems
        assert len(found) == len(problems)
    assert service.application.sent == []


CACHED = {"name": "l", "_lookupCacheId": "5" * 24}
UNSUPPORTED: list[tuple[dict[str, Any], str, str]] = [
    ({"netsuite_da": {}}, "adaptor_not_supported", "import.netsuite_da"),
    ({**PLAIN, "hooks": {"preMap": {"function": "f", "_scriptId": "5" * 24}}}, "script_runtime_unavailable", "import.hooks.preMap"),
    ({**PLAIN, "filter": {"type": "script", "script": {"function": "f", "_scriptId": "5" * 24}}}, "script_runtime_unavailable", "import.filter"),
    ({"http": {"relativeURI": ["/x"], "requestMediaType": "octet-stream"}}, "feature_not_supported", "import.http.requestMediaType"),
    (
        {"rest": {"relativeURI": ["/x"], "resourceId": {"lookupName": "l"}}, "lookups": [CACHED]},
        "feature_not_supported",
        "import.rest.resourceId.lookupName",
    ),
    ({"http": {"relativeURI": ["/x/{{lookup.l}}"], "lookups": [CACHED]}}, "feature_not_supported", "import.http.relativeURI.0"),
    ({"rest": {"relativeURI": ["/x/{l}"], "lookups": [CACHED]}}, "feature_not_supported", "import.rest.relativeURI.0"),
    ({"http": {"relativeURI": ["/"], "body": ["{{lookup.l}}"]}, "lookups": [CACHED]}, "feature_not_supported", "import.http.body.0"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "code", "field"), UNSUPPORTED)
async def test_what_an_import_asks_for_and_this_build_cannot_do(
    service: Service, model: dict[str, Any], code: str, field: str
) -> None:
    """contract.md 1.5, 2.10: never silence, the field named as it was written."""
    id = await created(service)
    assert await refusal(service.run_import(id, model, [{}]), NotSupported) == {(code, field)}


async def test_an_answer_type_of_the_connection_counts_too(service: Service) -> None:
    """connections.md 1.2: the import overrides what the connection says about answers."""
    service.application.answers = lambda request: reply({"id": 1})
    id = await created(service, http(successMediaType="xml"))
    (as_xml,) = await service.run_import(id, PLAIN, [{}])
    assert as_xml == {"statusCode": 200, "_json": {"_raw": '{"id": 1}'}}
    own = {"http": {"relativeURI": ["/r"], "successMediaType": "json"}}
    (as_json,) = await service.run_import(id, own, [{}])
    assert as_json == {"statusCode": 200, "id": "1", "_json": {"id": 1}}
    assert [r.headers.get("Accept") for r in service.application.sent] == ["application/xml", "application/json"]


async def test_an_unused_dynamic_lookup_is_stored_only(service: Service) -> None:
    """contract.md 1.5: only a call that would need it is refused."""
    model = {"http": {"relativeURI": ["/r"], "lookups": [{"name": "l", "relativeURI": "/l"}]}}
    assert (await service.run_import(await created(service), model, [{}]))[0]["statusCode"] == 200


async def test_an_unknown_connection(service: Service) -> None:
    """contract.md 2.10."""
    for call in (service.run_import("0" * 24, PLAIN, [{}]), service.map("0" * 24, PLAIN, [{}])):
        assert await refusal(call, NotFound) == {("not_found", None)}


# -- templates -------------------------------------------------------------------------------------------------------------


async def test_templates_of_an_import_see_static_lookups(service: Service) -> None:
    """exports-imports.md 12, handlebars.md 6: ``{{lookup "name" value}}`` in URI, headers and body; no match fails the record."""
    model = {
        "http": {
            "relativeURI": ['/{{lookup "country" record.c}}'],
            "headers": [{"name": "X-C", "value": '{{lookup "country" c}}'}],
            "body": ['{"c":"{{lookup "country" record.c}}"}'],
        },
        "lookups": [{"name": "country", "map": {"Japan": "JP"}}],
        "dataURITemplate": '{{lookup "country" c}}',
    }
    good, bad = await service.run_import(await created(service), model, [{"c": "Japan"}, {"c": "Mars"}])
    assert service.application.lines == ['POST /JP {"c":"JP"}']
    assert service.application.sent[0].headers.get("X-C") == "JP"
    assert good["statusCode"] == 200
    assert (bad["errors"][0]["code"], bad["errors"][0]["source"]) == ("lookup_no_match", "lookup")
    assert "dataURI" not in bad


SETTINGS = (
    "{{settings.import.a}}-{{settings.connection.b}}-{{import.settings.a}}-{{connection.settings.b}}-{{testMode}}"
)


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ({}, "1-2-1-2-false"),
        ({"import": {"a": 7}}, "7-2-1-2-false"),
        ({"connection": {}, "flow": {"x": 1}}, "1--1-2-false"),
    ],
)
async def test_a_scope_of_settings_that_is_given_replaces_that_scope(
    service: Service, given: dict[str, Any], rendered: str
) -> None:
    """contract.md 2.10, 3.4."""
    id = await created(service, {**http(), "settings": {"b": 2}})
    model = {"settings": {"a": 1}, "http": {"relativeURI": ["/"], "headers": [{"name": "X", "value": SETTINGS}]}}
    await service.run_import(id, model, [{}], settings=given)
    assert service.application.sent[0].headers.get("X") == rendered


async def test_strict_evaluation_fails_the_record_that_misses_something(service: Service) -> None:
    """exports-imports.md 9.2, handlebars.md 4: ``invalid_template``, source mapping, the message names the path."""
    model = {"http": {"relativeURI": ["/{{record.a}}"], "strictHandlebarEvaluation": True}}
    good, bad = await service.run_import(await created(service), model, [{"a": 1}, {"b": 1}])
    assert good["statusCode"] == 200
    assert (bad["errors"][0]["code"], bad["errors"][0]["source"]) == ("invalid_template", "mapping")
    assert "record.a" in bad["errors"][0]["message"]


async def test_the_time_of_regular_expressions_is_one_for_the_whole_call(service: Service) -> None:
    """handlebars.md 6.6: the scopes of one call share it."""
    prepared = await service.preparer.stored(MINE, await created(service))
    run = service.runs.open(prepared, "import", 300, None)
    assert run.scope({}).regex_time is run.scope({"record": 1}).regex_time


@pytest.mark.parametrize("notation", ["http", "rest"])
async def test_a_model_in_either_notation_on_either_type(service: Service, notation: str) -> None:
    """exports-imports.md 1.3, 9.9: the block of the connection's type counts, else the other."""
    models: dict[str, dict[str, Any]] = {
        "http": {"http": {"relativeURI": ["/h"], "response": {"resourceIdPath": ["k"]}}},
        "rest": {"rest": {"relativeURI": "/r/{name}", "method": "PUT", "responseIdPath": "k"}},
    }
    service.application.answers = lambda request: reply({"k": 5})
    for document, own in ((http(), "http"), (rest(), "rest")):
        service.application.sent.clear()
        id = await created(service, document)
        (one,) = await service.run_import(id, models[notation], [{"name": "a b"}])
        assert one["id"] == "5"
        await service.run_import(id, {**models["http"], **models["rest"]}, [{"name": "a b"}])
        lines = {"http": "POST /h", "rest": "PUT /r/a%20b"}
        body = json.dumps({"name": "a b"})
        assert service.application.lines == [f"{lines[notation]} {body}", f"{lines[own]} {body}"]
