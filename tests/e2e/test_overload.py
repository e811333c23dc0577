"""A process with all the work it can hold: whoever comes then is told so at once, over every edge (contract.md 1.4, 1.17)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fairlead.api.grpc_server import STREAMS
from fairlead.bootstrap import Running
from fairlead.settings import Settings
from fairlead.v1 import connection_service_pb2, connection_service_pb2_grpc
from tests.e2e.client import ApiClient, ApiError, GrpcClient, RestClient
from tests.e2e.conftest import TOKEN, Served
from tests.e2e.test_waiting import body


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One call at a time, and 100 kB of bodies."""
    return Settings(
        grpc_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        database_url=f"sqlite:///{tmp_path / 'e2e.db'}",
        bootstrap_token=TOKEN,
        egress_allow="127.0.0.0/8",
        max_calls=1,
        max_bodies_bytes=100_000,
    )


@pytest.fixture
async def id(rest: RestClient, application: Served) -> str:
    """A connection."""
    block = {"baseURI": application.url, "mediaType": "json"}
    return str((await rest.create({"type": "http", "name": "a", "http": block}))["_id"])


async def test_one_call_too_many(
    api: ApiClient, rest: RestClient, channel: GrpcClient, application: Served, id: str, running: Running
) -> None:
    """503 while the place is taken, over every edge; health and metrics answer; afterwards there is room again."""
    held = asyncio.create_task(rest.run_import(id, body("/hang")))
    await application.application.asked.wait()
    with pytest.raises(ApiError) as error:
        await api.get(id)
    assert (error.value.status, error.value.code) == (503, "service_unavailable")
    health: Any = health_pb2_grpc.HealthStub(channel.channel)
    told = await health.Check(health_pb2.HealthCheckRequest())
    assert told.status == health_pb2.HealthCheckResponse.SERVING
    assert (await rest.raw("GET", "/readyz"))[0] == 200
    metrics = (await rest.raw("GET", "/metrics"))[2].decode()
    assert "fairlead_running_calls 1.0" in metrics
    assert 'fairlead_refused_calls_total{reason="calls"} 1.0' in metrics
    application.application.hold.set()
    await held
    assert (await api.get(id))["_id"] == id
    assert running.load.running == 0


async def test_what_a_grpc_client_sees(rest: RestClient, channel: GrpcClient, application: Served, id: str) -> None:
    """UNAVAILABLE with RetryInfo, ErrorInfo and the request id."""
    held = asyncio.create_task(rest.run_import(id, body("/hang")))
    await application.application.asked.wait()
    stub: Any = connection_service_pb2_grpc.ConnectionServiceStub(channel.channel)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.GetConnection(
            connection_service_pb2.GetConnectionRequest(id=id), metadata=(*channel.metadata, ("x-request-id", "mine"))
        )
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    trailers: Any = error.value.trailing_metadata()
    given = dict(trailers)
    assert given["x-request-id"] == "mine"
    details = status_pb2.Status.FromString(given["grpc-status-details-bin"]).details
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in details)
    assert retry.retry_delay.seconds == 1
    application.application.hold.set()
    await held


async def test_bodies_that_do_not_fit(api: ApiClient, running: Running, id: str) -> None:
    """A body beyond what bodies may hold together is refused; nothing of it stays counted."""
    large = {"import": {"http": {"relativeURI": ["/ok"], "method": ["POST"]}}, "data": [{"a": "x" * 100_000}]}
    with pytest.raises(ApiError) as error:
        await api.run_import(id, large)
    assert (error.value.status, error.value.code) == (503, "service_unavailable")
    assert running.load.held == 0
    assert (await api.run_import(id, body("/ok")))[0]["statusCode"] == 200
    assert running.load.held == 0


async def test_every_call_of_a_grpc_burst_is_answered_by_the_service(channel: GrpcClient, id: str) -> None:
    """More calls at once than a connection carries: each is served, or refused with a reason of ours; the library drops none."""
    stub: Any = connection_service_pb2_grpc.ConnectionServiceStub(channel.channel)
    request = connection_service_pb2.GetConnectionRequest(id=id)

    async def ask() -> str:
        try:
            await stub.GetConnection(request, metadata=channel.metadata)
        except grpc.aio.AioRpcError as error:
            trailers: Any = error.trailing_metadata()
            return error.code().name if "grpc-status-details-bin" in dict(trailers) else f"dropped: {error.details()}"
        return "OK"

    answers = await asyncio.gather(*(ask() for _ in range(2 * STREAMS)))
    assert "OK" in answers
    assert set(answers) <= {"OK", "UNAVAILABLE", "RESOURCE_EXHAUSTED"}


async def test_a_refused_message_is_not_read(
    rest: RestClient, channel: GrpcClient, application: Served, id: str
) -> None:
    """Over gRPC, too, whoever is refused is so by the first line: here the message never comes."""
    held = asyncio.create_task(rest.run_import(id, body("/hang")))
    await application.application.asked.wait()
    calls: Any = channel.channel
    endless = calls.stream_unary("/fairlead.v1.ConnectionService/GetConnection")(metadata=channel.metadata)
    assert await endless.code() is grpc.StatusCode.UNAVAILABLE
    application.application.hold.set()
    await held
