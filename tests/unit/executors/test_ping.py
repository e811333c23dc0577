"""The test request of a connection."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.codecs.registry import codecs
from fairlead.domain.document import Tree
from fairlead.engine.ports import Verdict
from fairlead.engine.prepare import connection_of
from fairlead.executors.http.executor import HttpExecutor
from fairlead.paging.registry import paging_strategies
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.scripted import ACCOUNT, BASE, Reply, Script

EXECUTOR = HttpExecutor(TemplateCompiler(), codecs, paging_strategies)


def tree(**block: Any) -> Tree:
    """A connection of type ``http``."""
    return {"type": "http", "name": "n", "http": {"baseURI": BASE, "mediaType": "json", **block}}


REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"ping": {"relativeURI": "/p"}}, "GET /p"),
    ({"ping": {"relativeURI": "/p", "method": "HEAD"}}, "HEAD /p"),
    ({"ping": {"relativeURI": "/p", "method": "GET", "body": "x"}}, "GET /p"),
    ({"ping": {"relativeURI": "/p", "method": "POST", "body": '{"a":1}'}}, 'POST /p {"a":1}'),
    ({"ping": {"relativeURI": "/p", "method": "PUT", "body": '{"a":1}'}}, 'PUT /p {"a":1}'),
    ({"ping": {"relativeURI": "/p", "method": "POST"}}, "POST /p"),
    (
        {
            "unencrypted": {"id": 'a"b'},
            "ping": {
                "relativeURI": "/{{connection.http.unencrypted.id}}",
                "method": "POST",
                "body": '{"a":"{{connection.http.unencrypted.id}}"}',
            },
        },
        'POST /a%22b {"a":"a\\"b"}',
    ),
]


@pytest.mark.parametrize(("block", "line"), REQUESTS)
async def test_the_request_of_a_ping(block: dict[str, Any], line: str) -> None:
    """connections.md 4: method, body with POST and PUT only, templates with ``connection``."""
    script = Script([(line, Reply({}))])
    run = script.run({})
    run.connection = connection_of(ACCOUNT, tree(**block))
    answer = await EXECUTOR.ping(run)
    assert answer is not None
    assert answer.verdict is Verdict.SUCCESS
    assert script.asked == [line]


@pytest.mark.parametrize(("signs_in", "reached"), [(False, ["https://n.test/v1"]), (True, [])])
async def test_without_a_uri_only_signing_in_is_tried(signs_in: bool, reached: list[str]) -> None:
    """contract.md 2.3: a login or token request; where there is none to make, the rendered ``baseURI`` is reached, without a request."""
    seen = []
    run = Script([]).run({})
    run.connection = connection_of(ACCOUNT, tree(baseURI="https://{{connection.name}}.test/v1"))

    async def reach(url: str) -> None:
        seen.append(url)

    async def sign_in() -> bool:
        return signs_in

    run.reach, run.sign_in = reach, sign_in
    assert await EXECUTOR.ping(run) is None
    assert seen == reached


XPATHS: list[dict[str, Any]] = [
    {"mediaType": "xml", "ping": {"relativeURI": "/", "failPath": "/a[@b='c']"}},
    {
        "mediaType": "xml",
        "ping": {"relativeURI": "/", "successPath": "['a b']", "failPath": "a[0].b", "errorPath": "$"},
    },
    {"mediaType": "json", "ping": {"relativeURI": "/", "successPath": "/r/c[2]/d", "failPath": "//c[d='1']/d[1]"}},
    {"successMediaType": "xml", "auth": {"failPath": "//a[last()]/text()"}},
    {"errorMediaType": "xml", "rateLimit": {"failPath": "//Fault[b='c']"}},
    {"errorMediaType": "xml", "rateLimit": {"failPath": "$..a"}},
    {"mediaType": "xml", "successMediaType": "json", "rateLimit": {"failPath": "$..a"}},
    {"auth": {"token": {"refreshTokenPath": "/a[@b='c']", "refreshResponseMediaType": "xml", "tokenPaths": ["//b"]}}},
    {"auth": {"token": {"refreshTokenPath": "/a[@b='c']", "tokenPaths": ["/a/text()", "['a.b']"]}}},
]
NO_PATHS: list[tuple[str, dict[str, Any]]] = [
    ("http.ping.failPath", {"mediaType": "xml", "ping": {"relativeURI": "/", "failPath": "/a[b or c]"}}),
    ("http.ping.errorPath", {"successMediaType": "xml", "ping": {"relativeURI": "/", "errorPath": "a[0].b"}}),
    ("http.auth.failPath", {"successMediaType": "xml", "auth": {"failPath": "a[0].b"}}),
    ("http.rateLimit.failPath", {"errorMediaType": "xml", "rateLimit": {"failPath": "//a[count(b)=1]"}}),
    ("http.rateLimit.failPath", {"errorMediaType": "xml", "rateLimit": {"failPath": "a["}}),
    ("http.auth.failPath", {"mediaType": "json", "auth": {"failPath": "/a/text()[@b='c']]"}}),
    ("http.auth.token.refreshTokenPath", {"auth": {"token": {"refreshTokenPath": "$.a", "refreshResponseMediaType": "xml"}}}),
    ("http.auth.token.refreshTokenPath", {"auth": {"token": {"refreshTokenPath": "/a]", "refreshResponseMediaType": "json"}}}),
    ("http.auth.token.tokenPaths.1", {"auth": {"token": {"tokenPaths": ["a", "b["]}}}),
]  # fmt: skip

WRONG: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({}, set()),
    (
        {
            "baseURI": "{{",
            "headers": [{"name": "X", "value": "{{"}],
            "ping": {"relativeURI": "{{", "method": "POST", "body": "{{", "successPath": "a[", "failPath": "b[", "errorPath": "c["},
            "auth": {"failPath": "d[", "token": {"refreshRelativeURI": "{{", "refreshBody": "{{", "refreshTokenPath": "e["}},
            "rateLimit": {"failPath": "f["},
        },
        {
            *(("invalid_template", f"http.{name}") for name in ("baseURI", "headers.0.value", "ping.relativeURI", "ping.body")),
            *(("invalid_template", f"http.auth.token.{name}") for name in ("refreshRelativeURI", "refreshBody")),
            *(("invalid_field", f"http.ping.{name}") for name in ("successPath", "failPath", "errorPath")),
            *(("invalid_field", f"http.{name}") for name in ("auth.failPath", "rateLimit.failPath", "auth.token.refreshTokenPath")),
        },
    ),
    ({"ping": {"relativeURI": "/", "method": "GET", "body": "{{"}}, set()),
    *((block, set()) for block in XPATHS),
    *((block, {("invalid_field", field)}) for field, block in NO_PATHS),
    ({"auth": {"cookie": {"uri": "{{", "body": "{{"}}}, {("invalid_template", "http.auth.cookie.uri"), ("invalid_template", "http.auth.cookie.body")}),
    ({"auth": {"token": {"refreshHeaders": [{"name": "X", "value": "{{"}]}}}, {("invalid_template", "http.auth.token.refreshHeaders.0.value")}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "problems"), WRONG)
def test_every_template_and_path_of_a_connection_is_compiled_on_save(
    block: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    """connections.md 2, 5.1, contract.md 1.5: all at once, each once, with its field; an XPath where answers can be XML."""
    found = [(p.code, p.field) for p in EXECUTOR.check_connection(connection_of(ACCOUNT, tree(**block)))]
    assert set(found) == problems
    assert len(found) == len(problems)
