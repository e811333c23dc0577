"""The same answers over a channel (contract.md 1.17, D10, D19)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from fairlead.gateway.channel import OPTIONS, ChannelDispatcher
from fairlead.gateway.dispatcher import CallFailed
from fairlead.v1 import common_pb2
from fairlead.v1 import connection_service_pb2 as pb

GET = "/fairlead.v1.ConnectionService/GetConnection"
METADATA = [("x-request-id", "r-1"), ("authorization", "Bearer good")]

Behaviour = Callable[[Any, Any], Awaitable[Any]]


@asynccontextmanager
async def serving(behaviour: Behaviour, health: int | None = None) -> AsyncIterator[ChannelDispatcher]:
    """A gRPC server that answers GetConnection as told, and a dispatcher to it."""
    server = grpc.aio.server(options=OPTIONS)
    handlers = {
        "GetConnection": grpc.unary_unary_rpc_method_handler(
            behaviour,
            request_deserializer=pb.GetConnectionRequest.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("fairlead.v1.ConnectionService", handlers),))
    if health is not None:

        async def check(request: Any, context: Any) -> Any:
            return health_pb2.HealthCheckResponse(status=health)

        checks = {
            "Check": grpc.unary_unary_rpc_method_handler(
                check,
                request_deserializer=health_pb2.HealthCheckRequest.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", checks),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    dispatcher = ChannelDispatcher(f"127.0.0.1:{port}")
    yield dispatcher
    await dispatcher.close()
    await server.stop(None)


def aborting(code: grpc.StatusCode, *details: Any) -> Behaviour:
    """Fail with a code and, with details, a rich status."""

    async def behaviour(request: Any, context: Any) -> Any:
        trailers: tuple[tuple[str, bytes], ...] = ()
        if details:
            rich = status_pb2.Status(code=code.value[0], message="internal text")
            for detail in details:
                packed = any_pb2.Any()
                packed.Pack(detail)
                rich.details.append(packed)
            trailers = (("grpc-status-details-bin", rich.SerializeToString()),)
        await context.abort(code, "internal text", trailing_metadata=trailers)

    return behaviour


async def failed(dispatcher: ChannelDispatcher) -> CallFailed:
    """The failure of one call."""
    with pytest.raises(CallFailed) as caught:
        await dispatcher.call(GET, pb.GetConnectionRequest(id="a"), metadata=METADATA, timeout=None)
    return caught.value


async def test_a_reply_with_its_headers() -> None:
    """Message and initial metadata come back; metadata goes out, with the wish for the whole error list."""
    seen: dict[str, str] = {}

    async def behaviour(request: Any, context: Any) -> Any:
        seen.update(dict(context.invocation_metadata()))
        await context.send_initial_metadata((("idempotent-replayed", "true"),))
        return pb.GetConnectionResponse(etag=request.id)

    async with serving(behaviour) as dispatcher:
        reply = await dispatcher.call(GET, pb.GetConnectionRequest(id="a"), metadata=METADATA, timeout=5)
    assert reply.message == pb.GetConnectionResponse(etag="a")
    assert ("idempotent-replayed", "true") in reply.headers
    assert seen["authorization"] == "Bearer good"
    assert seen["fairlead-error-list"] == "full"


async def test_the_whole_error_list_comes_through() -> None:
    """100 entries of the service arrive as they were sent, beside other details."""
    listed = common_pb2.ErrorList(http_status=422)
    for index in range(100):
        listed.errors.add(code="invalid_field", message="m" * 400, field=f"data.{index}")
    reason = error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="fairlead")
    async with serving(aborting(grpc.StatusCode.INVALID_ARGUMENT, reason, listed)) as dispatcher:
        error = await failed(dispatcher)
    assert error.error_list == listed
    assert error.grpc_code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 422, "invalid_field"),
        (grpc.StatusCode.FAILED_PRECONDITION, 422, "invalid_field"),
        (grpc.StatusCode.UNAUTHENTICATED, 401, "unauthenticated"),
        (grpc.StatusCode.PERMISSION_DENIED, 403, "access_restricted"),
        (grpc.StatusCode.NOT_FOUND, 404, "not_found"),
        (grpc.StatusCode.UNIMPLEMENTED, 404, "not_found"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 413, "payload_too_large"),
        (grpc.StatusCode.UNAVAILABLE, 503, "service_unavailable"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 503, "service_unavailable"),
        (grpc.StatusCode.INTERNAL, 500, "internal_error"),
        (grpc.StatusCode.UNKNOWN, 500, "internal_error"),
        (grpc.StatusCode.DATA_LOSS, 500, "internal_error"),
    ],
)
async def test_bare_codes(code: grpc.StatusCode, status: int, word: str) -> None:
    """A failure without our error list has a status and a sentence of ours; gRPC's own text stays inside."""
    async with serving(aborting(code)) as dispatcher:
        error = await failed(dispatcher)
    assert error.error_list.http_status == status
    (entry,) = error.error_list.errors
    assert entry.code == word
    assert "internal text" not in entry.message
    assert bool(error.error_list.retry_after) == (status == 503)
    if status == 500:
        assert entry.message.endswith("r-1")


async def test_a_service_that_is_away_is_503() -> None:
    """Nobody listens: 503, not a hang, and not ready."""
    dispatcher = ChannelDispatcher("127.0.0.1:1")
    error = await failed(dispatcher)
    assert error.error_list.http_status == 503
    assert not await dispatcher.ready()
    await dispatcher.close()


async def test_large_messages_pass() -> None:
    """20 MiB of body fit through the channel in both directions."""

    async def echo(request: Any, context: Any) -> Any:
        return pb.GetConnectionResponse(etag=request.id)

    async with serving(echo) as dispatcher:
        text = "x" * (20 * 1024 * 1024)
        reply = await dispatcher.call(GET, pb.GetConnectionRequest(id=text), metadata=METADATA, timeout=30)
        assert reply.message == pb.GetConnectionResponse(etag=text)


@pytest.mark.parametrize(
    ("health", "ready"),
    [
        (health_pb2.HealthCheckResponse.SERVING, True),
        (health_pb2.HealthCheckResponse.NOT_SERVING, False),
        (None, False),
    ],
)
async def test_readiness_is_the_service_health(health: int | None, ready: bool) -> None:
    """Ready is what gRPC's health service says."""

    async def never(request: Any, context: Any) -> Any:
        raise AssertionError

    async with serving(never, health) as dispatcher:
        assert await dispatcher.ready() is ready
