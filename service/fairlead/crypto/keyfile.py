"""The key file beside a SQLite database: both key rings, made once, readable by its owner only (issue: Crypto)."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fairlead.crypto.key import KeyringError, generate_key_word
from fairlead.crypto.keyring import Keyring

ENCRYPTION_KEYS: Final = "FAIRLEAD_ENCRYPTION_KEYS"
STATE_KEYS: Final = "FAIRLEAD_STATE_KEYS"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(Exception):
    """The key file cannot be made, read or protected. The message says what to do; it never holds a key."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file holds. ``was_exposed``: others could read it until now; worth a warning, the keys may be known."""

    path: Path
    encryption: Keyring
    state: Keyring
    was_exposed: bool = False


def key_file_path(database: Path) -> Path:
    """Where the keys of a database lie: ``fairlead.db.keys`` beside ``fairlead.db``."""
    return database.with_name(database.name + ".keys")


def load_or_generate(path: Path) -> KeyFile:
    """Read the file; make it first when there is none. Any number of processes may do so at once: all end up with the same keys.

    A file that others can read is closed to them (mode 0600); when that fails it is refused. Raises ``KeyFileError``.
    """
    try:
        if not path.exists():
            _generate(path)
        with path.open("rb") as file:
            exposed = _protect(path, file.fileno())
            text = file.read().decode()
    except UnicodeDecodeError:
        raise KeyFileError(f"key file {path} is not text; restore it from a backup") from None
    except OSError as error:
        raise KeyFileError(
            f"key file {path} cannot be used: {error.strerror}; set {ENCRYPTION_KEYS} and {STATE_KEYS} to do without it"
        ) from None
    words = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return KeyFile(path, _keyring(path, words, ENCRYPTION_KEYS), _keyring(path, words, STATE_KEYS), exposed)


def _generate(path: Path) -> None:
    """Write the whole file under a name of its own, then link it: nobody sees half a file, and only one process' file stays."""
    text = (
        "# Keys of the fairlead database beside this file. Without them its secrets cannot be read: back them up apart from it.\n"
        f"{ENCRYPTION_KEYS}={generate_key_word()}\n"
        f"{STATE_KEYS}={generate_key_word()}\n"
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _protect(path: Path, descriptor: int) -> bool:
    """Close the file to everybody but its owner; true when it was open to others."""
    if not stat.S_IMODE(os.fstat(descriptor).st_mode) & _OTHERS:
        return False
    try:
        os.fchmod(descriptor, 0o600)
    except PermissionError:
        raise KeyFileError(f"key file {path} can be read by others; its owner must run: chmod 600 {path}") from None
    return True


def _keyring(path: Path, words: dict[str, str], name: str) -> Keyring:
    if name not in words:
        raise KeyFileError(f"key file {path} has no line {name}=...; restore it from a backup")
    try:
        return Keyring.parse(words[name])
    except KeyringError as error:
        raise KeyFileError(f"key file {path}, {name}: {error}") from None
