"""The verdict over XML: the tables of test_verdict.py that look into the body, in the other language."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.http import Headers, HttpResponse
from fairlead.engine.body import BodyReader
from fairlead.engine.ports import Answer, Verdict
from fairlead.engine.verdict import ConnectionRules, ResponseRules, judge

SUCCESS, FAILED = Verdict.SUCCESS, Verdict.FAILED


def judged(
    http: dict[str, Any],
    response: dict[str, Any],
    status: int,
    body: str,
    content_type: str = "application/xml",
    **reading: Any,
) -> Answer:
    """The verdict of one XML answer. ``reading``: what the connection says about answers."""
    reader = BodyReader(codecs, codec_for_content_type, **{"media_type": "json", **reading})
    answer = HttpResponse(status, Headers([("Content-Type", content_type)]), body.encode(), reason="Reason")
    return judge(ConnectionRules.of(http, reader), ResponseRules.of(response), answer)


EXAMPLE_A = {"successPath": "status", "successValues": ["success"]}
EXAMPLE_B = {"failPath": "/r/Error", "failValues": ["Request_Failed"], "errorPath": "/r/Error_Description"}
DESCRIPTION = "Service is unavailable. Please try after some time."
RESULTS = "<r><results>busy</results><results>done</results></r>"
ARRAY = {"successPath": "/r/results", "successValues": ["done"]}


@pytest.mark.parametrize(
    ("settings", "status", "body", "verdict"),
    [
        ({}, 200, "<r/>", SUCCESS),
        ({}, 404, "<r/>", FAILED),
        (EXAMPLE_A, 200, "<r><status>success</status></r>", SUCCESS),
        (EXAMPLE_A, 200, "<r><status>failed</status></r>", FAILED),
        (EXAMPLE_A, 200, "<r/>", FAILED),
        (EXAMPLE_A, 200, "", FAILED),
        (EXAMPLE_A, 200, "<r><status>Success</status></r>", FAILED),
        (EXAMPLE_A, 200, "<r><status> success</status></r>", FAILED),
        (EXAMPLE_A, 500, "<r><status>success</status></r>", FAILED),
        (EXAMPLE_A, 200, "<x:r xmlns:x='urn:x'><x:status>success</x:status></x:r>", SUCCESS),
        (EXAMPLE_B, 200, "<r/>", SUCCESS),
        (EXAMPLE_B, 200, f"<r><Error>Request_Failed</Error><Error_Description>{DESCRIPTION}</Error_Description></r>", FAILED),
        (EXAMPLE_B, 200, "<r><Error>request_failed</Error></r>", SUCCESS),
        ({"successPath": "ok"}, 200, "<r><ok>true</ok></r>", SUCCESS),
        ({"successPath": "ok"}, 200, "<r><ok>false</ok></r>", FAILED),
        ({"successPath": "ok"}, 200, "<r><ok>FALSE</ok></r>", FAILED),
        ({"successPath": "ok"}, 200, "<r><ok>0</ok></r>", FAILED),
        ({"successPath": "ok"}, 200, "<r><ok/></r>", FAILED),
        ({"successPath": "ok"}, 200, "<r><ok>\n</ok></r>", FAILED),
        ({"successPath": "ok"}, 200, "<r/>", FAILED),
        ({"successPath": "/r/@ok"}, 200, "<r ok='1'/>", SUCCESS),
        ({"successPath": "/r/@ok"}, 200, "<r ok='0'/>", FAILED),
        ({"successPath": "//Fault"}, 200, "<r><Fault><code>7</code></Fault></r>", SUCCESS),
        ({"failPath": "//Fault"}, 200, "<e:E xmlns:e='urn:e'><e:Body><e:Fault><code>7</code></e:Fault></e:Body></e:E>", FAILED),
        ({"failPath": "//Fault"}, 200, "<e:E xmlns:e='urn:e'><e:Body/></e:E>", SUCCESS),
        (ARRAY, 200, RESULTS, FAILED),
        ({**ARRAY, "allowArrayforSuccessPath": True}, 200, RESULTS, SUCCESS),
        ({**ARRAY, "successPath": "/r/results[last()]"}, 200, RESULTS, SUCCESS),
        ({**ARRAY, "successPath": "/r[results='done']/results[2]/text()"}, 200, RESULTS, SUCCESS),
        ({"failPath": "//results", "failValues": ["done"]}, 200, RESULTS, FAILED),
        ({"successPath": "n", "successValues": ["140891.90"]}, 200, "<r><n>140891.90</n></r>", SUCCESS),
        (EXAMPLE_A, 200, "<r><status>success</status>", FAILED),
        (EXAMPLE_B, 200, "no xml", SUCCESS),
        ({"successPath": "$.status", "successValues": ["success"]}, 200, "<r><status>success</status></r>", FAILED),
        (EXAMPLE_A, 200, "<!DOCTYPE r [<!ENTITY s 'success'>]><r><status>&s;</status></r>", FAILED),
    ],
)  # fmt: skip
def test_paths_of_the_resource_decide_a_good_status(
    settings: dict[str, Any], status: int, body: str, verdict: Verdict
) -> None:
    """connections.md 4, 5.1 and 5.2: XPaths and plain names; exact; several nodes are an array; what cannot be read has no values."""
    assert judged({}, settings, status, body).verdict is verdict


def test_the_message_is_the_text_at_the_error_path() -> None:
    """connections.md 4, example B; the first node counts."""
    body = f"<r><Error>Request_Failed</Error><Error_Description>{DESCRIPTION}</Error_Description></r>"
    answer = judged({}, EXAMPLE_B, 200, body)
    assert (answer.code, answer.message) == ("422", DESCRIPTION)
    fault = "<E><Body><Fault><code>c</code><string>one</string><string>two</string></Fault></Body></E>"
    assert judged({}, {"errorPath": "//Fault/string"}, 500, fault).message == "one"
    assert judged({}, {"errorPath": "//Fault/none"}, 500, fault).message == fault


SEED = {"failStatusCode": 200, "failPath": "reason", "failValues": ["Authentication"]}
SEED_XPATH = {**SEED, "failPath": "/response[status='failed']/reason/text()"}


@pytest.mark.parametrize("auth", [SEED, SEED_XPATH, {**SEED, "failPath": "//reason"}])
@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ("<response><status>failed</status><reason>Authentication</reason></response>", True),
        ("<response><status>failed</status><reason>Service_Unavailable</reason></response>", False),
        ("<response><status>success</status></response>", False),
        ("<response><status>failed</status><reason>authentication</reason></response>", False),
    ],
)
def test_the_three_answers_of_the_specification(auth: dict[str, Any], body: str, refused: bool) -> None:
    """connections.md 6.1: all three with status 200, told apart by the value alone."""
    answer = judged({"auth": auth}, {}, 200, body)
    assert (answer.verdict is Verdict.AUTHENTICATION_FAILED) is refused
    if refused:
        assert answer.code == "401"


@pytest.mark.parametrize(
    ("rate_limit", "status", "body", "limited"),
    [
        ({"failStatusCode": 400, "failPath": "status", "failValues": ["Throttled"]}, 400, "<r><status>Throttled</status></r>", True),
        ({"failStatusCode": 400, "failPath": "status", "failValues": ["Throttled"]}, 400, "<r><status>Invalid</status></r>", False),
        ({"failPath": "/r/@state", "failValues": ["Throttled"]}, 200, "<r state='Throttled'/>", True),
        ({"failPath": "//e[c='9']"}, 503, "<r><e><c>8</c></e><e><c>9</c></e></r>", True),
        ({"failPath": "//e[c='9']"}, 503, "<r><e><c>8</c></e></r>", False),
    ],
)  # fmt: skip
def test_a_rate_limit_is_told_by_an_xpath(rate_limit: dict[str, Any], status: int, body: str, limited: bool) -> None:
    """connections.md 7.1."""
    answer = judged({"rateLimit": rate_limit}, {}, status, body)
    assert (answer.verdict is Verdict.RATE_LIMITED) is limited


XML = "<r><status>success</status></r>"
JSON = '{"status":"success"}'


@pytest.mark.parametrize(
    ("body", "content_type", "reading", "status", "readable"),
    [
        (XML, "text/xml; charset=utf-8", {}, 200, True),
        (XML, "application/soap+xml", {}, 200, True),
        (XML, "application/octet-stream", {}, 200, False),
        (XML, "application/octet-stream", {"media_type": "xml"}, 200, True),
        (XML, "text/html", {"success_media_type": "xml"}, 200, True),
        (XML, "application/json", {"success_media_type": "xml"}, 200, True),
        (XML, "application/xml", {"success_media_type": "json"}, 200, False),
        (JSON, "application/json", {"media_type": "xml"}, 200, True),
        (JSON, "application/json", {"success_media_type": "xml"}, 200, False),
        (XML, "text/plain", {"success_media_type": "json", "error_media_type": "xml"}, 400, True),
        (JSON, "text/plain", {"success_media_type": "json", "error_media_type": "xml"}, 200, True),
        (XML, "text/plain", {"success_media_type": "xml"}, 400, True),
    ],
)
def test_what_an_answer_is_decides_the_language(
    body: str, content_type: str, reading: dict[str, str], status: int, readable: bool
) -> None:
    """connections.md 1.2, 5.1: the configured media type, else ``Content-Type``, else the connection's; one plain path reads both."""
    rate_limit = {"failPath": "status", "failValues": ["success"]}
    answer = judged({"rateLimit": rate_limit}, {}, status, body, content_type, **reading)
    assert (answer.verdict is Verdict.RATE_LIMITED) is readable
