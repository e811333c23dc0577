"""Our own limit over two real services on one store, counted by their client (contract.md 1.14)."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.processes import Place

SIZE = 200
RATE = 60
KEYS = "k1:" + "A" * 43 + "="


@dataclass
class Client:
    """Asks two services and counts what they admit."""

    session: aiohttp.ClientSession
    places: list[Place]
    admitted: list[float] = field(default_factory=list)
    """When each answer that was no refusal had arrived."""
    refused: int = 0

    async def ask(self, which: int) -> None:
        place = self.places[which]
        async with self.session.get(f"{place.base}/v1/connections", headers=place.headers) as answer:
            body = await answer.json()
            if answer.status == 200:
                self.admitted.append(time.monotonic())
                return
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "1"
            message = "Too many requests. Retry after 1 seconds."
            assert body == {"errors": [{"code": "rate_limited", "message": message}]}
            self.refused += 1


@pytest_asyncio.fixture
async def client(url: str, tmp_path: Path) -> AsyncIterator[Client]:
    """Two services with a small limit, so that any machine can ask for more."""
    more = {"FAIRLEAD_RATE_LIMIT_SIZE": str(SIZE), "FAIRLEAD_RATE_LIMIT_PER_SECOND": str(RATE)}
    keys = {"FAIRLEAD_ENCRYPTION_KEYS": KEYS, "FAIRLEAD_STATE_KEYS": KEYS}
    places = [Place(tmp_path, FAIRLEAD_DATABASE_URL=url, **more, **keys) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for place in places:
            await stack.enter_async_context(place.serve("serve", ready="fairlead is ready"))
        connector = aiohttp.TCPConnector(limit=400)
        yield Client(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)), places)


@pytest.mark.parametrize("shares", [(300, 300), (400, 0)], ids=["both", "one"])
async def test_a_burst(client: Client, shares: tuple[int, int]) -> None:
    """Far more than the size at once, to both or to one of them: the size passes, with what flows in meanwhile, and hardly more."""
    started = time.monotonic()
    await asyncio.gather(*(client.ask(which) for which in range(2) for _ in range(shares[which])))
    seconds = time.monotonic() - started
    assert 0.95 * SIZE <= len(client.admitted) <= 1.1 * SIZE + 1.05 * RATE * seconds
    assert client.refused == sum(shares) - len(client.admitted)


async def test_three_times_the_rate(client: Client) -> None:
    """For eight seconds, most of it to one of the two: the rate is used, and in no window of some seconds passes 5 % more."""
    started = time.monotonic()
    tasks = []
    for number in range(8 * 3 * RATE):
        await asyncio.sleep(started + number / (3 * RATE) - time.monotonic())
        tasks.append(asyncio.ensure_future(client.ask(number % 5 == 0)))
    await asyncio.gather(*tasks)
    seconds = time.monotonic() - started
    assert len(client.admitted) >= 0.9 * (SIZE + RATE * seconds)
    for first, at in enumerate(client.admitted):
        within = bisect_right(client.admitted, at + 4) - first
        assert within <= 1.1 * SIZE + 1.05 * RATE * 4.5  # answers may arrive closer together than they were admitted
