"""The specification's examples of answers: each gets the verdict that the specification gives it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from fairlead.auth.registry import strategy_for
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.document import AccountId
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.domain.urls import join
from fairlead.engine.body import BodyReader
from fairlead.engine.ports import Verdict
from fairlead.engine.prepare import connection_of
from fairlead.engine.verdict import ConnectionRules, ResponseRules, judge
from fairlead.limits.retry_after import wait_seconds
from tests.golden.examples import load, names, tree_of
from tests.unit.auth.sessions import session

VERDICTS = {
    "success": Verdict.SUCCESS,
    "failed": Verdict.FAILED,
    "authentication_failed": Verdict.AUTHENTICATION_FAILED,
    "rate_limited": Verdict.RATE_LIMITED,
    "not an authentication failure": Verdict.SUCCESS,
}
WITH_ANSWER = [name for name in names("http") if load(name)["response"]]
WITH_REQUEST = [name for name in names("http") if load(name)["request"]]


@pytest.mark.parametrize("name", WITH_ANSWER)
def test_every_published_answer_gets_its_verdict(name: str) -> None:
    """Ping examples A and B, authentication examples, rate-limit examples."""
    example = load(name)
    http = tree_of(example["settings"]).get("http", {})
    answer = example["response"]
    headers = Headers([("Content-Type", "application/json"), *(answer.get("headers") or {}).items()])
    response = HttpResponse(answer["status"], headers, json.dumps(answer["body"]).encode())
    rules = ConnectionRules.of(http, BodyReader(codecs, codec_for_content_type, "json"))
    judged = judge(rules, ResponseRules.of(http.get("ping") or {}), response)
    assert judged.verdict is VERDICTS[example["verdict"]]
    if http.get("ping", {}).get("errorPath") and judged.verdict is Verdict.FAILED:
        assert judged.message == answer["body"][http["ping"]["errorPath"]]


def test_the_throttled_answer_waits_a_second() -> None:
    """Rate-limiting, example B: `try-after: 1000` of a header of the application's own is milliseconds."""
    example = load("http-9-rate-limited")
    header = example["settings"]["http.retryHeader"]
    now = datetime(2026, 1, 15, tzinfo=UTC)
    assert wait_seconds(header == "Retry-After", example["response"]["headers"][header], now) == 1.0


@pytest.mark.parametrize("name", WITH_REQUEST)
def test_every_published_request_is_built(name: str) -> None:
    """Joining of base and relative URI; where the token goes."""
    example = load(name)
    tree = {"type": "http", **tree_of(example["settings"])}
    tree["http"]["baseURI"] = tree["http"]["baseURI"].replace("<my subdomain>", "mine")
    connection = connection_of(AccountId("a"), tree)
    expected = example["request"]["path"].replace("<my subdomain>", "mine")
    url = join(connection.http["baseURI"], connection.http["ping"]["relativeURI"])
    assert url == expected
    signed = next(strategy_for(connection.http).flow(HttpRequest("GET", url), session(connection.http)))
    for header, value in (example["request"].get("headers") or {}).items():
        assert signed.headers.get(header) == value
