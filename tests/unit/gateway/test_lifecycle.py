"""Starting, stopping, and clients that leave."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientError

from fairlead.contract.http_rule import RouteError
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.v1 import connection_service_pb2 as pb
from fairlead.v1 import token_service_pb2
from tests.unit.gateway.edge import PlayedService, running


def held() -> PlayedService:
    """A service whose calls wait until the test lets them go."""
    return PlayedService({"GetConnection": lambda _: pb.GetConnectionResponse()}, hold=asyncio.Event())


async def test_a_client_that_leaves_cancels_its_call() -> None:
    """Nobody waits for the answer: the call ends."""
    service = held()
    async with running(service) as edge:
        host, _, port = edge.gateway.address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/connections/ab HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n")
        await service.arrived.wait()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            await service.cancelled.wait()


async def test_a_stop_lets_running_requests_end() -> None:
    """Within the grace a request that runs is answered; new connections are refused."""
    service = held()
    assert service.hold is not None
    async with running(service) as edge:
        asked = asyncio.create_task(edge.ask("GET", "/v1/connections/ab"))
        await service.arrived.wait()
        stopping = asyncio.create_task(edge.gateway.stop(5))
        await asyncio.sleep(0)
        host, _, port = edge.gateway.address.rpartition(":")
        with pytest.raises((OSError, ValueError)):
            await asyncio.open_connection(host, int(port))
        service.hold.set()
        assert (await asked).status == 200
        await stopping


async def test_a_stop_ends_what_does_not_end_itself() -> None:
    """After the grace the call is cancelled."""
    service = held()
    async with running(service) as edge:
        asked = asyncio.create_task(edge.ask("GET", "/v1/connections/ab"))
        await service.arrived.wait()
        await edge.gateway.stop(0.01)
        with pytest.raises(ClientError):
            await asked
        assert service.cancelled.is_set()


async def test_an_address_in_use_is_an_error() -> None:
    """The port cannot be had twice, and the start says so."""
    async with running() as edge:
        other = Gateway(GatewaySettings(address=edge.gateway.address), PlayedService())
        with pytest.raises(OSError, match="address already in use"):
            await other.start()


async def test_stopping_what_never_started_is_nothing() -> None:
    """A start that failed can be followed by a stop."""
    await Gateway(GatewaySettings(), PlayedService()).stop(1)


def test_two_rpcs_on_one_route_stop_the_start() -> None:
    """A contract that contradicts itself is not served."""
    service = token_service_pb2.DESCRIPTOR.services_by_name["TokenService"]
    with pytest.raises(RouteError, match="both answer GET /v1/tokenInfo"):
        Gateway(GatewaySettings(), PlayedService(), known=[service, service])


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "nowhere"},
        {"address": ":80"},
        {"address": "h:99999"},
        {"unknown_fields": "drop"},
        {"empty_lists": 404},
    ],
)
def test_wrong_settings(wrong: dict[str, object]) -> None:
    """A wrong value is told when the settings are made."""
    with pytest.raises(ValueError, match=r"must be|not HOST:PORT"):
        GatewaySettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
