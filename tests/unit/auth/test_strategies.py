"""Signing in (connections.md 3): the generators are driven by hand."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.auth.registry import STRATEGIES, strategy_for
from fairlead.domain.errors import NotSupported
from fairlead.domain.http import Headers, HttpRequest
from tests.unit.auth.sessions import answer, session

URL = "https://api.example.test/v1/orders?limit=5"


def _request(method: str = "GET", body: bytes | None = None, content_type: str | None = None) -> HttpRequest:
    headers = [("Accept", "*/*")] + ([("Content-Type", content_type)] if content_type else [])
    return HttpRequest(method, URL, Headers(headers), body)


def _http(kind: str, **fields: Any) -> dict[str, Any]:
    return {"mediaType": "json", "auth": {"type": kind, ("basic" if kind == "basic" else "token"): fields}}


def _signed(http: dict[str, Any], request: HttpRequest, status: int = 200) -> HttpRequest:
    """Drive the flow to its end: one request, one answer."""
    before = (request.url, request.headers.items(), request.body)
    flow = strategy_for(http).flow(request, session(http))
    signed = next(flow)
    with pytest.raises(StopIteration):
        flow.send(answer(status=status))
    assert (request.url, request.headers.items(), request.body) == before
    return signed


@pytest.mark.parametrize(
    ("username", "password", "header"),
    [
        ("svc_orders", "S3cr3t:pässword", "Basic c3ZjX29yZGVyczpTM2NyM3Q6cMOkc3N3b3Jk"),
        ("apikey123", None, "Basic YXBpa2V5MTIzOg=="),
    ],
)
def test_basic(username: str, password: str | None, header: str) -> None:
    """The reference's vectors: UTF-8, one colon, an empty password; the header is marked as a credential."""
    http = _http("basic", username=username, password=password)
    signed = _signed(http, _request())
    assert signed.headers.get("Authorization") == header
    assert signed.secret_headers == {"authorization"}
    assert STRATEGIES["basic"].secrets(http) == (header.removeprefix("Basic "),)


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({}, "Authorization", "Bearer t0k3n"),
        ({"location": "header", "scheme": "MAC"}, "Authorization", "MAC t0k3n"),
        ({"headerName": "X-Api-Key", "scheme": ""}, "X-Api-Key", "t0k3n"),
        ({"headerName": "X-Api-Key", "scheme": " "}, "X-Api-Key", "t0k3n"),
        ({"headerName": "X-Api-Key"}, "X-Api-Key", "Bearer t0k3n"),
    ],
)
def test_token_in_a_header(fields: dict[str, Any], name: str, value: str) -> None:
    """Default ``Authorization: Bearer``; a blank scheme is none; whatever the header is called, it is a credential."""
    signed = _signed(_http("token", token="t0k3n", **fields), _request())
    assert signed.headers.get(name) == value
    assert signed.secret_headers == {name.lower()}


def test_authentication_wins_over_configured_headers() -> None:
    """A header of the same name from connection or resource is replaced."""
    request = _request()
    request.headers.set("authorization", "mine")
    signed = _signed(_http("token", token="t0k3n"), request)
    assert signed.headers.get_all("Authorization") == ["Bearer t0k3n"]


@pytest.mark.parametrize(
    ("url", "fields", "result"),
    [
        (URL, {"paramName": "token"}, URL + "&token=t0k%2F3n"),
        (URL, {}, URL + "&access_token=t0k%2F3n"),
        ("https://a.test/x?token=1", {"paramName": "token"}, "https://a.test/x?token=1"),
    ],
)
def test_token_in_the_query(url: str, fields: dict[str, Any], result: str) -> None:
    """Appended and encoded, unless the parameter is there; the encoded form is masked too."""
    http = _http("token", token="t0k/3n", location="url", **fields)
    request = _request()
    request.url = url
    assert _signed(http, request).url == result
    assert STRATEGIES["token"].secrets(http) == ("t0k%2F3n",)


@pytest.mark.parametrize(
    ("method", "body", "content_type", "result"),
    [
        ("POST", b'{"a": 1.50 }', "application/json", b'{"a": 1.50 ,"key":"t\\"k"}'),
        ("PUT", b"{}", "application/json; charset=utf-8", b'{"key":"t\\"k"}'),
        ("PATCH", b'{"a":1}', None, b'{"a":1,"key":"t\\"k"}'),
        ("POST", b'{"a":1}\n', "application/vnd.api+json", b'{"a":1,"key":"t\\"k"}\n'),
        ("POST", b'{"key":null}', "application/json", b'{"key":null}'),
        ("POST", b'[{"a":1}]', "application/json", b'[{"a":1}]'),
        ("POST", b"no json", "application/json", b"no json"),
        ("POST", b"<a/>", "application/xml", b"<a/>"),
        ("POST", b"a=1", "application/x-www-form-urlencoded", b"a=1&key=t%22k"),
        ("POST", b"key=1", "application/x-www-form-urlencoded", b"key=1"),
        ("GET", b'{"a":1}', "application/json", b'{"a":1}'),
        ("DELETE", b'{"a":1}', "application/json", b'{"a":1}'),
        ("POST", None, None, None),
    ],
)
def test_token_in_the_body(method: str, body: bytes | None, content_type: str | None, result: bytes | None) -> None:
    """A member of a JSON object or a field of a form, of POST, PUT and PATCH; every other byte stays."""
    http = _http("token", token='t"k', location="body", paramName="key")
    assert _signed(http, _request(method, body, content_type)).body == result


@pytest.mark.parametrize("kind", [{"auth": {"type": "custom"}}, {}, {"auth": None}])
def test_custom_adds_nothing(kind: dict[str, Any]) -> None:
    """Nor does a connection without ``auth``."""
    request = _request("POST", b"{}", "application/json")
    signed = _signed(kind, request)
    assert signed.headers.items() == request.headers.items()
    assert (signed.url, signed.body, signed.secret_headers) == (URL, b"{}", frozenset())
    assert STRATEGIES["custom"].secrets(kind) == ()


@pytest.mark.parametrize("kind", ["token", "custom", "basic"])
def test_refused_for_good(kind: str) -> None:
    """The refusal is the result: no strategy repeats a request by itself."""
    _signed(_http(kind, token="old"), _request(), 401)


def test_types_that_are_stored_only() -> None:
    """A type without a strategy is ``feature_not_supported`` at ``http.auth.type``."""
    with pytest.raises(NotSupported) as caught:
        strategy_for({"auth": {"type": "specific"}})
    assert caught.value.problems[0].code == "feature_not_supported"
    assert caught.value.problems[0].field == "http.auth.type"


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_names_agree_with_the_registry(name: str) -> None:
    """A strategy is registered under its own name; ``jwt`` is an old word for ``jwtbearer`` (3.10)."""
    assert STRATEGIES[name].name == {"jwt": "jwtbearer"}.get(name, name)
