"""Races on one document: the store decides, once (contract.md 1.12, D9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fairlead.engine.ports import DuplicateKey, Store
from tests.integration.store.documents import MINE, NOW, connection, number

WRITERS = 50


async def test_one_of_fifty_replacements_of_one_version_wins(shared_store: Store) -> None:
    """Fifty writers replace the version that all have read: one is told that it won, and its document is the one that stays."""
    await shared_store.insert(connection())
    tries = [connection().replaced({"name": str(n)}, {}, {}, NOW) for n in range(WRITERS)]
    won = await asyncio.gather(*(shared_store.replace(document) for document in tries))
    assert won.count(True) == 1
    assert await shared_store.get("connections", MINE, number(1)) == tries[won.index(True)]


async def test_one_of_fifty_inserts_of_one_key_wins(shared_store: Store) -> None:
    """Fifty documents with one key: one is stored, forty-nine are refused."""
    tries = [connection(n, key="k") for n in range(WRITERS)]
    outcomes = await asyncio.gather(*map(shared_store.insert, tries), return_exceptions=True)
    assert sum(isinstance(outcome, DuplicateKey) for outcome in outcomes) == WRITERS - 1
    assert await shared_store.list("connections", MINE, filters={}) == [tries[outcomes.index(None)]]


async def test_one_of_fifty_inserts_of_one_id_wins(shared_store: Store) -> None:
    """Fifty documents with one id: one is stored."""
    tries = [connection(fields={"name": str(n)}) for n in range(WRITERS)]
    outcomes = await asyncio.gather(*map(shared_store.insert, tries), return_exceptions=True)
    assert sum(isinstance(outcome, DuplicateKey) for outcome in outcomes) == WRITERS - 1
    assert await shared_store.get("connections", MINE, number(1)) == tries[outcomes.index(None)]


async def test_one_of_fifty_runtime_writes_wins(shared_store: Store) -> None:
    """Fifty writers of the runtime that all have read: one gets its document back, the others nothing."""
    await shared_store.insert(connection())
    changed = await asyncio.gather(*(shared_store.replace_runtime(connection(), {"n": n}) for n in range(WRITERS)))
    winners = [document for document in changed if document is not None]
    assert len(winners) == 1
    assert await shared_store.get("connections", MINE, number(1)) == winners[0]


async def test_replacing_and_writing_the_runtime_never_both_win(shared_store: Store) -> None:
    """Of a replacement and a runtime write made from the same read, one is refused: neither undoes the other unseen."""
    for n in range(20):
        document = connection(n, runtime={"token": "old"})
        await shared_store.insert(document)
        replaced, changed = await asyncio.gather(
            shared_store.replace(document.replaced({"name": "new"}, {}, document.runtime, NOW)),
            shared_store.replace_runtime(document, {"token": "new"}),
        )
        assert replaced is (changed is None)


async def test_one_of_fifty_deletes_wins(shared_store: Store) -> None:
    """Fifty deletes of one document: one is told that it deleted it."""
    await shared_store.insert(connection())
    outcomes = await asyncio.gather(*(shared_store.delete("connections", MINE, number(1)) for _ in range(WRITERS)))
    assert outcomes.count(True) == 1


async def test_retrying_writers_lose_no_step(shared_store: Store) -> None:
    """Writers that read again after a refusal all get through: ten writers, ten steps each, a hundred counted."""
    await shared_store.insert(connection(fields={"count": 0}))

    async def count_up() -> None:
        for _ in range(10):
            while True:
                document = await shared_store.get("connections", MINE, number(1))
                assert document is not None
                fields = {"count": document.fields["count"] + 1}
                if await shared_store.replace(document.replaced(fields, {}, {}, NOW)):
                    break

    await asyncio.gather(*(count_up() for _ in range(10)))
    found = await shared_store.get("connections", MINE, number(1))
    assert found == replace(connection(fields={"count": 100}), version=101, runtime_version=101)
