"""``fairlead connection authorize``: sign in to an OAuth 2.0 application in a browser."""

from __future__ import annotations

import asyncio
import webbrowser
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console

from fairlead.cli.client import DEFAULT_URL, Client, TokenFile, Url
from fairlead.cli.connection import Id, open_client
from fairlead.cli.exits import FAILED, Stop

_LOOK_SECONDS: Final = 0.5
"""Pause between two looks at how the authorisation stands."""

_MOST_SECONDS: Final = 600
"""An authorisation is good for ten minutes."""

console = Console(stderr=True, soft_wrap=True, highlight=False)


class Started(msgspec.Struct, rename={"url": "authorizationURL", "id": "_authorizationId"}):
    """Where the person goes, and what to watch."""

    url: str
    id: str


class Progress(msgspec.Struct):
    """How it stands."""

    status: str
    message: str = ""


def authorize(
    id: Id,
    open_: Annotated[bool, typer.Option("--open", help="Open the URL in this machine's browser.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the connection is authorised, or was refused.")] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, max=_MOST_SECONDS, help="How many seconds to wait.")
    ] = _MOST_SECONDS,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Sign in to an OAuth 2.0 application in a browser.

    Prints the URL at which a person authorises the connection, and nothing else on stdout. Exits 0 when the connection has its tokens, 1
    when the application refused or nobody came in time. The URL is good for ten minutes and for one answer.

    Example: fairlead connection authorize 65a4f1c2d3e4b5a697887766 --open
    """
    asyncio.run(_authorize(open_client(url, token_file), quote(id, safe=""), open_, timeout if wait else 0))


async def _authorize(client: Client, id: str, opens: bool, seconds: float) -> None:
    path = f"/v1/connections/{id}/oauth2"
    async with client:
        started = msgspec.json.decode(await client.call("GET", path), type=Started)
        typer.echo(started.url)
        if opens and not await asyncio.to_thread(webbrowser.open, started.url):
            console.print("no browser could be opened here: open the URL yourself")
        if not seconds:
            return
        with console.status("waiting for somebody to sign in and allow it"):
            try:
                async with asyncio.timeout(seconds):
                    progress = await _ended(client, f"{path}/{quote(started.id, safe='')}")
            except TimeoutError:
                raise Stop(f"nobody authorised the connection within {seconds:g} seconds", FAILED) from None
    if progress.status != "succeeded":
        raise Stop(progress.message, FAILED)
    console.print(progress.message, markup=False)


async def _ended(client: Client, path: str) -> Progress:
    while True:
        progress = msgspec.json.decode(await client.call("GET", path), type=Progress)
        if progress.status != "pending":
            return progress
        await asyncio.sleep(_LOOK_SECONDS)
