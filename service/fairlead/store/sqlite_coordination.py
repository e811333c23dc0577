"""What several processes on one SQLite file agree on: a second file beside it (D13).

Its commits do not wait for the disk (``synchronous = NORMAL``): after a loss of power nobody is left to whom it was promised. Its clock is
the machine's monotonic one, which all its processes share.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fairlead.engine.ports.coordination import Note, Written
from fairlead.store import sqlite_file
from fairlead.store.coordination import first_version
from fairlead.store.sqlite_writer import SqliteWriter

_SCHEMA: Final = (
    "CREATE TABLE notes (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
)
_READ: Final = "SELECT key, value, version FROM notes WHERE key >= ? AND key < ?"
_INSERT: Final = "INSERT INTO notes (key, value, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = "UPDATE notes SET value = ?, version = ? WHERE key = ? AND version = ?"
_REMOVE: Final = "DELETE FROM notes WHERE key = ? AND version = ?"
_LAST: Final = "\U0010ffff"


def coordination_path(database: Path) -> Path:
    """``fairlead.db-coordination`` beside ``fairlead.db``."""
    return database.with_name(database.name + "-coordination")


class SqliteCoordination:
    """``engine.ports.coordination.Coordination`` in a file of its own."""

    def __init__(self, path: Path) -> None:
        """Open the file, make it when it is not there. Raises ``StoreUnavailable``."""
        sqlite_file.prepare(path, _SCHEMA)
        try:
            self._writer = SqliteWriter(path, synchronous="NORMAL")
            self._reader = sqlite_file.reader(path, 0.0)
        except sqlite3.Error as error:
            raise sqlite_file.unavailable(path, error) from None
        self._closed = False

    async def read(self, key: str) -> Note | None:
        """See ``Coordination``."""
        rows = await self._rows(key, key + "\0")
        return _note(rows[0]) if rows else None

    async def read_all(self, prefix: str) -> Mapping[str, Note]:
        """See ``Coordination``."""
        return {row[0][len(prefix) :]: _note(row) for row in await self._rows(prefix, prefix + _LAST)}

    async def write(self, key: str, value: Mapping[str, Any], version: int) -> Written | None:
        """See ``Coordination``."""
        text = msgspec.json.encode(value).decode()
        following = version + 1 if version else first_version()

        def statement(connection: sqlite3.Connection) -> Written | None:
            if version:
                done = connection.execute(_UPDATE, (text, following, key, version)).rowcount
            else:
                done = connection.execute(_INSERT, (key, text, following)).rowcount
            return Written(following, time.monotonic()) if done == 1 else None

        return await self._writer.run(statement)

    async def remove(self, key: str, version: int) -> bool:
        """See ``Coordination``."""
        return await self._writer.run(lambda connection: connection.execute(_REMOVE, (key, version)).rowcount) == 1

    def beacon(self) -> tuple[str, int]:
        """All processes are on this machine."""
        return "127.0.0.1", 9

    async def close(self) -> None:
        """Close the file."""
        await self._writer.close()
        if not self._closed:
            self._closed = True
            self._reader.close()

    async def _rows(self, low: str, high: str) -> list[tuple[str, str, int]]:
        """On the event loop, a few microseconds; by the writer's thread when another process has the file for itself."""
        try:
            return self._reader.execute(_READ, (low, high)).fetchall()
        except sqlite3.Error:
            return await self._writer.run(lambda connection: connection.execute(_READ, (low, high)).fetchall())


def _note(row: tuple[str, str, int]) -> Note:
    return Note(msgspec.json.decode(row[1]), row[2])
