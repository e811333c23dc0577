"""`fairlead connection authorize` with a service, a browser and an application that are processes and servers of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.oauth_application import OauthApplication, oauth_application, query_of
from tests.e2e.processes import COMMAND, Place

READY = "fairlead is ready"


@pytest.fixture
async def application() -> AsyncIterator[OauthApplication]:
    """The application to sign in to."""
    async with oauth_application() as fake:
        yield fake


async def created(place: Place, application: OauthApplication) -> str:
    """A connection that waits for somebody."""
    status, stored = await place.post("/v1/connections", application.connection(pkceCodeChallengeMethod="s256"))
    assert status == 201
    assert isinstance(stored, dict)
    return str(stored["_id"])


@asynccontextmanager
async def authorizing(place: Place, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The command while it waits, and the URL that it printed."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("connection", "authorize", *arguments),
        env=place.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def browsed(url: str) -> tuple[int, str]:
    """Where a browser ends that follows every redirect."""
    async with aiohttp.ClientSession() as browser, browser.get(url) as answer:
        return answer.status, await answer.text()


async def test_somebody_signs_in_while_the_command_waits(tmp_path: Path, application: OauthApplication) -> None:
    """The URL alone on stdout at once; 0 and a sentence when the tokens are there; the same again for tokens that are there already.
    The application's redirect leads to the port that is really bound."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        id = await created(place, application)
        for _ in range(2):
            async with authorizing(place, id) as (process, url):
                assert query_of(url)["redirect_uri"] == f"{place.base}/connection/oauth2callback"
                status, html = await browsed(url)
                assert (status, "is authorised" in html) == (200, True)
                out, err = await asyncio.wait_for(process.communicate(), 30)
            assert (process.returncode, out) == (0, b"")
            assert b"The connection Orders is authorised" in err
        assert await place.get(f"/v1/connections/{id}/ping") == (200, {"code": 200})


async def test_what_ends_the_wait_without_tokens(tmp_path: Path, application: OauthApplication) -> None:
    """1 with the reason of the application, 1 when nobody came, 0 without waiting, 3 for what cannot be authorised."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        id = await created(place, application)
        async with authorizing(place, id) as (process, url):
            sent = query_of(url)
            refusal = (
                f"{sent['redirect_uri']}?error=access_denied&error_description=not%1B%5B2Jtoday&state={sent['state']}"
            )
            assert (await browsed(refusal))[0] == 400
            _, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 1
        assert "It said: access_denied: not [2Jtoday" in err.decode().replace("\n", "")
        code, out, err = await place.run("connection", "authorize", id, "--timeout", "1")
        assert (code, out.count(b"\n"), b"within 1 seconds" in err) == (1, 1, True)
        code, out, err = await place.run("connection", "authorize", id, "--no-wait")
        assert (code, err) == (0, b"")
        assert re.fullmatch(rb"http://127\.0\.0\.1:\d+/authorize\?\S+\n", out)
        code, _, err = await place.run("connection", "authorize", "d" * 24)
        assert (code, b"not_found" in err) == (3, True)


async def test_the_browser_of_this_machine_is_opened(tmp_path: Path, application: OauthApplication) -> None:
    """`--open` hands the URL to the browser that the environment names; without one a sentence says so."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    browser.chmod(0o755)
    place = Place(tmp_path, BROWSER=f"{browser} %s", PATH=str(tmp_path))
    async with place.serve("serve", ready=READY):
        id = await created(place, application)
        code, out, _ = await place.run("connection", "authorize", id, "--open", "--no-wait")
        assert (code, opened.read_text()) == (0, out.decode().strip())
        place.environment["BROWSER"] = str(tmp_path / "missing")
        code, _, err = await place.run("connection", "authorize", id, "--open", "--no-wait")
        assert (code, b"open the URL yourself" in err) == (0, True)
