"""Replicas on one store, SQLite and (with a server at hand) MongoDB, and the application that they share."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.coordination.parts import Application, Replica

WIRE_URI = os.environ.get("FAIRLEAD_TEST_MONGODB_URI", "")
Start = Callable[[], Awaitable[Replica]]


def wire_url() -> str:
    """A fresh database on the server that speaks MongoDB's protocol."""
    if not WIRE_URI:
        pytest.skip("FAIRLEAD_TEST_MONGODB_URI is not set; tests/servers/mongo/run starts a server and prints its URI")
    return f"{WIRE_URI}/test_{uuid.uuid4().hex}"


@pytest.fixture(params=["sqlite", "wire"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store that several processes can open."""
    return f"sqlite:///{tmp_path / 'fairlead.db'}" if request.param == "sqlite" else wire_url()


@pytest_asyncio.fixture
async def application() -> AsyncIterator[Application]:
    """Counts on its own side."""
    made = Application()
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def start(url: str, application: Application) -> AsyncIterator[Start]:
    """Start one more replica."""
    made: list[Replica] = []

    async def one(database: str = url) -> Replica:
        made.append(await Replica.start(database, application))
        return made[-1]

    yield one
    for replica in made:
        await replica.close()
