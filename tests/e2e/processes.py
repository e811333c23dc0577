"""The `fairlead` command as a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("protos", "service", "gateway", "cli"))
COMMAND = (sys.executable, "-c", "from fairlead.cli.main import main; main()")
TOKEN = "fedcba9876543210" * 4


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place:
    """Addresses, database and environment of one installation."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.http = f"127.0.0.1:{free_port()}"
        self.grpc = f"127.0.0.1:{free_port()}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")}
        self.environment = {
            **clean,
            "PYTHONPATH": SOURCES,
            "FAIRLEAD_HTTP_ADDRESS": self.http,
            "FAIRLEAD_GRPC_ADDRESS": self.grpc,
            "FAIRLEAD_DATABASE_URL": f"sqlite:///{folder / 'process.db'}",
            "FAIRLEAD_BOOTSTRAP_TOKEN": TOKEN,
            "FAIRLEAD_EGRESS_ALLOW": "127.0.0.0/8",
            "FAIRLEAD_URL": f"http://{self.http}",
            "FAIRLEAD_TOKEN": TOKEN,
            **more,
        }
        self.base = f"http://{self.http}"
        self.headers = {"Authorization": f"Bearer {TOKEN}"}

    async def run(self, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        """Exit code, stdout and stderr of one command."""
        # The client commands read their address and token from the environment; the service refuses words that are not settings.
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin)
        return process.returncode or 0, out, re.sub(rb"\x1b\[[0-9;]*m", b"", err)

    @asynccontextmanager
    async def serve(self, *arguments: str, ready: str | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
        """A long-running command, ready to be asked; killed at the end if it still runs."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            env=self.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        seen = b""
        while ready is None or ready.encode() not in seen:
            line = await asyncio.wait_for(process.stderr.readline(), 30)
            assert line, f"ended before it was ready: {seen.decode()}"
            seen += line
            if ready is None:
                break
        drain = asyncio.create_task(process.stderr.read())
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await drain

    async def post(self, path: str, body: object) -> tuple[int, object]:
        """Status and decoded answer of a REST call."""
        async with (
            aiohttp.ClientSession(headers=self.headers) as session,
            session.post(self.base + path, json=body) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, object]:
        """The same for GET."""
        async with aiohttp.ClientSession(headers=self.headers) as session, session.get(self.base + path) as answer:
            return answer.status, await answer.json(content_type=None)
