"""The key file beside a SQLite database (issue: Crypto)."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.crypto import keyfile
from fairlead.crypto.keyfile import KeyFileError, key_file_path, load_or_generate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keys will be."""
    return tmp_path / "fairlead.db.keys"


def test_the_keys_lie_beside_the_database() -> None:
    """``fairlead.db`` has its keys in ``fairlead.db.keys``."""
    assert key_file_path(Path("data/fairlead.db")) == Path("data/fairlead.db.keys")


def test_keys_are_made_once(path: Path) -> None:
    """The first call makes two key rings in one file of mode 0600 and leaves nothing else behind; the next ones read them."""
    made = load_or_generate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]
    read = load_or_generate(path)
    assert (read.encryption.current, read.state.current) == (made.encryption.current, made.state.current)
    assert made.encryption.current.material != made.state.current.material
    assert not made.was_exposed
    assert not read.was_exposed


def test_the_file_can_be_turned_into_settings(path: Path) -> None:
    """Its lines are the two environment variables, so that an operator can move the keys out of the file; more keys may be added."""
    made = load_or_generate(path)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert [line.split("=")[0] for line in lines] == ["FAIRLEAD_ENCRYPTION_KEYS", "FAIRLEAD_STATE_KEYS"]
    path.write_text(f"{lines[0]},{lines[1].split('=', 1)[1]}\n{lines[1]}\n")
    assert load_or_generate(path).encryption.kids == (made.encryption.current.kid, made.state.current.kid)


def test_processes_that_start_together_have_the_same_keys(path: Path) -> None:
    """Four processes find no file in the same moment: all use the keys of the one file that stays."""
    script = (
        "import sys; from pathlib import Path; from fairlead.crypto.keyfile import load_or_generate\n"
        "sys.stdin.readline(); keys = load_or_generate(Path(sys.argv[1]))\n"
        "print(keys.encryption.current.kid, keys.state.current.kid)\n"
    )
    environment = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=60)[0] for process in processes}
    keys = load_or_generate(path)
    assert printed == {f"{keys.encryption.current.kid} {keys.state.current.kid}\n"}
    assert [*path.parent.iterdir()] == [path]


def test_who_comes_second_takes_the_first_ones_keys(path: Path) -> None:
    """A process whose file is finished too late drops it."""
    first = load_or_generate(path)
    keyfile._generate(path)
    assert load_or_generate(path).state.kids == first.state.kids
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_file_open_to_others_is_closed_and_told(path: Path, mode: int) -> None:
    """A file that others can read or write is used, closed to them, and reported: its keys may be known."""
    load_or_generate(path)
    path.chmod(mode)
    assert load_or_generate(path).was_exposed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_closed_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file is somebody else's and open, the start stops and says what its owner must run."""
    load_or_generate(path)
    path.chmod(0o644)

    def refuse(descriptor: int, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.fchmod", refuse)
    with pytest.raises(KeyFileError, match=r"its owner must run: chmod 600 .*fairlead\.db\.keys"):
        load_or_generate(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no line FAIRLEAD_ENCRYPTION_KEYS="),
        (b"FAIRLEAD_ENCRYPTION_KEYS=k:AAAA\n", "FAIRLEAD_ENCRYPTION_KEYS: key 1: the key of 'k' has 3 bytes"),
        (b"\xff\xfe", "is not text"),
    ],
)
def test_a_damaged_file_is_refused_not_replaced(path: Path, content: bytes, sentence: str) -> None:
    """New keys would make every stored secret unreadable: a damaged file stops the start and stays as it is."""
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=sentence):
        load_or_generate(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The message names the file and the way to do without it."""
    with pytest.raises(
        KeyFileError, match=r"missing/fairlead\.db\.keys cannot be used: No such file.*FAIRLEAD_ENCRYPTION_KEYS"
    ):
        load_or_generate(tmp_path / "missing" / "fairlead.db.keys")
