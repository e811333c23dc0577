"""From templates to one complete request: URL, headers, body."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fairlead.codecs.media_types import MEDIA_TYPES, body_place
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.product import USER_AGENT
from fairlead.engine.ports import Place, Scope
from fairlead.executors.http.request import RequestBuilder, Target, TemplateCollector
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.scripted import BASE, Script

TEMPLATES = TemplateCompiler()


def built(
    http: dict[str, Any] | None = None,
    *,
    uri: str | None = None,
    headers: list[dict[str, str]] | None = None,
    body: str | None = None,
    names: dict[str, Any] | None = None,
    **target: Any,
) -> HttpRequest:
    """A request of a connection with these members, for a target with these templates."""
    problems: list[Problem] = []
    collector = TemplateCollector(TEMPLATES, problems)
    builder = RequestBuilder.of({"baseURI": BASE, "mediaType": "json", **(http or {})}, collector)
    media_type = target.get("media_type") or builder.media_type
    made = Target(
        target.pop("method", "POST"),
        None if uri is None else collector.compile(uri, Place.URI, "http.relativeURI"),
        None if body is None else collector.compile(body, body_place(media_type, body), "http.body"),
        collector.headers(headers, "http.headers"),
        **target,
    )
    assert problems == []
    run = Script([]).run({})
    return builder.build(run, made, run.scope(names or {}, record_names=True), field="http.relativeURI")


URLS: list[tuple[str, str | None, str]] = [
    ("https://abc123.com/", "v1/order", "https://abc123.com/v1/order"),
    ("https://x.zendesk.com/api/v2", "/organizations", "https://x.zendesk.com/api/v2/organizations"),
    ("https://a.test/api", "", "https://a.test/api"),
    ("https://a.test/api", None, "https://a.test/api"),
    ("https://a.test/api", "?q=1", "https://a.test/api?q=1"),
    ("https://a.test/api?k=1", "/x?q=2", "https://a.test/api/x?k=1&q=2"),
    ("https://a.test/api", "https://a.test/other/1", "https://a.test/other/1"),
    ("https://a.test/api", "/../x", "https://a.test/x"),
    ("https://{{record.host}}.test/", "/c/{{record.n}}", "https://h.test/c/a%20b%2Fc"),
    ("https://a.test", "/c/{{{record.n}}}?x=ü#f", "https://a.test/c/a%20b/c?x=%C3%BC"),
    ("https://a.test", "/c/{{n}}", "https://a.test/c/a%20b%2Fc"),
]


@pytest.mark.parametrize(("base", "uri", "url"), URLS)
def test_the_url_is_joined_after_rendering(base: str, uri: str | None, url: str) -> None:
    """connections.md 13.1, handlebars.md 3: the base unescaped, the relative URI escaped for its place."""
    record = {"n": "a b/c", "host": "h"}
    assert built({"baseURI": base}, uri=uri, names={"record": record}).url == url


@pytest.mark.parametrize("uri", ["https://b.test/x", "http://a.test/x", "https://a.test:444/x", "https://{{record}}/"])
def test_a_uri_of_another_origin_is_refused(uri: str) -> None:
    """connections.md 13.1: ``invalid_field``, the field of the URI."""
    with pytest.raises(InvalidContent) as error:
        built({"baseURI": "https://a.test/"}, uri=uri, names={"record": "other.test"})
    (problem,) = error.value.problems
    assert (problem.code, problem.field) == ("invalid_field", "http.relativeURI")


def test_query_parameters_are_set_after_rendering() -> None:
    """exports-imports.md 4.4: a parameter of that name is replaced, the others stay as written."""
    assert built(uri="/x?page=1&a=%20", query={"page": "2", "q": "ä&"}).url == f"{BASE}/x?page=2&a=%20&q=%C3%A4%26"


# -- headers --------------------------------------------------------------------------------------------------------------

DEFAULTS = {"accept": "application/json", "user-agent": USER_AGENT, "accept-encoding": "gzip, deflate"}


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Names in lower case; none may be there twice."""
    items = [(name.lower(), value) for name, value in request.headers.items()]
    assert len(dict(items)) == len(items)
    return dict(items)


def test_the_default_headers() -> None:
    """connections.md 13.2: ``Content-Type`` only with a body."""
    assert headers_of(built(uri="/", method="GET")) == DEFAULTS
    assert headers_of(built(uri="/", body="{}")) == {**DEFAULTS, "content-type": "application/json"}


ACCEPTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"mediaType": "json"}, {}, "application/json"),
    ({"mediaType": "xml"}, {}, "application/xml"),
    ({"mediaType": "plaintext"}, {}, "text/plain"),
    ({"mediaType": "urlencoded"}, {}, "*/*"),
    ({"mediaType": "form-data"}, {}, "*/*"),
    ({"mediaType": "json", "successMediaType": "csv"}, {}, "text/csv"),
    ({"mediaType": "json", "successMediaType": "csv"}, {"accept": "xml"}, "application/xml"),
    ({"mediaType": "urlencoded"}, {"media_type": "json"}, "application/json"),
]


@pytest.mark.parametrize(("http", "target", "accept"), ACCEPTS)
def test_accept_follows_the_media_type_of_answers(http: dict[str, Any], target: dict[str, Any], accept: str) -> None:
    """connections.md 13.2: ``successMediaType``, the resource's before the connection's, or ``mediaType``."""
    assert built(http, uri="/", **target).headers.get("Accept") == accept


@pytest.mark.parametrize("media_type", [word for word in MEDIA_TYPES if word != "form-data"])
def test_content_type_follows_the_media_type_of_the_body(media_type: str) -> None:
    """connections.md 13.3."""
    request = built({"mediaType": media_type}, uri="/", body="x")
    assert request.headers.get("Content-Type") == MEDIA_TYPES[media_type].content_type
    assert (
        built(uri="/", body="x", media_type=media_type).headers.get("Content-Type")
        == MEDIA_TYPES[media_type].content_type
    )


def one(name: str, value: str) -> list[dict[str, str]]:
    """A list of one configured header."""
    return [{"name": name, "value": value}]


ORDER: list[tuple[str, list[dict[str, str]], list[dict[str, str]], str | None]] = [
    ("a default", [], [], "application/json"),
    ("the connection's wins over a default", one("accept", "text/x"), [], "text/x"),
    ("the resource's wins over the connection's", one("accept", "text/x"), one("ACCEPT", "text/y"), "text/y"),
    ("empty drops the default", one("Accept", ""), [], None),
    ("blank is empty", one("Accept", " {{record.none}}\t"), [], None),
    ("empty drops the connection's", one("Accept", "text/x"), one("Accept", "{{record.none}}"), None),
    ("a later one sets it again", one("Accept", ""), one("Accept", "text/y"), "text/y"),
    ("blanks around are dropped", one("Accept", "  a b  "), [], "a b"),
]


@pytest.mark.parametrize(("name", "connection", "resource", "value"), ORDER, ids=[row[0] for row in ORDER])
def test_the_order_of_headers(name: str, connection: Any, resource: Any, value: str | None) -> None:
    """connections.md 13.2: defaults, connection, resource; names without case; an empty rendered value drops the header."""
    request = built({"headers": connection}, uri="/", headers=resource)
    assert headers_of(request).get("accept") == value


def test_a_content_type_set_by_the_user_wins() -> None:
    """connections.md 13.3."""
    request = built({"headers": one("content-type", "application/vnd.api+json")}, uri="/", body="{}")
    assert headers_of(request)["content-type"] == "application/vnd.api+json"


def test_values_of_headers_are_rendered_as_they_are() -> None:
    """handlebars.md 3: nothing is escaped in a header."""
    request = built(uri="/", headers=one("X", '{{record}} "{{record}}"'), names={"record": "a&b/ü"})
    assert request.headers.get("X") == 'a&b/ü "a&b/ü"'


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", "a\r\nX-Evil: 1", "trailing\n", "\nleading"])
@pytest.mark.parametrize("where", ["connection", "resource"])
def test_a_value_that_would_break_the_request_is_refused(value: str, where: str) -> None:
    """connections.md 13.2: CR, LF or NUL in a rendered value is ``invalid_template``; the message does not show the value."""
    entries = one("X-Name", "{{{record.v}}}")
    with pytest.raises(InvalidContent) as error:
        built(
            {"headers": entries} if where == "connection" else {},
            uri="/",
            headers=entries if where == "resource" else None,
            names={"record": {"v": value}},
        )
    (problem,) = error.value.problems
    assert problem.code == "invalid_template"
    assert "X-Name" in problem.message
    assert value.strip() not in problem.message


