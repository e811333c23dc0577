"""What only the MongoDB store promises: it says when the server is away, and makes its indexes when it comes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from mongomock_motor import AsyncMongoMockClient
from pymongo.errors import AutoReconnect

from fairlead.engine.ports import StoreUnavailable
from fairlead.store.mongo import MongoStore
from tests.integration.store.documents import MINE, connection, number


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_server_that_is_away_is_unavailable() -> None:
    """Every call fails with ``StoreUnavailable`` within the time of the URL, and the message holds no password."""
    store = MongoStore.connect(
        f"mongodb://user:pass-word@127.0.0.1:{_closed_port()}/fairlead?serverSelectionTimeoutMS=50"
    )
    outcomes = await asyncio.gather(
        *(
            store.ping(),
            store.insert(connection()),
            store.get("connections", MINE, number(1)),
            store.find("connections", "k"),
        ),
        *(store.list("connections", MINE, filters={}), store.list_everywhere("connections")),
        return_exceptions=True,
    )
    for outcome in outcomes:
        assert isinstance(outcome, StoreUnavailable)
        assert "pass-word" not in str(outcome)
    await store.close()


class _AwayOnce:
    """A collection whose first ``create_indexes`` finds no server."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.index_calls = 0

    async def create_indexes(self, indexes: Any) -> None:
        self.index_calls += 1
        if self.index_calls == 1:
            raise AutoReconnect("connection refused")
        await self._real.create_indexes(indexes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def test_indexes_are_made_when_the_server_comes_up() -> None:
    """A server that was away at the first call gets its unique indexes before the first document, and is asked for them once."""
    documents = _AwayOnce(AsyncMongoMockClient(tz_aware=True)["fairlead"]["documents"])
    store = MongoStore({"fairlead": {"documents": documents}})
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await store.insert(connection())
    await store.ping()
    assert documents.index_calls == 2
    assert set(await documents.index_information()) == {"_id_", "by_key", "by_account"}


def test_writes_wait_for_a_majority() -> None:
    """Whatever the URL says, a write is acknowledged by a majority and on disk; other options of the URL count."""
    store = MongoStore.connect("mongodb://127.0.0.1:1/other?w=1&journal=false&timeoutMS=123")
    assert store._documents.write_concern.document == {"w": "majority", "j": True}
    assert store._documents.delegate.database.client.options.timeout == 0.123
    assert store._documents.full_name == "other.documents"
