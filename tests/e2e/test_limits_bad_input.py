"""Limits that nobody can mean, and documents that change under those who use them (connections.md 2, 7.4, 8)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fairlead.bootstrap import Running, start_service
from fairlead.engine.accounts import Accounts
from fairlead.engine.tokens import Tokens
from fairlead.settings import Settings
from fairlead.transport.clock import SystemClock
from tests.e2e.client import ApiError, GrpcClient, RestClient
from tests.e2e.conftest import TOKEN, Served

URL = "https://a.test"
LENDER = "_borrowConcurrencyFromConnectionId"


@pytest.fixture
async def second(running: Running, settings: Settings) -> AsyncIterator[GrpcClient]:
    """Another replica on the same store."""
    service = await start_service(settings)
    client = GrpcClient(service.grpc_address, TOKEN)
    yield client
    await client.close()
    await service.stop(0)


def connection(url: str = URL, notation: str = "http", /, **block: Any) -> dict[str, Any]:
    """A connection in either notation."""
    sign_in = {"authType": "custom"} if notation == "rest" else {}
    return {"type": notation, "name": "n", notation: {"baseURI": url, "mediaType": "json", **sign_in, **block}}


async def refusal(call: Any) -> tuple[int, str, set[str | None]]:
    """Status, code and fields of the error."""
    with pytest.raises(ApiError) as error:
        await call
    return error.value.status, error.value.code, error.value.fields


@pytest.mark.parametrize(("notation", "maximum"), [("http", 50), ("rest", 100)])
@pytest.mark.parametrize("name", ["concurrencyLevel", "targetConcurrencyLevel"])
async def test_levels_that_are_none(rest: RestClient, notation: str, maximum: int, name: str) -> None:
    """0, negative, words and fractions are 422 with their field; too high a level is lowered, too high a target is 422."""
    for level in (0, -1, -1e30, "five", "", 2.5, True, [5]):
        call = rest.create(connection(URL, notation, **{name: level}))
        assert await refusal(call) == (422, "invalid_field", {f"{notation}.{name}"}), level
    for level in (maximum + 1, 1e9, "1e9", 10**30):
        call = rest.create(connection(URL, notation, **{name: level}))
        if name == "concurrencyLevel":
            assert (await call)[notation][name] == maximum
        else:
            assert await refusal(call) == (422, "invalid_field", {f"{notation}.{name}"}), level
    body = json.dumps(connection(URL, notation, **{name: 0})).replace(": 0", ": 1e400")
    status, _, shown = await rest.raw(
        "POST", "/v1/connections", data=body, headers={"Content-Type": "application/json"}
    )
    assert (status, json.loads(shown)["errors"][0]["field"]) == (422, f"{notation}.{name}")
    for level in (1, "7", 5.0, maximum):
        assert (await rest.create(connection(URL, notation, **{name: level})))[notation][name] == int(float(level))


@pytest.mark.parametrize("level", [{}, {"concurrencyLevel": 2}, {"targetConcurrencyLevel": 1}])
async def test_a_pause_needs_level_one(rest: RestClient, level: dict[str, int]) -> None:
    """connections.md 7.4."""
    call = rest.create(connection(rateLimit={"limit": 500}, **level))
    assert await refusal(call) == (422, "invalid_field", {"http.rateLimit.limit"})


async def test_lenders_that_are_none(rest: RestClient, running: Running) -> None:
    """Itself, one that borrows, one of another account, one that is not there, no id at all."""
    lender = (await rest.create(connection()))["_id"]
    borrower = (await rest.create({**connection(), LENDER: lender}))["_id"]
    clock = SystemClock()
    other = await Accounts(running.store, clock).create("other", "o@example.test")
    stranger = RestClient(rest.base, await Tokens(running.store, clock).create(other.id, "other"))
    theirs = (await stranger.create(connection()))["_id"]
    await stranger.close()
    alone = (await rest.create(connection()))["_id"]
    for wrong in (alone, borrower, theirs, "d" * 24):
        call = rest.update(alone, {**connection(), LENDER: wrong})
        assert await refusal(call) == (422, "invalid_ref", {LENDER}), wrong
    for wrong in ("me", 5, {}, ["x"]):
        status, _, fields = await refusal(rest.update(alone, {**connection(), LENDER: wrong}))
        assert (status, fields) == (422, {LENDER}), wrong


async def test_no_ring_by_two_writers_at_once(rest: RestClient, second: GrpcClient) -> None:
    """Each borrows from the other, in two replicas: one of them is refused."""
    for _ in range(10):
        one, two = [(await rest.create(connection()))["_id"] for _ in range(2)]
        puts = [rest.update(one, {**connection(), LENDER: two}), second.update(two, {**connection(), LENDER: one})]
        outcomes: list[Any] = await asyncio.gather(*puts, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, ApiError)]
        assert [(error.code, error.fields) for error in errors] == [("invalid_ref", {LENDER})]


async def test_a_lender_is_not_deleted_while_somebody_begins_to_borrow(rest: RestClient, second: GrpcClient) -> None:
    """In two replicas at once: either it is gone and cannot be borrowed from, or it is borrowed from and stays."""
    for _ in range(10):
        lender = (await rest.create(connection()))["_id"]
        calls = rest.delete(lender), second.create({**connection(), LENDER: lender})
        outcomes: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, ApiError)]
        assert [error.code for error in errors] in (["resource_in_use"], ["invalid_ref"])


async def test_a_lender_that_goes_while_others_wait_in_its_queue(rest: RestClient, application: Served) -> None:
    """It cannot go before its borrowers; when both are deleted, what is in flight and what waits is still served, within the level."""
    fake = application.application
    document = connection(application.url, ping={"relativeURI": "/hang"}, concurrencyLevel=2)
    lender = (await rest.create(document))["_id"]
    borrower = (await rest.create({**document, LENDER: lender}))["_id"]
    pings = [asyncio.create_task(rest.ping(id)) for id in (lender, borrower) * 3]
    while (await rest.pool(borrower))["waiting"] < 4:
        continue
    assert await refusal(rest.delete(lender)) == (422, "resource_in_use", {None})
    assert not any(ping.done() for ping in pings)
    await rest.delete(borrower)
    await rest.delete(lender)
    fake.hold.set()
    assert [(await ping)["code"] for ping in pings] == [200] * 6
    assert fake.most_in_flight == 2
