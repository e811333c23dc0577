"""Hostile and broken answers on real sockets: a named outcome each time, nothing taken for more than it is (D12)."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from itertools import count

import pytest

from fairlead.domain.http import TransportFailure
from tests.integration.transport.conftest import Send
from tests.integration.transport.rawserver import Peer, RawServer


def _says(data: bytes, *, then: str = "hang up") -> RawServer:
    """A server that answers everything with these bytes."""

    async def behave(peer: Peer) -> None:
        await peer.say(data)
        if then == "hang up":
            peer.hang_up()
        elif then == "reset":
            await asyncio.sleep(0.05)  # the client must read the beginning first
            peer.reset()
        else:
            await asyncio.Event().wait()

    return RawServer(behave)


def _gzipped(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_a_plain_answer(send: Send) -> None:
    """Status, reason, headers in order, body, URL and time come back; nothing is added to the request."""

    async def behave(peer: Peer) -> None:
        await peer.answer("201 Very Created", b'{"a":1}', "X-One: 1", "X-Two: caf\u00e9", "X-One: 2")

    async with RawServer(behave) as server:
        response = await send(server.url("/x?q=%2F+%41"), "POST", {"X-A": "1"}, b"body")
        assert (response.status, response.reason, response.body) == (201, "Very Created", b'{"a":1}')
        assert response.headers.get_all("x-one") == ["1", "2"]
        assert response.headers.get("X-Two") == "caf\u00e9"
        assert response.url == server.url("/x?q=%2F+%41")
        assert response.elapsed.total_seconds() > 0
        peer = server.requests[0]
        assert peer.target == "POST /x?q=%2F+%41"
        assert peer.body == b"body"
        assert sorted(peer.headers) == ["content-length", "host", "x-a"]


async def test_connections_are_kept(send: Send) -> None:
    """Requests of one connection use one socket, one after the other."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"{}")

    async with RawServer(behave) as server:
        for _ in range(5):
            await send(server.url())
        assert server.connections == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_answers_are_read(send: Send, coding: str) -> None:
    """gzip and deflate are decompressed; the header stays for whoever asks."""
    text = b"[1,2,3]" * 10_000
    body = gzip.compress(text) if coding == "gzip" else zlib.compress(text)

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", body, f"Content-Encoding: {coding}")

    async with RawServer(behave) as server:
        assert (await send(server.url())).body == text


