"""A service with everything embedded, a fake application, and clients over REST, over REST through a channel, and over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from fairlead.bootstrap import Running, start_service
from fairlead.cli.local import LocalDispatcher
from fairlead.cli.serve import gateway_settings
from fairlead.gateway.channel import ChannelDispatcher
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.settings import Settings
from tests.e2e.application import Application, Handler
from tests.e2e.client import ApiClient, GrpcClient, RestClient

TOKEN = "0123456789abcdef" * 4


@dataclass
class Served:
    """A fake application and where it is."""

    application: Application
    url: str


@pytest.fixture
async def application() -> AsyncIterator[Served]:
    """The fake application on a free port."""
    fake = Application()
    runner = web.AppRunner(fake.app(), access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Served(fake, f"http://127.0.0.1:{runner.addresses[0][1]}")
    fake.hold.set()
    await runner.cleanup()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of the service under test."""
    return Settings(
        grpc_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        database_url=f"sqlite:///{tmp_path / 'e2e.db'}",
        bootstrap_token=TOKEN,
        egress_allow="127.0.0.0/8",
    )


@pytest.fixture
async def running(settings: Settings) -> AsyncIterator[Running]:
    """The service, listening for gRPC."""
    service = await start_service(settings)
    yield service
    await service.stop(0)


@pytest.fixture
async def rest(running: Running, settings: Settings) -> AsyncIterator[RestClient]:
    """A REST client of a gateway in the same process."""
    dispatcher = LocalDispatcher(running.service)
    gateway = Gateway(gateway_settings(settings), dispatcher, running.registry, load=running.load)
    await gateway.start()
    running.public_url.listens(gateway.address)
    client = RestClient(f"http://{gateway.address}", TOKEN)
    yield client
    await client.close()
    await gateway.stop(0)


@pytest.fixture
async def sidecar(running: Running) -> AsyncIterator[RestClient]:
    """A REST client of a gateway that talks over a channel."""
    dispatcher = ChannelDispatcher(running.grpc_address)
    gateway = Gateway(GatewaySettings(address="127.0.0.1:0"), dispatcher)
    await gateway.start()
    client = RestClient(f"http://{gateway.address}", TOKEN)
    yield client
    await client.close()
    await gateway.stop(0)
    await dispatcher.close()


@pytest.fixture
async def channel(running: Running) -> AsyncIterator[GrpcClient]:
    """A gRPC client."""
    client = GrpcClient(running.grpc_address, TOKEN)
    yield client
    await client.close()


@pytest.fixture(params=["rest", "sidecar", "channel"])
def api(request: pytest.FixtureRequest) -> ApiClient:
    """Every way to call the service."""
    client: ApiClient = request.getfixturevalue(request.param)
    return client


@pytest.fixture(params=["rest", "sidecar"])
def edge(request: pytest.FixtureRequest) -> RestClient:
    """Both ways to run the REST edge."""
    client: RestClient = request.getfixturevalue(request.param)
    return client


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[str, Handler], Awaitable[str]]]:
    """Serve one path on a free port; the base URL."""
    runners: list[web.AppRunner] = []

    async def start(path: str, handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", path, handler)
        runner = web.AppRunner(app, access_log=None)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
