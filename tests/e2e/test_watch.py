"""Watching a connection's pool: over REST, over REST through a channel, over gRPC, and ``fairlead connection watch`` (docs/limits.md)."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fairlead.bootstrap import Running
from fairlead.engine.accounts import Accounts
from fairlead.engine.tokens import Tokens
from fairlead.transport.clock import SystemClock
from tests.e2e.application import Handler
from tests.e2e.client import ApiClient, ApiError, RestClient
from tests.e2e.conftest import Served
from tests.e2e.processes import COMMAND, Place

READY = "fairlead is ready"
IDLE = {"inFlight": 0, "waiting": 0, "requestsPerSecond": 0.0, "refused": 0, "processes": 0}


def connection(url: str, name: str = "Shop", **more: Any) -> dict[str, Any]:
    """A connection whose ping is held by the fake application."""
    block = {"baseURI": url, "mediaType": "json", "ping": {"relativeURI": "/hang"}, **more}
    return {"type": "http", "name": name, "http": block}


class Gate:
    """An application that holds its requests, then answers each as it is told."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.refusing = asyncio.Event()
        self.in_flight = 0

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.in_flight += 1
        opened, refusing = asyncio.ensure_future(self.opened.wait()), asyncio.ensure_future(self.refusing.wait())
        try:
            await asyncio.wait((opened, refusing), return_when=asyncio.FIRST_COMPLETED)
            if self.opened.is_set():
                return web.json_response({"id": 1})
            return web.json_response({}, status=429, headers={"Retry-After": "4"})
        finally:
            self.in_flight -= 1
            opened.cancel()
            refusing.cancel()


async def test_a_pool_is_told_with_its_settings(api: ApiClient, application: Served) -> None:
    """Level, pause and zeros of a connection that nobody uses; level is not there in burst mode; with automatic recovery it is the target."""
    paced = connection(application.url, concurrencyLevel=1, rateLimit={"limit": 500})
    id = (await api.create(paced))["_id"]
    pool = await api.pool(id)
    at = datetime.fromisoformat(pool.pop("at"))
    assert 0 <= time.time() - at.timestamp() < 2
    assert pool == {"_id": id, "name": "Shop", "level": 1, "effectiveLevel": 1, "pauseMs": 500.0, **IDLE}
    burst = (await api.create(connection(application.url, "Open")))["_id"]
    pool = await api.pool(burst)
    del pool["at"]
    assert pool == {"_id": burst, "name": "Open", **IDLE}
    recovering = connection(application.url, concurrencyLevel=4, targetConcurrencyLevel=10)
    id = (await api.create({**recovering, "autoRecoverRateLimitErrors": True}))["_id"]
    pool = await api.pool(id)
    assert (pool["effectiveLevel"], pool["level"]) == (4, 10)


async def test_requests_are_counted_and_a_borrower_shows_the_pool_of_its_lender(
    api: ApiClient, application: Served
) -> None:
    """connections.md 8.3: three pings through lender and borrower at level 2."""
    lender = (await api.create(connection(application.url, concurrencyLevel=2)))["_id"]
    document = connection(application.url, "Orders", concurrencyLevel=9)
    borrower = (await api.create({**document, "_borrowConcurrencyFromConnectionId": lender}))["_id"]
    pings = [asyncio.create_task(api.ping(each)) for each in (lender, borrower, borrower)]
    await application.application.asked.wait()
    own, borrowed = await api.pool(lender), await api.pool(borrower)
    for pool in (own, borrowed):
        assert (pool["inFlight"], pool["waiting"], pool["level"], pool["processes"]) == (2, 1, 2, 1)
    assert (borrowed["_borrowConcurrencyFromConnectionId"], borrowed["lenderName"]) == (lender, "Shop")
    assert (borrowed["_id"], borrowed["name"]) == (borrower, "Orders")
    assert "_borrowConcurrencyFromConnectionId" not in own
    application.application.hold.set()
    await asyncio.gather(*pings)


async def test_only_connections_of_the_own_account_can_be_watched(
    api: ApiClient, rest: RestClient, running: Running, application: Served
) -> None:
    """404 for one that is not there, of another account, or not stored; 401 without a token."""
    for id in ("0" * 24, "virtual:0"):
        with pytest.raises(ApiError) as error:
            await api.pool(id)
        assert (error.value.status, error.value.code) == (404, "not_found")
    id = (await api.create(connection(application.url)))["_id"]
    async with aiohttp.ClientSession() as nobody, nobody.get(f"{rest.base}/v1/connections/{id}/pool") as answer:
        assert answer.status == 401
    clock = SystemClock()
    other = await Accounts(running.store, clock).create("other", "o@example.test")
    headers = {"Authorization": f"Bearer {await Tokens(running.store, clock).create(other.id, 'other')}"}
    status, _, body = await rest.raw("GET", f"/v1/connections/{id}/pool", headers=headers)
    assert (status, json.loads(body)["errors"][0]["code"]) == (404, "not_found")


