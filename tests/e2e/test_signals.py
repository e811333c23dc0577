"""SIGTERM and SIGINT to a process whose event loop is busy: the handlers of ``fairlead serve`` do not wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import pytest

from tests.e2e.processes import SOURCES

SOON = 10.0
"""Seconds in which the process must be gone."""
BUSY = """
import asyncio
from fairlead.cli.serve import _Signals

async def main():
    signals = _Signals()
    print("busy", flush=True)
    while True:
        pass

asyncio.run(main())
"""
"""The handlers, and an event loop that is never free."""


@pytest.mark.parametrize("count", [2, 3])
async def test_a_busy_event_loop_keeps_nobody(count: int) -> None:
    """The second signal ends the process after two seconds at most, a third without any wait. Exit code 1: nobody was answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BUSY,
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"busy\n"
        started = time.monotonic()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM)[:count]:
            process.send_signal(number)
            # Signals of one number that come at the same time are one; the handler of each has its own moment here.
            await asyncio.sleep(0.2)
        assert await asyncio.wait_for(process.wait(), SOON) == 1
        assert count == 2 or time.monotonic() - started < 2
        assert b"ended at once" in await process.stderr.read()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
