"""What ``ping --explain`` tells: the rule and what it looked at, renewals and who made them, times; and never a secret."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToJson

from fairlead.api.explanations import explanation_message
from fairlead.domain.http import Headers, HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.checks import Looked, Rule
from fairlead.engine.explanation import Explanation, Fingerprint, Outcome, Purpose, Reason, Renewer
from tests.unit.engine.serving import BASE, Answers, Service, http, rest, serving

FIRST, SECOND = "access-token-number-1", "access-token-number-2"
REFRESH, ROTATED = "refresh-token-number-1", "refresh-token-number-2"
CLIENT_SECRET = "s3cr3t/of+client"


class Issuer:
    """An application that refuses ``FIRST`` and gives ``SECOND`` for ``REFRESH``; its answers show everything they know."""

    def __init__(self) -> None:
        self.token_status = 200
        self.hold: asyncio.Event | None = None
        self.asked = asyncio.Event()

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.url.startswith(f"{BASE}/token"):
            form = parse_qs((request.body or b"").decode())
            self.asked.set()
            if self.hold is not None:
                await self.hold.wait()
            if self.token_status != 200:
                return reply({"error": "invalid_client", "error_description": f"no {form}"}, self.token_status)
            return reply({"access_token": SECOND, "refresh_token": ROTATED, "expires_in": 3600})
        given = request.headers.get("Authorization")
        if given == f"Bearer {SECOND}":
            return reply({"status": "ok", "seen": given})
        return reply({"status": "failed", "reason": f"{given} is over"}, 401)


def reply(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer."""
    pairs = [
        ("Content-Type", "application/json"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    ]
    return HttpResponse(status, Headers(pairs), json.dumps(body).encode())


def oauth(**auth: Any) -> dict[str, Any]:
    """A connection whose access token is over."""
    client = {"tokenURI": f"{BASE}/token", "clientId": "client-1", "clientSecret": CLIENT_SECRET}
    client["authURI"] = "https://login.example.test/authorize"
    tokens = {"token": FIRST, "refreshToken": REFRESH}
    ping = {"relativeURI": "/me", "successPath": "seen"}
    return http(auth={"type": "oauth", "oauth": client, "token": tokens, **auth}, ping=ping)


@pytest.fixture
def issuer() -> Issuer:
    """The application."""
    return Issuer()


@pytest_asyncio.fixture
async def service(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Service]:
    """A process."""
    async with serving(tmp_path, issuer) as opened:
        yield opened


async def explained(tmp_path: Path, answers: Answers, document: dict[str, Any]) -> Explanation:
    """The explanation of one ping of a stored connection."""
    async with serving(tmp_path, answers) as service:
        return await explained_by(service, (await service.create(document)).tree["_id"])


async def explained_by(service: Service, id: str) -> Explanation:
    """The explanation of a ping."""
    result = await service.ping(id, explain=True)
    assert result.explanation is not None
    return result.explanation


def text_of(explanation: Explanation) -> str:
    """All of it, as every client sees it."""
    message = explanation_message(explanation)
    assert message is not None
    return MessageToJson(message)


async def test_a_renewal_after_a_refusal_is_told_with_its_tokens(service: Service) -> None:
    """Request, token request, repetition; tokens are told apart by their fingerprints."""
    id = (await service.create(oauth())).tree["_id"]
    explanation = await explained_by(service, id)
    assert [step.purpose for step in explanation.steps] == [Purpose.REQUEST, Purpose.RENEWAL, Purpose.REPETITION]
    assert [step.rule for step in explanation.steps] == [Rule.AUTHENTICATION, Rule.SUCCESS, Rule.SUCCESS]
    [renewal] = explanation.renewals
    assert (renewal.reason, renewal.by) == (Reason.AFTER_REFUSAL, Renewer.THIS_PING)
    assert (renewal.outcome, renewal.after_steps) == (Outcome.RENEWED, 1)
    assert renewal.token_before == Fingerprint(21, sha256(FIRST.encode()).hexdigest()[:8])
    assert renewal.token == Fingerprint.of(SECOND)
    assert (renewal.refresh_token_before, renewal.refresh_token) == (Fingerprint.of(REFRESH), Fingerprint.of(ROTATED))
    assert renewal.expires is not None
    sent = explanation.steps[2].credentials
    assert sent is not None
    assert (sent.type, sent.headers, sent.token, sent.expires) == (
        "oauth",
        ("Authorization",),
        Fingerprint.of(SECOND),
        renewal.expires,
    )


async def test_nothing_in_an_explanation_is_a_secret(service: Service, issuer: Issuer) -> None:
    """contract.md 1.7: tokens before and after, client secret and signatures, plain, encoded and in Base64, whatever the application
    answers; also when paths of the connection point at them."""
    for status in (200, 400, 500):
        issuer.token_status = status
        document = oauth(failPath="access_token", failValues=["never"])
        document["http"]["rateLimit"] = {"failPath": "$", "failValues": ["never"]}
        text = text_of(await explained_by(service, (await service.create(document)).tree["_id"]))
        basic = f"client-1:{CLIENT_SECRET}"
        for secret in (FIRST, SECOND, REFRESH, ROTATED, CLIENT_SECRET):
            for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")):
                assert form not in text
        assert base64.b64encode(basic.encode()).decode() not in text


@pytest.mark.parametrize(
    ("auth", "markers"),
    [
        ({"type": "basic", "basic": {"username": "user-1", "password": "pa55word-1"}}, ["pa55word-1"]),
        ({"type": "wsse", "basic": {"username": "user-1", "password": "pa55word-1"}}, ["pa55word-1", "PasswordDigest"]),
        ({"type": "token", "token": {"token": "t0k3n/in+query", "location": "url", "paramName": "t"}}, ["t0k3n"]),
        (
            {"type": "cookie", "cookie": {"uri": "/login", "method": "POST", "body": '{"p":"pa55word-1"}'}},
            ["c00kie-value", "pa55word-1"],
        ),
    ],
)
async def test_credentials_of_each_kind_are_named_but_not_shown(
    tmp_path: Path, auth: dict[str, Any], markers: list[str]
) -> None:
    """Where they were sent is told; an application that echoes every header does not bring them into the explanation."""

    def echo(request: HttpRequest) -> HttpResponse:
        seen = dict(request.headers.items())
        return reply({"seen": seen, "url": request.url}, Set_Cookie="sid=c00kie-value; Path=/")

    ping = {"relativeURI": "/me", "failPath": "$", "failValues": ["never"], "successPath": "seen"}
    explanation = await explained(tmp_path, echo, http(auth=auth, ping=ping))
    text = text_of(explanation)
    assert not [marker for marker in markers if marker in text.replace("failValues", "")]
    sent = explanation.steps[-1].credentials
    assert sent is not None
    assert sent.headers or sent.query == "t"
    assert sent.cookies == (("sid",) if auth["type"] == "cookie" else ())


async def test_a_query_is_masked_by_its_names_too(tmp_path: Path) -> None:
    """The configured parameter however short its value is, and what is called like a credential; the rest stays readable."""
    auth = {"type": "token", "token": {"token": "abc", "location": "url", "paramName": "t"}}
    document = http(auth=auth, ping={"relativeURI": "/me?api_key=k&signature=x&page=2"})
    explanation = await explained(tmp_path, lambda request: reply({}), document)
    assert explanation.steps[0].url == f"{BASE}/me?api_key=******&signature=******&page=2&t=******"


def test_a_short_token_has_no_fingerprint() -> None:
    """It could be guessed from it."""
    assert Fingerprint.of("1234") == Fingerprint(4, "")
    assert len(Fingerprint.of("x" * 16).sha256) == 8


async def test_a_renewal_of_another_request_is_shared_and_said_so(service: Service, issuer: Issuer) -> None:
    """connections.md 3: the ping that waits sends no token request of its own."""
    id = (await service.create(oauth())).tree["_id"]
    issuer.hold = asyncio.Event()
    other = asyncio.create_task(service.ping(id))
    await issuer.asked.wait()
    ours = asyncio.create_task(explained_by(service, id))
    await asyncio.sleep(0.01)
    issuer.hold.set()
    explanation = await ours
    assert (await other).code == 200
    assert [step.purpose for step in explanation.steps] == [Purpose.REQUEST]
    assert [(r.by, r.outcome) for r in explanation.renewals] == [(Renewer.ANOTHER_REQUEST, Outcome.RENEWED)]


async def test_a_refused_renewal_is_the_reason(service: Service, issuer: Issuer) -> None:
    """connections.md 6.2: the summary says that new credentials were refused, and why."""
    issuer.token_status = 400
    explanation = await explained_by(service, (await service.create(oauth())).tree["_id"])
    assert explanation.summary.startswith("Authentication failed: new credentials were refused: ")
    assert [renewal.outcome for renewal in explanation.renewals] == [Outcome.REFUSED]
    assert [step.status for step in explanation.steps] == [401, 400]


async def test_a_rate_limited_answer_tells_how_long_it_asked_to_wait(tmp_path: Path) -> None:
    """connections.md 4 and 7.2: more than 5 s are not waited; the header that said so was looked at."""

    def throttling(request: HttpRequest) -> HttpResponse:
        return reply({"status": "Throttled"}, 429, Retry_After="30")

    explanation = await explained(tmp_path, throttling, http(ping={"relativeURI": "/me"}))
    [step] = explanation.steps
    assert step.rule is Rule.RATE_LIMIT
    assert step.sentence == "rate limited, because status 429 means too many requests; asked to wait 30 s"
    last = step.looked_at[-1]
    assert (last.looked, last.field, last.path, last.found) == (Looked.HEADER, "http.retryHeader", "Retry-After", "30")


@pytest.mark.parametrize(
    ("ping", "body", "summary"),
    [
        ({}, {}, "The connection works: good, because status 200 is within 200 to 299."),
        (
            {"successPath": "s", "successValues": ["ok", "fine"]},
            {"s": "ok"},
            'The connection works: good, because status 200 is within 200 to 299 and http.ping.successPath s found "ok", one of '
            "http.ping.successValues.",
        ),
        (
            {"successPath": "s", "successValues": ["ok"]},
            {"s": "bad"},
            'Failed, because http.ping.successPath s found "bad", none of http.ping.successValues.',
        ),
        ({"successPath": "s"}, {}, "Failed, because http.ping.successPath s found nothing."),
        (
            {"successPath": "s"},
            {"s": False},
            'Failed, because http.ping.successPath s found "false", which counts as false.',
        ),
        ({"failPath": "e"}, {"e": 1}, 'Failed, because http.ping.failPath e found "1", which counts as true.'),
        (
            {"failPath": "e", "failValues": ["x"]},
            {"e": ["y", "x"]},
            'Failed, because http.ping.failPath e found "["y","x"]", one of http.ping.failValues.',
        ),
    ],
)
async def test_the_rule_that_decided_is_said_in_a_sentence(
    tmp_path: Path, ping: dict[str, Any], body: Any, summary: str
) -> None:
    """connections.md 4, 5.3."""
    document = http(ping={"relativeURI": "/me", **ping})
    assert (await explained(tmp_path, lambda request: reply(body), document)).summary == summary


async def test_fields_have_the_names_of_the_document(tmp_path: Path) -> None:
    """connections.md 1.3: the rest notation."""
    document = rest(pingRelativeURI="/me", pingFailurePath="e", pingFailureValues=["x"])
    explanation = await explained(tmp_path, lambda request: reply({"e": "x"}), document)
    assert explanation.summary == 'Failed, because rest.pingFailurePath e found "x", one of rest.pingFailureValues.'


async def test_found_values_are_cut(tmp_path: Path) -> None:
    """At most 200 characters of the application's text, after redaction."""
    document = http(ping={"relativeURI": "/me", "successPath": "s", "successValues": ["ok"]})
    explanation = await explained(tmp_path, lambda request: reply({"s": "x" * 5000}), document)
    assert [len(each.found or "") for each in explanation.steps[0].looked_at if each.path == "s"] == [200]


async def test_a_connection_alone_and_a_broken_one(tmp_path: Path) -> None:
    """contract.md 2.3: without a relative URI connecting is all; what breaks is told with its word."""
    explanation = await explained(tmp_path, lambda request: reply({}), http())
    assert [(step.purpose, step.url) for step in explanation.steps] == [(Purpose.CONNECT, BASE)]

    def broken(request: HttpRequest) -> HttpResponse:
        raise TransportFailure("connection_error", "the application closed the connection", repeatable=True)

    explanation = await explained(tmp_path, broken, http(ping={"relativeURI": "/me"}))
    assert [(step.purpose, step.problem) for step in explanation.steps] == [
        (Purpose.REQUEST, "connection_error"),
        (Purpose.SECOND_TRY, "connection_error"),
    ]
    assert explanation.summary == "No answer: the application closed the connection."


async def test_nobody_asked_nothing_is_collected(service: Service) -> None:
    """A ping costs what it did."""
    id = (await service.create(oauth())).tree["_id"]
    assert (await service.ping(id)).explanation is None