class Watcher:
    """``fairlead connection watch`` while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, wanted: Callable[[str], object], seconds: float = 20) -> str:
        """The next line that is as wanted."""
        assert self.process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while line := (await self.process.stdout.readline()).decode().rstrip("\n"):
                    self.lines.append(line)
                    if wanted(line):
                        return line
        raise AssertionError(f"not within {seconds} s: {self.lines}")

    async def interrupted(self) -> tuple[int, bytes]:
        """Exit code and stderr after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(self.process.communicate(), 20)
        return self.process.returncode or 0, err


@asynccontextmanager
async def watching(place: Place, *arguments: str) -> AsyncIterator[Watcher]:
    """The command, its lines piped."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("connection", "watch", *arguments),
        env=place.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Watcher(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def stored(place: Place, document: dict[str, Any]) -> str:
    """The id of a new connection."""
    status, answer = await place.post("/v1/connections", document)
    assert (status, isinstance(answer, dict)) == (201, True)
    assert isinstance(answer, dict)
    return str(answer["_id"])


async def test_a_run_of_another_process_is_watched(
    tmp_path: Path, serve: Callable[[str, Handler], Awaitable[str]]
) -> None:
    """Two processes on one SQLite file: a run in the first, seen through the second: in flight 5, waiting, cooling down with its seconds,
    then nothing; and never more than 5."""
    gate = Gate()
    url = await serve("/customers", gate.handle)
    one, two = Place(tmp_path), Place(tmp_path)
    async with one.serve("serve", ready=READY), two.serve("serve", ready=READY):
        id = await stored(one, connection(url, concurrencyLevel=5, ping={"relativeURI": "/customers"}))
        model = {"http": {"relativeURI": ["/customers"], "method": ["POST"], "body": []}}
        body = {"import": model, "data": [{"n": number} for number in range(12)]}
        async with watching(two, id, "--json", "--interval", "0.2") as exact, watching(two, id) as shown:
            assert json.loads(await exact.line(bool))["inFlight"] == 0
            run, ping = [
                asyncio.create_task(call)
                for call in (one.post(f"/v1/connections/{id}/import", body), one.get(f"/v1/connections/{id}/ping"))
            ]
            pool = json.loads(await exact.line(lambda line: json.loads(line)["waiting"]))
            assert (pool["inFlight"], pool["level"], pool["effectiveLevel"], pool["processes"]) == (5, 5, 5, 1)
            assert await shown.line(lambda line: re.search(r"  in flight 5  waiting [1-9]\d*  level 5/5  ", line))
            gate.refusing.set()
            pool = json.loads(await exact.line(lambda line: json.loads(line).get("coolingMs")))
            gate.refusing.clear()
            assert 0 < pool["coolingMs"] <= 4000
            assert 0 < datetime.fromisoformat(pool["coolingUntil"]).timestamp() - time.time() <= 4
            line = await shown.line(lambda line: "cooling down" in line)
            found = re.search(r"cooling down until \d\d:\d\d:\d\d \(([1-4]) s\)  level 5/5  .*/s  refused [1-5]$", line)
            assert found, line
            gate.opened.set()
            (status, results), _ = await asyncio.gather(run, ping)
            assert (status, isinstance(results, list) and {each["statusCode"] for each in results}) == (200, {200})
            pool = json.loads(await exact.line(lambda line: '"inFlight":0,"waiting":0,' in line))
            assert "coolingMs" not in pool
            assert await shown.line(lambda line: "in flight 0  waiting 0  level 5/5  " in line)
            assert max(json.loads(line)["inFlight"] for line in exact.lines) == 5
            assert await exact.interrupted() == (0, b"")


async def test_how_the_command_ends(tmp_path: Path, application: Served) -> None:
    """0 after ``--count`` lines and after Ctrl-C; 3 for what cannot be watched; 4 when fairlead is away at the start; 2 for wrong words."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        id = await stored(place, connection(application.url, concurrencyLevel=5))
        borrower = await stored(
            place, {**connection(application.url, "Orders"), "_borrowConcurrencyFromConnectionId": id}
        )
        code, out, err = await place.run("connection", "watch", id, "--count", "2", "--interval", "0.1")
        assert (code, err, out.count(b"\n"), b"\x1b" in out) == (0, b"", 2, False)
        assert re.fullmatch(r"(\d\d:\d\d:\d\d  in flight 0  waiting 0  level 5/5  0.0/s  refused 0\n){2}", out.decode())
        code, out, _ = await place.run("connection", "watch", borrower, "--count", "1")
        assert (code, out.decode().endswith(f"level 5/5  0.0/s  refused 0  borrows from Shop {id}\n")) == (0, True)
        async with watching(place, id) as watcher:
            await watcher.line(bool)
            assert await watcher.interrupted() == (0, b"")
        code, out, err = await place.run("connection", "watch", "0" * 24)
        assert (code, out, b"not_found" in err) == (3, b"", True)
        place.environment["FAIRLEAD_TOKEN"] = "0" * 64
        code, out, err = await place.run("connection", "watch", id)
        assert (code, out, b"401: " in err) == (3, b"", True)
    code, out, err = await place.run("connection", "watch", id)
    assert (code, out, b"does not answer at" in err) == (4, b"", True)
    code, _, _ = await place.run("connection", "watch", id, "--interval", "0")
    assert code == 2


