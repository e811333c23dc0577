"""What only the embedded store promises: durability, several processes on one file, one writer thread (D9)."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from fairlead.engine.ports import DuplicateKey, StoreUnavailable
from fairlead.store import sqlite_file
from fairlead.store.sqlite import SqliteStore
from tests.integration.store.documents import MINE, NOW, connection, number

_PRELUDE = """
import asyncio, os, signal, sys
from pathlib import Path
from fairlead.engine.ports import DuplicateKey
from fairlead.store.sqlite import SqliteStore
from tests.integration.store.documents import MINE, NOW, connection, number
path = Path(sys.argv[1])
"""


def _start(path: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process on the same file."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", _PRELUDE + script, str(path), *arguments]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _output(process: subprocess.Popen[str]) -> str:
    """What the process printed; it must have ended well."""
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return printed.strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "fairlead.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """An open store on ``path``."""
    opened = SqliteStore(path)
    yield opened
    await opened.close()


async def test_a_write_that_returned_survives_kill_9(path: Path) -> None:
    """A process is killed in the instant after each of its writes has returned: everything it reported is there."""
    script = """
async def main():
    store = SqliteStore(path)
    await store.insert(connection(1))
    await store.insert(connection(2))
    await store.insert(connection(3))
    await store.replace(connection(1).replaced({"name": "new"}, {}, {}, NOW))
    await store.replace_runtime(connection(2), {"offline": True})
    await store.delete("connections", MINE, number(3))
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    process = _start(path, script)
    printed, _ = process.communicate(timeout=60)
    assert (printed.strip(), process.returncode) == ("written", -signal.SIGKILL)
    store = SqliteStore(path)
    assert await store.list("connections", MINE, filters={}) == [
        connection(1).replaced({"name": "new"}, {}, {}, NOW),
        replace(connection(2), runtime={"offline": True}, runtime_version=2),
    ]
    await store.close()


