"""Our own limit as clients meet it: the same over REST, over a gateway of its own, and over gRPC (contract.md 1.14, 1.17)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import aiohttp
import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from fairlead.bootstrap import Running, start_service
from fairlead.cli.local import LocalDispatcher
from fairlead.cli.serve import gateway_settings
from fairlead.gateway.channel import ChannelDispatcher
from fairlead.gateway.server import Gateway
from fairlead.settings import Settings
from fairlead.v1 import common_pb2, connection_service_pb2
from tests.e2e.conftest import TOKEN

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
REFUSED = {"errors": [{"code": "rate_limited", "message": "Too many requests. Retry after 2 seconds."}]}
LIST = "/fairlead.v1.ConnectionService/ListConnections"


@pytest.fixture
async def limited(settings: Settings) -> AsyncIterator[Running]:
    """A service with three tokens; one more flows in every two seconds."""
    running = await start_service(replace(settings, rate_limit_size=3, rate_limit_per_second=0.5))
    yield running
    await running.stop(0)


@pytest.fixture(params=["in process", "over a channel"])
async def url(request: pytest.FixtureRequest, settings: Settings, limited: Running) -> AsyncIterator[str]:
    """The REST edge of it."""
    near = request.param == "in process"
    dispatcher = LocalDispatcher(limited.service) if near else ChannelDispatcher(limited.grpc_address)
    gateway = Gateway(gateway_settings(settings), dispatcher)
    await gateway.start()
    yield f"http://{gateway.address}/v1/connections"
    await gateway.stop(0)
    await dispatcher.close()


async def test_rest(url: str) -> None:
    """429, the documented body, whole seconds after which one request passes and no second one; refusals cost nothing."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        for _ in range(3):
            async with session.get(url) as answer:
                assert answer.status == 200
        empty = time.monotonic()
        for _ in range(20):
            async with session.get(url) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
                assert answer.content_type == "application/json"
                assert await answer.json() == REFUSED
                assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]
        await asyncio.sleep(empty + 2.0 - time.monotonic())
        statuses = []
        for _ in range(2):
            async with session.get(url) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 429]


async def test_what_the_gateway_refuses_itself_counts(url: str) -> None:
    """Wrong paths, methods, media types and syntax take a token like any request, and 429 wins over their own status (D20)."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        statuses = []
        for _ in range(2):
            for path, method, body in (("/x", "GET", b""), ("", "PATCH", b"{}"), ("", "POST", b"{")):
                async with session.request(method, url + path, data=body or None) as answer:
                    statuses.append(answer.status)
        assert statuses[3:] == [429, 429, 429]
        assert 429 not in statuses[:3]


async def test_a_large_body_is_refused_unread(url: str) -> None:
    """With an empty bucket 20 MiB need not be sent: the answer comes when the head has."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        for _ in range(3):
            async with session.get(url) as answer:
                assert answer.status == 200
    host, _, port = url.removeprefix("http://").removesuffix("/v1/connections").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1/connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {20 << 20}\r\n\r\n".encode()
    )
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert line.startswith(b"HTTP/1.1 429 ")


async def test_grpc(limited: Running) -> None:
    """RESOURCE_EXHAUSTED with RetryInfo: the same seconds; it comes before the message is looked at."""
    async with grpc.aio.insecure_channel(limited.grpc_address) as channel:
        call: Any = channel.unary_unary(LIST)  # type: ignore[call-arg]  # the stubs want serializers; bytes need none
        metadata = (("authorization", f"Bearer {TOKEN}"),)
        request = connection_service_pb2.ListConnectionsRequest().SerializeToString()
        for _ in range(3):
            await call(request, metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call(b"\xff\xff\xff", metadata=metadata)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.value.details() == "Too many requests. Retry after 2 seconds."
    trailers: dict[str, Any] = dict(cast(Any, error.value.trailing_metadata()))
    rich = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    retry, reason, listed = error_details_pb2.RetryInfo(), error_details_pb2.ErrorInfo(), common_pb2.ErrorList()
    for message in (retry, reason, listed):
        assert any(detail.Unpack(message) for detail in rich.details if detail.Is(message.DESCRIPTOR))
    assert retry.retry_delay.ToTimedelta().total_seconds() == 2
    assert (reason.domain, reason.reason) == ("fairlead", "RATE_LIMITED")
    assert (listed.http_status, listed.retry_after, listed.errors[0].code) == (429, 2, "rate_limited")
