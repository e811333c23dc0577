"""Redirects and second tries of the attempt loop (connections.md 13.4, 13.5), on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fairlead.auth.fixed import Fixed
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.domain.secret import Secret
from fairlead.engine.call import PING_PATIENCE
from fairlead.engine.ports import AuthFlow, AuthSession, Deadline, TransportProfile, Verdict
from tests.unit.engine.attempting import Loop, Script, answer, prepared

REDIRECT = "https://a.test/y"


async def test_a_redirect_takes_a_slot_and_a_pause_of_its_own() -> None:
    """connections.md 7.4, 13.4: hops are requests like any other."""
    loop = Loop([answer(307, Location=REDIRECT), answer(200)])
    task = loop.start(prepared(concurrencyLevel=1, rateLimit={"limit": 500}))
    await loop.clock.advance(1)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.times == [0.0, 0.5]
    assert [request.url for _, request in loop.transport.sent] == ["https://a.test/x", "https://a.test/y"]


async def test_a_redirect_that_means_a_failed_sign_in_is_not_followed() -> None:
    """connections.md 6.1: an application that redirects to its login page, told by a configured status."""
    loop = Loop([answer(307, Location=REDIRECT)])
    auth = {"type": "token", "token": {"token": Secret("t0k3n-value")}, "failStatusCode": 307}
    task = loop.start(prepared(auth=auth))
    await loop.clock.advance(0)
    with pytest.raises(AuthenticationFailed):
        await task
    assert len(loop.times) == 1


async def test_a_redirect_that_means_a_throttled_request_waits() -> None:
    """connections.md 7.1: told by a configured status, the answer's ``Location`` is not where to go."""
    loop = Loop([answer(307, Location=REDIRECT, Retry_After="1"), answer(200)])
    task = loop.start(prepared(rateLimit={"failStatusCode": 307}))
    await loop.clock.advance(2)
    assert (await task).verdict is Verdict.SUCCESS
    assert [(at, request.url) for at, request in loop.transport.sent] == [
        (0.0, "https://a.test/x"),
        (1.0, "https://a.test/x"),
    ]


async def test_a_throttled_hop_waits_and_begins_at_the_first_url() -> None:
    """connections.md 7.3, 13.4: the repetition is of the request; where it leads is asked again."""
    moved = answer(307, Location=REDIRECT)
    loop = Loop([moved, answer(429, Retry_After="1"), moved, answer(200)])
    task = loop.start(prepared())
    await loop.clock.advance(2)
    assert (await task).verdict is Verdict.SUCCESS
    assert [request.url[-1] for _, request in loop.transport.sent] == ["x", "y", "x", "y"]
    assert loop.stats.calls == 4


async def test_a_ping_that_is_redirected_has_one_wait_in_all() -> None:
    """connections.md 4, rule 2: patience belongs to the request, not to the hop."""
    loop = Loop([answer(307, Location=REDIRECT), answer(429, Retry_After="5"), answer(429, Retry_After="5")])
    task = loop.start(prepared(), patience=PING_PATIENCE)
    await loop.clock.advance(20)
    with pytest.raises(ApplicationFailure):
        await task
    assert len(loop.times) == 3


@pytest.mark.parametrize(("target", "arrives"), [(REDIRECT, "t0k3n-value"), ("https://b.test/y", None)])
async def test_a_header_with_the_token_stays_at_its_origin(target: str, arrives: str | None) -> None:
    """connections.md 13.4: whatever the header with the credentials is called; method and body go along with 307."""
    token = {"token": Secret("t0k3n-value"), "location": "header", "headerName": "X-Api-Key", "scheme": " "}
    loop = Loop([answer(307, Location=target), answer(200)])
    task = loop.start(prepared(auth={"type": "token", "token": token}), "PUT")
    await loop.clock.advance(0)
    await task
    (_, first), (_, second) = loop.transport.sent
    assert "t0k3n-value" in (first.headers.get("X-Api-Key") or "")
    assert (second.method, second.url, second.body) == ("PUT", target, b"{}")
    assert (arrives in (second.headers.get("X-Api-Key") or "")) if arrives else "X-Api-Key" not in second.headers


async def test_a_post_answered_by_302_has_its_answer() -> None:
    """connections.md 13.4: any 3xx that is not followed is a failure."""
    loop = Loop([answer(302, Location=REDIRECT)])
    task = loop.start(prepared())
    await loop.clock.advance(0)
    assert ((await task).verdict, (await task).code) == (Verdict.FAILED, "302")
    assert len(loop.times) == 1


