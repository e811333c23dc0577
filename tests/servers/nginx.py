"""nginx over TLS with HTTP/2: one server that wants a client certificate, one whose own certificate has expired, one with another name."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.certificates import Authority
from tests.servers.process import NotReady, command, free_port, listens, needs_program, running

needs_nginx = needs_program("nginx", "nginx-light")


@dataclass
class Nginx:
    """Where its servers are."""

    folder: Path
    verifying: str
    expired: str
    misnamed: str
    authority: Authority

    async def protocols(self, query: str) -> set[str]:
        """The protocols of the requests with that query; one at least is waited for, because nginx writes a line after its answer."""
        end = time.monotonic() + 5
        while True:
            cells = [line.split(" ") for line in (self.folder / "access.log").read_text("utf-8").splitlines()]
            found = {protocol for protocol, asked in cells if asked == query}
            if found or time.monotonic() > end:
                return found
            await asyncio.sleep(0.02)


@contextmanager
def nginx() -> Iterator[Nginx]:
    """Started with a generated configuration in a folder of its own."""
    with TemporaryDirectory(prefix="fairlead-nginx-") as name:
        folder = Path(name)
        authority = Authority("the authority of nginx")
        (folder / "ca.pem").write_text(authority.pem)
        authority.server().save(folder, "server")
        authority.server(expired=True).save(folder, "expired")
        authority.server("127.0.0.9").save(folder, "misnamed")
        for attempt in range(3):
            ports = [free_port() for _ in range(3)]
            (folder / "nginx.conf").write_text(_configuration(folder, ports), "utf-8")
            words = command("nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log")
            try:
                with running(words, folder / "output.log", lambda: all(map(listens, ports))):  # noqa: B023  # used within this round
                    verifying, expired, misnamed = (f"https://127.0.0.1:{port}" for port in ports)
                    yield Nginx(folder, verifying, expired, misnamed, authority)
                    return
            except NotReady:
                if attempt == 2:  # somebody else took a port between the look and the start
                    raise


def _configuration(folder: Path, ports: list[int]) -> str:
    servers = "".join(
        SERVER.format(port=port, name=name, more=more)
        for port, name, more in zip(
            ports,
            ("server", "expired", "misnamed"),
            (f"ssl_verify_client on; ssl_client_certificate {folder}/ca.pem;", "", ""),
            strict=True,
        )
    )
    identity = "user root;" if os.geteuid() == 0 else ""
    return CONFIGURATION.format(folder=folder, identity=identity, servers=servers)


CONFIGURATION = """
{identity}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    log_format protocol "$server_protocol $args";
    access_log {folder}/access.log protocol;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""

SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {name}.pem;
        ssl_certificate_key {name}.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        {more}
        location / {{
            default_type application/json;
            return 200 '{{"orders":[{{"id":1}}],"certificate":"$ssl_client_s_dn"}}';
        }}
    }}
"""
