"""PUTs while an import runs: what concerns limits binds it at once (connections.md 7.4, 8)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fairlead.domain.http import HttpRequest, HttpResponse
from tests.unit.engine.serving import MINE, Service, http, reply

MODEL = {"http": {"relativeURI": ["/orders"], "method": ["POST"]}}
LENDER = "_borrowConcurrencyFromConnectionId"


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, asyncio.Future[HttpResponse]]] = []
        self.came: list[int] = []

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Wait."""
        number = json.loads(request.body or b"{}").get("n", 0)
        future: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        self.came.append(number)
        self.waiting.append((number, future))
        return await future

    @property
    def now(self) -> list[int]:
        """The records that it works on."""
        return [number for number, _ in self.waiting]

    def answer(self, count: int = 1) -> None:
        """Answer those that came first."""
        for _ in range(count):
            self.waiting.pop(0)[1].set_result(reply({"id": 1}))


@pytest.fixture
def slow(service: Service) -> Slow:
    """The application of the service."""
    made = Slow()
    service.application.answers = made
    return made


async def begun(service: Service, id: str, count: int, model: Any = MODEL) -> asyncio.Task[Any]:
    """An import of so many records that has sent what it may."""
    task = asyncio.create_task(service.run_import(id, model, [{"n": number} for number in range(count)]))
    await settled(service)
    return task


async def settled(service: Service) -> None:
    """The store works in a thread: some turns are not enough."""
    for _ in range(30):
        await asyncio.sleep(0.001)
        await service.clock.settle()


async def finished(service: Service, slow: Slow, task: asyncio.Task[Any]) -> list[int]:
    """Answer all that is still to come; the statuses."""
    while not task.done():
        slow.answer(len(slow.waiting))
        await service.clock.settle()
    return [result["statusCode"] for result in await task]


async def put(service: Service, id: str, document: Any) -> None:
    """A PUT, and what follows from it."""
    await service.put(id, document)
    await settled(service)


async def test_a_level_that_is_raised(service: Service, slow: Slow) -> None:
    """The import goes on with as many requests at once as the new level, in the order of the input, before any answer comes."""
    id = (await service.create(http(concurrencyLevel=1))).tree["_id"]
    task = await begun(service, id, 30)
    assert slow.now == [0]
    await put(service, id, http(concurrencyLevel=4))
    assert slow.now == [0, 1, 2, 3]
    await put(service, id, http())
    assert len(slow.now) == 30
    assert await finished(service, slow, task) == [200] * 30
    assert slow.came == sorted(slow.came)


async def test_a_level_that_is_lowered(service: Service, slow: Slow) -> None:
    """The import does not keep more requests in the queue than the new level, so that another through the connection has its turn."""
    id = (await service.create(http(concurrencyLevel=6))).tree["_id"]
    task = await begun(service, id, 40)
    assert len(slow.now) == 6
    await put(service, id, http(concurrencyLevel=2))
    slow.answer(6)
    await settled(service)
    assert (slow.now, service.pools.waiting(id)) == ([6, 7], 0)
    await put(service, id, http(concurrencyLevel=3))
    assert slow.now == [6, 7, 8]
    assert await finished(service, slow, task) == [200] * 40
    assert slow.came == sorted(slow.came)


async def test_a_connection_that_begins_and_ends_to_borrow(service: Service, slow: Slow) -> None:
    """connections.md 8.3: the import's requests count in the lender's pool from then on, those in flight too, and back."""
    lender = (await service.create(http(concurrencyLevel=2))).tree["_id"]
    id = (await service.create(http(concurrencyLevel=5))).tree["_id"]
    task = await begun(service, id, 40)
    assert len(slow.now) == 5
    await put(service, id, {**http(concurrencyLevel=5), LENDER: lender})
    state = service.pools.state(lender)
    assert state is not None
    assert (state.in_flight, service.pools.state(id)) == (5, None)
    shown = (await service.connections.get(MINE, id)).tree["queues"]
    assert shown[0]["name"] == lender
    slow.answer(3)
    await settled(service)
    assert len(slow.now) == 2
    slow.answer(1)
    await settled(service)
    assert len(slow.now) == 2
    await put(service, lender, http(concurrencyLevel=3))
    assert len(slow.now) == 3
    await put(service, id, http(concurrencyLevel=4))
    assert len(slow.now) == 4
    assert service.pools.state(lender) is None
    assert await finished(service, slow, task) == [200] * 40
    assert slow.came == sorted(slow.came)


async def test_another_pause(service: Service, slow: Slow) -> None:
    """connections.md 7.4: the wait time between requests is the new one, from the end of the request in flight."""
    id = (await service.create(http(concurrencyLevel=1, rateLimit={"limit": 100}))).tree["_id"]
    task = await begun(service, id, 3)
    await put(service, id, http(concurrencyLevel=1, rateLimit={"limit": 5000}))
    slow.answer()
    await service.clock.advance(4.9)
    assert slow.now == []
    await service.clock.advance(0.2)
    assert slow.now == [1]
    await put(service, id, http(concurrencyLevel=1))
    assert await finished(service, slow, task) == [200] * 3


async def test_a_put_that_says_nothing_of_limits(service: Service, slow: Slow) -> None:
    """A new name changes nothing for whoever runs, and other processes are not told."""
    told: list[object] = []
    service.pools.changes.tell = told.append
    id = (await service.create(http(concurrencyLevel=2))).tree["_id"]
    task = await begun(service, id, 4)
    await put(service, id, {**http(concurrencyLevel=2), "name": "other"})
    assert told == []
    await put(service, id, http(concurrencyLevel=1))
    assert len(told) == 1
    assert await finished(service, slow, task) == [200] * 4
