"""The effective level finds what an application really allows (connections.md 8.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from fairlead.bootstrap import Running, start_service
from fairlead.settings import Settings
from tests.e2e.client import GrpcClient, RestClient
from tests.e2e.conftest import TOKEN

REALLY = 7
TARGET = 50
MODEL = {"http": {"requestType": ["CREATE"], "method": ["POST"], "relativeURI": ["/orders"]}}


class Strict:
    """An application that refuses when it is at work on ``REALLY`` requests."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.refused: list[int] = []
        """Requests taken before each refusal."""
        self.taken: list[Any] = []

    async def handle(self, request: web.Request) -> web.Response:
        if self.in_flight >= REALLY:
            self.refused.append(len(self.taken))
            return web.json_response({}, status=429)
        self.in_flight += 1
        try:
            self.taken.append((await request.json())["n"])
            await asyncio.sleep(0.02)
            return web.json_response({"id": len(self.taken)}, status=201)
        finally:
            self.in_flight -= 1


@pytest.fixture
async def strict() -> AsyncIterator[tuple[Strict, str]]:
    """The application on a free port."""
    fake = Strict()
    app = web.Application()
    app.router.add_post("/orders", fake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def second(running: Running, settings: Settings) -> AsyncIterator[GrpcClient]:
    """Another process' worth of service on the same store."""
    service = await start_service(settings)
    client = GrpcClient(service.grpc_address, TOKEN)
    yield client
    await client.close()
    await service.stop(0)


def documents(url: str) -> dict[str, Any]:
    """The same connection in both notations."""
    block = {"baseURI": url, "mediaType": "json", "targetConcurrencyLevel": TARGET}
    return {
        "http": {"type": "http", "name": "strict", "http": block, "autoRecoverRateLimitErrors": True},
        "rest": {
            "type": "rest",
            "name": "strict",
            "rest": {**block, "authType": "custom"},
            "autoRecoverRateLimitErrors": True,
        },
    }


@pytest.mark.parametrize("notation", ["http", "rest"])
async def test_the_level_finds_the_applications_limit(
    rest: RestClient, second: GrpcClient, strict: tuple[Strict, str], notation: str
) -> None:
    """From 50 down to what the application takes, then around it, over two replicas: every record arrives once, and after the first
    hundred answers at most one in twenty is a refusal. A borrower goes through the same."""
    fake, url = strict
    id = (await rest.create(documents(url)[notation]))["_id"]
    borrower = {**documents(url)["http"], "_borrowConcurrencyFromConnectionId": id}
    borrower_id = (await rest.create(borrower))["_id"]
    assert (await rest.pool(id))["effectiveLevel"] == TARGET
    halves = [[{"n": n} for n in range(start, 300, 2)] for start in (0, 1)]
    results = await asyncio.gather(
        rest.run_import(id, {"import": MODEL, "data": halves[0]}),
        second.run_import(borrower_id, {"import": MODEL, "data": halves[1]}),
    )
    assert [result["statusCode"] for each in results for result in each] == [200] * 300
    assert sorted(fake.taken) == list(range(300))
    pools = [await rest.pool(id), await second.pool(borrower_id)]
    assert pools[0]["effectiveLevel"] == pools[1]["effectiveLevel"] <= REALLY + 1
    later = [taken for taken in fake.refused if taken >= 100]
    assert len(later) <= (300 - 100) / 20
    _, _, text = await rest.raw("GET", "/metrics")
    assert f'fairlead_pool_effective_level{{pool="{id}"}} {float(pools[0]["effectiveLevel"])}' in text.decode()
