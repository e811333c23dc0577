"""Opening the SQLite file: its schema, and connections to it (D9)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from fairlead.engine.ports import StoreUnavailable
from fairlead.store.filters import steps

BUSY_SECONDS: Final = 5.0
"""How long a statement waits for another process before ``StoreUnavailable``."""

_SCHEMA_VERSION: Final = 1
_OPEN_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.01

_INDEXED: Final = ("name", "externalId", "_connectionId", "_integrationId", "_borrowConcurrencyFromConnectionId")
"""Filters that pick few of many documents; an index holds only the documents that have the member."""


def member(path: str) -> str:
    """The SQL expression of a member of ``fields``; the very text that the indexes are made of, so that SQLite matches them."""
    inner = ".".join(f'"{step}"' for step in steps(path))
    return f"json_extract(fields, '$.{inner}')"


_SCHEMA: Final = (
    """CREATE TABLE documents (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        version INTEGER NOT NULL,
        runtime_version INTEGER NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        key TEXT,
        fields TEXT NOT NULL,
        secrets TEXT NOT NULL,
        runtime TEXT NOT NULL,
        PRIMARY KEY (kind, id)
    )""",
    "CREATE UNIQUE INDEX documents_by_key ON documents (kind, key) WHERE key IS NOT NULL",
    "CREATE INDEX documents_by_account ON documents (kind, account, id)",
    *(
        f"CREATE INDEX documents_by_{name} ON documents (kind, account, {member(name)}, id) WHERE {member(name)} IS NOT NULL"
        for name in _INDEXED
    ),
)


def unavailable(path: Path, error: Exception) -> StoreUnavailable:
    """What the service says when SQLite fails."""
    return StoreUnavailable(f"database {path}: {error}")


def prepare(path: Path, schema: Sequence[str] = _SCHEMA) -> None:
    """Make the file and its schema when they are not there; any number of processes may do so at once. The file is its owner's only.

    Raises ``StoreUnavailable``, also when the file is no database or was made by a newer fairlead.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"database {path} cannot be made: {error.strerror}") from None
    deadline = time.monotonic() + _OPEN_SECONDS
    while True:
        try:
            with closing(writer(path)) as connection:
                _make_schema(connection, path, schema)
            return
        except sqlite3.OperationalError as error:
            # The switch to WAL asks for the file alone and does not wait for others by itself.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise unavailable(path, error) from None
            time.sleep(_RETRY_SECONDS)
        except sqlite3.Error as error:
            raise unavailable(path, error) from None


def _make_schema(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    if _version(connection) != _SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) == 0:
            for statement in schema:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        connection.execute("COMMIT")
    if (found := _version(connection)) != _SCHEMA_VERSION:
        raise StoreUnavailable(
            f"database {path} has schema {found}, this build knows {_SCHEMA_VERSION}; use a newer fairlead"
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def writer(path: Path, synchronous: str = "FULL") -> sqlite3.Connection:
    """A connection that writes: WAL, and (``FULL``) a commit is on the disk when it returns."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def reader(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """A connection that cannot write."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
