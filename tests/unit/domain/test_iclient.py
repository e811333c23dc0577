"""An iClient in the place of what a connection lacks, and the rules between its own fields."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fairlead.domain.iclient import HeaderLines, header_entries, with_iclient
from fairlead.domain.rules.iclient import check_iclient

HEADERS = [{"name": "X-A", "value": "{{iClient.oauth2.clientId}}"}]
MERGED: list[tuple[str, str, Any, Any]] = [
    ("clientId", "oauth.clientId", "of-iclient", "own"),
    ("clientSecret", "oauth.clientSecret", "of-iclient", "own"),
    ("scope", "oauth.scope", ["a", "b"], ["own"]),
    ("scopeDelimiter", "oauth.scopeDelimiter", ",", " "),
    ("grantType", "oauth.grantType", "password", "clientcredentials"),
    ("clientCredentialsLocation", "oauth.clientCredentialsLocation", "body", "basicauthheader"),
    ("username", "oauth.username", "of-iclient", "own"),
    ("password", "oauth.password", "of-iclient", "own"),
    ("redirectUri", "oauth.oauth2RedirectUrl", "https://a.example.test/cb", "https://b.example.test/cb"),
    ("pkceCodeChallengeMethod", "oauth.pkceCodeChallengeMethod", "plain", "s256"),
    ("auth.uri", "oauth.authURI", "https://a.example.test/auth", "https://b.example.test/auth"),
    ("token.uri", "oauth.tokenURI", "https://a.example.test/token", "https://b.example.test/token"),
    ("token.headers", "oauth.accessTokenHeaders", HEADERS, [{"name": "X-Own", "value": "1"}]),
    ("token.body", "oauth.accessTokenBody", "a={{x}}", "b=1"),
    ("accessTokenPath", "oauth.accessTokenPath", "data.token", "token"),
    ("accessTokenLocation", "token.location", "url", "header"),
    ("accessTokenHeaderName", "token.headerName", "X-Token", "X-Own"),
    ("accessTokenParamName", "token.paramName", "key", "own"),
    ("scheme", "token.scheme", "MAC", "Own"),
    ("scheme", "token.scheme", "MAC", ""),
    ("scheme", "token.scheme", "", "Own"),
    ("refreshTokenPath", "token.refreshTokenPath", "data.refresh", "refresh"),
    ("revoke.uri", "token.revoke.uri", "/revoke", "/own"),
    ("revoke.headers", "token.revoke.headers", HEADERS, [{"name": "X-Own", "value": "1"}]),
    ("revoke.body", "token.revoke.body", "a=1", "b=1"),
    ("failStatusCode", "failStatusCode", 403, 400),
    ("failPath", "failPath", "error", "own"),
    ("failValues", "failValues", ["expired"], ["own"]),
]


def placed(path: str, value: Any) -> dict[str, Any]:
    """A tree that holds the value at the path."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return dict(value)


def found(tree: Any, path: str) -> Any:
    """What a tree holds at a path."""
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def connection(path: str, own: Any, **oauth: Any) -> dict[str, Any]:
    """The block of an OAuth connection with one member below ``auth``."""
    http = {"baseURI": "https://api.example.test", **placed(f"auth.{path}", own)}
    http["auth"]["type"] = "oauth"
    http["auth"]["oauth"] = {**http["auth"].get("oauth", {}), **oauth}
    return http


@pytest.mark.parametrize(("source", "target", "value", "own"), MERGED)
def test_an_iclient_fills_what_the_connection_lacks(source: str, target: str, value: Any, own: Any) -> None:
    """connections.md 3.3: without ``useIClientFields`` what the connection has stays."""
    iclient = {"oauth2": placed(source, value)}
    lacks: tuple[Any, ...] = (None, [] if isinstance(own, list) else None)
    for lacking in lacks:
        assert found(with_iclient(connection(target, lacking), iclient)["auth"], target) == value
    for fields in ({}, {"useIClientFields": False}):
        assert found(with_iclient(connection(target, own, **fields), iclient)["auth"], target) == own


@pytest.mark.parametrize(("source", "target", "value", "own"), MERGED)
def test_an_iclient_wins_when_the_connection_says_so(source: str, target: str, value: Any, own: Any) -> None:
    """connections.md 3.3: with ``useIClientFields`` the iClient's values win; what it lacks is the connection's."""
    http = connection(target, own, useIClientFields=True)
    assert found(with_iclient(http, {"oauth2": placed(source, value)})["auth"], target) == value
    assert found(with_iclient(http, {"oauth2": {"x": 1}})["auth"], target) == own


