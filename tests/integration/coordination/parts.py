"""Replicas as processes, and an application that counts on its own side."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).with_name("worker.py")
PYTHONPATH = os.pathsep.join(str(ROOT / part) for part in ("protos", "service", "gateway", "cli", "."))


@dataclass
class Seen:
    """What the application saw of one pool. Times are seconds of its own clock."""

    in_flight: int = 0
    most: int = 0
    starts: list[tuple[float, str]] = field(default_factory=list)
    ends: list[tuple[float, str]] = field(default_factory=list)

    @property
    def gaps(self) -> list[float]:
        """Seconds from each end to the next start, at level 1."""
        return [start - end for (end, _), (start, _) in zip(self.ends, self.starts[1:], strict=False)]


class Application:
    """Lines ``POOL NAME MILLISECONDS`` are requests; it works on each to the end, also when its client has gone."""

    def __init__(self) -> None:
        self.pools: dict[str, Seen] = defaultdict(Seen)
        self.answer: Callable[[str, str], str] = lambda _pool, _name: "good"
        self.address = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = "127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while line := (await reader.readline()).decode():
                    pool, name, ms = line.split()
                    seen = self.pools[pool]
                    seen.in_flight += 1
                    seen.most = max(seen.most, seen.in_flight)
                    seen.starts.append((time.monotonic(), name))
                    answer = self.answer(pool, name)
                    await asyncio.sleep(float(ms) / 1000)
                    seen.in_flight -= 1
                    seen.ends.append((time.monotonic(), name))
                    writer.write(f"{answer}\n".encode())
        finally:
            writer.close()


class Proxy:
    """A wire to the store that can be slow (``delay``: seconds each way), or cut: then nothing passes and nobody is told."""

    def __init__(self, target: str, delay: float = 0.0) -> None:
        self.host, _, self.port = target.partition(":")
        self.delay = delay
        self.address = ""
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = "127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._run(self._join(reader, writer))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self.host, int(self.port))
        self._run(self._pass(reader, server_writer))
        await self._pass(server_reader, writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way; what comes close together stays so."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._run(self._deliver(on_the_way, writer))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                on_the_way.put_nowait((time.monotonic() + self.delay, data))
        on_the_way.put_nowait((0.0, b""))

    async def _deliver(self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                due, data = await on_the_way.get()
                if not data:
                    break
                await asyncio.sleep(due - time.monotonic())
                await self._whole.wait()
                writer.write(data)
        finally:
            writer.close()


class Replica:
    """A worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._reader = asyncio.create_task(self._read())
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stopped: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(cls, url: str, application: Application) -> Replica:
        """Start one; it is registered in the store when this returns."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(WORKER), url, application.address,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": PYTHONPATH},
        )  # fmt: skip  # one argument a line says no more
        made = cls(process)
        await asyncio.wait_for(asyncio.shield(made.ready), 30)
        return made

    def call(self, do: str, **arguments: Any) -> asyncio.Future[Any]:
        """Ask it to do something; the result."""
        self._number += 1
        future = self._calls[self._number] = asyncio.get_running_loop().create_future()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": self._number, "do": do, "with": arguments}).encode() + b"\n")
        return future

    def signal(self, number: signal.Signals) -> None:
        """Kill, pause or continue it."""
        self.process.send_signal(number)

    async def stop(self) -> None:
        """Let it give everything back and end."""
        if self.process.returncode is None:
            with suppress(ConnectionError):
                self.call("stop")
                await asyncio.wait_for(asyncio.shield(self.stopped), 10)

    async def close(self) -> None:
        """Whatever state it is in."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reader
        for future in self._calls.values():
            future.cancel()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            said = json.loads(line)
            if "ready" in said:
                self.ready.set_result(said["ready"])
            elif "stopped" in said:
                self.stopped.set_result(True)
            else:
                self._calls.pop(said["id"]).set_result(said["result"])


async def soon(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes true within that time."""
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return condition()
