"""Which store a database URL means (issue: Settings, ``FAIRLEAD_DATABASE_URL``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fairlead.engine.ports import Store
from fairlead.store.mongo import MongoStore
from fairlead.store.sqlite import SqliteStore

_SQLITE: Final = "sqlite:///"
_MONGODB: Final = ("mongodb://", "mongodb+srv://")


def sqlite_path(url: str) -> Path | None:
    """The file of a ``sqlite:`` URL: ``sqlite:///fairlead.db`` is relative, ``sqlite:////var/lib/fairlead.db`` absolute; nothing for
    MongoDB. Raises ``ValueError`` for any other URL; the message does not repeat it, it may hold a password."""
    if url.startswith(_MONGODB):
        return None
    path = url.removeprefix(_SQLITE)
    if path == url:
        raise ValueError("the database URL must start with sqlite:///, mongodb:// or mongodb+srv://")
    if not path or path.endswith("/"):
        raise ValueError(f"the database URL names no file; expected {_SQLITE}PATH")
    if path == ":memory:" or "?" in path:
        raise ValueError("the database URL must name a plain file: no :memory: and no options after a question mark")
    return Path(path)


def open_store(url: str) -> Store:
    """The store of that URL. SQLite's file is opened, and made, at once; MongoDB is dialled by the first call (``ping``).

    Raises ``ValueError`` for a URL that cannot be used and ``StoreUnavailable`` for a file that cannot.
    """
    path = sqlite_path(url)
    return MongoStore.connect(url) if path is None else SqliteStore(path)
