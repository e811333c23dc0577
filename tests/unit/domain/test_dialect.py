"""The two notations of one model."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.dialect import counting_block, http_connection, http_export, http_import, written_field


def test_a_rest_connection_becomes_the_http_model() -> None:
    """connections.md 1.3, row by row for what the specification's sample uses."""
    rest = {
        "baseURI": "https://slack.com/api",
        "bearerToken": "t",
        "tokenLocation": "url",
        "tokenParam": "token",
        "mediaType": "urlencoded",
        "authType": "token",
        "pingRelativeURI": "api.test",
        "pingFailurePath": "error",
        "pingFailureValues": ["x"],
        "refreshTokenURI": "https://slack.com/refresh",
    }
    assert http_connection({"type": "rest", "rest": rest}) == {
        "baseURI": "https://slack.com/api",
        "mediaType": "urlencoded",
        "auth": {
            "type": "token",
            "token": {
                "token": "t",
                "location": "url",
                "paramName": "token",
                "refreshRelativeURI": "https://slack.com/refresh",
                "refreshMediaType": "json",
            },
        },
        "ping": {"relativeURI": "api.test", "failPath": "error", "failValues": ["x"]},
    }


def test_hmac_is_custom_and_csv_is_read_only() -> None:
    """connections.md 1.3: `hmac` signs by template; `csv` answers are CSV, requests JSON."""
    http = http_connection({"type": "rest", "rest": {"authType": "hmac", "mediaType": "csv"}})
    assert (http["auth"]["type"], http["mediaType"], http["successMediaType"]) == ("custom", "json", "csv")


def test_members_of_an_oauth_block_are_merged_with_the_flat_ones() -> None:
    """`rest.oauth.*` and `rest.oauthTokenURI` speak of the same block."""
    http = http_connection({"type": "rest", "rest": {"oauthTokenURI": "u", "oauth": {"clientId": "c"}, "scope": ["a"]}})
    assert http["auth"]["oauth"] == {"tokenURI": "u", "clientId": "c", "scope": ["a"]}


@pytest.mark.parametrize(
    ("fields", "type_", "block"),
    [
        ({"http": {}, "rest": {}}, "rest", "rest"),
        ({"http": {}, "rest": {}}, "http", "http"),
        ({"rest": {}}, "http", "rest"),
        ({"http": {}}, "rest", "http"),
        ({"netsuite": b"{}"}, "http", None),
    ],
)
def test_the_block_of_the_connections_type_counts(fields: dict[str, Any], type_: str, block: str | None) -> None:
    """exports-imports.md 1.3."""
    assert counting_block(fields, type_) == block


@pytest.mark.parametrize(
    ("rest", "paging"),
    [
        ({"pagingMethod": "nextpageurl", "nextPagePath": "n"}, {"method": "url", "path": "n"}),
        ({"pagingMethod": "pageargument", "pageArgument": "p"}, {"method": "page", "argument": "p"}),
        ({"pagingMethod": "skipargument", "skipArgument": "o"}, {"method": "skip", "argument": "o"}),
        (
            {"pagingMethod": "token", "nextPagePath": "n", "pageArgument": "c"},
            {"method": "token", "path": "n", "argument": "c"},
        ),
        (
            {"pagingMethod": "linkheader", "linkHeaderRelation": "x"},
            {"method": "linkheader", "linkHeaderRelation": "x"},
        ),
        ({"pagingMethod": "relativeuri", "nextPageRelativeURI": "/n"}, {"method": "relativeuri", "relativeURI": "/n"}),
        ({"pagingMethod": "postbody", "pagingPostBody": "{}"}, {"method": "body", "body": "{}"}),
        (
            {"pagingMethod": "linkheader", "lastPagePath": "e", "lastPageValue": "y"},
            {"method": "linkheader", "lastPagePath": "e", "lastPageValues": ["y"]},
        ),
    ],
)
def test_rest_paging_becomes_http_paging(rest: dict[str, Any], paging: dict[str, Any]) -> None:
    """exports-imports.md 4.4."""
    assert http_export({"rest": rest}, "rest")["http"]["paging"] == paging


def test_a_rest_import_becomes_the_http_model() -> None:
    """exports-imports.md 9.9."""
    tree = http_import(
        {"rest": {"relativeURI": ["/x"], "method": ["PUT"], "responseIdPath": ["k"]}, "name": "n"}, "rest"
    )
    assert tree["name"] == "n"
    assert tree["http"]["response"] == {"resourceIdPath": ["k"]}


@pytest.mark.parametrize(
    ("field", "kind", "written"),
    [
        ("http.ping.failPath", "connection", "rest.pingFailurePath"),
        ("http.auth.basic.username", "connection", "rest.basicAuth.username"),
        ("http.auth.oauth.clientId", "connection", "rest.oauth.clientId"),
        ("http.auth.oauth.tokenURI", "connection", "rest.oauthTokenURI"),
        ("http.headers.2.name", "connection", "rest.headers.2.name"),
        ("http.successMediaType", "connection", "rest.mediaType"),
        ("http.paging.path", "export", "rest.nextPagePath"),
        ("http.response.resourceIdPath.0", "import", "rest.responseIdPath.0"),
        ("mapping.fields.0.extract", "import", "mapping.fields.0.extract"),
    ],
)
def test_problems_name_the_field_as_it_was_written(field: str, kind: str, written: str) -> None:
    """A problem found in the converted document is told in the notation of the document."""
    assert written_field(field, "rest", kind) == written
    assert written_field(field, "http", kind) == field
