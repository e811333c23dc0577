"""Renewing a rotating token with real processes on one SQLite file: once for all of them, and after one was killed in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.processes import Place
from tests.slow import slow

READY = "fairlead is ready"
IMPORT = {"import": {"http": {"relativeURI": ["/records"], "method": ["POST"]}}}


class Rotating:
    """An application with one good access token; a refresh token is good for one use, and a second use betrays somebody."""

    def __init__(self) -> None:
        self.number = 1
        self.refreshes = 0
        self.reused = 0
        self.stored = 0
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.answer.set()
        self.spends = True

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_route("*", "/{path:.*}", self._records)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.refreshes += 1
        good = form.get("refresh_token") == f"refresh-{self.number}"
        if good and self.spends:
            self.number += 1
        self.asked.set()
        await self.answer.wait()
        if not good:
            self.reused += 1
            return web.json_response({"error": "invalid_grant"}, status=400)
        tokens = {"access_token": f"access-{self.number}", "refresh_token": f"refresh-{self.number}"}
        return web.json_response(tokens)

    async def _records(self, request: web.Request) -> web.Response:
        await request.read()
        if request.headers.get("Authorization") != f"Bearer access-{self.number}":
            return web.json_response({"error": "expired"}, status=401)
        self.stored += request.path == "/records"
        return web.json_response({"id": 1})


@pytest.fixture
async def application() -> AsyncIterator[tuple[Rotating, str]]:
    """The application and where it is."""
    fake = Rotating()
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    fake.answer.set()
    await runner.cleanup()


def connection(base: str) -> dict[str, Any]:
    """An OAuth connection that was authorised; its access token is over."""
    oauth = {"authURI": f"{base}/authorize", "tokenURI": f"{base}/token", "clientId": "c", "clientSecret": "s3cr3t"}
    token = {"token": "access-0", "refreshToken": "refresh-1"}
    auth = {"type": "oauth", "oauth": oauth, "token": token}
    http = {"baseURI": base, "mediaType": "json", "auth": auth, "ping": {"relativeURI": "/me"}}
    return {"type": "http", "name": "rotating", "http": http}


async def created(place: Place, base: str) -> str:
    """The id of the stored connection."""
    status, stored = await place.post("/v1/connections", connection(base))
    assert status == 201, stored
    assert isinstance(stored, dict)
    return str(stored["_id"])


async def test_two_processes_refresh_once(application: tuple[Rotating, str], tmp_path: Path) -> None:
    """connections.md 3: 500 records each, at once, through two processes with an expired token: one token request, no record lost."""
    fake, base = application
    first, second = Place(tmp_path), Place(tmp_path)
    async with first.serve("serve", ready=READY), second.serve("serve", ready=READY):
        id = await created(first, base)
        body = {**IMPORT, "data": [{"n": n} for n in range(500)]}
        path = f"/v1/connections/{id}/import"
        answers = await asyncio.gather(first.post(path, body), second.post(path, body))
    for status, results in answers:
        assert status == 200
        assert isinstance(results, list)
        assert {result["statusCode"] for result in results} == {200}
    assert (fake.refreshes, fake.reused, fake.stored) == (1, 0, 1000)


@slow
@pytest.mark.parametrize("spent", [False, True], ids=["before the application spent the refresh token", "after"])
async def test_a_process_killed_while_renewing(application: tuple[Rotating, str], tmp_path: Path, spent: bool) -> None:
    """connections.md 3: kill -9 between request and commit. Another process waits for the intent to end, makes one more try, and the
    connection works or says that somebody has to authorise it; it never asks a second time."""
    fake, base = application
    fake.answer.clear()
    fake.spends = spent
    first, second = Place(tmp_path), Place(tmp_path)
    async with first.serve("serve", ready=READY) as doomed, second.serve("serve", ready=READY):
        id = await created(first, base)
        pinging = asyncio.create_task(first.get(f"/v1/connections/{id}/ping"))
        await asyncio.wait_for(fake.asked.wait(), 30)
        os.kill(doomed.pid, signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await pinging
        fake.answer.set()
        fake.spends = True
        # The intent of the dead process stands for 30 seconds: a ping with 30 seconds of its own ends by it or just after it.
        for _ in range(3):
            status, answer = await asyncio.wait_for(second.get(f"/v1/connections/{id}/ping"), 40)
            if status == 422 or (isinstance(answer, dict) and answer.get("code") != 504):
                break
        if spent:
            assert isinstance(answer, dict)
            assert answer["code"] == 401
            status, answer = await second.get(f"/v1/connections/{id}/ping")
            assert isinstance(answer, dict)
            assert (status, answer["errors"][0]["code"]) == (422, "needs_authorization")
            assert fake.refreshes == 2
        else:
            assert (status, answer) == (200, {"code": 200})
            assert (fake.refreshes, fake.reused) == (2, 0)
