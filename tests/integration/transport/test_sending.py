"""What is sent, how often, and where to (connections.md 12, 13.4, 13.5)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from fairlead.domain.http import Headers, HttpRequest, TransportFailure
from fairlead.engine.ports import Deadline, TransportProfile
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy
from tests.integration.transport.certificate import self_signed
from tests.integration.transport.conftest import PROFILE, Send, sender
from tests.integration.transport.rawserver import Peer, RawServer

CREDENTIALS = {"Authorization": "Bearer t", "X-Api-Key": "k", "Cookie": "s=1", "Accept": "*/*"}


async def test_an_early_answer_to_a_large_body(send: Send) -> None:
    """An application that answers before it has read everything is heard; nothing hangs and nothing is sent again."""

    answered = asyncio.Event()
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await answered.wait()
        writer.transport.abort()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    response = await send(f"http://127.0.0.1:{port}/", "POST", body=bytes(30 << 20))
    assert (response.status, response.body) == (413, b"{}")
    answered.set()
    await served.wait()
    server.close()


async def test_a_large_body_arrives_whole(send: Send) -> None:
    """Bodies over 1 MiB are written in pieces, with their length."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"%d" % len(peer.body))

    async with RawServer(behave) as server:
        assert (await send(server.url(), "PUT", body=bytes(5 << 20))).body == b"%d" % (5 << 20)
        assert server.requests[0].headers["content-length"] == str(5 << 20)
        assert "transfer-encoding" not in server.requests[0].headers


async def test_a_redirect_to_another_origin_drops_credentials(send: Send) -> None:
    """Another port is another origin: no ``Authorization``, no ``Cookie``, no header with a secret arrives there."""

    async def answer(peer: Peer) -> None:
        await peer.answer("200 OK", b"[]")

    async with RawServer(answer) as other:

        async def redirect(peer: Peer) -> None:
            await peer.answer("302 Found", b"", f"Location: {other.url('/y')}")

        async with RawServer(redirect) as server:
            response = await send(server.url("/x"), headers=CREDENTIALS, secret_headers=frozenset({"x-api-key"}))
            assert response.url == other.url("/y")
            assert server.requests[0].headers["x-api-key"] == "k"
            assert sorted(other.requests[0].headers) == ["accept", "host"]


async def test_a_redirect_within_the_origin_keeps_them(send: Send) -> None:
    """Method, body and credentials go on with 307; ``skipFollowAuthorizationHeader`` drops ``Authorization``."""

    async def behave(peer: Peer) -> None:
        if peer.target.endswith("/x"):
            await peer.answer("307 Temporary Redirect", b"", "Location: /y")
        else:
            await peer.answer("200 OK")

    async with RawServer(behave) as server:
        await send(server.url("/x"), "PUT", CREDENTIALS, b"{}")
        assert server.targets == ["PUT /x", "PUT /y"]
        assert server.requests[1].body == b"{}"
        assert server.requests[1].headers["authorization"] == "Bearer t"
        profile = TransportProfile("c1", skip_authorization_on_redirect=True)
        await send(server.url("/x"), "PUT", CREDENTIALS, b"{}", profile=profile)
        assert "authorization" not in server.requests[3].headers
        assert server.requests[3].headers["x-api-key"] == "k"


async def test_a_redirected_post_with_302_is_the_answer(send: Send) -> None:
    """Only 307 and 308 are followed for methods other than GET and HEAD."""

    async def behave(peer: Peer) -> None:
        await peer.answer("302 Found", b"moved", "Location: /y")

    async with RawServer(behave) as server:
        response = await send(server.url("/x"), "POST", body=b"{}")
        assert (response.status, response.body) == (302, b"moved")
        assert server.targets == ["POST /x"]


async def test_redirects_end(send: Send) -> None:
    """Five are followed, the sixth is too many."""

    async def behave(peer: Peer) -> None:
        await peer.answer("302 Found", b"", f"Location: /{peer.number}")

    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url("/x"))
        assert caught.value.code == "response_too_large"
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/y",
        "http://[::1]:{port}/y",
        "http://2130706433:{port}/",
        "ftp://a.test/",
        "file:///etc/passwd",
    ],
)
async def test_a_redirect_is_checked_like_a_first_request(location: str) -> None:
    """What may not be dialled may not be redirected to; nobody connects there."""

    async def behave(peer: Peer) -> None:
        await peer.answer("302 Found", b"", "Location: " + location.format(port=server.port))

    transport = HttpTransport(EgressPolicy.parse("127.0.0.1"), SystemClock())
    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await sender(transport)(server.url())
        assert caught.value.code in ("egress_denied", "connection_error")
        assert len(server.requests) == 1
        assert server.connections == 1
    await transport.close()


def _soon() -> Deadline:
    return Deadline(SystemClock().monotonic() + 5)


