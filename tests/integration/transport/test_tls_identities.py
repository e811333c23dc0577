"""Client certificates, private authorities and unchecked TLS against servers that look (connections.md 9)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from fairlead.domain.http import Headers, HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ports import ClientIdentity, Deadline, TransportProfile
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy
from fairlead.transport.tls import build
from tests.authority import DAY, NOW, Authority, Issued, server_context
from tests.integration.transport.rawserver import Peer, RawServer
from tests.integration.transport.refusing import refusing_server

SERVERS = Authority("servers")
CLIENTS = Authority("clients")
STRANGERS = Authority("strangers")
CLIENT = CLIENTS.issue("client-1")
SECRET = "s3cret-phrase"
HERE = SERVERS.issue("here", "localhost", "127.0.0.1")
TRUSTED = ClientIdentity(ca=SERVERS.pem)
BOTH_VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def _with(issued: Issued) -> ClientIdentity:
    return replace(TRUSTED, cert=issued.cert, key=issued.key)


def _profile(identity: ClientIdentity | None = None, *, key: str = "c1", strict: bool = True) -> TransportProfile:
    return TransportProfile(key, strict, host="localhost", identity=identity)


class Clock(SystemClock):
    """The machine's clock; ``ahead`` of it on demand."""

    ahead = timedelta()

    def now(self) -> datetime:
        """Wall clock."""
        return super().now() + self.ahead