@pytest.mark.parametrize(
    ("status", "method"), [("204 No Content", "GET"), ("304 Not Modified", "GET"), ("200 OK", "HEAD")]
)
async def test_answers_without_body(send: Send, status: str, method: str) -> None:
    """No body is no half gzip body."""

    async def behave(peer: Peer) -> None:
        length = "Content-Length: 500\r\n" if method == "HEAD" else ""
        await peer.say(f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n{length}\r\n".encode())

    async with RawServer(behave) as server:
        assert (await send(server.url(), method)).body == b""


WHOLE = gzip.compress(b"[1,2,3]" * 10_000, mtime=0)
BOMB = gzip.compress(bytes(64 << 20), mtime=0)
BROKEN = {
    "half a gzip body": (_gzipped(WHOLE[: len(WHOLE) // 2]), "connection_error"),
    "gzip without its end mark": (_gzipped(WHOLE[:-4]), "connection_error"),
    "damaged gzip": (_gzipped(WHOLE[:-8] + b"12345678"), "connection_error"),
    "a coding not asked for": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        "connection_error",
    ),
    "a gzip bomb": (_gzipped(BOMB), "response_too_large"),
    "announced longer than it is": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1,2]", "connection_error"),
    "announced far too long": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[1", "response_too_large"),
    "chunks without an end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n", "connection_error"),
    "a wrong chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[1]\r\n", "connection_error"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n[123]", "connection_error"),
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "connection_error",
    ),
    "HTTP/0.9": (b"[1,2,3]\n", "connection_error"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", "connection_error"),
    "nothing": (b"", "connection_error"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", "connection_error"),
    "a header of 1 MiB": (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * (1 << 20) + b"\r\n\r\n", "response_too_large"),
    "10,000 headers": (b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 10_000 + b"\r\n", "response_too_large"),
    "a reason of 1 MiB": (b"HTTP/1.1 200 " + b"a" * (1 << 20) + b"\r\n\r\n", "response_too_large"),
    "1,000 interim answers": (
        b"HTTP/1.1 102 Processing\r\n\r\n" * 1000 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "response_too_large",
    ),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_broken_answers(send: Send, data: bytes, code: str) -> None:
    """Cut, damaged, contradictory, oversized or foreign: an error with its word, never a body."""
    async with _says(data) as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url("/x?token=t0k3n"), "POST", body=b"{}")
        assert caught.value.code == code
        assert caught.value.sent is True
        assert "t0k3n" not in caught.value.message
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["half a gzip body", "a gzip bomb", "announced longer than it is"])
async def test_a_refusal_whose_body_cannot_be_read(send: Send, name: str) -> None:
    """Status and header say that the application's limit is reached, whatever its body is (connections.md 5.3, rule 1)."""
    async with _says(BROKEN[name][0].replace(b"200 OK\r\n", b"429 Slow\r\nRetry-After: 4\r\n")) as server:
        answer = await send(server.url(), "POST", body=b"{}")
        assert (answer.status, answer.headers.get("retry-after"), answer.body) == (429, "4", b"")


@pytest.mark.parametrize("length", ["Content-Length: 50", "Connection: close"])
async def test_a_reset_in_the_body_is_no_end(send: Send, length: str) -> None:
    """A body without announced length that is reset is not complete."""
    async with _says(f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n[1,2".encode(), then="reset") as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url(), "POST")
        assert caught.value.code == "connection_error"


async def test_a_body_until_the_end_of_the_connection(send: Send) -> None:
    """Without length and chunks the body ends where the connection does."""
    async with _says(b"HTTP/1.0 200 OK\r\n\r\n[1,2,3]") as server:
        assert (await send(server.url())).body == b"[1,2,3]"


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 5]
)
async def test_interim_answers_are_passed_over(send: Send, interim: bytes) -> None:
    """A few 1xx answers are no answer."""
    async with _says(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as server:
        response = await send(server.url())
        assert (response.status, response.body) == (200, b"[]")


async def test_switching_protocols_unasked(send: Send) -> None:
    """101 is an answer like another, its connection is not used again."""
    data = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\njunk"
    async with _says(data, then="stay") as server:
        assert (await send(server.url(), "POST")).status == 101
        assert (await send(server.url(), "POST")).status == 101
        assert server.connections == 2


async def test_a_second_answer_never_reaches_the_next_request(send: Send) -> None:
    """Neither an answer in the same write nor one that comes while the connection idles is read by the next request."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"%d" % peer.number)
        if peer.number == 2:
            await asyncio.sleep(0.05)
        if peer.number < 3:
            await peer.say(forged)

    async with RawServer(behave) as server:
        bodies = []
        for _ in range(3):
            bodies.append((await send(server.url(), "POST")).body)
            await asyncio.sleep(0.15)  # lets the unasked answer arrive
        assert bodies == [b"1", b"2", b"3"]
        assert len(server.requests) == 3


async def test_an_endless_body_stops_at_the_limit(send: Send) -> None:
    """Without announced length the limit strikes while reading, and the socket is closed."""

    async def behave(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in count():
            await peer.say(b"10000\r\n" + bytes(65536) + b"\r\n")

    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url())
        assert caught.value.code == "response_too_large"
        await _eventually(lambda: server.hung_up == 1)


async def test_a_body_that_drips_ends_at_the_deadline(send: Send) -> None:
    """One byte after the other keeps no time-out away from the deadline; the request may have arrived."""

    async def behave(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await peer.say(b"x")
            await asyncio.sleep(0.02)

    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url(), within=0.5)
        assert caught.value.code == "connection_timeout"
        assert caught.value.sent is True
        await _eventually(lambda: server.hung_up == 1)
        assert len(server.requests) == 1


async def test_cancelling_closes_the_socket(send: Send) -> None:
    """Who stops waiting stops the request."""
    async with _says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxx", then="stay") as server:
        server.behaviour = _until_closed
        task = asyncio.ensure_future(send(server.url(), "POST", within=60))
        await _eventually(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await _eventually(lambda: server.hung_up == 1)


async def _until_closed(peer: Peer) -> None:
    while True:
        await peer.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.05)


async def _eventually(condition: object) -> None:
    assert callable(condition)
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen")
