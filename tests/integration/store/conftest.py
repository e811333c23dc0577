"""Every store of the project behind one fixture; the contract suite runs once per store."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from mongomock_motor import AsyncMongoMockClient
from motor.motor_asyncio import AsyncIOMotorClient

from fairlead.engine.ports import Store
from fairlead.store.mongo import MongoStore
from fairlead.store.sqlite import SqliteStore

WIRE_URI = os.environ.get("FAIRLEAD_TEST_MONGODB_URI", "")


async def _sqlite(folder: Path) -> AsyncIterator[Store]:
    store = SqliteStore(folder / "fairlead.db")
    yield store
    await store.close()


async def _mongomock(_: Path) -> AsyncIterator[Store]:
    yield MongoStore(AsyncMongoMockClient(tz_aware=True))


async def _wire(_: Path) -> AsyncIterator[Store]:
    if not WIRE_URI:
        pytest.skip("FAIRLEAD_TEST_MONGODB_URI is not set; tests/servers/mongo/run starts a server and prints its URI")
    database = f"test_{uuid.uuid4().hex}"
    store = MongoStore.connect(f"{WIRE_URI}/{database}")
    yield store
    await store.close()
    cleaner: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(WIRE_URI)
    await cleaner.drop_database(database)
    cleaner.close()


_STORES = {"sqlite": _sqlite, "mongomock": _mongomock, "wire": _wire}


@pytest_asyncio.fixture(params=_STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async for opened in _STORES[request.param](tmp_path):
        yield opened


@pytest_asyncio.fixture(params=["sqlite", "wire"])
async def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store that carries out several operations at once. mongomock is left out: it runs in one thread, one operation after
    the other, so it cannot lose a race."""
    async for opened in _STORES[request.param](tmp_path):
        yield opened
