"""What the gateway does when its process can take on no more: refusals before and after parsing, bodies that do not fit, the end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fairlead.gateway.shedding import is_whole
from fairlead.v1 import connection_service_pb2 as pb
from tests.unit.gateway.edge import TOKEN, PlayedService, running

GET = b"GET /v1/connections/ab HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n"


class PlayedLoad:
    """Says what the test says, and counts."""

    def __init__(self, *, room: int = 1 << 40) -> None:
        self.stopping = False
        self.full = False
        self.asked_early = 0
        self.inside = 0
        self.ended = False
        self.room = room

    def refusal(self) -> int:
        self.asked_early += 1
        return 7 if self.full else 0

    async def enter(self) -> int:
        if self.full or self.stopping:
            return 7
        self.inside += 1
        return 0

    def leave(self) -> None:
        self.inside -= 1

    def hold(self, size: int) -> bool:
        if size > self.room:
            return False
        self.room -= size
        return True

    def release(self, size: int) -> None:
        self.room += size

    def was_ended(self) -> bool:
        task = asyncio.current_task()
        assert task is not None
        if self.ended:
            task.uncancel()
        return self.ended


def answering(**more: Any) -> PlayedService:
    """A service that knows one call of each kind."""
    return PlayedService(
        {
            "GetConnection": lambda _: pb.GetConnectionResponse(),
            "CreateConnection": lambda _: pb.CreateConnectionResponse(),
        },
        **more,
    )


class Raw:
    """One connection, byte by byte."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __aenter__(self) -> Raw:
        host, _, port = self._address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, *parts: bytes) -> None:
        """Each in a segment of its own."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            await asyncio.sleep(0.01)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        async with asyncio.timeout(5):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            return int(head[0].split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))


async def test_a_full_process_answers_before_it_parses() -> None:
    """503 with Retry-After, the client's request id and the envelope; the connection stays and serves again when there is room. No call
    reaches the service."""
    load, service = PlayedLoad(), answering()
    async with running(service, load=load) as edge, Raw(edge.gateway.address) as raw:
        await raw.send(GET)
        assert (await raw.answer())[0] == 200
        load.full = True
        for _ in range(3):
            await raw.send(GET.replace(b"Host", b"X-REQUEST-ID: mine \r\nHost"))
            status, headers, content = await raw.answer()
            assert (status, headers["retry-after"], headers["x-request-id"]) == (503, "7", "mine")
            assert headers["content-type"] == "application/json; charset=utf-8"
            assert json.loads(content)["errors"][0]["code"] == "service_unavailable"
        load.full = False
        await raw.send(GET)
        assert (await raw.answer())[0] == 200
    assert load.asked_early == 5
    assert len(service.calls) == 2


async def test_a_request_that_comes_in_parts_is_refused_too() -> None:
    """What is not whole, or of no plain kind, is parsed first; nothing of it is taken for the next request."""
    load, service = PlayedLoad(), answering()
    load.full = True
    async with running(service, load=load) as edge, Raw(edge.gateway.address) as raw:
        await raw.send(GET[:30], GET[30:])
        assert (await raw.answer())[0] == 503
        await raw.send(GET + GET)
        assert [(await raw.answer())[0] for _ in range(2)] == [503, 503]
    assert service.calls == []


async def test_health_is_always_answered() -> None:
    """livez, readyz and metrics pass the full process by."""
    load = PlayedLoad()
    load.full = True
    async with running(answering(), load=load) as edge:
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await edge.ask("GET", path)).status == 200
        assert (await edge.ask("GET", "/v1/connections/ab")).status == 503


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (GET, True),
        (GET.replace(b"GET", b"DELETE"), True),
        (b"POST /v1/a HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabc", True),
        (b"POST /v1/a HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False),
        (b"POST /v1/a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", False),
        (b"POST /v1/a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", False),
        (b"POST /v1/a HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", False),
        (b"POST /v1/a HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc", False),
        (b"POST /v1/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"POST /v1/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", False),
        (GET.replace(b"Host", b"Connection: close\r\nHost"), False),
        (GET.replace(b"Host: x", b"Host: x\r\n y"), False),
        (GET + GET, False),
        (GET[:-2], False),
        (GET.replace(b"GET", b"HEAD"), False),
        (GET.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (GET.replace(b"/v1/connections", b"/livez"), False),
        (GET.replace(b"Host: x", b"Host: " + b"x" * 70_000), False),
        (b"", False),
    ],
)
def test_which_requests_are_plain(data: bytes, *, whole: bool) -> None:
    """One request from its first byte to its last, with no doubt about where it ends (RFC 9112 6.3)."""
    assert is_whole(data) is whole


async def test_a_body_that_does_not_fit_is_refused_before_it_is_read() -> None:
    """503; what was counted is given back when the request is over, whether it was read or not."""
    load, service = PlayedLoad(room=100), answering()
    async with running(service, load=load) as edge, Raw(edge.gateway.address) as raw:
        await raw.send(
            b"POST /v1/connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 101\r\n\r\n"
        )
        status, headers, _ = await raw.answer()
        assert (status, headers["retry-after"]) == (503, "1")
        small = json.dumps({"type": "http", "name": "a" * 40}).encode()
        assert (await edge.ask("POST", "/v1/connections", data=small)).status == 201
        chunked = await edge.ask("POST", "/v1/connections", data=_parts(60, 60))
        assert (chunked.status, chunked.codes) == (503, ["service_unavailable"])
    assert load.room == 100
    assert load.inside == 0


async def _parts(*sizes: int) -> Any:
    for size in sizes:
        yield b" " * size
        await asyncio.sleep(0.01)


async def test_who_may_not_come_in_holds_nothing() -> None:
    """A large body is counted only once its sender is known to be allowed in."""
    load, service = PlayedLoad(room=1 << 20), answering()
    async with running(service, load=load) as edge, Raw(edge.gateway.address) as raw:
        await raw.send(
            b"POST /v1/connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 1000000\r\n\r\n"
        )
        assert (await raw.answer())[0] == 401
        assert load.room == 1 << 20


async def test_a_stopping_process_closes_its_connections() -> None:
    """A new request is refused with ``Connection: close``; one that runs is answered the same way."""
    load, service = PlayedLoad(), answering(hold=asyncio.Event())
    assert service.hold is not None
    async with (
        running(service, load=load) as edge,
        Raw(edge.gateway.address) as first,
        Raw(edge.gateway.address) as second,
    ):
        await first.send(GET)
        await service.arrived.wait()
        load.stopping = True
        edge.gateway.drain()
        await second.send(GET)
        status, headers, _ = await second.answer()
        assert (status, headers["connection"]) == (503, "close")
        assert (await edge.ask("GET", "/readyz")).status == 503
        service.hold.set()
        status, headers, _ = await first.answer()
        assert (status, headers["connection"]) == (200, "close")


async def test_what_the_end_cuts_off_is_answered() -> None:
    """A call that is cancelled because the process ends: 503 that says so."""
    load, service = PlayedLoad(), answering(hold=asyncio.Event())
    async with running(service, load=load) as edge:
        asked = asyncio.create_task(edge.ask("GET", "/v1/connections/ab", headers=TOKEN))
        await service.arrived.wait()
        load.ended = True
        for task in asyncio.all_tasks():
            if "_handle_request" in repr(task.get_coro()):
                task.cancel()
        answer = await asked
        assert answer.status == 503
        assert "may have been carried out" in answer.errors[0]["message"]
        assert service.cancelled.is_set()
    assert load.inside == 0
