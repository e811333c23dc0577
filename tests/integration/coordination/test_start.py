"""Several processes that start at the same moment on an empty store."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.integration.coordination.parts import PYTHONPATH

STARTER = Path(__file__).with_name("starter.py")
PROCESSES = 4


@pytest.mark.parametrize("round", range(2))
async def test_they_make_one_of_everything(url: str, tmp_path: Path, round: int) -> None:
    """One key file, one bootstrap token, one default account, one schema; and each is a replica of its own."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            str(STARTER),
            url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
        )
        for _ in range(PROCESSES)
    ]
    pipes = [(process.stdin, process.stdout) for process in started]
    try:
        for _, out in pipes:
            assert out is not None
            await out.readline()
        for into, _ in pipes:
            assert into is not None
            into.write(b"\n")
        said = [json.loads(await out.readline()) for _, out in pipes if out is not None]
        assert len({tuple(each["tokens"]) for each in said}) == 1
        assert len(said[0]["tokens"]) == 1
        assert len({each["account"] for each in said}) == 1
        assert len({each["replica"] for each in said}) == PROCESSES
        if url.startswith("sqlite"):
            names = {*os.listdir(tmp_path)}
            assert {"fairlead.db", "fairlead.db.keys", "fairlead.db-coordination"} <= names
            assert not [name for name in names if name.startswith(".")]
    finally:
        for process in started:
            if process.returncode is None:
                await process.communicate(b"\n")
    assert [process.returncode for process in started] == [0] * PROCESSES
