"""Paging strategies on their own: pure values in, pure values out (exports-imports.md 4)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain import jsonvalue
from fairlead.domain.errors import ApplicationFailure
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import Page
from fairlead.paging.linkheader import links
from fairlead.paging.links import next_url
from fairlead.paging.registry import paging_strategies
from fairlead.paging.totals import total

URL = "https://api.example.test/orders?limit=2"


def page(
    body: Any = None,
    *,
    url: str = URL,
    headers: dict[str, str] | None = None,
    records: int = 2,
    requests: int = 1,
    rendered: str = "",
) -> Page:
    """An answer with two records, the first of a run."""
    response = HttpResponse(200, Headers(list((headers or {}).items())), b"")
    return Page(
        HttpRequest("GET", url), response, lambda: body, records, requests, records * requests, lambda name: rendered
    )


def undecoded() -> Page:
    """An answer whose body must not be looked at."""

    def body() -> Any:
        raise AssertionError("the body was decoded")

    return Page(HttpRequest("GET", URL), HttpResponse(200, Headers(), b""), body, 2, 1, 2, lambda name: "")


def test_all_methods_are_there() -> None:
    """exports-imports.md 4: the words of the contract, and no others."""
    assert paging_strategies.names() == ["body", "linkheader", "page", "relativeuri", "skip", "token", "url"]
    assert all(paging_strategies[name].name == name for name in paging_strategies)


@pytest.mark.parametrize(
    ("method", "paging", "state", "variables"),
    [
        ("page", {}, {"page": 0}, {"page": 0}),
        ("page", {"page": 3}, {"page": 3}, {"page": 3}),
        ("page", {"argument": "p"}, {}, {}),
        ("skip", {}, {"skip": 0}, {"skip": 0}),
        ("skip", {"skip": 10}, {"skip": 10}, {"skip": 10}),
        ("token", {"path": "n"}, {"token": ""}, {"token": ""}),
        ("token", {"path": "n", "token": "begin"}, {"token": "begin"}, {"token": "begin"}),
        ("url", {"path": "n"}, {}, {}),
        ("linkheader", {}, {}, {}),
        ("relativeuri", {"relativeURI": "/x"}, {}, {}),
        ("body", {"body": "x"}, {}, {}),
    ],
)
def test_the_first_request(
    method: str, paging: dict[str, Any], state: dict[str, Any], variables: dict[str, Any]
) -> None:
    """exports-imports.md 4.1: first values and what templates see of them."""
    strategy = paging_strategies[method]
    assert strategy.first(paging) == state
    assert strategy.variables(state) == variables


@pytest.mark.parametrize(
    ("method", "paging", "state", "answer", "following"),
    [
        ("page", {}, {"page": 0}, page(), {"page": 1}),
        ("page", {"argument": "p"}, {}, page(), {"page": 2, "query": {"p": "2"}}),
        ("page", {"argument": "p"}, {}, page(url=f"{URL}&p=7"), {"page": 8, "query": {"p": "8"}}),
        ("page", {"argument": "p"}, {}, page(url=f"{URL}&p=first"), {"page": 2, "query": {"p": "2"}}),
        ("page", {"argument": "p"}, {"page": 2}, page(url=f"{URL}&p=99"), {"page": 3, "query": {"p": "3"}}),
        ("page", {"maxPagePath": "n"}, {"page": 1}, page({"n": 1}), None),
        ("page", {"maxPagePath": "n"}, {"page": 1}, page({"n": 2}), {"page": 2}),
        ("page", {"maxPagePath": "n"}, {"page": 1}, page({}), {"page": 2}),
        ("page", {"maxCountPath": "n"}, {"page": 1}, page({"n": 2}), None),
        ("page", {"maxCountPath": "n"}, {"page": 1}, page({"n": "many"}), {"page": 2}),
        ("skip", {}, {"skip": 4}, page(records=3), {"skip": 7}),
        ("skip", {"argument": "o"}, {}, page(records=3), {"skip": 3, "query": {"o": "3"}}),
        ("skip", {"argument": "o"}, {}, page(url=f"{URL}&o=10"), {"skip": 12, "query": {"o": "12"}}),
        ("token", {"path": "n"}, {"token": ""}, page({"n": "a"}), {"token": "a"}),
        ("token", {"path": "n"}, {"token": ""}, page({"n": 17}), {"token": "17"}),
        ("token", {"path": "n"}, {"token": "a"}, page({"n": "a"}), None),
        ("token", {"path": "n"}, {"token": "a"}, page({"n": None}), None),
        ("token", {"path": "n"}, {"token": "a"}, page({}), None),
        ("token", {"path": "n", "argument": "c"}, {"token": ""}, page({"n": "a"}), {"token": "a", "query": {"c": "a"}}),
        (
            "token",
            {"path": "n", "pathAfterFirstRequest": "m"},
            {"token": ""},
            page({"n": "a", "m": "b"}),
            {"token": "a"},
        ),
        (
            "token",
            {"path": "n", "pathAfterFirstRequest": "m"},
            {"token": ""},
            page({"n": "a", "m": "b"}, requests=2),
            {"token": "b"},
        ),
        (
            "token",
            {"path": "X-Next", "pathLocation": "header"},
            {"token": ""},
            page(headers={"x-next": "h"}),
            {"token": "h"},
        ),
        ("url", {"path": "n"}, {}, page({"n": "?p=2"}), {"uri": "https://api.example.test/orders?p=2"}),
        ("url", {"path": "n"}, {}, page({"n": ""}), None),
        (
            "url",
            {"path": "X-Next", "pathLocation": "header"},
            {},
            page(headers={"X-Next": "/p/2"}),
            {"uri": "https://api.example.test/p/2"},
        ),
        ("linkheader", {}, {}, page(headers={"Link": "</p/2>; rel=next"}), {"uri": "https://api.example.test/p/2"}),
        ("linkheader", {}, {}, page(headers={"Link": "</p/2>; rel=Next"}), None),
        ("linkheader", {}, {}, page(), None),
        ("relativeuri", {}, {}, page(rendered=" /p?after=2 "), {"uri": "/p?after=2"}),
        ("relativeuri", {}, {}, page(rendered=" "), None),
        ("body", {}, {}, page(rendered='{"after":2}'), {"body": '{"after":2}'}),
        ("body", {}, {}, page(rendered=" "), None),
    ],
)
def test_the_next_request(
    method: str, paging: dict[str, Any], state: dict[str, Any], answer: Page, following: dict[str, Any] | None
) -> None:
    """exports-imports.md 4.1, 4.2 rules 4 and 5, 4.4: how each method goes on, and how it ends."""
    assert paging_strategies[method].next(paging, state, answer) == following


@pytest.mark.parametrize("method", ["page", "skip", "linkheader"])
def test_a_body_is_decoded_only_for_a_path(method: str) -> None:
    """Without a path into the body, these methods do not look at it."""
    strategy = paging_strategies[method]
    strategy.next({}, strategy.first({}), undecoded())


@pytest.mark.parametrize("value", [{"a": 1}, ["a"]])
def test_a_pointer_is_a_text_or_a_number(value: Any) -> None:
    """An object or array where a token or URL should be is an answer that cannot be used."""
    for method in ("token", "url"):
        with pytest.raises(ApplicationFailure) as error:
            paging_strategies[method].next({"path": "n"}, {"token": ""}, page({"n": value}))
        assert error.value.problems[0].code == "invalid_response"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<a>; rel=next", [("a", ["next"])]),
        ('<a>; rel="next"', [("a", ["next"])]),
        ('<a>;rel="prev next"', [("a", ["prev", "next"])]),
        ('<a>; title="x, <b>; rel=next"; rel=last, <c>; rel=next', [("a", ["last"]), ("c", ["next"])]),
        ('<a,b;c>; rel="next"', [("a,b;c", ["next"])]),
        ('<a>; rel="first"; rel="next"', [("a", ["first"])]),
        ('<a>; title="say \\"hi\\""; REL = "next"', [("a", ["next"])]),
        ("<a>; flag; rel=next", [("a", ["next"])]),
        ("<a>,<b>; rel=next", [("a", []), ("b", ["next"])]),
        ("<>; rel=next", [("", ["next"])]),
        ("", []),
        ("next", []),
        ("<a", []),
    ],
)
def test_link_headers(header: str, expected: list[tuple[str, list[str]]]) -> None:
    """RFC 8288 3: targets, quoted and bare parameters, several links in one value, several relations in one parameter."""
    assert list(links(header)) == expected


def test_links_in_several_headers() -> None:
    """RFC 9110 5.2: fields of one name are one list."""
    response = HttpResponse(200, Headers([("Link", "</a>; rel=prev"), ("link", "</b>; rel=next")]), b"")
    answer = Page(HttpRequest("GET", URL), response, lambda: None, 1, 1, 1, lambda name: "")
    assert paging_strategies["linkheader"].next({}, {}, answer) == {"uri": "https://api.example.test/b"}


@pytest.mark.parametrize(
    ("current", "link", "expected"),
    [
        ("https://a.test/o", "http://a.test/x", "https://a.test/x"),
        ("https://a.test/o", "http://a.test:80/x?q=1", "https://a.test/x?q=1"),
        ("https://a.test:8443/o", "http://a.test:8443/x", "https://a.test:8443/x"),
        ("https://a.test/o", "HTTPS://A.test/x", "HTTPS://A.test/x"),
        ("http://a.test/o", "http://a.test/x", "http://a.test/x"),
    ],
)
def test_the_same_host(current: str, link: str, expected: str) -> None:
    """exports-imports.md 4.2: http of the same host is raised to the https of the base; a port that was written stays."""
    assert next_url(current, link) == expected


@pytest.mark.parametrize(
    ("current", "link", "code"),
    [
        ("http://a.test/o", "https://a.test/x", "paging_origin_mismatch"),
        ("https://a.test/o", "http://a.test:8080/x", "paging_origin_mismatch"),
        ("https://a.test:8443/o", "http://a.test/x", "paging_origin_mismatch"),
        ("https://a.test/o", "https://b.test/x", "paging_origin_mismatch"),
        ("https://a.test/o", "ftp://a.test/x", "invalid_response"),
        ("https://a.test/o", "https://", "invalid_response"),
    ],
)
def test_another_host_or_port(current: str, link: str, code: str) -> None:
    """exports-imports.md 4.2: refused, and the message shows no query."""
    with pytest.raises(ApplicationFailure) as error:
        next_url(current, f"{link}?secret=1")
    assert error.value.problems[0].code == code
    assert "secret" not in error.value.problems[0].message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"n":5}', 5),
        (b'{"n":"5"}', 5),
        (b'{"n":5.0}', 5),
        (b'{"n":0}', 0),
        (b'{"n":-1}', None),
        (b'{"n":true}', None),
        (b'{"n":1e400}', None),
        (b'{"n":[5]}', None),
        (b"{}", None),
    ],
)
def test_totals(body: bytes, expected: int | None) -> None:
    """exports-imports.md 4.1: a number or numeric text is a total, anything else tells nothing."""
    assert total({"maxCountPath": "n"}, "maxCountPath", lambda: jsonvalue.loads(body)) == expected
