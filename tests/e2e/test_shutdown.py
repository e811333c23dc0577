"""SIGTERM to ``fairlead serve`` as a process: what runs is finished and answered, what is new is refused and told why, and nothing ends silently."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.e2e.client import ApiError, GrpcClient, RestClient
from tests.e2e.conftest import Served
from tests.e2e.processes import TOKEN, Place
from tests.e2e.test_waiting import body, until

READY = "fairlead is ready"
SOON = 10.0
"""Seconds in which a process that need not wait must be gone."""


@asynccontextmanager
async def clients(place: Place) -> AsyncIterator[tuple[RestClient, GrpcClient]]:
    """Of the process there."""
    rest, channel = RestClient(place.base, TOKEN), GrpcClient(place.grpc, TOKEN)
    try:
        yield rest, channel
    finally:
        await rest.close()
        await channel.close()


async def narrow(rest: RestClient, application: Served) -> str:
    """A connection of level 1."""
    block = {"baseURI": application.url, "mediaType": "json", "concurrencyLevel": 1}
    return str((await rest.create({"type": "http", "name": "narrow", "http": block}))["_id"])


async def waiting(rest: RestClient, id: str, count: int) -> None:
    """Until so many wait for the connection."""

    async def enough() -> bool:
        return bool((await rest.get(id))["queues"][0]["size"] == count)

    await until(enough)


async def fails(call: Any) -> ApiError:
    """The error of a call."""
    with pytest.raises(ApiError) as error:
        await call
    return error.value


async def ends(process: asyncio.subprocess.Process) -> int:
    """The exit code, soon."""
    return await asyncio.wait_for(process.wait(), SOON)


async def test_what_runs_and_waits_is_finished_and_what_is_new_is_refused(tmp_path: Path, application: Served) -> None:
    """Imports in their slot and in the queue are answered, over REST and gRPC; meanwhile the process is alive, not ready, and refuses the
    rest with 503 and UNAVAILABLE. Exit code 0."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY) as process, clients(place) as (rest, channel):
        id = await narrow(rest, application)
        calls = [asyncio.create_task(rest.run_import(id, body("/hang")))]
        await application.application.asked.wait()
        calls += [asyncio.create_task(client.run_import(id, body("/ok"))) for client in (rest, channel)]
        await waiting(rest, id, 2)
        process.send_signal(signal.SIGTERM)

        async def not_ready() -> bool:
            return bool((await rest.raw("GET", "/readyz"))[0] == 503)

        await until(not_ready)
        assert (await rest.raw("GET", "/livez"))[0] == 200
        async with aiohttp.ClientSession() as new, new.get(f"{place.base}/v1/connections/{id}") as answer:
            assert answer.status == 503
            assert (answer.headers["Connection"], answer.headers["Retry-After"]) == ("close", "1")
            assert (await answer.json())["errors"][0]["code"] == "service_unavailable"
        refused = await fails(channel.get(id))
        assert (refused.status, refused.code) == (503, "service_unavailable")
        async with grpc.aio.insecure_channel(place.grpc) as new_channel:
            health: Any = health_pb2_grpc.HealthStub(new_channel)
            told = await health.Check(health_pb2.HealthCheckRequest())
            assert told.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not any(call.done() for call in calls)
        application.application.hold.set()
        for results in await asyncio.gather(*calls):
            assert results[0]["statusCode"] == 200
        assert await ends(process) == 0
    assert len(application.application.seen) == 3


async def test_after_the_grace_the_rest_is_told_so(tmp_path: Path, application: Served) -> None:
    """What is left after FAIRLEAD_SHUTDOWN_SECONDS is ended with an error that says what may have happened. Exit code 0."""
    place = Place(tmp_path, FAIRLEAD_SHUTDOWN_SECONDS="0.5")
    async with place.serve("serve", ready=READY) as process, clients(place) as (rest, channel):
        id = await narrow(rest, application)
        calls = [asyncio.create_task(fails(rest.run_import(id, body("/hang"))))]
        await application.application.asked.wait()
        calls.append(asyncio.create_task(fails(channel.run_import(id, body("/ok")))))
        await waiting(rest, id, 1)
        process.send_signal(signal.SIGTERM)
        for error in await asyncio.gather(*calls):
            assert (error.status, error.code) == (503, "service_unavailable")
            assert "may have been carried out" in error.errors[0]["message"]
        assert await ends(process) == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_does_not_wait(tmp_path: Path, application: Served, second: signal.Signals) -> None:
    """It ends what runs at once, told so as after the grace. Exit code 0."""
    place = Place(tmp_path, FAIRLEAD_SHUTDOWN_SECONDS="300")
    async with place.serve("serve", ready=READY) as process, clients(place) as (rest, _):
        id = await narrow(rest, application)
        call = asyncio.create_task(fails(rest.run_import(id, body("/hang"))))
        await application.application.asked.wait()
        process.send_signal(signal.SIGTERM)

        async def stopping() -> bool:
            return bool((await rest.raw("GET", "/readyz"))[0] == 503)

        await until(stopping)
        assert not call.done()
        process.send_signal(second)
        assert (await call).status == 503
        assert await ends(process) == 0


async def test_slots_are_another_replicas_at_once(tmp_path: Path, application: Served) -> None:
    """A replica waits for a slot of one that stops: it has it when the other's call ends, not half a minute later (connections.md 8.2)."""
    place, other = Place(tmp_path, FAIRLEAD_SHUTDOWN_SECONDS="0.5"), Place(tmp_path)
    async with (
        place.serve("serve", ready=READY) as process,
        other.serve("serve", ready=READY),
        clients(place) as (rest, _),
        clients(other) as (its_rest, _),
    ):
        id = await narrow(rest, application)
        cut = asyncio.create_task(fails(rest.run_import(id, body("/hang"))))
        await application.application.asked.wait()
        following = asyncio.create_task(its_rest.run_import(id, body("/ok")))
        await waiting(its_rest, id, 1)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert (await cut).status == 503
        assert (await asyncio.wait_for(following, SOON))[0]["statusCode"] == 200
        assert time.monotonic() - started < SOON
        assert await ends(process) == 0


async def test_a_gateway_of_its_own_stops_the_same_way(tmp_path: Path, application: Served) -> None:
    """``fairlead gateway``: what it passes on is finished, what is new is refused."""
    place = Place(tmp_path)
    async with (
        place.serve("serve", "--service-only", ready=READY),
        place.serve("gateway", "--target", place.grpc, ready="REST") as process,
        clients(place) as (rest, _),
    ):
        id = await narrow(rest, application)
        call = asyncio.create_task(rest.run_import(id, body("/hang")))
        await application.application.asked.wait()
        process.send_signal(signal.SIGTERM)

        async def stopping() -> bool:
            return bool((await rest.raw("GET", "/readyz"))[0] == 503)

        await until(stopping)
        assert (await fails(rest.get(id))).status == 503
        application.application.hold.set()
        assert (await call)[0]["statusCode"] == 200
        assert await ends(process) == 0
