"""The verdict: one table a chapter of connections.md."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.http import Headers, HttpResponse
from fairlead.engine.body import BodyReader
from fairlead.engine.checks import Rule
from fairlead.engine.ports import Answer, Verdict
from fairlead.engine.verdict import ConnectionRules, ResponseRules, judge, judgement_of


def judged(http: dict[str, Any], response: dict[str, Any], status: int, body: Any, **more: Any) -> Answer:
    """The verdict of one JSON answer; what explains it comes to the same."""
    reader = BodyReader(codecs, codec_for_content_type, "json")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = HttpResponse(status, Headers([("Content-Type", "application/json")]), content, reason="Reason")
    connection, resource = ConnectionRules.of(http, reader), ResponseRules.of(response, **more)
    found = judge(connection, resource, answer)
    assert VERDICTS[judgement_of(connection, resource, answer).rule] is found.verdict
    return found


VERDICTS = {
    Rule.RATE_LIMIT: Verdict.RATE_LIMITED,
    Rule.AUTHENTICATION: Verdict.AUTHENTICATION_FAILED,
    Rule.END_OF_PAGES: Verdict.END_OF_PAGES,
    Rule.STATUS: Verdict.FAILED,
    Rule.FAIL_PATH: Verdict.FAILED,
    Rule.SUCCESS_PATH: Verdict.FAILED,
    Rule.SUCCESS: Verdict.SUCCESS,
}


SUCCESS, FAILED = Verdict.SUCCESS, Verdict.FAILED
EXAMPLE_A = {"successPath": "status", "successValues": ["success"]}
EXAMPLE_B = {"failPath": "Error", "failValues": ["Request_Failed"], "errorPath": "Error_Description"}
DESCRIPTION = "Service is unavailable. Please try after some time."


@pytest.mark.parametrize(
    ("settings", "status", "body", "verdict"),
    [
        ({}, 200, {}, SUCCESS),
        ({}, 404, {}, FAILED),
        (EXAMPLE_A, 200, {"status": "success"}, SUCCESS),
        (EXAMPLE_A, 200, {"status": "failed"}, FAILED),
        (EXAMPLE_A, 200, {}, FAILED),
        (EXAMPLE_A, 200, {"status": "Success"}, FAILED),
        (EXAMPLE_A, 500, {"status": "success"}, FAILED),
        (EXAMPLE_B, 200, {}, SUCCESS),
        (EXAMPLE_B, 200, {"Error": "Request_Failed", "Error_Description": DESCRIPTION}, FAILED),
        (EXAMPLE_B, 200, {"Error": "request_failed"}, SUCCESS),
        ({"successPath": "ok"}, 200, {"ok": True}, SUCCESS),
        ({"successPath": "ok"}, 200, {"ok": False}, FAILED),
        ({"successPath": "ok"}, 200, {"ok": "FALSE"}, FAILED),
        ({"successPath": "ok"}, 200, {"ok": "null"}, SUCCESS),
        ({"successPath": "ok"}, 200, {"ok": None}, FAILED),
        ({"successPath": "ok"}, 200, {"ok": 0}, FAILED),
        ({"successPath": "ok"}, 200, {"ok": []}, FAILED),
        ({"successPath": "ok"}, 200, b'{"ok": 0.0}', FAILED),
        ({"successPath": "ok"}, 200, b'{"ok": 0.5}', SUCCESS),
        ({"successPath": "results", "successValues": ["done"]}, 200, {"results": ["busy", "done"]}, FAILED),
        (
            {"successPath": "results", "successValues": ["done"], "allowArrayforSuccessPath": True},
            200,
            {"results": ["busy", "done"]},
            SUCCESS,
        ),
        ({"failPath": "e", "failValues": ["x"]}, 200, {"e": ["y", "x"]}, FAILED),
        ({"successPath": "n", "successValues": ["5"]}, 200, {"n": 5}, SUCCESS),
        ({"successPath": "n", "successValues": ["140891.90"]}, 200, b'{"n": 140891.90}', SUCCESS),
        ({"successPath": "o", "successValues": ['{"k":1}']}, 200, {"o": {"k": 1}}, SUCCESS),
        ({"successPath": "v", "successValues": ["null"]}, 200, {"v": None}, SUCCESS),
        (EXAMPLE_A, 200, b"not json", FAILED),
        (EXAMPLE_A, 204, b"", FAILED),
        (EXAMPLE_B, 200, b"not json", SUCCESS),
    ],
)
def test_paths_of_the_resource_decide_a_good_status(
    settings: dict[str, Any], status: int, body: Any, verdict: Verdict
) -> None:
    """connections.md 4 and 5.2: status first, then the fail path, then the success path; exact and case-sensitive."""
    assert judged({}, settings, status, body).verdict is verdict


def test_the_message_is_the_value_at_the_error_path() -> None:
    """connections.md 4, example B."""
    answer = judged({}, EXAMPLE_B, 200, {"Error": "Request_Failed", "Error_Description": DESCRIPTION})
    assert (answer.code, answer.message) == ("422", DESCRIPTION)


@pytest.mark.parametrize(("body", "message"), [({"a": 1}, '{"a": 1}'), (b"", "Reason"), (b"x" * 5000, "x" * 4096)])
def test_without_an_error_path_the_message_is_the_body_then_the_reason(body: Any, message: str) -> None:
    """contract.md 1.16: the body's text cut at 4096 characters, else the reason phrase."""
    assert judged({}, {}, 500, body).message == message