async def test_a_service_that_goes_away_is_told_and_asked_again(tmp_path: Path, application: Served) -> None:
    """On the line; when it is back the numbers are, too. A connection that is deleted meanwhile ends it."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        id = await stored(place, connection(application.url, concurrencyLevel=5))
        lines, objects = watching(place, id), watching(place, id, "--json")
        watcher, machine = await lines.__aenter__(), await objects.__aenter__()
        await asyncio.gather(watcher.line(bool), machine.line(bool))
    try:
        await watcher.line(lambda line: re.match(r"\d\d:\d\d:\d\d  fairlead does not answer at http://", line))
        assert "does not answer" in json.loads(await machine.line(lambda line: "away" in line))["away"]
        async with place.serve("serve", ready=READY):
            await asyncio.gather(
                watcher.line(lambda line: "in flight 0" in line), machine.line(lambda line: "inFlight" in line)
            )
            async with aiohttp.ClientSession(headers=place.headers) as session:
                await session.delete(f"{place.base}/v1/connections/{id}")
            _, err = await asyncio.wait_for(watcher.process.communicate(), 20)
            assert (watcher.process.returncode, b"not_found" in err) == (3, True)
    finally:
        await lines.__aexit__(None, None, None)
        await objects.__aexit__(None, None, None)


async def in_terminal(place: Place, id: str, **environment: str) -> tuple[int, str]:
    """Exit code, and everything that a terminal of 120 columns was sent until Ctrl-C was pressed after three looks."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("connection", "watch", id, "--interval", "0.1"),
        env={**place.environment, "TERM": "xterm-256color", "COLUMNS": "120", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(30):
            while seen.count(b"in flight") < 3:
                seen += await loop.run_in_executor(None, os.read, ours, 4096)
            process.send_signal(signal.SIGINT)
            await process.wait()
        os.set_blocking(ours, False)
        with suppress(OSError):
            seen += os.read(ours, 65536)
    finally:
        os.close(ours)
    return process.returncode or 0, seen.decode()


async def test_a_terminal_shows_one_line_that_is_rewritten(tmp_path: Path, application: Served) -> None:
    """With a bar, and with colours unless ``NO_COLOR`` is set; Ctrl-C leaves the last line and ends with 0."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        id = await stored(place, connection(application.url, concurrencyLevel=5))
        call = asyncio.create_task(place.get(f"/v1/connections/{id}/ping"))
        await application.application.asked.wait()
        coloured, plain = await in_terminal(place, id), await in_terminal(place, id, NO_COLOR="1")
        application.application.hold.set()
        await call
    code, seen = coloured
    assert (code, seen.count("\r\n"), "\r\x1b[2K" in seen) == (0, 1, True)
    assert "\x1b[32m█\x1b[0m░░░░ \x1b[32min flight 1\x1b[0m" in seen
    assert seen.rstrip().endswith("\x1b[?25h")  # the cursor is back
    code, seen = plain
    assert (code, "█░░░░ in flight 1  waiting 0  level 5/5  " in seen) == (0, True)
    assert not re.search(r"\x1b\[[0-9;]+m", seen)
