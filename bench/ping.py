"""Ping over REST with 10 and with 1,000 stored connections of mixed types, interleaved in one run: the ratio should be 1.

python -m bench.ping [--rounds 7] [--calls 200]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.bootstrap import start_service
from fairlead.cli.local import LocalDispatcher
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.settings import Settings

TOKEN = "0123456789abcdef" * 4
SAMPLE = 10
console = Console()
BASIC = {"username": "svc_orders", "password": "S3cr3t"}
CONSUMER = {"consumerKey": "ck", "consumerSecret": "cs", "accessToken": "at", "tokenSecret": "ts"}
JWT = {"signatureMethod": "hmac-sha256", "payload": {"iss": "bench"}, "secret": "k" * 32}
TYPES: list[dict[str, Any]] = [
    {"type": "basic", "basic": BASIC},
    {"type": "token", "token": {"token": "t0k3n-value"}},
    {
        "type": "oauth",
        "oauth": {"grantType": "clientcredentials", "tokenURI": "", "clientId": "c", "clientSecret": "s"},
    },
    {"type": "cookie", "cookie": {"uri": "/login"}},
    {"type": "digest", "basic": BASIC},
    {"type": "wsse", "basic": BASIC},
    {"type": "oauth1", "oauth": {"oauth1": {**CONSUMER, "signatureMethod": "hmac-sha256"}}},
    {"type": "jwtbearer", "jwt": JWT},
    {"type": "custom"},
    {"type": "token", "token": {"token": "t0k3n-value", "location": "url"}},
]


async def answer(request: web.Request) -> web.Response:
    """An application that likes everybody."""
    if request.path == "/token":
        return web.json_response({"access_token": "t0k3n-of-oauth", "expires_in": 3600})
    response = web.json_response({"status": "ok"})
    if request.path == "/login":
        response.set_cookie("SID", "31d4d96e")
    return response


class Installation:
    """A service with a number of stored connections, the first few of which are pinged."""

    def __init__(self, count: int, folder: Path, application: str) -> None:
        self.count = count
        self.application = application
        self.settings = Settings(
            grpc_address="127.0.0.1:0",
            database_url=f"sqlite:///{folder / f'{count}.db'}",
            bootstrap_token=TOKEN,
            egress_allow="127.0.0.0/8",
            rate_limit_size=10**9,
            rate_limit_per_second=1e8,
        )
        self.ids: list[str] = []
        self.micros: list[float] = []

    async def start(self) -> None:
        """Start the service and store the connections."""
        self.running = await start_service(self.settings)
        self.gateway = Gateway(
            GatewaySettings(address="127.0.0.1:0"), LocalDispatcher(self.running.service), self.running.registry
        )
        await self.gateway.start()
        self.session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})
        for number in track(range(self.count), description=f"storing {self.count}", console=console):
            async with self.session.post(self._url(""), json=self._document(number)) as stored:
                made = await stored.json()
                assert stored.status == 201, made
                self.ids.append(made["_id"])
        for _ in range(2):
            await self.ping(SAMPLE * 5)
        self.micros.clear()

    async def ping(self, calls: int) -> None:
        """Ping connections of the sample, one after the other, and note the time of each."""
        for _ in range(calls):
            id = random.choice(self.ids[:SAMPLE])
            started = time.perf_counter()
            async with self.session.get(self._url(f"/{id}/ping")) as pinged:
                content = await pinged.json()
            self.micros.append((time.perf_counter() - started) * 1e6)
            assert content == {"code": 200}, content

    async def stop(self) -> None:
        """Stop the service."""
        await self.session.close()
        await self.gateway.stop(0)
        await self.running.stop(0)

    def _url(self, rest: str) -> str:
        return f"http://{self.gateway.address}/v1/connections{rest}"

    def _document(self, number: int) -> dict[str, Any]:
        auth = dict(TYPES[number % len(TYPES)])
        if auth["type"] == "oauth":
            auth["oauth"] = {**auth["oauth"], "tokenURI": f"{self.application}/token"}
        http = {"baseURI": self.application, "mediaType": "json", "auth": auth, "ping": {"relativeURI": "/ping"}}
        return {"type": "http", "name": f"bench {number}", "http": http}


async def measure(rounds: int, calls: int) -> None:
    """Both installations in turn."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with tempfile.TemporaryDirectory() as folder:
        few, many = (Installation(count, Path(folder), application) for count in (SAMPLE, 1000))
        for installation in (few, many):
            await installation.start()
        for _ in track(range(rounds), description="pinging", console=console):
            for installation in (few, many):
                await installation.ping(calls)
        table = Table("stored", "median us", "p95 us", title="Ping over REST, ten ways to sign in")
        for installation in (few, many):
            ordered = sorted(installation.micros)
            middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
            table.add_row(str(installation.count), f"{middle:.0f}", f"{late:.0f}")
            await installation.stop()
        console.print(table)
        console.print(f"ratio {statistics.median(many.micros) / statistics.median(few.micros):.2f}")
    await runner.cleanup()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    asyncio.run(measure(options.rounds, options.calls))


if __name__ == "__main__":
    main()
