"""What an application may say about how long to wait, and clocks that jump meanwhile (connections.md 7.2, 7.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fairlead.domain.errors import ApplicationFailure
from fairlead.domain.http import Headers, HttpResponse, TransportFailure
from fairlead.engine.ports import Verdict
from tests.unit.engine.attempting import Loop, answer, prepared


def refused(*waits: str) -> HttpResponse:
    """A rate-limited answer with so many headers."""
    return HttpResponse(429, Headers([("Retry-After", wait) for wait in waits]), b"")


@pytest.mark.parametrize(
    ("waits", "seconds"),
    [
        (("315360000",), 3600),
        (("Tue, 15 Jan 2036 09:30:00 GMT",), 3600),
        (("-30",), 1),
        (("1e309",), 1),
        (("9" * 99,), 3600),
        (("soon",), 1),
        (("",), 1),
        ((), 1),
        (("2", "3600"), 2),
        (("soon", "2"), 1),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_whatever_it_says_the_request_goes_again(waits: tuple[str, ...], seconds: float) -> None:
    """Ten years are an hour; what is negative or cannot be read is back-off; of two headers the first counts. Nothing is sent before."""
    loop = Loop([refused(*waits), answer(200)])
    task = loop.start(prepared(), seconds=4000)
    await loop.clock.advance(seconds - 0.01)
    assert loop.times == [0.0]
    await loop.clock.advance(0.02)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.times == [0.0, seconds]


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
async def test_a_wall_clock_that_is_set_changes_no_wait(jump: timedelta) -> None:
    """A date is read once, when it comes; from then on only the monotonic clock counts."""
    loop = Loop([refused("Thu, 15 Jan 2026 09:30:30 GMT"), answer(200)])
    task = loop.start(prepared())
    await loop.clock.advance(1)
    loop.clock.set_wall(loop.clock.now() + jump)
    await loop.clock.advance(28.9)
    assert loop.times == [0.0]
    await loop.clock.advance(0.2)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.times == [0.0, 30.0]


def broken(status: int) -> TransportFailure:
    """An answer whose body cannot be read."""
    failure = TransportFailure("connection_error", "the body broke off")
    failure.head = HttpResponse(status, Headers([("Retry-After", "4")]), b"")
    return failure


async def test_a_refusal_whose_body_cannot_be_read() -> None:
    """connections.md 5.3, rule 1: the status alone says it; other answers without their body are none."""
    loop = Loop([broken(429), answer(200)])
    task = loop.start(prepared())
    await loop.clock.advance(4)
    assert (await task).verdict is Verdict.SUCCESS
    assert loop.times == [0.0, 4.0]
    with pytest.raises(ApplicationFailure):
        await Loop([broken(500)]).start(prepared())


async def test_a_refusal_that_nobody_waits_for() -> None:
    """connections.md 7.3: whoever comes after a caller that has gone waits as the application asked."""
    loop = Loop([])
    first = loop.start(prepared())
    await loop.clock.advance(0.1)
    first.cancel()
    await loop.clock.advance(0.1)
    loop.transport.late[0].set_result(HttpResponse(429, Headers([("Retry-After", "4")]), b"{}"))
    loop.transport.script.append(answer(200))
    await loop.clock.advance(0.1)
    second = loop.start(prepared())
    await loop.clock.advance(5)
    assert (await second).verdict is Verdict.SUCCESS
    assert loop.times[1] == pytest.approx(4.2)