SEED = {"failStatusCode": 200, "failPath": "reason", "failValues": ["Authentication"]}


@pytest.mark.parametrize(
    ("auth", "status", "body", "refused"),
    [
        ({}, 401, {}, True),
        ({}, 403, {}, False),
        ({"failStatusCode": 403}, 403, {}, True),
        ({"failStatusCode": 403}, 401, {}, True),
        (SEED, 200, {"status": "failed", "reason": "Authentication"}, True),
        (SEED, 200, {"status": "failed", "reason": "Service_Unavailable"}, False),
        (SEED, 200, {"status": "success"}, False),
        (SEED, 200, {"reason": "authentication"}, False),
        (SEED, 500, {"reason": "Authentication"}, False),
        (SEED, 401, {}, True),
        ({**SEED, "failStatusCode": 401}, 401, {}, False),
        ({**SEED, "failStatusCode": 401}, 401, {"reason": "Authentication"}, True),
        ({"failPath": "reason", "failValues": ["A"]}, 500, {"reason": "A"}, True),
        ({"failPath": "reason", "failValues": ["A"]}, 401, {}, True),
        ({"failures": [{"statusCode": 419}]}, 419, {}, True),
        ({**SEED, "failures": [{"statusCode": 419}]}, 419, {}, True),
    ],
)
def test_authentication_failure_is_told_by_status_path_and_values(
    auth: dict[str, Any], status: int, body: Any, refused: bool
) -> None:
    """connections.md 6.1, every row, and the specification's example with its three answers."""
    answer = judged({"auth": auth}, {}, status, body)
    assert (answer.verdict is Verdict.AUTHENTICATION_FAILED) is refused


def test_an_authentication_failure_told_by_the_body_of_a_200_is_a_401() -> None:
    """contract.md 1.16: the code of an authentication failure below 400 is 401."""
    assert judged({"auth": SEED}, {}, 200, {"reason": "Authentication"}).code == "401"


THROTTLED = {"failStatusCode": 400, "failPath": "status", "failValues": ["Throttled"]}


@pytest.mark.parametrize(
    ("rate_limit", "status", "body", "limited"),
    [
        ({}, 429, {}, True),
        ({}, 503, {}, False),
        ({"failStatusCode": 503}, 503, {}, True),
        ({"failStatusCode": 503}, 429, {}, True),
        (THROTTLED, 400, {"status": "Throttled"}, True),
        (THROTTLED, 400, {"status": "Invalid"}, False),
        (THROTTLED, 429, {}, True),
        ({"failPath": "status", "failValues": ["Throttled"]}, 200, {"status": "Throttled"}, True),
    ],
)
def test_a_rate_limit_is_told_by_status_path_and_values(
    rate_limit: dict[str, Any], status: int, body: Any, limited: bool
) -> None:
    """connections.md 7.1, every row."""
    answer = judged({"rateLimit": rate_limit}, {}, status, body)
    assert (answer.verdict is Verdict.RATE_LIMITED) is limited


def test_rules_apply_in_the_order_of_the_reference() -> None:
    """connections.md 5.3: rate limit before authentication before end of pages before status."""
    both = {"rateLimit": {"failStatusCode": 401}, "auth": {"failStatusCode": 404}}
    assert judged(both, {}, 401, {}).verdict is Verdict.RATE_LIMITED
    ends = frozenset({404})
    assert judged(both, {}, 404, {}, end_statuses=ends).verdict is Verdict.AUTHENTICATION_FAILED
    assert judged({}, {}, 404, {}, end_statuses=ends).verdict is Verdict.END_OF_PAGES


@pytest.mark.parametrize(("status", "code"), [(304, "304"), (302, "302"), (101, "101"), (500, "500")])
def test_a_status_outside_the_200s_is_its_own_code(status: int, code: str) -> None:
    """contract.md 1.16."""
    assert judged({}, {}, status, {}).code == code


def test_plain_text_has_one_value_the_whole_text() -> None:
    """connections.md 5.1: a path into plain text has no value, except $."""
    reader = BodyReader(codecs, codec_for_content_type, "json")
    answer = HttpResponse(200, Headers([("Content-Type", "text/plain; charset=utf-8")]), b"OK")
    for path, verdict in (("$", SUCCESS), ("status", FAILED)):
        rules = ResponseRules.of({"successPath": path, "successValues": ["OK"]})
        assert judge(ConnectionRules.of({}, reader), rules, answer).verdict is verdict
