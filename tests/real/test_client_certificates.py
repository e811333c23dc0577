"""Client certificates as httpd and nginx check them, and server certificates that must not be trusted."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import RestClient
from tests.real.judging import ORDERS, accepted, connection, curl, needs_curl, orders
from tests.servers.certificates import Authority, Issued
from tests.servers.httpd import Httpd, needs_httpd
from tests.servers.nginx import Nginx, needs_nginx

pytestmark = needs_curl

PASSPHRASE = "open:sésame"


def forms(issued: Issued) -> dict[str, dict[str, str]]:
    """The ways to write a certificate with its key into a connection."""
    encrypted = {"cert": issued.pem, "key": issued.key_pem(PASSPHRASE), "passphrase": PASSPHRASE}
    return {
        "PEM": {"cert": issued.pem, "key": issued.key_pem()},
        "PEM with Windows line ends": {
            "cert": issued.pem.replace("\n", "\r\n"),
            "key": issued.key_pem().replace("\n", "\r\n"),
        },
        "encrypted PEM": encrypted,
        "PFX": {"pfx": base64.b64encode(issued.pfx(PASSPHRASE)).decode(), "passphrase": PASSPHRASE},
        "PFX without a passphrase": {"pfx": base64.b64encode(issued.pfx(None)).decode()},
    }


FORMS = ["PEM", "PEM with Windows line ends", "encrypted PEM", "PFX", "PFX without a passphrase"]


def holder(url: str, path: str, certificates: dict[str, str], **more: Any) -> dict[str, Any]:
    """A connection that shows certificates and nothing else."""
    return connection(url, path, {"type": "custom"}, clientCertificates=certificates, **more)


def files(folder: Path, authority: Authority, issued: Issued) -> list[str]:
    """The same for curl."""
    certificate, key = issued.save(folder, "client")
    (folder / "ca.pem").write_text(authority.pem)
    return ["--cacert", str(folder / "ca.pem"), "--cert", str(certificate), "--key", str(key)]


async def unusable(rest: RestClient, document: dict[str, Any], code: int) -> str:
    """Ping, stored and virtual, answers ``code``; its message."""
    id = (await rest.create(document))["_id"]
    answer = await rest.ping(id)
    assert answer["code"] == code, answer
    assert (await rest.ping_virtual(document))["code"] == code
    return str(answer["errors"][0]["message"])


@needs_httpd
async def test_curl_judges_httpd(apache: Httpd, tmp_path: Path) -> None:
    """httpd takes a certificate of its authority and ends the handshake with another's and with none."""
    url = f"{apache.secure_url}/certificate"
    right = await curl(*files(tmp_path, apache.authority, apache.authority.client("svc")), url)
    assert (right.status, right.json["certificate"]) == (200, "svc")
    foreign = await curl(*files(tmp_path, apache.authority, Authority("another").client("svc")), url)
    none = await curl("--cacert", str(tmp_path / "ca.pem"), url)
    assert 0 not in (foreign.exit, none.exit)
    assert (foreign.status, none.status) == (0, 0)


@needs_httpd
@pytest.mark.parametrize("form", FORMS)
async def test_httpd_takes_every_form(rest: RestClient, apache: Httpd, form: str) -> None:
    """connections.md 9: PEM, encrypted PEM and PFX, with the server's authority added to the system's."""
    certificates = {**forms(apache.authority.client("svc"))[form], "ca": apache.authority.pem}
    document = connection(apache.secure_url, "/certificate", {"type": "custom"}, clientCertificates=certificates)
    document["http"]["ping"] |= {"successPath": "certificate", "successValues": ["svc"]}
    await accepted(rest, document, "/certificate")


@needs_httpd
@pytest.mark.parametrize("foreign", [True, False])
async def test_httpd_refuses(rest: RestClient, apache: Httpd, foreign: bool) -> None:
    """connections.md 9, contract.md 2.3: with another authority's certificate and with none no request gets through; code 502."""
    shown = forms(Authority("another").client("svc"))["PEM"] if foreign else {}
    document = holder(apache.secure_url, "/certificate", {**shown, "ca": apache.authority.pem})
    assert "client certificate" in await unusable(rest, document, 502)


