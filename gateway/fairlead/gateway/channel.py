"""Calls of the service over a gRPC channel, for a gateway that is a process of its own (D10, contract.md 1.17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2

from fairlead.contract.services import rpc_name, services
from fairlead.contract.sizes import CHANNEL_SIZES
from fairlead.gateway.dispatcher import CallFailed, Reply
from fairlead.v1 import common_pb2

OPTIONS: Final = (
    *CHANNEL_SIZES,
    # A restarted service is found again within seconds, not after the two minutes to which gRPC lets the pause grow.
    ("grpc.max_reconnect_backoff_ms", 5000),
)

LONGEST_CALL: Final = 330.0
"""Seconds after which a service that went silent is given up: above every bound of its own (contract.md 1.15)."""

_FULL: Final = ("fairlead-error-list", "full")
_DETAILS: Final = "grpc-status-details-bin"
_HEALTH: Final = "/grpc.health.v1.Health/Check"
_HEALTH_SECONDS: Final = 2.0

Code = grpc.StatusCode

BARE: Final[dict[grpc.StatusCode, tuple[int, str, str]]] = {
    Code.INVALID_ARGUMENT: (422, "invalid_field", "the request was refused"),
    Code.FAILED_PRECONDITION: (422, "invalid_field", "the state of the resource forbids the call"),
    Code.OUT_OF_RANGE: (422, "invalid_field", "the request was refused"),
    Code.UNAUTHENTICATED: (401, "unauthenticated", "Unauthorized"),
    Code.PERMISSION_DENIED: (403, "access_restricted", "the call is not allowed"),
    Code.NOT_FOUND: (404, "not_found", "not found"),
    # A gateway that is newer than its service knows routes that the service does not serve.
    Code.UNIMPLEMENTED: (404, "not_found", "the service does not serve this call"),
    # With details it is our own rate limit; without, gRPC itself found the message too large.
    Code.RESOURCE_EXHAUSTED: (413, "payload_too_large", "the message is larger than 32 MiB"),
    Code.UNAVAILABLE: (503, "service_unavailable", "the service cannot be reached"),
    Code.DEADLINE_EXCEEDED: (503, "service_unavailable", "the service did not answer in time"),
    Code.CANCELLED: (503, "service_unavailable", "the service ended the call"),
}
"""REST status, code and message of a failure that carries no error list of ours."""


class ChannelDispatcher:
    """A ``Dispatcher`` over one plaintext channel; TLS is the business of the mesh around it."""

    def __init__(self, target: str, known: Sequence[ServiceDescriptor] | None = None) -> None:
        self._channel = grpc.aio.insecure_channel(target, options=OPTIONS)
        self._stubs: dict[str, Any] = {
            rpc_name(method): self._stub(rpc_name(method), GetMessageClass(method.output_type).FromString)
            for service in (services() if known is None else known)
            for method in service.methods
        }
        self._health = self._stub(_HEALTH, health_pb2.HealthCheckResponse.FromString)

    def _stub(self, name: str, parse: Callable[[bytes], Message]) -> Any:
        return self._channel.unary_unary(
            name, request_serializer=lambda message: message.SerializeToString(), response_deserializer=parse
        )

    async def call(
        self, method: str, request: Message, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Reply:
        """Call over the channel. Raises ``CallFailed``: the service's own error list when the trailers carry it, else one
        entry by the bare gRPC code."""
        wait = LONGEST_CALL if timeout is None else timeout
        pending = self._stubs[method](request, metadata=(*metadata, _FULL), timeout=wait)
        try:
            message = await pending
            headers = await pending.initial_metadata()
        except grpc.aio.AioRpcError as error:
            raise CallFailed(_error_list(error, partial(_request_id, metadata)), error.code()) from None
        return Reply(message, tuple((key, value) for key, value in headers if isinstance(value, str)))

    async def ready(self) -> bool:
        """Whether the service calls itself healthy."""
        try:
            answer = await self._health(health_pb2.HealthCheckRequest(), timeout=_HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Close the channel; calls that run are cancelled."""
        await self._channel.close(grace=None)


def _error_list(error: grpc.aio.AioRpcError, request_id: Callable[[], str]) -> common_pb2.ErrorList:
    trailers: Any = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == _DETAILS and isinstance(value, bytes):
            found = _unpacked(value)
            if found is not None:
                return found
    internal = (500, "internal_error", f"internal error, request id {request_id()}")
    status, code, message = BARE.get(error.code(), internal)
    result = common_pb2.ErrorList(http_status=status, retry_after=1 if status == 503 else 0)
    result.errors.add(code=code, message=message)
    return result


def _unpacked(details: bytes) -> common_pb2.ErrorList | None:
    try:
        rich = status_pb2.Status.FromString(details)
        for detail in rich.details:
            listed = common_pb2.ErrorList()
            if detail.Is(listed.DESCRIPTOR) and detail.Unpack(listed) and listed.errors and listed.http_status:
                return listed
    except DecodeError:
        return None
    return None


def _request_id(metadata: Sequence[tuple[str, str]]) -> str:
    return dict(metadata).get("x-request-id", "unknown")
