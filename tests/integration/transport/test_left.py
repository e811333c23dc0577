"""A request that nobody waits for any more (connections.md 8.1)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ports import Deadline
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy
from tests.integration.transport.conftest import PROFILE
from tests.integration.transport.rawserver import Peer, RawServer


class Left:
    """A transport, what it leaves to others, and an application that answers when it may."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.taken: list[asyncio.Future[HttpResponse]] = []
        self.transport = HttpTransport(EgressPolicy.parse("127.0.0.1"), self.clock, outlives=self.taken.append)
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def answer(self, peer: Peer) -> None:
        self.asked.set()
        await self.answers.wait()
        await peer.answer("200 OK")

    def send(self, url: str, seconds: float) -> asyncio.Task[HttpResponse]:
        deadline = Deadline(self.clock.monotonic() + seconds)
        return asyncio.create_task(self.transport.send(HttpRequest("POST", url, body=b"{}"), PROFILE, deadline))


async def test_cancelled() -> None:
    """What the application has in hand goes on, and ends with its answer."""
    left = Left()
    async with RawServer(left.answer) as server:
        sending = left.send(server.url(), 10.0)
        await left.asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        left.answers.set()
        assert (await left.taken[0]).status == 200
    await left.transport.close()


async def test_out_of_time() -> None:
    """The caller is told at the deadline that its request was sent."""
    left = Left()
    async with RawServer(left.answer) as server:
        with pytest.raises(TransportFailure) as caught:
            await left.send(server.url(), 0.1)
        assert (caught.value.code, caught.value.sent) == ("connection_timeout", True)
        left.answers.set()
        assert (await left.taken[0]).status == 200
    await left.transport.close()


async def test_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the application does not know of is ended at once."""
    left = Left()
    looked_up = asyncio.Event()

    async def never(*_: Any) -> Any:
        looked_up.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(left.transport, "_settings", never)
    sending = left.send("http://127.0.0.1:9", 10.0)
    await looked_up.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert left.taken == []
    await left.transport.close()