NAMES = ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "", "a b", "a:b", "ä", "a\n"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_cannot_be_set(name: str) -> None:
    """connections.md 13.2: told with the place in the list; the others are compiled."""
    problems: list[Problem] = []
    made = TemplateCollector(TEMPLATES, problems).headers([*one("X", "1"), *one(name, "1")], "http.headers")
    assert [header.name for header in made] == ["X"]
    assert [(problem.code, problem.field) for problem in problems] == [("invalid_field", "http.headers.1.name")]


# -- bodies and templates -------------------------------------------------------------------------------------------------

BODIES: list[tuple[str, str, bytes]] = [
    ("json", '{"n":"{{record.n}}"}', b'{"n":"a\\"b&c"}'),
    ("form-data", '{"n":"{{record.n}}"}', b'{"n":"a\\"b&c"}'),
    ("xml", "<n>{{record.n}}</n>", b"<n>a&quot;b&amp;c</n>"),
    ("urlencoded", "n={{record.n}}", b"n=a%22b%26c"),
    ("plaintext", "{{record.n}} ü", 'a"b&c ü'.encode()),
]


@pytest.mark.parametrize(("media_type", "template", "body"), BODIES)
def test_a_body_is_escaped_for_its_media_type(media_type: str, template: str, body: bytes) -> None:
    """handlebars.md 3; the body is sent in UTF-8."""
    assert built({"mediaType": media_type}, uri="/", body=template, names={"record": {"n": 'a"b&c'}}).body == body


def test_headers_are_rendered_last_and_see_the_request() -> None:
    """handlebars.md 2.3, 6.7: base URI, relative URI, body, then headers, which may sign all of it."""
    request = built(
        uri="/x?b=2&a=1",
        body='{"n":{{record}}}',
        headers=one("X", "{{hmacOptions.method}} {{hmacOptions.relativeURI}} {{hmacOptions.body}} {{hmacOptions.orderedQueryParams}}"),
        names={"record": 5},
    )  # fmt: skip
    assert request.headers.get("X") == 'POST /x {"n":5} a=1&b=2'


@pytest.mark.parametrize(
    ("uri", "relative"),
    [
        ("orders/{{record.n}}?q=1#f", "/orders/5"),
        ("//orders", "/orders"),
        ("", "/"),
        (None, "/"),
        (f"{BASE}/v9/x?q=1", "/v9/x"),
    ],
)
def test_the_relative_uri_of_a_signature(uri: str | None, relative: str) -> None:
    """handlebars.md 6.7: the rendered text with one leading slash and without the query; the path of the base is no part of it."""
    signed = one("X", "{{hashOptions.relativeURI}}")
    request = built({"baseURI": f"{BASE}/v1"}, uri=uri, headers=signed, names={"record": {"n": 5}})
    assert request.headers.get("X") == relative


def test_a_uri_knows_what_stands_before_it_is_rendered() -> None:
    """handlebars.md 6.7: in a URI template only the method, the connection's members and the text of the URI are known."""
    uri = "/x/{{hmacOptions.method}}?u={{hmacOptions.relativeURI}}&b={{hmacOptions.body}}{{hmacOptions.URI}}&e={{hashOptions.http.encrypted.k}}"
    names = {"connection": {"http": {"encrypted": {"k": "K"}}}}
    request = built(uri=uri, method="PUT", names=names)
    assert request.url == f"{BASE}/x/PUT?u=" + quote(uri, safe="!~*'()") + "&b=&e=K"
    with pytest.raises(InvalidContent, match="no request to sign"):
        built(uri='/x?s={{aws4 "a" "b"}}')


def test_every_problem_of_a_document_is_gathered_with_its_field() -> None:
    """contract.md 1.5: templates, paths and headers alike; what is wrong stands for nothing."""
    problems: list[Problem] = []
    collector = TemplateCollector(TEMPLATES, problems)
    assert (
        collector.compile("{{", Place.URI, "http.relativeURI").render(Scope({}, Script([]).run({}).clock.now())) == ""
    )
    assert collector.path("a[", "http.response.resourcePath") is None
    assert collector.path(None, "x") is None
    assert collector.path("", "x") is None
    assert collector.path("a.b", "x") is not None
    collector.headers(one("X", "{{nohelper 1}}"), "http.headers")
    assert [(problem.code, problem.field) for problem in problems] == [
        ("invalid_template", "http.relativeURI"),
        ("invalid_field", "http.response.resourcePath"),
        ("invalid_template", "http.headers.0.value"),
    ]
    assert all(problem.message.startswith(str(problem.field)) for problem in problems)
