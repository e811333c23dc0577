"""The embedded store: one SQLite file, several processes (D9).

Look-ups by key run on the event loop over a read-only connection: a few microseconds, where a thread would cost two hundred. Lists run
in a thread. Writes go through ``SqliteWriter``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from fairlead.domain.dates import from_millis, to_millis
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.store import sqlite_file
from fairlead.store.sqlite_coordination import SqliteCoordination, coordination_path
from fairlead.store.sqlite_file import member
from fairlead.store.sqlite_writer import SqliteWriter
from fairlead.store.tree import from_json, to_json

_COLUMNS: Final = "kind, id, account, version, runtime_version, created, modified, key, fields, secrets, runtime"
_SELECT: Final = f"SELECT {_COLUMNS} FROM documents WHERE"  # noqa: S608  # constants only
_GET: Final = f"{_SELECT} kind = ? AND id = ? AND account = ?"
_FIND: Final = f"{_SELECT} kind = ? AND key = ?"
_INSERT: Final = f"INSERT INTO documents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # constants only
_THIS: Final = "kind = ? AND id = ? AND account = ?"
_REPLACE: Final = (
    "UPDATE documents SET version = ?, runtime_version = ?, created = ?, modified = ?, key = ?, fields = ?, secrets = ?, runtime = ? "  # noqa: S608  # constants only
    f"WHERE {_THIS} AND version = ? AND runtime_version = ?"
)
_REPLACE_RUNTIME: Final = (
    f"UPDATE documents SET runtime = ?, runtime_version = runtime_version + 1 WHERE {_THIS} AND runtime_version = ?"  # noqa: S608  # constants only
)
_DELETE: Final = f"DELETE FROM documents WHERE {_THIS}"  # noqa: S608  # constants only

_LOOP_BUSY_SECONDS: Final = 0.0
"""A look-up on the event loop never waits for another process; it goes to the reader's thread instead."""


class SqliteStore:
    """``fairlead.engine.ports.Store`` in a file."""

    def __init__(self, path: Path) -> None:
        """Open the file, make it when it is not there; blocks for some milliseconds. Raises ``StoreUnavailable``."""
        self.path = path
        sqlite_file.prepare(path)
        try:
            self._writer = SqliteWriter(path)
            self._near = sqlite_file.reader(path, _LOOP_BUSY_SECONDS)
            self._far = sqlite_file.reader(path, sqlite_file.BUSY_SECONDS)
        except sqlite3.Error as error:
            raise sqlite_file.unavailable(path, error) from None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fairlead-sqlite-reader")
        self._coordination: SqliteCoordination | None = None

    async def insert(self, document: Document) -> None:
        """See ``Store``."""
        row = (document.kind, document.id, document.account, *_heads(document), *_trees(document))
        await self._writer.run(lambda connection: connection.execute(_INSERT, row).rowcount)

    async def get(self, kind: str, account: AccountId, id: str) -> Document | None:
        """See ``Store``."""
        return await self._one(_GET, (kind, id, account))

    async def find(self, kind: str, key: str) -> Document | None:
        """See ``Store``."""
        return await self._one(_FIND, (kind, key))

    async def list(
        self,
        kind: str,
        account: AccountId,
        *,
        filters: Mapping[str, Sequence[str]],
        skip: int = 0,
        limit: int = 1000,
    ) -> Sequence[Document]:
        """See ``Store``."""
        conditions = ["kind = ?", "account = ?"]
        values: list[Any] = [kind, account]
        for path, accepted in filters.items():
            conditions.append(f"{member(path)} IN ({', '.join('?' * len(accepted))})")
            values += accepted
        sql = f"{_SELECT} {' AND '.join(conditions)} ORDER BY id LIMIT ? OFFSET ?"
        return await self._many(sql, (*values, limit, skip))

    async def list_everywhere(self, kind: str, *, skip: int = 0, limit: int = 1000) -> Sequence[Document]:
        """See ``Store``."""
        return await self._many(f"{_SELECT} kind = ? ORDER BY id LIMIT ? OFFSET ?", (kind, limit, skip))

    async def replace(self, document: Document) -> bool:
        """See ``Store``."""
        place = (document.kind, document.id, document.account, document.version - 1, document.runtime_version - 1)
        row = (*_heads(document), *_trees(document), *place)
        return await self._writer.run(lambda connection: connection.execute(_REPLACE, row).rowcount) == 1

    async def replace_runtime(self, document: Document, runtime: Tree) -> Document | None:
        """See ``Store``."""
        this = (document.kind, document.id, document.account)
        change = (to_json(runtime), *this, document.runtime_version)

        def write(connection: sqlite3.Connection) -> list[Any]:
            changed = connection.execute(_REPLACE_RUNTIME, change).rowcount
            return (
                connection.execute(_GET, (document.kind, document.id, document.account)).fetchall() if changed else []
            )

        return _first(await self._writer.run(write))

    async def delete(self, kind: str, account: AccountId, id: str, *, version: int | None = None) -> bool:
        """See ``Store``."""
        sql, values = (
            (_DELETE, (kind, id, account))
            if version is None
            else (f"{_DELETE} AND version = ?", (kind, id, account, version))
        )
        return await self._writer.run(lambda connection: connection.execute(sql, values).rowcount) == 1

    async def ping(self) -> None:
        """See ``Store``."""
        await self._one(f"{_SELECT} 0", ())

    async def close(self) -> None:
        """See ``Store``. The writer closes last: it folds the log into the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._near.close()
        self._far.close()
        if self._coordination is not None:
            await self._coordination.close()
        await self._writer.close()

    def coordination(self) -> SqliteCoordination:
        """See ``Store``: a second file, opened when it is first asked for."""
        if self._coordination is None:
            self._coordination = SqliteCoordination(coordination_path(self.path))
        return self._coordination

    async def _one(self, sql: str, values: Sequence[Any]) -> Document | None:
        try:
            return _first(self._near.execute(sql, values).fetchall())
        except sqlite3.Error:
            found = await self._many(sql, values)
            return found[0] if found else None

    async def _many(self, sql: str, values: Sequence[Any]) -> Sequence[Document]:
        def read() -> Sequence[Document]:
            return [_document(row) for row in self._far.execute(sql, values).fetchall()]

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)
        except (sqlite3.Error, RuntimeError) as error:  # RuntimeError: the store is closed
            raise sqlite_file.unavailable(self.path, error) from None


def _heads(document: Document) -> tuple[Any, ...]:
    times = (to_millis(document.created), to_millis(document.modified))
    return (document.version, document.runtime_version, *times, document.key)


def _trees(document: Document) -> tuple[str, str, str]:
    return to_json(document.fields), to_json(document.secrets), to_json(document.runtime)


def _first(rows: Sequence[Any]) -> Document | None:
    return _document(rows[0]) if rows else None


def _document(row: Any) -> Document:
    kind, id, account, version, runtime_version, created, modified, key, fields, secrets, runtime = row
    return Document(
        kind=kind,
        id=id,
        account=account,
        created=from_millis(created),
        modified=from_millis(modified),
        fields=from_json(fields),
        secrets=from_json(secrets),
        runtime=from_json(runtime),
        version=version,
        runtime_version=runtime_version,
        key=key,
    )
