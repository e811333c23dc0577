"""Database URLs (issue: Settings)."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.store.mongo import MongoStore
from fairlead.store.open import open_store, sqlite_path
from fairlead.store.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///fairlead.db", "fairlead.db"),
        ("sqlite:///data/fairlead.db", "data/fairlead.db"),
        ("sqlite:////var/lib/fairlead.db", "/var/lib/fairlead.db"),
        ("sqlite:///with space %41.db", "with space %41.db"),
    ],
)
def test_three_slashes_are_relative_and_four_absolute(url: str, path: str) -> None:
    """The path is what follows the third slash, as written."""
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize("url", ["mongodb://h/d", "mongodb+srv://h/d"])
def test_mongodb_has_no_file(url: str) -> None:
    """A MongoDB URL names no file."""
    assert sqlite_path(url) is None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "must start with"),
        ("fairlead.db", "must start with"),
        ("postgres://u:hidden@h/d", "must start with"),
        ("sqlite://fairlead.db", "must start with"),
        ("sqlite://host/fairlead.db", "must start with"),
        ("SQLITE:///fairlead.db", "must start with"),
        ("sqlite:///", "names no file"),
        ("sqlite:////var/lib/", "names no file"),
        ("sqlite:///:memory:", "plain file"),
        ("sqlite:///fairlead.db?mode=ro", "plain file"),
        ("mongodb://", "cannot be used"),
        ("mongodb://u:hidden@h:notaport/d", "cannot be used"),
        ("mongodb://h/d?w=x&ssl=hidden", "cannot be used"),
    ],
)
def test_a_wrong_url_is_told_without_repeating_it(url: str, sentence: str) -> None:
    """A URL that cannot be used raises ``ValueError`` with a sentence; the sentence holds no part of it that may be secret."""
    with pytest.raises(ValueError, match=sentence) as failure:
        open_store(url)
    assert "hidden" not in str(failure.value)


async def test_the_url_decides_the_store(tmp_path: Path) -> None:
    """``sqlite:`` opens the file, ``mongodb:`` a client that dials later."""
    embedded = open_store(f"sqlite:///{tmp_path}/fairlead.db")
    assert isinstance(embedded, SqliteStore)
    assert embedded.path.exists()
    await embedded.close()
    server = open_store("mongodb://127.0.0.1:1/d")
    assert isinstance(server, MongoStore)
    await server.close()