@needs_nginx
async def test_curl_judges_nginx(edge_server: Nginx, tmp_path: Path) -> None:
    """nginx speaks HTTP/2, answers 400 without the right certificate, and its bad certificates are bad to curl."""
    right = files(tmp_path, edge_server.authority, edge_server.authority.client("svc"))
    assert (await curl("--http2", *right, f"{edge_server.verifying}/?curl")).json["certificate"] == "CN=svc"
    assert await edge_server.protocols("curl") == {"HTTP/2.0"}
    trusting = ["--cacert", str(tmp_path / "ca.pem")]
    assert (await curl(*trusting, edge_server.verifying)).status == 400
    foreign = files(tmp_path, edge_server.authority, Authority("another").client("svc"))
    assert (await curl(*foreign, edge_server.verifying)).status == 400
    for url in (edge_server.expired, edge_server.misnamed):
        assert (await curl(*trusting, url)).exit == 60
        assert (await curl("--insecure", url)).status == 200


@needs_nginx
@pytest.mark.parametrize("form", FORMS)
async def test_nginx_takes_every_form(rest: RestClient, edge_server: Nginx, form: str) -> None:
    """connections.md 9, 13: a server that offers HTTP/2 is spoken to in HTTP/1.1."""
    certificates = {**forms(edge_server.authority.client("svc"))[form], "ca": edge_server.authority.pem}
    await accepted(rest, holder(edge_server.verifying, "/?fairlead", certificates), "/?fairlead")
    assert await edge_server.protocols("fairlead") == {"HTTP/1.1"}


@needs_nginx
@pytest.mark.parametrize("foreign", [True, False])
async def test_nginx_refuses(rest: RestClient, edge_server: Nginx, foreign: bool) -> None:
    """contract.md 2.3: nginx answers 400, which is the result."""
    shown = forms(Authority("another").client("svc"))["PEM"] if foreign else {}
    document = holder(edge_server.verifying, "/", {**shown, "ca": edge_server.authority.pem})
    assert "SSL certificate" in await unusable(rest, document, 400)


@needs_nginx
@pytest.mark.parametrize(("server", "reason"), [("expired", "expired"), ("misnamed", "127.0.0.1"), ("verifying", "")])
async def test_a_server_that_cannot_be_trusted(rest: RestClient, edge_server: Nginx, server: str, reason: str) -> None:
    """connections.md 9: an expired, a misnamed and an unknown certificate are named errors; disableStrictSSL takes the first two."""
    url = getattr(edge_server, server)
    ca = {} if server == "verifying" else {"ca": edge_server.authority.pem}
    message = await unusable(rest, holder(url, "/", ca), 502)
    assert "certificate" in message
    assert reason in message
    if server != "verifying":
        id = await accepted(rest, holder(url, "/", {}, disableStrictSSL=True))
        assert await orders(rest, id, "/") == ORDERS


@needs_nginx
async def test_identities_never_cross(rest: RestClient, edge_server: Nginx) -> None:
    """connections.md 9: a hundred connections to one host, all at once and twice, so that sockets are reused: each is seen as itself."""

    async def stored(name: str) -> str:
        shown = edge_server.authority.client(name, curve=True)
        certificates = {"cert": shown.pem, "key": shown.key_pem(), "ca": edge_server.authority.pem}
        return str((await rest.create(holder(edge_server.verifying, "/", certificates)))["_id"])

    async def seen(id: str) -> str:
        (record,) = (await rest.run_export(id, {"export": {"http": {"relativeURI": "/"}}}))["data"]
        return str(record["certificate"])

    names = [f"client-{n}" for n in range(100)]
    ids = [await stored(name) for name in names]
    for _ in range(2):
        assert await asyncio.gather(*map(seen, ids)) == [f"CN={name}" for name in names]
