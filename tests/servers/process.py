"""Servers of other people as child processes: found, started on a free port, polled until they answer, stopped with their children."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

REQUIRED: Final = "FAIRLEAD_TEST_REAL"
"""Set to ``required`` (``.ci/run``): a missing program is an error there, not a reason to skip."""
SEARCHED: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0


class NotReady(RuntimeError):
    """The server ended or did not answer in time; the message ends with what it wrote."""


def program(name: str) -> str | None:
    """The path of a program; servers of Debian packages sit where the search path of a user does not lead."""
    return shutil.which(name, path=SEARCHED)


def needs(present: bool, reason: str) -> pytest.MarkDecorator:
    """A mark that skips with a reason, or nothing where every part must be there. The reason says what is missing and what brings it."""
    return pytest.mark.skipif(not present and os.environ.get(REQUIRED) != "required", reason=reason)


def needs_program(name: str, package: str) -> pytest.MarkDecorator:
    """Skips without the program."""
    return needs(program(name) is not None, f"{name} is missing; `apt-get install {package}` brings it")


def command(name: str, *arguments: str | Path) -> list[str | Path]:
    """How to call a program that is there."""
    return [program(name) or name, *arguments]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(words: Sequence[str | Path], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """Run a command in a process group of its own until the block ends; ``log`` gets what it writes. Raises ``NotReady``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, log, ready)
        yield
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not ready() or process.poll() is not None:
        if process.poll() is not None or time.monotonic() > end:
            state = "did not answer in time" if process.returncode is None else f"ended with {process.returncode}"
            raise NotReady(f"{process.args!r} {state}:\n{log.read_text('utf-8', 'replace')[-4000:]}")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    _signal(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    _signal(process.pid, signal.SIGKILL)  # children that outlived it, too
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
