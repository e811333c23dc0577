"""One replica of fairlead's limits in a process of its own, driven by lines of JSON: ``python worker.py DATABASE_URL HOST:PORT``.

Every line on stdin is a call with an ``id``; its result is a line on stdout with that ``id``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import structlog

from fairlead.domain.http import TransportFailure
from fairlead.engine.ports import Deadline, PoolSettings, StoreUnavailable, WaitTooLong
from fairlead.limits.coordinator import StoreCoordinator
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from fairlead.store.open import open_store
from fairlead.transport.clock import SystemClock


class Worker:
    """Sends requests to the application through pools, as the attempt loop does."""

    def __init__(self, url: str, application: str) -> None:
        self.clock = SystemClock()
        self.store = open_store(url)
        self.replica = Replica(self.store.coordination(), self.clock)
        self.pools = Pools(self.clock, cap=10_000, replica=self.replica)
        self.coordinator = StoreCoordinator(self.clock, self.replica)
        self.host, _, self.port = application.partition(":")
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, what: str) -> str:
        """One exchange with the application; a connection that is cut off by the caller is closed, not used again."""
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection(self.host, int(self.port))
        try:
            writer.write(f"{what}\n".encode())
            answer = (await reader.readline()).decode().strip()
        except BaseException:
            writer.close()
            raise
        self.free.append((reader, writer))
        return answer

    async def request(self, settings: PoolSettings, what: str, seconds: float) -> str:
        """One request until it is not rate limited: ``good``, or why not."""
        deadline = Deadline(self.clock.monotonic() + seconds)
        first = False
        try:
            while True:
                async with self.pools.slot(settings, deadline, first=first):
                    answer = await self.ask(what)
                if not answer.startswith("limited"):
                    self.pools.answered(settings)
                    return answer
                wait = answer.partition(" ")[2]
                self.pools.cool_down(settings, float(wait) if wait else None)
                first = True
        except (WaitTooLong, StoreUnavailable, TransportFailure) as error:
            return type(error).__name__

    async def run(
        self,
        pool: str,
        level: int | None,
        name: str,
        count: int,
        ms: float,
        pause: float = 0,
        seconds: float = 300,
        revision: int = 0,
    ) -> dict[str, int]:
        """``count`` requests at once; how many ended how."""
        settings = PoolSettings(pool, level, pause, revision)
        ends = await asyncio.gather(
            *(self.request(settings, f"{pool} {name}{number} {ms}", seconds) for number in range(count))
        )
        return {end: ends.count(end) for end in set(ends)}

    async def loop(self, pool: str, level: int | None, name: str, count: int, pause: float = 0, ms: float = 0) -> int:
        """``count`` requests, one after the other; how many were good."""
        settings = PoolSettings(pool, level, pause)
        ends = [await self.request(settings, f"{pool} {name}{number} {ms}", 300) for number in range(count)]
        return ends.count("good")

    async def once(self, key: str, name: str, ms: float) -> str:
        """Ask the application while nobody else holds the key."""
        async with self.coordinator.once(key):
            return await self.ask(f"{key} {name} {ms}")

    async def size(self, pool: str) -> int:
        """Waiting requests."""
        return await self.pools.size(pool)

    async def serve(self) -> None:
        """Until stdin ends."""
        await self.replica.start()
        print(json.dumps({"ready": os.getpid()}), flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        running: set[asyncio.Task[None]] = set()
        while line := await reader.readline():
            call = json.loads(line)
            if call["do"] == "stop":
                break
            task = asyncio.create_task(self._answer(call))
            running.add(task)
            task.add_done_callback(running.discard)
        await self.replica.close()
        await self.store.close()
        print(json.dumps({"stopped": True}), flush=True)

    async def _answer(self, call: dict[str, Any]) -> None:
        result = await getattr(self, call["do"])(**call.get("with", {}))
        print(json.dumps({"id": call["id"], "result": result}), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    asyncio.run(Worker(*sys.argv[1:]).serve())