def test_processes_that_start_together_make_one_schema(path: Path) -> None:
    """Six processes open a file that is not there in the same moment: all get in, and each of their documents is stored."""
    script = """
async def main():
    sys.stdin.readline()
    store = SqliteStore(path)
    await store.insert(connection(int(sys.argv[2])))
    await store.close()
asyncio.run(main())
"""
    processes = [_start(path, script, str(n)) for n in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _output(process)
    with sqlite3.connect(path) as connected:
        assert connected.execute("SELECT count(*) FROM documents").fetchone() == (6,)
    connected.close()


async def test_processes_share_one_file(path: Path, store: SqliteStore) -> None:
    """Two processes count one document up by compare-and-set, and claim the same keys: no step is lost, each key has one owner, and
    what the other wrote is seen at once."""
    script = """
async def main():
    store = SqliteStore(path)
    won = 0
    for n in range(100):
        while True:
            document = await store.get("connections", MINE, number(1))
            if await store.replace(document.replaced({"count": document.fields["count"] + 1}, {}, {}, NOW)):
                break
        try:
            await store.insert(connection(int(sys.argv[2]) + n, key=f"key {n}"))
            won += 1
        except DuplicateKey:
            pass
    await store.close()
    print(won)
asyncio.run(main())
"""
    await store.insert(connection(fields={"count": 0}))
    processes = [_start(path, script, str(first)) for first in (1000, 2000)]
    won = [int(_output(process)) for process in processes]
    found = await store.get("connections", MINE, number(1))
    assert found is not None
    assert found.fields == {"count": 200}
    assert sum(won) == 100
    assert len(await store.list("connections", MINE, filters={})) == 101


async def test_a_locked_file_is_unavailable_not_stuck(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process holds the file for too long a write says so, stores nothing, and the next write goes through. Reading
    goes on all the time."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    store = SqliteStore(path)
    await store.insert(connection(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.insert(connection(2))
    assert await store.get("connections", MINE, number(1)) == connection(1)
    await store.ping()
    other.execute("ROLLBACK")
    other.close()
    assert await store.get("connections", MINE, number(2)) is None
    await store.insert(connection(2))
    await store.close()


async def test_a_look_up_waits_in_the_thread_when_the_file_is_held(path: Path, store: SqliteStore) -> None:
    """A process that holds the file exclusively (recovery after a crash) does not stop the event loop: the look-up is answered when
    the file is free."""
    await store.insert(connection())
    store._near.close()  # the loop's connection fails, as it does when the file is held
    assert await store.get("connections", MINE, number(1)) == connection()


def test_opening_waits_while_another_process_makes_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that finds the new file locked by the one that makes it tries again, and gets in when the file is free."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waited: list[float] = []

    def free(seconds: float) -> None:
        waited.append(seconds)
        other.rollback()

    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr("fairlead.store.sqlite_file.time.sleep", free)
    sqlite_file.prepare(path)
    assert len(waited) == 1
    other.close()


async def test_a_commit_waits_for_the_disk(store: SqliteStore) -> None:
    """The writer uses the write-ahead log and flushes it at every commit: what returned survives a power failure too."""
    pragmas = ("PRAGMA journal_mode", "PRAGMA synchronous")
    full = 2
    found = await store._writer.run(lambda connected: [connected.execute(pragma).fetchone()[0] for pragma in pragmas])
    assert found == ["wal", full]


async def test_writes_that_gather_share_a_commit(store: SqliteStore) -> None:
    """Fifty writes that queue up behind a running one are committed together, and answered after that commit."""
    commits: list[str] = []
    started, busy = threading.Event(), threading.Event()

    def first(connected: sqlite3.Connection) -> None:
        started.set()
        connected.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        busy.wait(30)

    tasks = [asyncio.create_task(store._writer.run(first))]
    await asyncio.to_thread(started.wait, 30)
    tasks += [asyncio.create_task(store.insert(connection(n))) for n in range(50)]
    await asyncio.sleep(0)
    busy.set()
    await asyncio.gather(*tasks)
    assert commits == ["COMMIT", "COMMIT"]


async def test_cancelled_callers_do_not_stop_the_writer(store: SqliteStore) -> None:
    """Callers that are cancelled while their writes are queued neither break the writer nor the writes of others."""
    tasks = [asyncio.create_task(store.insert(connection(n))) for n in range(40)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[1::2] == [None] * 20
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
    stored = {document.id for document in await store.list("connections", MINE, filters={})}
    assert {number(n) for n in range(1, 40, 2)} <= stored
    await store.insert(connection(99))


async def test_one_bad_write_does_not_harm_its_batch(store: SqliteStore) -> None:
    """Writes that share a commit fail alone: a duplicate and a text that is no Unicode are refused, the others are stored."""
    await store.insert(connection(1))
    bad = connection(3, key="\ud800")
    outcomes = await asyncio.gather(
        *(store.insert(document) for document in (connection(2), connection(1), bad, connection(4))),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), DuplicateKey, UnicodeEncodeError, type(None)]
    assert [d.id for d in await store.list("connections", MINE, filters={})] == [number(n) for n in (1, 2, 4)]


async def test_close_finishes_what_is_queued(path: Path) -> None:
    """Writes that were queued before ``close`` are carried out and answered; afterwards every call says that the store is closed."""
    store = SqliteStore(path)
    tasks = [asyncio.create_task(store.insert(connection(n))) for n in range(300)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == [None] * 300
    for call in (store.insert(connection(999)), store.get("connections", MINE, number(1)), store.ping()):
        with pytest.raises(StoreUnavailable):
            await call
    await store.close()
    reopened = SqliteStore(path)
    assert len(await reopened.list("connections", MINE, filters={})) == 300
    await reopened.close()


async def test_the_file_is_its_owners_only(path: Path, store: SqliteStore) -> None:
    """The database and its log are readable by their owner alone, whatever the umask."""
    await store.insert(connection())
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_what_lists_filter_by_has_an_index(store: SqliteStore, path: Path) -> None:
    """References and names are found through an index, in order of id, without a sort and without reading the others."""
    connected = sqlite3.connect(path)
    for name in ("name", "externalId", "_connectionId", "_borrowConcurrencyFromConnectionId"):
        condition = f"kind = 'c' AND account = 'a' AND {sqlite_file.member(name)} IN (?)"
        plan = connected.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM documents WHERE {condition} ORDER BY id", ("x",)
        ).fetchall()
        assert [f"documents_by_{name}" in step[3] for step in plan] == [True], plan
    connected.close()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """A file with other content stops the start with a sentence that names it, and is left as it is."""
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"fairlead\.db: file is not a database"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_database_of_a_newer_build_is_refused(path: Path) -> None:
    """A schema that this build does not know stops the start."""
    connected = sqlite3.connect(path)
    connected.execute("PRAGMA user_version = 99")
    connected.close()
    with pytest.raises(StoreUnavailable, match="has schema 99, this build knows 1"):
        SqliteStore(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A path into nowhere stops the start with a sentence that names it."""
    with pytest.raises(StoreUnavailable, match=r"missing/fairlead\.db cannot be made: No such file or directory"):
        SqliteStore(tmp_path / "missing" / "fairlead.db")