HOSTS = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "①②⑦.0.0.1",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_nobody_connects_to_this_machine_by_default(host: str) -> None:
    """However loopback is spelled: refused, nothing sent, and the listener counts no connection."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    transport = HttpTransport(EgressPolicy(), SystemClock())
    async with RawServer(behave) as server:
        for call in (
            transport.send(HttpRequest("GET", server.url(host=host)), PROFILE, _soon()),
            transport.reach(server.url(host=host), PROFILE, _soon()),
        ):
            with pytest.raises(TransportFailure) as caught:
                await call
            assert caught.value.code == "egress_denied"
            assert caught.value.sent is False
        await asyncio.sleep(0.05)  # a connection in the making would show by now
        assert server.connections == 0
    await transport.close()


async def test_the_address_checked_is_the_address_dialled() -> None:
    """A name that is public when it is checked and internal a moment later: one look-up a connection, its answer is used."""
    lookups = 0

    async def rebinding(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, str]]:
        nonlocal lookups
        lookups += 1
        return [(socket.AF_INET, "127.0.0.1" if lookups == 1 else "127.0.0.2")]

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    transport = HttpTransport(EgressPolicy.parse("127.0.0.1"), SystemClock(), lookup=rebinding)
    async with RawServer(behave) as server:
        await transport.send(HttpRequest("GET", server.url(host="rebind.test")), PROFILE, _soon())
        assert (lookups, server.connections) == (1, 1)
        assert server.requests[0].headers["host"] == f"rebind.test:{server.port}"
        with pytest.raises(TransportFailure) as caught:
            await transport.send(HttpRequest("GET", server.url(host="rebind.test")), TransportProfile("c2"), _soon())
        assert caught.value.code == "egress_denied"
        assert server.connections == 1
    await transport.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://127.0.0.1/x", "egress_denied"),
        ("file:///etc/passwd", "egress_denied"),
        ("gopher://127.0.0.1:70/x", "egress_denied"),
        ("127.0.0.1/x", "connection_error"),
        ("http://", "connection_error"),
        ("http://127.0.0.1:99999/", "connection_error"),
        ("http://user:secret@127.0.0.1/", "connection_error"),
        ("http://no-such-host.invalid/", "connection_error"),
        ("http://127.0.0.1:1/", "connection_error"),
    ],
)
async def test_urls_that_cannot_be_reached(send: Send, transport: HttpTransport, url: str, code: str) -> None:
    """Wrong schemes, no host, a password in the URL, no such name, nobody there: named, and nothing was sent."""
    for call in (send(url, "PUT"), transport.reach(url, PROFILE, _soon())):
        with pytest.raises(TransportFailure) as caught:
            await call
        assert caught.value.code == code
        assert caught.value.sent is False
        assert "secret" not in caught.value.message


async def test_header_injection_is_refused(send: Send) -> None:
    """A line break in a header value never reaches the wire; in a URL it is encoded."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await send(server.url(), headers={"X-A": "1\r\nX-B: 2"})
        assert caught.value.code == "connection_error"
        await send(server.url("/a\r\nX-B: 2"))
        assert server.targets == ["GET /a%0D%0AX-B:%202"]


async def test_no_time_left_sends_nothing(transport: HttpTransport) -> None:
    """A deadline that has passed ends the request before it begins."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    async with RawServer(behave) as server:
        with pytest.raises(TransportFailure) as caught:
            await transport.send(HttpRequest("GET", server.url()), PROFILE, Deadline(SystemClock().monotonic()))
        assert (caught.value.code, caught.value.sent, server.connections) == ("connection_timeout", False, 0)


async def test_cookies_are_not_kept(send: Send) -> None:
    """The transport has no cookie jar: what an answer sets is not sent by itself."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2")

    async with RawServer(behave) as server:
        response = await send(server.url())
        assert response.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]
        await send(server.url())
        assert "cookie" not in server.requests[1].headers


async def test_connections_do_not_share_sockets(send: Send) -> None:
    """Two connections to one application have a socket each."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    async with RawServer(behave) as server:
        for key in ("c1", "c2", "c1", "c2"):
            await send(server.url(), profile=TransportProfile(key))
        assert server.connections == 2


async def test_reach_connects_and_sends_nothing(transport: HttpTransport) -> None:
    """A connection and no request."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    async with RawServer(behave) as server:
        await transport.reach(server.url(host="localhost"), PROFILE, _soon())
        await asyncio.sleep(0.05)  # a request would have arrived
        assert server.connections == 1
        assert not server.requests


async def test_tls_is_checked_unless_disabled(send: Send, transport: HttpTransport, tmp_path: Path) -> None:
    """A certificate that nobody trusts is ``tls_error`` and nothing is sent; ``disableStrictSSL`` accepts it."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK", b"[]")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path, "localhost"))
    lax = TransportProfile("c1", strict_tls=False, host="localhost")
    async with RawServer(behave, tls=context) as server:
        url = server.url(host="localhost")
        for call in (send(url), transport.reach(url, PROFILE, _soon())):
            with pytest.raises(TransportFailure) as caught:
                await call
            assert (caught.value.code, caught.value.sent) == ("tls_error", False)
        assert not server.requests
        assert (await send(url, profile=lax)).body == b"[]"
        await transport.reach(url, lax, _soon())
        with pytest.raises(TransportFailure):
            await send(url)


async def test_plain_text_where_tls_is_expected(send: Send) -> None:
    """https against an http port is a TLS error, and the request stays here."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TransportFailure) as caught:
        await send(f"https://127.0.0.1:{port}/")
    assert (caught.value.code, caught.value.sent) == ("tls_error", False)
    server.close()


async def test_headers_with_non_ascii_values_arrive_as_utf_8(send: Send) -> None:
    """Header text goes out as UTF-8."""

    async def behave(peer: Peer) -> None:
        await peer.answer("200 OK")

    async with RawServer(behave) as server:
        await send(server.url(), headers=dict(Headers([("X-Name", "Jörg")]).items()))
        assert server.requests[0].headers["x-name"] == "Jörg"
