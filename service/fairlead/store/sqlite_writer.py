"""The one writer of a process: a thread that commits what has gathered, and answers after the commit (D9).

While one commit waits for the disk the next writes queue up; they share the next commit. So one write costs one flush, and fifty at
once cost two.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from fairlead.engine.ports import DuplicateKey, StoreUnavailable
from fairlead.store import sqlite_file

T = TypeVar("T")
Statement = Callable[[sqlite3.Connection], T]
"""Runs inside the writer's transaction. One changing statement at most: SQLite undoes a statement that fails, and no more."""

_LARGEST_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class _Write:
    statement: Statement[Any]
    answer: asyncio.Future[Any]


_Outcome = tuple[Any, Exception | None]


class SqliteWriter:
    """Owns the writing connection and its thread."""

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        self._path = path
        self._connection = sqlite_file.writer(path, synchronous)
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._work, name="fairlead-sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, statement: Statement[T]) -> T:
        """The statement's result, once it is on the disk. Raises ``DuplicateKey`` and ``StoreUnavailable``.

        Cancelling the caller does not undo a write that is queued.
        """
        if self._closed:
            raise StoreUnavailable(f"database {self._path} is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(statement, answer))
        return await answer

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while batch := self._gather():
            outcomes = self._commit(batch)
            with suppress(RuntimeError):  # the event loop is closed: nobody waits for the answers
                batch[0].answer.get_loop().call_soon_threadsafe(_answer, batch, outcomes)
        self._connection.close()

    def _gather(self) -> list[_Write]:
        """What is queued, at least one write; nothing after ``close``."""
        batch: list[_Write] = []
        write = self._queue.get()
        while write is not None:
            batch.append(write)
            if len(batch) == _LARGEST_BATCH:
                return batch
            try:
                write = self._queue.get_nowait()
            except Empty:
                return batch
        if batch:
            self._queue.put(None)
        return batch

    def _commit(self, batch: Sequence[_Write]) -> list[_Outcome]:
        """All writes of the batch in one transaction; a write that fails alone does not harm the others."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(write.statement, self._connection) for write in batch]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            return [(None, sqlite_file.unavailable(self._path, error)) for _ in batch]
        return outcomes


def _attempt(statement: Statement[Any], connection: sqlite3.Connection) -> _Outcome:
    try:
        return statement(connection), None
    except sqlite3.IntegrityError as error:
        return None, DuplicateKey(str(error))
    except sqlite3.Error:
        raise
    except Exception as error:  # a value that SQLite cannot take: the fault of this write only
        return None, error


def _answer(batch: Sequence[_Write], outcomes: Sequence[_Outcome]) -> None:
    for write, (result, error) in zip(batch, outcomes, strict=True):
        if write.answer.done():
            continue
        if error is None:
            write.answer.set_result(result)
        else:
            write.answer.set_exception(error)