def test_neither_document_changes_and_the_rest_of_the_connection_stays() -> None:
    """What is prepared is a copy: the stored documents are shown and merged again."""
    http = connection("token.token", "t0k3n", scope=["a"])
    iclient = {"oauth2": {"clientId": "c", "token": {"method": "GET"}}, "name": "x"}
    before = copy.deepcopy((http, iclient))
    merged = with_iclient(http, iclient)
    assert (http, iclient) == before
    assert merged["baseURI"] == http["baseURI"]
    assert merged["auth"]["token"] == {"token": "t0k3n"}
    assert merged["auth"]["oauth"] == {"scope": ["a"], "clientId": "c", "iClient": iclient["oauth2"]}


def test_the_requests_of_the_iclient_stand_beside_with_their_headers_as_a_list() -> None:
    """connections.md 3.3: ``refresh``, ``revoke`` and ``auth.queryParameters`` have no member of their own in a connection."""
    oauth2 = {
        "refresh": {"uri": "/r", "method": "POST", "headers": "X-A: 1\n\nX-B:a: b"},
        "auth": {"queryParameters": {"prompt": "consent"}},
    }
    client = with_iclient(connection("oauth.scope", None), {"oauth2": oauth2})["auth"]["oauth"]["iClient"]
    assert client["auth"] == oauth2["auth"]
    assert client["refresh"]["headers"] == [{"name": "X-A", "value": "1"}, {"name": "X-B", "value": "a: b"}]


@pytest.mark.parametrize("iclient", [{"oauth2": {"clientId": "c"}}, {"netsuite": {"consumerKey": "k"}}, {}])
@pytest.mark.parametrize("kind", ["token", "oauth1", None, "oauth"])
def test_only_oauth_connections_and_oauth_clients_are_merged(kind: str | None, iclient: dict[str, Any]) -> None:
    """connections.md 3.3: other ways to sign in take nothing from an iClient."""
    http = {"auth": {"type": kind, "oauth": {}}} if kind else {}
    merged = with_iclient(http, iclient)
    assert (merged == http) is (kind != "oauth" or "oauth2" not in iclient)


@pytest.mark.parametrize("headers", ["X-A", ": 1", [1], [{"value": "1"}], [{"name": 1}], [{"name": "a", "value": {}}]])
def test_headers_that_cannot_be_read(headers: Any) -> None:
    """Text with one ``Name: value`` a line, or a list of name and value; nothing is guessed."""
    with pytest.raises(HeaderLines):
        header_entries(headers)


# -- rules between fields -------------------------------------------------------------------------------------------------

PROVIDERS: list[tuple[str, str]] = [
    ("amazonmws", "amazonmws"),
    ("netsuite", "netsuite"),
    ("NetSuite", "netsuite"),
    ("salesforce", "salesforce"),
    ("awsIam", "awsIam"),
    ("AWSIAM", "awsIam"),
    ("azureserviceprincipal", "azureserviceprincipal"),
    ("ebay-xml", "ebay"),
    ("ebay", "oauth2"),
    ("Shopify", "oauth2"),
    ("custom_oauth2", "oauth2"),
]


@pytest.mark.parametrize(("provider", "block"), PROVIDERS)
def test_the_block_that_belongs_to_a_provider_is_required(provider: str, block: str) -> None:
    """contract.md 12: the block of that name, ``ebay`` for ``ebay-xml``, ``oauth2`` for all others; in any case."""
    given = {"clientSecret": "s"}
    assert check_iclient({"provider": provider, block: given}) == []
    others = {other: given for _, other in PROVIDERS if other != block}
    problems = check_iclient({"provider": provider, **others})
    assert [(problem.code, problem.field) for problem in problems] == [("missing_required_field", block)]


@pytest.mark.parametrize(
    ("oauth2", "expected"),
    [
        ({"accessTokenPath": "a["}, ("invalid_field", "oauth2.accessTokenPath")),
        ({"refreshTokenPath": "a["}, ("invalid_field", "oauth2.refreshTokenPath")),
        ({"token": {"headers": "x"}}, ("invalid_field", "oauth2.token.headers")),
        ({"refresh": {"headers": [1]}}, ("invalid_field", "oauth2.refresh.headers")),
        ({"revoke": {"headers": [{}]}}, ("invalid_field", "oauth2.revoke.headers")),
        ({"failStatusCode": 99}, ("invalid_field", "oauth2.failStatusCode")),
        ({"failures": [{"statusCode": 1000}]}, ("invalid_field", "oauth2.failures.0.statusCode")),
        ({"failPath": "/error/text()", "accessTokenPath": "data.t", "token": {"headers": "X-A: 1"}}, None),
    ],
)
def test_paths_and_headers_can_be_read(oauth2: dict[str, Any], expected: tuple[str, str] | None) -> None:
    """contract.md 1.5: what is to be compiled is compiled on save; ``failPath`` may be XPath."""
    problems = check_iclient({"provider": "google", "oauth2": oauth2})
    assert [(problem.code, problem.field) for problem in problems] == ([expected] if expected else [])
