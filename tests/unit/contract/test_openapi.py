"""The OpenAPI document (D20)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.contract.comments import comments
from fairlead.contract.openapi import openapi
from fairlead.contract.routes import RouteTable
from fairlead.contract.services import services
from tests.unit.contract.things import service


@pytest.fixture(scope="module")
def routes() -> RouteTable:
    """The routes of the contract."""
    return RouteTable(services())


@pytest.fixture(scope="module")
def document(routes: RouteTable) -> dict[str, Any]:
    """The document as a client reads it."""
    printed: dict[str, Any] = json.loads(json.dumps(openapi(routes, comments())))
    return printed


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from nodes(part)


def test_every_route_is_an_operation(document: dict[str, Any], routes: RouteTable) -> None:
    """No more and no fewer; each has its own name."""
    operations = [operation for verbs in document["paths"].values() for operation in verbs.values()]
    assert len(operations) == len(list(routes))
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """A ``$ref`` names a component of the document, and path parameters are those of the path."""
    for node in nodes(document):
        if "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            assert name in document["components"][kind]
    for path, verbs in document["paths"].items():
        for operation in verbs.values():
            told = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert told == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_everything_is_described(document: dict[str, Any]) -> None:
    """Comments of the contract reach operations, parameters, schemas and members."""
    for verbs in document["paths"].values():
        for operation in verbs.values():
            assert operation["summary"].endswith(".")
            assert all(one["description"] for one in operation.get("parameters", []))
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        assert all(member.get("description") for member in schema["properties"].values()), name


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """One operation."""
    found: dict[str, Any] = document["paths"][path][method]
    return found


def test_manners_of_methods(document: dict[str, Any]) -> None:
    """Success statuses, bodies, headers and bare arrays are what the gateway really does."""
    create = operation(document, "post", "/v1/connections")
    assert "201" in create["responses"]
    assert create["requestBody"]["content"]["application/json"]["schema"] == {
        "allOf": [{"$ref": "#/components/schemas/Connection"}],
        "required": ["type", "name"],
    }
    assert "content" not in operation(document, "delete", "/v1/connections/{id}")["responses"]["204"]
    listing = operation(document, "get", "/v1/connections")["responses"]["200"]
    assert listing["content"]["application/json"]["schema"]["type"] == "array"
    assert "Link" in listing["headers"]
    read = operation(document, "get", "/v1/connections/{id}")["responses"]["200"]
    assert "ETag" in read["headers"]
    update = operation(document, "put", "/v1/connections/{id}")
    assert [one["name"] for one in update["parameters"] if one["in"] == "header"] == ["If-Match"]
    assert "412" in update["responses"]
    assert "requestBody" not in operation(document, "post", "/v1/connections/{id}/ping")


def test_rules_of_fields(document: dict[str, Any]) -> None:
    """Words, secrets and output-only members look as REST has them; header fields are no members."""
    connection = document["components"]["schemas"]["Connection"]["properties"]
    assert "http" in connection["type"]["enum"]
    assert connection["_id"]["readOnly"] is True
    basic = document["components"]["schemas"]["BasicAuth"]["properties"]["password"]
    assert basic["format"] == "password"
    assert "******" in basic["description"]
    page = document["components"]["schemas"]["ExportPageResponse"]["properties"]
    assert page["data"]["type"] == "array"
    assert connection["name"]["minLength"] == 1
    iclient = document["components"]["schemas"]["Iclient"]["properties"]
    assert "`netsuite`" in iclient["provider"]["description"]
    assert "in any case" in iclient["provider"]["description"]
    request = document["components"]["schemas"]["IclientTokenRequest"]["properties"]
    assert request["headers"]["type"] == ["string", "array"]
    lookup = document["components"]["schemas"]["Lookup"]["properties"]
    assert lookup["postBody"] == lookup["body"]


def test_what_every_call_requires_is_told(document: dict[str, Any]) -> None:
    """Parts of documents name what must be in them; what a whole document needs depends on the call and stands at its body."""
    schemas = document["components"]["schemas"]
    assert schemas["RestConnection"]["required"] == ["baseURI", "mediaType", "authType"]
    assert schemas["HttpConnection"]["required"] == ["baseURI", "mediaType"]
    assert schemas["MappedField"]["required"] == ["generate"]
    assert "required" not in schemas["Connection"]
    body = operation(document, "post", "/v1/connections/ping")["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["type"]


def test_unknown_members_of_what_clients_send_are_refused(document: dict[str, Any]) -> None:
    """At every depth, as contract.md 1.8 says; answers may grow."""
    schemas = document["components"]["schemas"]
    for name in ("Connection", "BasicAuth", "Paging", "MappedField", "PagedExportState"):
        assert schemas[name]["additionalProperties"] is False
    path = next(path for path in document["paths"] if path.endswith("/export"))
    assert (
        operation(document, "post", path)["requestBody"]["content"]["application/json"]["schema"][
            "additionalProperties"
        ]
        is False
    )
    for name in ("ExportPageResponse", "PingError", "Error"):
        assert "additionalProperties" not in schemas[name]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("limit", ["1", "10", "999", "1000", "007"], ["0", "000", "1001", "9999", "-1", "1.5", "x"]),
        ("skip", ["0", "7", "999999999"], ["-1", "1e2", "x", "1234567890"]),
    ],
)
def test_windows_of_lists_have_their_range(
    document: dict[str, Any], name: str, right: list[str], wrong: list[str]
) -> None:
    """``limit`` and ``skip`` are text to the contract; the pattern says which (contract.md 1.11)."""
    parameters = operation(document, "get", "/v1/connections")["parameters"]
    (schema,) = (one["schema"] for one in parameters if one["name"] == name)
    assert [text for text in (*right, *wrong) if re.search(schema["pattern"], text)] == right


def test_the_whole_request_as_body_leaves_out_the_path(document: dict[str, Any]) -> None:
    """A field of the path is no member of the body."""
    path = next(path for path in document["paths"] if path.endswith("/export"))
    schema = operation(document, "post", path)["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"export", "postData", "data"}
    assert schema["required"] == ["export"]


def test_an_open_route_asks_for_no_token() -> None:
    """``security`` is empty for rpcs without bearer, and 401 is none of their answers."""
    routes = RouteTable([service({"Open": {"get": "/v1/open"}}, is_open=True)])
    printed = openapi(routes, {})["paths"]["/v1/open"]["get"]
    assert printed["security"] == []
    assert "401" not in printed["responses"]


def test_a_page_is_html(document: dict[str, Any]) -> None:
    """The callback answers a page whatever happens; its parameters have the names that RFC 6749 gives them."""
    callback = operation(document, "get", "/connection/oauth2callback")
    assert callback["security"] == []
    assert {tuple(answer["content"]) for answer in callback["responses"].values()} == {("text/html",)}
    assert [one["name"] for one in callback["parameters"]] == ["state", "code", "error", "error_description"]


def test_what_stands_beside_a_document_is_a_member_of_the_body(document: dict[str, Any]) -> None:
    """contract.md 3.5: ``postData`` and ``data`` of a preview; the schema of the export itself stays without them."""
    operation = document["paths"]["/v1/exports/preview"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    export = document["components"]["schemas"]["Export"]["properties"]
    assert schema["properties"].keys() - export.keys() == {"postData", "data"}
    assert schema["additionalProperties"] is False
    assert "parameters" not in operation
