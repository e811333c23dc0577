"""What gRPC clients rely on: health, reflection, rich status, deadlines, cancellation, sizes, metadata."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from fairlead.bootstrap import Running
from fairlead.v1 import common_pb2, connection_pb2, virtual_run_pb2
from fairlead.v1 import connection_service_pb2 as pb
from fairlead.v1 import connection_service_pb2_grpc as rpc
from tests.e2e.client import GrpcClient
from tests.e2e.conftest import TOKEN, Served
from tests.e2e.test_connections import http

BEARER = (("authorization", f"Bearer {TOKEN}"),)


def details(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The rich status of a failed call."""
    metadata: Any = error.trailing_metadata()  # the stubs do not know that it is a sequence of pairs
    for key, value in metadata or ():
        if key == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value)
    raise AssertionError("no status details")


async def test_health_and_reflection(channel: GrpcClient) -> None:
    """Every service of the contract is told and healthy; neither asks for a token."""
    stub = health_pb2_grpc.HealthStub(channel.channel)
    for service in ("", "fairlead.v1.ConnectionService", "fairlead.v1.TokenService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    call = reflection_pb2_grpc.ServerReflectionStub(channel.channel).ServerReflectionInfo(iter([asked]))
    names = {service.name async for reply in call for service in reply.list_services_response.service}
    assert {"fairlead.v1.ConnectionService", "fairlead.v1.TokenService", "fairlead.v1.EdgeService"} <= names


async def test_a_refusal_carries_rich_details(channel: GrpcClient) -> None:
    """contract.md 1.17: ErrorInfo with the reason, one BadRequest violation per field, the whole list."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.CreateConnection(pb.CreateConnectionRequest(), metadata=BEARER)
    error = raised.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    info, bad, listed = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), common_pb2.ErrorList()
    for detail in details(error).details:
        for kind in (info, bad, listed):
            detail.Unpack(kind)
    assert (info.domain, info.reason) == ("fairlead", "MISSING_REQUIRED_FIELD")
    assert {violation.field for violation in bad.field_violations} == {"name", "type"}
    assert (listed.http_status, len(listed.errors)) == (422, 2)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [((), "Unauthorized"), ((("authorization", "Bearer " + "0" * 64),), "Bearer Authentication Failed")],
)
async def test_without_a_valid_token_nothing_is_told(
    channel: GrpcClient, metadata: tuple[tuple[str, str], ...], message: str
) -> None:
    """contract.md 1.2, before the body is looked at."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.CreateConnection(pb.CreateConnectionRequest(), metadata=metadata)
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert raised.value.details() == message


async def test_the_callers_deadline_ends_the_outbound_call(channel: GrpcClient, application: Served) -> None:
    """The deadline is passed on: DEADLINE_EXCEEDED, and the application sees its request end."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    request = pb.PingVirtualConnectionRequest()
    request.connection.CopyFrom(await _message(channel, application))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.PingVirtualConnection(request, metadata=BEARER, timeout=0.5)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(application.application.dropped.wait(), 5)


async def test_cancelling_stops_the_outbound_call(channel: GrpcClient, application: Served) -> None:
    """A client that goes away takes its request at the application along."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    request = pb.PingVirtualConnectionRequest()
    request.connection.CopyFrom(await _message(channel, application))
    call = stub.PingVirtualConnection(request, metadata=BEARER)
    await application.application.asked.wait()
    call.cancel()
    await asyncio.wait_for(application.application.dropped.wait(), 5)


async def test_messages_may_have_what_the_limits_allow(
    channel: GrpcClient, application: Served, running: Running
) -> None:
    """D19: 32 MiB on both ends; gRPC's own default of 4 MiB would refuse this."""
    id = (await channel.create(http(application)))["_id"]
    record = b'{"text":"' + b"x" * 6_000_000 + b'"}'
    request = virtual_run_pb2.MapRecordsRequest(connection_id=id)
    request.import_model.http.relative_uri.append("/x")
    request.data.json = b"[" + record + b"]"
    options = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
    async with grpc.aio.insecure_channel(running.grpc_address, options=options) as wide:
        answer = await rpc.ConnectionServiceStub(wide).MapRecords(request, metadata=BEARER)
    assert answer.data.json == request.data.json


async def test_the_request_id_comes_back(channel: GrpcClient) -> None:
    """contract.md 1.1, over gRPC as initial metadata."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    call = stub.ListConnections(pb.ListConnectionsRequest(), metadata=(*BEARER, ("x-request-id", "my-id-1")))
    assert dict(await call.initial_metadata())["x-request-id"] == "my-id-1"


@pytest.mark.parametrize("other", ["Bearer wrong", f"Bearer {TOKEN}"])
async def test_two_tokens_are_none(channel: GrpcClient, other: str) -> None:
    """Nobody knows which one is meant (contract.md 1.2), wherever the good one stands."""
    stub = rpc.ConnectionServiceStub(channel.channel)
    for metadata in ((*BEARER, ("authorization", other)), (("authorization", other), *BEARER)):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.ListConnections(pb.ListConnectionsRequest(), metadata=metadata)
        assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "Unauthorized")


async def _message(channel: GrpcClient, application: Served) -> connection_pb2.Connection:
    """A connection that hangs at its ping, as a message without what only the server knows."""
    id = (await channel.create(http(application, "/hang")))["_id"]
    answer = await channel.call(
        "ConnectionService/GetConnection", pb.GetConnectionRequest(id=id), pb.GetConnectionResponse
    )
    return answer.connection  # type: ignore[no-any-return]  # a protobuf message
