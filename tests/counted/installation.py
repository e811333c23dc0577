"""Several ``fairlead serve`` processes on one store, and imports through them over REST and over gRPC."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio

from tests.e2e.client import ApiError, GrpcClient, RestClient
from tests.e2e.processes import TOKEN, Place

READY = "fairlead is ready"
KEY = "counted:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEYS = {"FAIRLEAD_ENCRYPTION_KEYS": KEY, "FAIRLEAD_STATE_KEYS": KEY}
"""Processes without a common disk are told their keys; these protect nothing."""
PATH = "/{{record.flow}}/{{record.n}}"
WAYS = ("rest", "grpc")
GONE = (aiohttp.ClientError, grpc.aio.AioRpcError, ConnectionError, TimeoutError)


class Server:
    """One process and its clients. ``ends`` counts how the records of all its imports ended: ``200``, or the code of their error."""

    def __init__(self, place: Place, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.rest = RestClient(place.base, TOKEN, seconds=600.0)  # a paused process answers when it goes on
        self.grpc = GrpcClient(place.grpc, TOKEN)
        self.ends: Counter[str] = Counter()

    async def close(self) -> None:
        """Close the clients."""
        await self.rest.close()
        await self.grpc.close()

    def signal(self, number: signal.Signals) -> None:
        """Kill, pause or continue it."""
        self.process.send_signal(number)

    async def push(self, id: str, flow: str, numbers: Iterable[int], *, way: str = "rest") -> None:
        """Import records ``{flow, n}`` through a connection; raises what the client raises."""
        model = {"http": {"relativeURI": [PATH], "method": ["POST"]}}
        body = {"import": model, "data": [{"flow": flow, "n": number} for number in numbers]}
        client = self.rest if way == "rest" else self.grpc
        for result in await client.run_import(id, body):
            code = str(result["errors"][0]["code"]) if "errors" in result else str(result["statusCode"])
            self.ends[code] += 1

    async def keep_pushing(self, id: str, flow: str, size: int, over: asyncio.Event, *, way: str = "rest") -> None:
        """The same again and again, until it is over or the process has gone; calls that are refused are made again."""
        while not over.is_set():
            try:
                await self.push(id, flow, range(size), way=way)
            except ApiError as error:
                self.ends[f"call {error.code}"] += 1
                await asyncio.sleep(0.5)
            except GONE:
                self.ends["call gone"] += 1
                if self.process.returncode is not None:
                    return
                await asyncio.sleep(0.5)


class Installation:
    """Processes on one store."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers

    async def connect(self, base: str, level: int | None, *, notation: str = "http", **block: Any) -> str:
        """Store a connection; its id."""
        block |= {"concurrencyLevel": level} if level is not None else {}
        block |= {"authType": "custom"} if notation == "rest" else {}
        document = {"type": notation, "name": base, notation: {"baseURI": base, "mediaType": "json", **block}}
        return str((await self.servers[0].rest.create(document))["_id"])

    async def borrow(self, base: str, lender: str) -> str:
        """Store a connection that uses the lender's queue; its id."""
        block = {"baseURI": base, "mediaType": "json"}
        document = {"type": "http", "name": base, "_borrowConcurrencyFromConnectionId": lender, "http": block}
        return str((await self.servers[0].rest.create(document))["_id"])

    async def push(self, id: str, count: int) -> None:
        """``count`` records through all processes at once, over REST and over gRPC; flows are ``PROCESS-WAY``."""
        calls = [(number, server, way) for number, server in enumerate(self.servers) for way in WAYS]
        await asyncio.gather(
            *(
                server.push(id, f"{number}-{way}", range(turn, count, len(calls)), way=way)
                for turn, (number, server, way) in enumerate(calls)
            )
        )

    @property
    def ends(self) -> dict[str, int]:
        """How the records of all imports ended."""
        total: Counter[str] = Counter()
        for server in self.servers:
            total.update(server.ends)
        return dict(total)


def wire_uri() -> str:
    """The server that speaks MongoDB's protocol, if there is one (``tests/servers/with-mongo``)."""
    return os.environ.get("FAIRLEAD_TEST_MONGODB_URI", "")


@dataclass(frozen=True)
class Store:
    """Where stores are made: files in a folder, or databases of the server at ``uri``."""

    folder: Path
    uri: str = ""

    def fresh(self) -> str:
        """The address of an empty one."""
        name = f"counted_{uuid.uuid4().hex}"
        return f"{self.uri}/{name}" if self.uri else f"sqlite:///{self.folder / name}.db"

    @asynccontextmanager
    async def installation(self, processes: int) -> AsyncIterator[Installation]:
        """So many processes on a fresh one."""
        async with installation(self.folder, [self.fresh()] * processes) as installed:
            yield installed


@asynccontextmanager
async def installation(folder: Path, urls: Sequence[str]) -> AsyncIterator[Installation]:
    """One process for each address of the store."""
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        for url in urls:
            place = Place(folder, FAIRLEAD_DATABASE_URL=url, **KEYS)
            server = Server(place, await stack.enter_async_context(place.serve("serve", ready=READY)))
            stack.push_async_callback(server.close)
            servers.append(server)
        yield Installation(servers)
