"""The attempt loop: slots, waits and verdicts, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fairlead.auth.fixed import Fixed
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed
from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.engine.call import PING_PATIENCE
from fairlead.engine.pooling import pool_settings
from fairlead.engine.ports import AuthFlow, AuthSession, PoolSettings, Verdict
from tests.unit.engine.attempting import Loop, answer, prepared

THROTTLED = {
    "rateLimit": {"failStatusCode": 400, "failPath": "status", "failValues": ["Throttled"]},
    "retryHeader": "try-after",
}


async def test_the_specifications_throttled_request_waits_and_goes_again() -> None:
    """connections.md 7.3, worked example: try-after 1000 of another header is one second; a 400 that is not throttled is a failure."""
    loop = Loop(
        [answer(400, b'{"status":"Throttled"}', try_after="1000"), answer(201), answer(400, b'{"status":"Invalid"}')]
    )
    of = prepared(**THROTTLED)
    task = loop.start(of)
    await loop.clock.advance(0.9)
    assert loop.times == [0.0]
    await loop.clock.advance(0.2)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.times == [0.0, 1.0]
    task = loop.start(of)
    await loop.clock.advance(0)
    assert (await task).verdict is Verdict.FAILED


async def test_a_wait_beyond_the_deadline_is_given_up_at_once_with_the_seconds() -> None:
    """connections.md 7.3."""
    loop = Loop([answer(429, Retry_After="400")])
    task = loop.start(prepared())
    await loop.clock.advance(0)
    with pytest.raises(ApplicationFailure) as failure:
        await task
    problem = failure.value.problems[0]
    assert (problem.code, problem.source) == ("429", "application")
    assert "400 s" in problem.message


async def test_at_most_ten_rate_limited_answers_in_a_row() -> None:
    """connections.md 7.3: the tenth ends the request."""
    loop = Loop([answer(429, Retry_After="1") for _ in range(10)])
    task = loop.start(prepared(), seconds=100_000)
    await loop.clock.advance(10_000)
    with pytest.raises(ApplicationFailure):
        await task
    assert len(loop.times) == 10


@pytest.mark.parametrize(("seconds", "asked"), [("5", 2), ("6", 1)])
async def test_a_ping_waits_once_and_at_most_five_seconds(seconds: str, asked: int) -> None:
    """connections.md 4, rule 2."""
    loop = Loop([answer(429, Retry_After=seconds), answer(429, Retry_After="1")])
    task = loop.start(prepared(), patience=PING_PATIENCE)
    await loop.clock.advance(20)
    with pytest.raises(ApplicationFailure):
        await task
    assert len(loop.times) == asked


async def test_the_pause_between_requests_is_kept() -> None:
    """connections.md 7.4: limit 500 means 500 ms from the end of an answer to the next start."""
    loop = Loop([answer(200), answer(200), answer(200)])
    of = prepared(concurrencyLevel=1, rateLimit={"limit": 500})
    tasks = [loop.start(of) for _ in range(3)]
    await loop.clock.advance(2)
    await asyncio.gather(*tasks)
    assert loop.times == [0.0, 0.5, 1.0]


async def test_refused_credentials_are_final_and_noted() -> None:
    """connections.md 6.2: nothing to renew; the connection goes offline; the message shows no secret."""
    loop = Loop([answer(401, b'{"you sent":"t0k3n-value"}')])
    task = loop.start(prepared())
    await loop.clock.advance(0)
    with pytest.raises(AuthenticationFailed) as failure:
        await task
    problem = failure.value.problems[0]
    assert (problem.code, problem.source) == ("401", "connection")
    assert "t0k3n-value" not in problem.message
    assert len(loop.refused) == 1


FAILURES: list[tuple[TransportFailure, str]] = [
    (TransportFailure("connection_error", "reset by t0k3n-value"), "connection_error"),
    (TransportFailure("tls_error", "certificate"), "tls_error"),
    (TransportFailure("connection_timeout", "slow"), "connection_timeout"),
]


@pytest.mark.parametrize(("failure", "code"), FAILURES)
async def test_no_usable_answer_is_told_by_name_and_sent_once(failure: TransportFailure, code: str) -> None:
    """contract.md 1.16, connections.md 13.5: a POST whose fate is unknown is not repeated."""
    loop = Loop([failure])
    task = loop.start(prepared())
    await loop.clock.advance(0)
    with pytest.raises(ApplicationFailure) as raised:
        await task
    problem = raised.value.problems[0]
    assert (problem.code, problem.source) == (code, "connection")
    assert "t0k3n-value" not in problem.message
    assert len(loop.times) == 1


async def test_a_slot_is_given_back_whatever_happens() -> None:
    """A failed, a refused and a cancelled request leave the pool as it was."""
    loop = Loop([TransportFailure("connection_error", "reset"), answer(401), answer(200)])
    of = prepared(concurrencyLevel=1)
    for expected in (ApplicationFailure, AuthenticationFailed):
        task = loop.start(of)
        await loop.clock.advance(0)
        with pytest.raises(expected):
            await task
    task = loop.start(of)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    task = loop.start(of)
    await loop.clock.advance(0)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.pools.waiting("c1") == 0


@pytest.mark.parametrize(
    ("http", "lender", "settings"),
    [
        ({}, None, PoolSettings("c")),
        ({"concurrencyLevel": 5}, None, PoolSettings("c", 5)),
        ({"concurrencyLevel": 1, "rateLimit": {"limit": 500}}, None, PoolSettings("c", 1, 0.5)),
    ],
)
def test_the_pool_of_a_connection(http: dict[str, Any], lender: None, settings: PoolSettings) -> None:
    """connections.md 8.1: absent level is burst mode."""
    assert pool_settings("c", {"type": "http", "http": http}, lender) == settings


async def test_a_throttled_request_is_signed_anew() -> None:
    """connections.md 3.6, 3.8: signatures that name the time or count are fresh for every request, repetitions included."""

    class Counting(Fixed):
        name = "counting"
        signed = 0

        def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
            self.signed += 1
            outgoing = request.copy()
            outgoing.headers.set("X-Signature", str(self.signed))
            yield outgoing

    loop = Loop([answer(429, Retry_After="1"), answer(200)])
    task = loop.start(replace(prepared(), strategy=Counting()))
    await loop.clock.advance(2)
    assert (await task).verdict is Verdict.SUCCESS
    assert [request.headers.get("X-Signature") for _, request in loop.transport.sent] == ["1", "2"]
