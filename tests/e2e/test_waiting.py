"""Calls that wait in the queue of a connection: their deadline holds, and whoever gives up leaves no trace (contract.md 1.15, connections.md 8.2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
import pytest

from fairlead.bootstrap import Running
from fairlead.v1 import connection_service_pb2_grpc, virtual_run_pb2
from tests.e2e.client import ApiClient, ApiError, GrpcClient, RestClient, fill
from tests.e2e.conftest import Served

LATE = 0.5
"""Seconds by which a deadline may be missed here; the machine has other work."""


def body(path: str) -> dict[str, Any]:
    """An import of one record."""
    return {"import": {"http": {"relativeURI": [path], "method": ["POST"]}}, "data": [{"id": 1}]}


@pytest.fixture
async def id(rest: RestClient, application: Served) -> str:
    """A connection of level 1."""
    block = {"baseURI": application.url, "mediaType": "json", "concurrencyLevel": 1}
    return str((await rest.create({"type": "http", "name": "narrow", "http": block}))["_id"])


@pytest.fixture
async def held(rest: RestClient, application: Served, id: str) -> AsyncIterator[asyncio.Task[Any]]:
    """A slow request that has the only slot until ``hold`` is set."""
    task = asyncio.create_task(rest.run_import(id, body("/hang")))
    await application.application.asked.wait()
    yield task
    application.application.hold.set()
    await asyncio.gather(task, return_exceptions=True)


async def queued(rest: RestClient, id: str) -> int:
    """How many wait, as the API says."""
    return int((await rest.get(id))["queues"][0]["size"])


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what no event tells of."""
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110  # the state is the server's, which tells of no event
            await asyncio.sleep(0.01)


async def nothing_is_left(rest: RestClient, application: Served, id: str, held: asyncio.Task[Any], seen: int) -> None:
    """Nobody waits, the slot is free again once its holder is done, and the application saw ``seen`` requests."""
    assert await queued(rest, id) == 0
    assert len(application.application.seen) == seen
    application.application.hold.set()
    assert (await held)[0]["statusCode"] == 200
    async with asyncio.timeout(5):
        assert (await rest.run_import(id, body("/ok")))[0]["statusCode"] == 200


async def test_a_callers_deadline(
    rest: RestClient, channel: GrpcClient, application: Served, id: str, held: asyncio.Task[Any], running: Running
) -> None:
    """gRPC: DEADLINE_EXCEEDED in time, nothing was sent, nothing is left."""
    stub: Any = connection_service_pb2_grpc.ConnectionServiceStub(channel.channel)
    request = virtual_run_pb2.ExecuteImportRequest(connection_id=id)
    fill(request, body("/ok"))
    started = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.ExecuteImport(request, metadata=channel.metadata, timeout=1)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert 1 <= time.monotonic() - started < 1 + LATE

    async def over() -> bool:
        return running.load.running == 1 and await queued(rest, id) == 0

    await until(over)
    await nothing_is_left(rest, application, id, held, 1)


async def test_our_own_limit_of_a_run(
    api: ApiClient,
    rest: RestClient,
    application: Served,
    id: str,
    held: asyncio.Task[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An import answers 200 with ``connection_timeout`` for what was not sent, an export 422; in time, and nothing is left."""
    for module in ("imports", "exports"):
        monkeypatch.setattr(f"fairlead.engine.{module}.RUN_SECONDS", 0.5)
    started = time.monotonic()
    outcomes: Any = await asyncio.gather(
        api.run_import(id, body("/ok")),
        api.run_export(id, {"export": {"http": {"relativeURI": "/ok"}}}),
        return_exceptions=True,
    )
    assert 0.5 <= time.monotonic() - started < 0.5 + LATE
    imported, exported = outcomes
    assert [(result["statusCode"], result["errors"][0]["code"]) for result in imported] == [(422, "connection_timeout")]
    assert isinstance(exported, ApiError)
    assert (exported.status, exported.code) == (422, "connection_timeout")
    monkeypatch.undo()
    await nothing_is_left(rest, application, id, held, 1)


async def test_who_leaves_the_queue(
    api: ApiClient, rest: RestClient, application: Served, id: str, held: asyncio.Task[Any], running: Running
) -> None:
    """A client that disconnects or cancels while it waits is forgotten: its request is never sent."""
    leaving = asyncio.create_task(api.run_import(id, body("/ok")))

    async def waits() -> bool:
        return await queued(rest, id) == 1

    await until(waits)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)

    async def gone() -> bool:
        return await queued(rest, id) == 0 and running.load.running == 1

    await until(gone)
    await nothing_is_left(rest, application, id, held, 1)


async def test_who_leaves_in_the_middle_of_a_request(
    api: ApiClient, rest: RestClient, application: Served, id: str, running: Running
) -> None:
    """The request to the application ends, and the slot is the next one's at once."""
    leaving = asyncio.create_task(api.run_import(id, body("/hang")))
    await application.application.asked.wait()
    following = asyncio.create_task(rest.run_import(id, body("/ok")))

    async def waits() -> bool:
        return await queued(rest, id) == 1

    await until(waits)
    leaving.cancel()
    async with asyncio.timeout(5):
        await application.application.dropped.wait()
        assert (await following)[0]["statusCode"] == 200

    async def over() -> bool:
        return running.load.running == 0

    await until(over)
    assert await queued(rest, id) == 0


async def test_a_put_that_changes_the_level_is_for_those_who_wait(
    rest: RestClient, application: Served, id: str, held: asyncio.Task[Any]
) -> None:
    """connections.md 8.1: more slots are given away at once, without another call; fewer once what is too much has ended."""
    waiting = asyncio.create_task(rest.run_import(id, body("/ok")))
    await until(lambda: _is(queued(rest, id), 1))
    document = await rest.get(id)
    document["http"]["concurrencyLevel"] = 2
    await rest.update(id, document)
    async with asyncio.timeout(5):
        assert (await waiting)[0]["statusCode"] == 200

    document["http"]["concurrencyLevel"] = 1
    await rest.update(id, document)
    waiting = asyncio.create_task(rest.run_import(id, body("/ok")))
    await until(lambda: _is(queued(rest, id), 1))
    application.application.hold.set()
    assert (await held)[0]["statusCode"] == 200
    assert (await waiting)[0]["statusCode"] == 200


async def _is(value: Any, wanted: int) -> bool:
    return bool(await value == wanted)