async def test_five_redirects_are_followed() -> None:
    """connections.md 13.4: the sixth ends the request."""
    loop = Loop([answer(302, Location=f"/{hop}") for hop in range(9)])
    task = loop.start(prepared(), "GET")
    await loop.clock.advance(0)
    with pytest.raises(ApplicationFailure) as raised:
        await task
    assert raised.value.problems[0].code == "response_too_large"
    assert (len(loop.times), loop.stats.calls) == (6, 6)


RESET = TransportFailure("connection_error", "reset", repeatable=True)
SLOW = TransportFailure("connection_timeout", "slow", repeatable=True)
UNREACHED = TransportFailure("connection_error", "refused", sent=False, repeatable=True)
REFUSED_HERE = TransportFailure("egress_denied", "loopback", sent=False)
TRIES = [
    ("GET", RESET, 2),
    ("GET", SLOW, 2),
    ("GET", UNREACHED, 2),
    ("GET", REFUSED_HERE, 1),
    ("HEAD", RESET, 2),
    ("POST", RESET, 1),
    ("POST", SLOW, 1),
    ("POST", UNREACHED, 2),
    ("POST", REFUSED_HERE, 1),
    ("DELETE", RESET, 1),
]


@pytest.mark.parametrize(("method", "failure", "times"), TRIES)
async def test_what_broke_has_at_most_one_second_try(method: str, failure: TransportFailure, times: int) -> None:
    """connections.md 13.5: GET and HEAD after a time-out or reset, any method when no connection was established."""
    loop = Loop([failure, failure, answer(200)])
    task = loop.start(prepared(), method)
    await loop.clock.advance(0)
    with pytest.raises(ApplicationFailure) as raised:
        await task
    assert raised.value.problems[0].code == failure.code
    assert (len(loop.times), loop.stats.calls) == (times, times)


async def test_one_second_try_for_all_hops_and_the_pause_before_it() -> None:
    """connections.md 7.4, 13.5: once is once, wherever redirects led meanwhile."""
    loop = Loop([RESET, answer(302, Location=REDIRECT), RESET, answer(200)])
    task = loop.start(prepared(concurrencyLevel=1, rateLimit={"limit": 500}), "GET")
    await loop.clock.advance(5)
    with pytest.raises(ApplicationFailure):
        await task
    assert loop.times == [0.0, 0.5, 1.0]


class Challenged(Fixed):
    """A strategy that sends everything twice, as after a challenge."""

    name = "challenged"

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        yield request
        yield request


PLACES: list[tuple[str, Script]] = [
    ("a second try", [RESET]),
    ("a redirect", [answer(302, Location=REDIRECT)]),
    ("both", [RESET, answer(302, Location=REDIRECT)]),
]


@pytest.mark.parametrize("script", [script for _, script in PLACES], ids=[name for name, _ in PLACES])
async def test_what_goes_again_keeps_its_place(script: Script) -> None:
    """connections.md 8.2: requests that came later are served later."""
    loop = Loop([answer(200), *script, answer(200), answer(200)])
    of = prepared(concurrencyLevel=1, rateLimit={"limit": 500})
    tasks = [loop.start(of, method) for method in ("PUT", "GET", "POST")]
    await loop.clock.advance(5)
    await asyncio.gather(*tasks)
    sent = [request.method for _, request in loop.transport.sent]
    assert sent == ["PUT", *["GET"] * (len(script) + 1), "POST"]


async def test_an_answered_challenge_keeps_the_place_of_their_request() -> None:
    """connections.md 3.5, 8.2: whatever the strategy sends next goes before requests that came later."""
    loop = Loop([answer(200) for _ in range(6)])
    of = replace(prepared(concurrencyLevel=1, rateLimit={"limit": 500}), strategy=Challenged())
    tasks = [loop.start(of, method) for method in ("PUT", "GET", "POST")]
    await loop.clock.advance(5)
    await asyncio.gather(*tasks)
    assert [request.method for _, request in loop.transport.sent] == ["PUT", "PUT", "GET", "GET", "POST", "POST"]


async def test_without_time_for_a_second_try_the_first_failure_is_told() -> None:
    """connections.md 13.5: why there is no answer, not that no slot was free."""
    loop = Loop([])

    async def until_the_end(request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        await loop.clock.sleep(deadline.left(loop.clock))
        raise SLOW

    loop.transport.send = until_the_end  # type: ignore[method-assign]  # this application takes all the time there is
    task = loop.start(prepared(), "GET", seconds=5)
    await loop.clock.advance(6)
    with pytest.raises(ApplicationFailure) as raised:
        await task
    assert (raised.value.problems[0].message, raised.value.in_doubt) == ("slow", True)
    assert loop.stats.calls == 1
