"""The one adapter that binds the chain to ``grpc.aio`` (D10)."""

from __future__ import annotations

import asyncio
import ipaddress
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

import grpc
import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from fairlead.api.admission import ADMIT_METHOD, AUTHORIZATION, request_id
from fairlead.api.call import Call
from fairlead.api.errors import ascii_message, domain_error, grpc_code, status
from fairlead.api.load import Load, cut_off, unavailable
from fairlead.api.service import Service
from fairlead.contract.sizes import CHANNEL_SIZES
from fairlead.domain.errors import InvalidRequest, Problem

STREAMS: Final = 1024
"""Calls at the same time on one client connection; more wait at the client (RFC 9113 section 5.1.2)."""
OPTIONS: Final = (
    *CHANNEL_SIZES,
    ("grpc.so_reuseport", 0),
    # The core drops calls without a reason: from 1,000 waiting on some at random, and those that begin before it has put away as many
    # others. Instead each client keeps what is too much on its own side, where its deadlines are, and the service refuses with a reason.
    ("grpc.max_concurrent_streams", STREAMS),
    ("grpc.http.overload_protection", 0),
    ("grpc.server.max_pending_requests", 1 << 20),
    ("grpc.server.max_pending_requests_hard_limit", 1 << 20),
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Handle = Callable[[bytes, "grpc.aio.ServicerContext[Any, Any]"], Awaitable[bytes]]


class GrpcServer:
    """Serves a ``Service`` with health, reflection, rich status details, deadlines and graceful stop."""

    def __init__(self, service: Service, load: Load, trusted: Sequence[Network] = ()) -> None:
        self._service = service
        self._load = load
        self._trusted = tuple(trusted)
        self._server = grpc.aio.server(options=OPTIONS)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs miss the module
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [*service.service_names, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server)
        for name in service.service_names:
            # As streams of requests: whoever is refused is so before the message is read.
            handlers = {
                method.rsplit("/", 1)[1]: grpc.stream_unary_rpc_method_handler(self._handler(method))
                for method in service.methods
                if method.startswith(f"/{name}/")
            }
            self._server.add_registered_method_handlers(name, handlers)  # type: ignore[attr-defined]  # the stubs are older

    async def start(self, address: str) -> str:
        """Listen; the address with the port that was really bound. Raises ``OSError`` when it is taken."""
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}") from error
        await self._server.start()
        for name in ("", *self._service.service_names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return f"{address.rsplit(':', 1)[0]}:{port}"

    async def drain(self) -> None:
        """Say that nothing new is taken: health checks answer NOT_SERVING from now on."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Take nothing new, let running calls end within ``grace`` seconds."""
        await self.drain()
        await self._server.stop(grace)

    def _handler(self, method: str) -> Handle:
        async def handle(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            metadata = _metadata(context)
            call = Call(method, metadata, self._remote(context, metadata))
            try:
                if method == ADMIT_METHOD:  # a gateway asks this before it answers anything, refusals too
                    response = await self._service.handle(call, await _message(context))
                else:
                    response = await self._bounded(call, context)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                await self._abort(context, call, error)
                raise
            headers = [(name.lower(), value) for name, value in call.headers]
            await context.send_initial_metadata((("x-request-id", call.request_id), *headers))
            return response.SerializeToString()

        return handle

    async def _bounded(self, call: Call, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
        """The response, if the process can take the call on. Its deadline goes on while it waits for its turn."""
        load = self._load
        if load.refusal():
            raise unavailable(stopping=load.stopping)
        body = await _message(context)
        if not load.hold(len(body)):
            raise unavailable(stopping=False)
        try:
            if await load.enter():
                raise unavailable(stopping=load.stopping)
            try:
                call.timeout = context.time_remaining()
                return await self._service.handle(call, body)
            except asyncio.CancelledError:
                if not load.was_ended():
                    raise
                raise cut_off() from None
            finally:
                load.leave()
        finally:
            load.release(len(body))

    async def _abort(self, context: grpc.aio.ServicerContext[Any, Any], call: Call, error: Exception) -> None:
        call.request_id = call.request_id or request_id(call.metadata)
        translated = domain_error(error, call.request_id)
        full = call.metadata.get("fairlead-error-list") == "full"
        rich = status(translated, full=full)
        trailers = (
            ("grpc-status-details-bin", rich.SerializeToString()),
            ("x-request-id", call.request_id),
        )
        await context.abort(grpc_code(translated), ascii_message(rich.message), trailing_metadata=trailers)

    def _remote(self, context: grpc.aio.ServicerContext[Any, Any], metadata: Mapping[str, str]) -> str:
        """The peer's address; what a gateway says about its client counts when the gateway is trusted."""
        peer = _address(context.peer())
        told = metadata.get("fairlead-remote")
        if told and peer is not None and any(peer in network for network in self._trusted):
            return told
        return str(peer) if peer is not None else "unix"


async def _message(context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
    """The one message of the call."""
    body = await context.read()
    if body is grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs miss it
        raise InvalidRequest(Problem("invalid_json", "the call has no message; send one"))
    return cast(bytes, body)


def _metadata(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    """Values of a key that is repeated are joined, as gRPC says; of two tokens nobody knows which is meant: neither counts."""
    values: dict[str, list[str]] = {}
    for key, value in context.invocation_metadata() or ():
        if isinstance(value, str):
            values.setdefault(key, []).append(value)
    if len(values.get(AUTHORIZATION, ())) > 1:
        del values[AUTHORIZATION]
    return {key: ", ".join(several) for key, several in values.items()}


def _address(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """``ipv4:127.0.0.1:5000`` or ``ipv6:%5B::1%5D:5000`` as an address."""
    _, _, rest = urllib.parse.unquote(peer).partition(":")
    host = rest.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