async def _everywhere(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, str]]:
    """Every name is this machine."""
    return [(socket.AF_INET, "127.0.0.1")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def transport(clock: Clock) -> AsyncIterator[HttpTransport]:
    """It may reach this machine."""
    made = HttpTransport(EgressPolicy.parse("127.0.0.1,localhost,*.test"), clock, lookup=_everywhere)
    yield made
    await made.close()


async def _who(peer: Peer) -> None:
    """Tell the common name of whoever calls."""
    certificate = peer.writer.get_extra_info("peercert") or {}
    names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    await peer.answer("200 OK", ",".join(names).encode())


def _server(
    folder: Path,
    issued: Issued = HERE,
    clients: Authority | None = CLIENTS,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> RawServer:
    return RawServer(_who, tls=server_context(folder, issued, clients, most=version))


def _soon() -> Deadline:
    return Deadline(SystemClock().monotonic() + 20)


async def _get(transport: HttpTransport, url: str, profile: TransportProfile) -> HttpResponse:
    return await transport.send(HttpRequest("GET", url, Headers()), profile, _soon())


async def _refusal(transport: HttpTransport, url: str, profile: TransportProfile) -> TransportFailure:
    """The failure of a request, which a mere connect shares."""
    with pytest.raises(TransportFailure) as reached:
        await transport.reach(url, profile, _soon())
    with pytest.raises(TransportFailure) as caught:
        await _get(transport, url, profile)
    assert (reached.value.code, reached.value.message) == (caught.value.code, caught.value.message)
    assert (caught.value.code, caught.value.repeatable) == ("tls_error", False)
    return caught.value


FORMS: dict[str, ClientIdentity] = {
    "PEM": _with(CLIENT),
    "encrypted PEM": replace(
        TRUSTED, cert=CLIENT.cert, key=CLIENT.written(PrivateFormat.PKCS8, SECRET), passphrase=SECRET
    ),
    "PFX": replace(TRUSTED, pfx=CLIENT.pfx(SECRET), passphrase=SECRET),
}


@BOTH_VERSIONS
@pytest.mark.parametrize("identity", FORMS.values(), ids=FORMS.keys())
async def test_the_server_sees_our_certificate(
    transport: HttpTransport, tmp_path: Path, identity: ClientIdentity, version: ssl.TLSVersion
) -> None:
    """In each form in which it is stored, with the server known by its private authority."""
    async with _server(tmp_path, version=version) as server:
        url = server.url(host="localhost")
        assert (await _get(transport, url, _profile(identity))).body == b"client-1"
        await transport.reach(url, _profile(identity), _soon())


async def test_the_chain_is_sent_along(transport: HttpTransport, tmp_path: Path) -> None:
    """A certificate issued by an authority below the one that the server knows."""
    below = Authority("below", CLIENTS)
    issued = below.issue("client-2")
    async with _server(tmp_path) as server:
        url = server.url(host="localhost")
        identity = replace(TRUSTED, cert=issued.cert + below.pem, key=issued.key)
        assert (await _get(transport, url, _profile(identity))).body == b"client-2"
    with refusing_server(server_context(tmp_path, HERE, CLIENTS)) as refusing:
        failure = await _refusal(transport, refusing.url, _profile(_with(issued)))
        assert "does not know the authority that issued it" in failure.message


@BOTH_VERSIONS
async def test_a_server_that_refuses_our_certificate(
    transport: HttpTransport, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Named by subject and serial number; in TLS 1.3 the refusal comes after the handshake and is the same."""
    stranger = STRANGERS.issue("stranger")
    with refusing_server(server_context(tmp_path, HERE, CLIENTS, most=version)) as server:
        failure = await _refusal(transport, server.url, _profile(_with(stranger)))
        serial = f"{stranger.certificate.serial_number:X}"
        assert (
            f"localhost refused the client certificate stranger (serial {serial}): it does not know" in failure.message
        )
        assert not server.served
        await transport.reach(server.url, _profile(_with(CLIENT)), _soon())
        assert (await _get(transport, server.url, _profile(_with(CLIENT)))).status == 200


@BOTH_VERSIONS
async def test_a_server_that_wants_a_certificate_and_gets_none(
    transport: HttpTransport, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """It says which field to set."""
    with refusing_server(server_context(tmp_path, HERE, CLIENTS, most=version)) as server:
        failure = await _refusal(transport, server.url, _profile(TRUSTED))
        assert "clientCertificates" in failure.message
        assert not server.served


async def test_a_server_that_hangs_up_without_a_word(transport: HttpTransport, tmp_path: Path) -> None:
    """A mere connect does not take the end of a connection for a welcome; the certificate is named all the same."""
    stranger = STRANGERS.issue("stranger")
    async with _server(tmp_path) as server:
        with pytest.raises(TransportFailure) as caught:
            await transport.reach(server.url(host="localhost"), _profile(_with(stranger)), _soon())
        assert caught.value.code == "connection_error"
        assert (
            "hung up during the TLS handshake; does it accept the client certificate stranger" in caught.value.message
        )


async def test_a_certificate_that_expires_after_it_was_saved(
    transport: HttpTransport, clock: Clock, tmp_path: Path
) -> None:
    """Named with its date, also where a connection is open already; nothing is sent."""
    async with _server(tmp_path) as server:
        url = server.url(host="localhost")
        await _get(transport, url, _profile(_with(CLIENT)))
        clock.ahead = 2 * DAY
        failure = await _refusal(transport, url, _profile(_with(CLIENT)))
        assert f"the client certificate client-1 (serial {CLIENT.certificate.serial_number:X})" in failure.message
        assert f"expired on {NOW + DAY:%Y-%m-%d}" in failure.message
        assert (failure.sent, len(server.requests)) == (False, 1)


async def test_material_that_cannot_be_used_is_named(transport: HttpTransport, tmp_path: Path) -> None:
    """What was stored before it was checked fails with the same sentence as on save."""
    async with _server(tmp_path) as server:
        identity = replace(TRUSTED, pfx=CLIENT.pfx(SECRET), passphrase="wr0ng")
        failure = await _refusal(transport, server.url(host="localhost"), _profile(identity))
        assert "passphrase is wrong" in failure.message
        assert "wr0ng" not in failure.message
        assert not server.connections


DISTRUSTED: dict[str, tuple[Issued, ClientIdentity | None, str]] = {
    "expired": (
        SERVERS.issue("late", "localhost", start=NOW - 3 * DAY, end=NOW - DAY),
        TRUSTED,
        "the certificate of localhost has expired",
    ),
    "early": (
        SERVERS.issue("early", "localhost", start=NOW + DAY, end=NOW + 3 * DAY),
        TRUSTED,
        "the certificate of localhost is not valid yet",
    ),
    "another host": (SERVERS.issue("x", "other.test"), TRUSTED, "is for another host name"),
    "a private authority": (HERE, None, "give it in clientCertificates.ca"),
}


@pytest.mark.parametrize(("issued", "identity", "says"), DISTRUSTED.values(), ids=DISTRUSTED.keys())
async def test_a_server_that_is_not_trusted(
    transport: HttpTransport, tmp_path: Path, issued: Issued, identity: ClientIdentity | None, says: str
) -> None:
    """What is wrong with its certificate and what to set; ``disableStrictSSL`` goes there all the same."""
    async with _server(tmp_path, issued, None) as server:
        url = server.url(host="localhost")
        failure = await _refusal(transport, url, _profile(identity))
        assert says in failure.message
        assert "disableStrictSSL" in failure.message
        assert (failure.sent, server.requests) == (False, [])
        assert (await _get(transport, url, _profile(identity, strict=False))).status == 200
        await _refusal(transport, url, _profile(identity))


async def test_an_address_is_checked_like_a_name(transport: HttpTransport, tmp_path: Path) -> None:
    """An IP address that the certificate does not name is another host."""
    profile = replace(_profile(TRUSTED), host="127.0.0.1")
    async with _server(tmp_path, HERE, None) as server:
        assert (await _get(transport, server.url(), profile)).status == 200
    async with _server(tmp_path, SERVERS.issue("x", "localhost"), None) as server:
        assert "is for another host name" in (await _refusal(transport, server.url(), profile)).message


@pytest.mark.parametrize("anchor", ["its own certificate", "the authority below"])
async def test_what_is_named_is_trusted_as_it_stands(transport: HttpTransport, tmp_path: Path, anchor: str) -> None:
    """``ca`` takes a server's own certificate or an authority that is itself issued by another."""
    below = Authority("below", SERVERS)
    issued = below.issue("x", "localhost")
    identity = ClientIdentity(ca=below.pem if anchor == "the authority below" else issued.cert)
    async with _server(tmp_path, issued, None) as server:
        assert (await _get(transport, server.url(host="localhost"), _profile(identity))).status == 200


async def test_other_hosts_get_the_default_settings(transport: HttpTransport, tmp_path: Path) -> None:
    """No client certificate, no authority of the connection's, no unchecked TLS but at the host of ``baseURI``, with any port."""
    both = SERVERS.issue("both", "localhost", "other.test")
    async with _server(tmp_path, both) as server:
        assert (await _get(transport, server.url(host="localhost"), _profile(_with(CLIENT)))).body == b"client-1"
        assert (await _get(transport, server.url(host="LOCALHOST."), _profile(_with(CLIENT)))).body == b"client-1"
        for profile in (_profile(_with(CLIENT)), _profile(_with(CLIENT), strict=False)):
            failure = await _refusal(transport, server.url(host="other.test"), profile)
            assert "not trusted: TLS settings count for the host of baseURI only" in failure.message
        assert len(server.requests) == 2


async def test_the_server_learns_the_host_name(transport: HttpTransport, tmp_path: Path) -> None:
    """SNI goes out in every handshake, checked or not."""
    names: list[str | None] = []
    context = server_context(tmp_path, HERE)
    context.sni_callback = lambda connection, name, settings: names.append(name)
    async with RawServer(_who, tls=context) as server:
        url = server.url(host="localhost")
        await _get(transport, url, _profile(TRUSTED))
        await _get(transport, url, _profile(strict=False))
        await transport.reach(url, _profile(TRUSTED), _soon())
    assert names == ["localhost"] * 3


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x46", "tls_error", "localhost speaks neither TLS 1.2 nor TLS 1.3"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "tls_error", "it may ask for a client certificate (clientCertificates)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls_error", "does not speak TLS at this port"),
        (b"", "connection_error", "localhost hung up during the TLS handshake"),
    ],
)
async def test_handshakes_that_fail_say_why(transport: HttpTransport, says: bytes, code: str, message: str) -> None:
    """Alerts protocol_version and handshake_failure (RFC 8446 6.2), another protocol, nothing at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    for call in (transport.reach(url, _profile(), _soon()), _get(transport, url, _profile())):
        with pytest.raises(TransportFailure) as caught:
            await call
        assert (caught.value.code, message in caught.value.message, caught.value.sent) == (code, True, False)
    server.close()


def test_nothing_older_than_tls_1_2_is_offered() -> None:
    """Also where nothing else is checked."""
    for profile in (_profile(TRUSTED), _profile(strict=False)):
        assert (
            build(strict=profile.strict_tls, identity=profile.identity).context.minimum_version
            == ssl.TLSVersion.TLSv1_2
        )


async def test_a_server_without_tickets_is_taken_at_its_silence(transport: HttpTransport, tmp_path: Path) -> None:
    """A mere connect ends well where nothing follows the handshake."""
    context = server_context(tmp_path, HERE, CLIENTS)
    context.num_tickets = 0
    async with RawServer(_who, tls=context) as server:
        await transport.reach(server.url(host="localhost"), _profile(_with(CLIENT)), _soon())


@pytest.mark.parametrize("round", range(3))
async def test_a_hundred_identities_at_one_host_stay_apart(
    transport: HttpTransport, tmp_path: Path, round: int
) -> None:
    """100 connections with a certificate each, all at once, twice over kept connections: each answer names its own caller."""
    profiles = [_profile(_with(CLIENTS.issue(f"client-{number}")), key=f"c{number}") for number in range(100)]
    async with _server(tmp_path) as server:
        url = server.url(host="localhost")
        seen = []
        for _ in range(3):
            answers = await asyncio.gather(*(_get(transport, url, profile) for profile in profiles))
            seen.append([answer.body.decode() for answer in answers])
        assert seen == [[f"client-{number}" for number in range(100)]] * 3
        assert (server.connections, len(server.requests)) == (100, 300)


async def test_a_new_certificate_gets_new_sockets(transport: HttpTransport, tmp_path: Path) -> None:
    """A version of the connection with another certificate, even under one key, never goes out through what the old one opened."""
    async with _server(tmp_path) as server:
        url = server.url(host="localhost")
        for name in ("client-1", "client-2", "client-1"):
            issued = CLIENT if name == "client-1" else CLIENTS.issue(name)
            assert (await _get(transport, url, _profile(_with(issued)))).body == name.encode()
        assert server.connections == 2
