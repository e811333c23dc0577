"""Commands whose output nobody reads to the end: ``fairlead ... | head -1`` (README, The command line)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Served
from tests.e2e.processes import COMMAND, Place

READER_GONE = 141


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A service that runs."""
    made = Place(tmp_path)
    async with made.serve("serve", ready="fairlead is ready"):
        yield made


async def head(place: Place, *arguments: str, stdin: bytes = b"", read: bool = True) -> tuple[int, bytes, bytes]:
    """Exit code, first line, when it is ``read``, and stderr of a command whose stdout is closed after it."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=place.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(stdin)
    process.stdin.close()
    line = await asyncio.wait_for(process.stdout.readline(), 20) if read else b""
    process.stdout._transport.close()  # type: ignore[attr-defined]  # a stream that is read has no other way to close its end
    err = await asyncio.wait_for(process.stderr.read(), 20)
    return await process.wait(), line, err


async def connected(place: Place, application: Served) -> str:
    """A connection to the fake application."""
    block = {"baseURI": application.url, "mediaType": "json"}
    status, answer = await place.post("/v1/connections", {"type": "http", "name": "n", "http": block})
    assert status == 201
    assert isinstance(answer, dict)
    return str(answer["_id"])


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_watch(place: Place, application: Served, form: tuple[str, ...]) -> None:
    """A line is read, the next one ends it, without a word."""
    id = await connected(place, application)
    code, line, err = await head(place, "connection", "watch", id, "--interval", "0.1", *form)
    assert (code, err) == (READER_GONE, b"")
    assert line.endswith(b"\n")


async def test_short_output_that_nobody_reads(place: Place, application: Served) -> None:
    """It is written at the very end, and must not fail there either."""
    id = await connected(place, application)
    assert await head(place, "connection", "get", id, read=False) == (READER_GONE, b"", b"")


async def test_map(place: Place, tmp_path: Path) -> None:
    """Far more records than a pipe holds."""
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"fields": [{"extract": "a", "generate": "b"}]}))
    records = b'{"a":"%s"}\n' % (b"x" * 100) * 20_000
    code, line, err = await head(place, "map", "--mapping", str(mapping), stdin=records)
    assert (code, json.loads(line), err) == (READER_GONE, {"b": "x" * 100}, b"")


async def test_import(place: Place, application: Served, tmp_path: Path) -> None:
    """A bad outcome is no matter then: nobody has seen it."""
    id = await connected(place, application)
    file = tmp_path / "import.json"
    model: dict[str, Any] = {"http": {"relativeURI": ["/nowhere"], "method": ["POST"], "body": []}}
    file.write_text(json.dumps(model))
    arguments = ("import", "run", "--connection", id, "--import", str(file))
    code, _, err = await head(place, *arguments, stdin=b'{"a":1}\n' * 10, read=False)
    assert code == READER_GONE
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err
