"""What is sent a second time, and what is not (connections.md 13.5)."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.engine.ports import Deadline
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy
from tests.integration.transport.conftest import PROFILE, Send, sender
from tests.integration.transport.rawserver import Peer, RawServer


async def _resets(peer: Peer) -> None:
    peer.reset()


async def _hangs_up(peer: Peer) -> None:
    peer.hang_up()


async def _hangs(peer: Peer) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("behaviour", [_resets, _hangs_up, _hangs])
@pytest.mark.parametrize(
    ("method", "times"), [("PUT", 1), ("POST", 1), ("PATCH", 1), ("DELETE", 1), ("OPTIONS", 1), ("GET", 2), ("HEAD", 2)]
)
@pytest.mark.parametrize("kept", [False, True])
async def test_what_is_sent_twice(send: Send, behaviour: object, method: str, times: int, kept: bool) -> None:
    """After a reset or a time-out GET and HEAD go once more, nothing else does, on fresh and on kept connections."""
    assert callable(behaviour)

    async def behave(peer: Peer) -> None:
        if peer.target == "POST /warm":
            await peer.answer("200 OK")
        else:
            await behaviour(peer)

    async with RawServer(behave) as server:
        if kept:
            await send(server.url("/warm"), "POST")
        with pytest.raises(TransportFailure) as caught:
            await send(server.url("/x"), method, body=b"{}" if method in ("PUT", "POST", "PATCH") else None)
        assert caught.value.code == ("connection_timeout" if behaviour is _hangs else "connection_error")
        assert caught.value.sent is True
        assert server.targets.count(f"{method} /x") == times


async def test_the_second_try_can_succeed(send: Send) -> None:
    """A GET that met a reset is answered by its repetition."""

    async def behave(peer: Peer) -> None:
        if peer.number == 1:
            peer.reset()
        else:
            await peer.answer("200 OK", b"[]")

    async with RawServer(behave) as server:
        assert (await send(server.url())).body == b"[]"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_never_left_goes_once_more(method: str) -> None:
    """A name without an address for a moment: no connection was established, so any method has its second try, and only one."""
    failing = 1

    async def flaky(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, str]]:
        nonlocal failing
        failing -= 1
        if failing >= 0:
            raise OSError(socket.EAI_AGAIN, "try again")
        return [(socket.AF_INET, "127.0.0.1")]

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"[]")

    transport = HttpTransport(EgressPolicy.parse("127.0.0.1"), SystemClock(), lookup=flaky)
    async with RawServer(behave) as server:
        assert (await sender(transport)(server.url("/x", host="flaky.test"), method)).status == 200
        assert server.targets == [f"{method} /x"]
        failing = 2
        with pytest.raises(TransportFailure) as caught:
            await sender(transport)(server.url("/x", host="other.test"), method)
        assert (caught.value.code, caught.value.sent) == ("connection_error", False)
        assert (failing, len(server.requests)) == (0, 1)
    await transport.close()


@pytest.mark.parametrize(
    ("url", "repeatable"),
    [("http://127.0.0.1:1/", True), ("http://user:secret@127.0.0.1/", False), ("http://10.0.0.1/", False)],
)
async def test_only_a_connection_that_failed_is_worth_a_second_try(
    transport: HttpTransport, url: str, repeatable: bool
) -> None:
    """Nobody there may change; a URL that is refused here does not."""
    with pytest.raises(TransportFailure) as caught:
        await transport.send(HttpRequest("POST", url), PROFILE, Deadline(SystemClock().monotonic() + 5))
    assert (caught.value.sent, caught.value.repeatable) == (False, repeatable)
