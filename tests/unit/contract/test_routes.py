"""The table of routes (D2, contract.md 1.1)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from fairlead.contract.http_rule import RouteError, parse_path
from fairlead.contract.routes import Match, NoMatch, RouteTable
from fairlead.contract.services import services
from tests.unit.contract.things import service


def rpc_of(match: Match | NoMatch) -> str:
    """Name of the rpc that was found."""
    assert isinstance(match, Match), match
    return match.route.method.name


THINGS: dict[str, dict[str, Any]] = {
    "Ping": {"post": "/v1/things/ping"},
    "Get": {"get": "/v1/things/{id}", "also": [{"get": "/v1/thing/{id}"}]},
    "Part": {"get": "/v1/things/{id}/parts/{name}"},
    "PingPart": {"get": "/v1/things/ping/parts"},
    "Alias": {"post": "/{id}"},
}


@pytest.mark.parametrize("order", list(permutations(THINGS))[::7])
def test_the_order_of_declaration_means_nothing(order: tuple[str, ...]) -> None:
    """Literals win over variables however the rpcs are declared."""
    table = RouteTable([service({name: THINGS[name] for name in order})])
    assert rpc_of(table.match("POST", "/v1/things/ping")) == "Ping"
    assert rpc_of(table.match("GET", "/v1/things/pong")) == "Get"
    assert rpc_of(table.match("GET", "/v1/thing/pong")) == "Get"
    assert rpc_of(table.match("POST", "/pong")) == "Alias"


def test_a_literal_that_leads_nowhere_gives_way() -> None:
    """``/v1/things/ping/parts/a`` is a part of the thing called ping: the literal path does not go on."""
    table = RouteTable([service(THINGS)])
    match = table.match("GET", "/v1/things/ping/parts/a")
    assert rpc_of(match) == "Part"
    assert isinstance(match, Match)
    assert match.variables == {"id": "ping", "name": "a"}
    assert rpc_of(table.match("GET", "/v1/things/ping/parts")) == "PingPart"


def test_the_path_is_decided_before_the_method() -> None:
    """A method that the most specific path lacks is not looked for at less specific ones."""
    table = RouteTable([service(THINGS)])
    assert table.match("GET", "/v1/things/ping") == NoMatch(("POST", "OPTIONS"))


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/v1/things/a%20b", {"id": "a b"}),
        ("/v1/things/a%2Fb/", {"id": "a/b"}),
        ("/v1/things/a+b", {"id": "a+b"}),
        ("/v1/things/%252F", {"id": "%2F"}),
        ("/v1/%74hings/x", {"id": "x"}),
        ("/v1/things/%C3%A9", {"id": "\u00e9"}),
        ("/v1/things/%FF", None),
        ("/v1/things/", None),
        ("/v1/things//", None),
        ("/v1/things", None),
        ("/v1/THINGS/x", None),
        ("v1/things/x", None),
        ("", None),
        ("*", None),
    ],
)
def test_segments(path: str, variables: dict[str, str] | None) -> None:
    """A variable takes one segment that is not empty, decoded once; case counts; bad UTF-8 matches nothing."""
    match = RouteTable([service({"Get": THINGS["Get"]})]).match("GET", path)
    assert (match.variables if isinstance(match, Match) else None) == variables


def test_any_method() -> None:
    """A custom rule of kind * takes every method that has no rule of its own."""
    table = RouteTable([service({"Any": {"custom": ("*", "/v1/{id}/proxy")}, "Get": {"get": "/v1/{id}/proxy"}})])
    assert rpc_of(table.match("PATCH", "/v1/a/proxy")) == "Any"
    assert rpc_of(table.match("GET", "/v1/a/proxy")) == "Get"
    assert table.match("OPTIONS", "/v1/a/proxy") == NoMatch(
        ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT", "OPTIONS")
    )


@pytest.mark.parametrize(
    "path", ["", "/", "v1", "/v1/", "/v1/{a=**}", "/v1/{a.b}", "/v1/{A}", "/v1/a:go", "/v1/*", "/{a}/{a}", "/a{b}"]
)
def test_paths_that_the_grammar_lacks(path: str) -> None:
    """What this contract does without stops the start, instead of matching something else."""
    with pytest.raises(RouteError):
        parse_path(path)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"A": {"get": "/v1/{id}"}, "B": {"get": "/v1/{name}"}}, "both answer GET"),
        ({"A": {"get": "/v1/{other}"}}, "no text field"),
        ({"A": {"get": "/v1/{size}"}}, "no text field"),
        ({"A": {"post": "/v1/a", "body": "other"}}, "no field other"),
        ({"A": {"get": "/v1/a", "response_body": "other"}}, "no field other"),
        ({"A": {"get": "/v1/a", "also": [{"body": "*"}]}}, "names no method"),
    ],
)
def test_contracts_that_cannot_be_served(rules: dict[str, dict[str, Any]], reason: str) -> None:
    """Two rpcs on one route, or names of fields that are not there, stop the start with the rpc's name."""
    with pytest.raises(RouteError, match=reason):
        RouteTable([service(rules)])


def test_the_contract_is_found_and_served() -> None:
    """Every service of the package is there without being named, and every documented main route of this build."""
    assert {one.name for one in services()} >= {"ConnectionService", "TokenService", "EdgeService"}
    routes = {(route.http_method, route.path) for route in RouteTable(services())}
    assert routes >= {
        ("GET", "/v1/connections"),
        ("POST", "/v1/connections"),
        ("PUT", "/v1/connections/{id}"),
        ("POST", "/v1/connections/ping"),
        ("GET", "/v1/connections/{id}/ping"),
        ("POST", "/v1/connections/{id}/ping"),
        ("GET", "/v1/tokenInfo"),
    }
