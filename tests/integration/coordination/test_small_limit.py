"""Our own limit with a bucket of fewer tokens than there are processes, over real services and both of their edges (contract.md 1.14)."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from fairlead.v1 import connection_service_pb2
from tests.e2e.processes import TOKEN, Place

KEYS: Final = "k1:" + "A" * 43 + "="
LIST: Final = "/fairlead.v1.ConnectionService/ListConnections"
REQUEST: Final = connection_service_pb2.ListConnectionsRequest().SerializeToString()


async def over_rest(session: aiohttp.ClientSession, place: Place) -> int:
    """0 when it was let in, else the seconds to wait."""
    async with session.get(f"{place.base}/v1/connections", headers=place.headers) as answer:
        await answer.read()
        assert answer.status in (200, 429)
        return int(answer.headers.get("Retry-After", "0"))


async def over_grpc(channel: grpc.aio.Channel) -> int:
    """0 when it was let in, else the seconds to wait."""
    call: Any = channel.unary_unary(LIST)  # type: ignore[call-arg]  # the stubs want serializers; bytes need none
    refusal: grpc.aio.AioRpcError | None = None
    try:
        await call(REQUEST, metadata=(("authorization", f"Bearer {TOKEN}"),))
    except grpc.aio.AioRpcError as error:
        refusal = error
    if refusal is None:
        return 0
    assert refusal.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers: dict[str, Any] = dict(cast(Any, refusal.trailing_metadata()))
    retry = error_details_pb2.RetryInfo()
    details = status_pb2.Status.FromString(trailers["grpc-status-details-bin"]).details
    assert any(detail.Unpack(retry) for detail in details if detail.Is(retry.DESCRIPTOR))
    return int(retry.retry_delay.ToTimedelta().total_seconds())


@pytest.mark.parametrize(("processes", "size", "rate"), [(2, 1, 1.0), (3, 2, 5.0)])
async def test_fewer_tokens_than_processes(url: str, tmp_path: Path, processes: int, size: int, rate: float) -> None:
    """All that one bucket admits passes and no more, at all processes together; who waits as told, alone, is let in at any of them."""
    more = {"FAIRLEAD_RATE_LIMIT_SIZE": str(size), "FAIRLEAD_RATE_LIMIT_PER_SECOND": str(rate)}
    keys = {"FAIRLEAD_ENCRYPTION_KEYS": KEYS, "FAIRLEAD_STATE_KEYS": KEYS}
    places = [Place(tmp_path, FAIRLEAD_DATABASE_URL=url, **more, **keys) for _ in range(processes)]
    async with AsyncExitStack() as stack:
        for place in places:
            await stack.enter_async_context(place.serve("serve", ready="fairlead is ready"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        channels = [await stack.enter_async_context(grpc.aio.insecure_channel(place.grpc)) for place in places]

        async def ask(number: int) -> int:
            which = number // 2 % processes
            return await (over_grpc(channels[which]) if number % 2 else over_rest(session, places[which]))

        await asyncio.sleep(1 + size / rate)
        started = time.monotonic()
        waits = await asyncio.gather(*(ask(number) for number in range(100)))
        seconds = time.monotonic() - started
        assert size <= waits.count(0) <= size + rate * seconds
        for number in range(2 * processes):
            while not (wait := await ask(number)):
                continue
            await asyncio.sleep(wait)
            assert await ask(number + 3) == 0
        await asyncio.sleep(size / rate)
        started = time.monotonic()
        tasks = []
        for number in range(200):
            tasks.append(asyncio.ensure_future(ask(number)))
            await asyncio.sleep(started + number * 0.03 - time.monotonic())
        admitted = [await task for task in tasks].count(0)
        seconds = time.monotonic() - started
        assert 0.8 * rate * seconds <= admitted <= size + rate * seconds
