"""``fairlead connection watch``: what happens in a connection's pool, live (docs/limits.md, Watching)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.live import Live

from fairlead.cli.client import DEFAULT_URL, Client, Refused, TokenFile, Url
from fairlead.cli.connection import Id, open_client
from fairlead.cli.exits import UNREACHABLE, Stop
from fairlead.cli.files import write_line
from fairlead.cli.pool_line import Pool, away_line, pool_line

_TERMINAL_SECONDS: Final = 0.5
_PIPED_SECONDS: Final = 1.0
_PATIENCE: Final = 5.0
"""Seconds after which a service that says nothing counts as away."""

Look = tuple[bytes | None, str]
"""The pool as the service said it, or nothing and the reason."""


def watch(
    id: Id,
    interval: Annotated[
        float | None,
        typer.Option("--interval", min=0.1, max=3600, help="Seconds between two looks.", show_default="0.5, piped 1"),
    ] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="End after so many looks.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Watch what happens to the limits of a connection: requests in flight and waiting, the level, cool-down, requests per second.

    Numbers are those of all processes on the store, at most one second old. A terminal shows one line, rewritten in place; a pipe gets one
    line a look. Ctrl-C ends it with exit code 0. A service that goes away meanwhile is said on the line and asked again.

    Example: fairlead connection watch 65a4f1c2d3e4b5a697887766
    """
    terminal = Console(highlight=False)
    live = sys.stdout.isatty() and not terminal.is_dumb_terminal and not as_json
    seconds = interval or (_TERMINAL_SECONDS if sys.stdout.isatty() else _PIPED_SECONDS)
    with (
        suppress(KeyboardInterrupt),
        json_lines() if as_json else rewritten(terminal) if live else plain_lines() as show,
    ):
        asyncio.run(_watch(open_client(url, token_file), quote(id, safe=""), seconds, count, show))


async def _watch(client: Client, id: str, interval: float, count: int | None, show: Callable[[Look], None]) -> None:
    async with client:
        shown = 0
        async for look in _looks(client, f"/v1/connections/{id}/pool", interval):
            show(look)
            shown += 1
            if shown == count:
                return


async def _looks(client: Client, path: str, interval: float) -> AsyncIterator[Look]:
    """One look each ``interval`` seconds. Raises ``Stop`` when the first one fails, and when another try cannot help."""
    clock = asyncio.get_running_loop().time
    is_first = True
    while True:
        next_at = clock() + interval
        try:
            look: Look = await _asked(client, path), ""
        except Stop as stop:
            if is_first or not _passes(stop):
                raise
            look = None, stop.message
        yield look
        is_first = False
        await asyncio.sleep(max(0.0, next_at - clock()))


async def _asked(client: Client, path: str) -> bytes:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await client.call("GET", path)
    except TimeoutError:
        raise Stop(f"fairlead does not answer within {_PATIENCE:g} s", UNREACHABLE) from None


def _passes(stop: Stop) -> bool:
    """Whether it may be better in a while."""
    return stop.code == UNREACHABLE or (isinstance(stop, Refused) and (stop.status == 429 or stop.status >= 500))


@contextmanager
def json_lines() -> Iterator[Callable[[Look], None]]:
    """What the service said, a line each; ``{"away": REASON}`` when it said nothing."""

    def show(look: Look) -> None:
        said, reason = look
        write_line(said if said is not None else json.dumps({"away": reason}).encode())
        sys.stdout.flush()

    yield show


@contextmanager
def plain_lines() -> Iterator[Callable[[Look], None]]:
    """Text without colours, a line each."""

    def show(look: Look) -> None:
        said, reason = look
        now = datetime.now().astimezone()
        line = pool_line(_read(said), now) if said is not None else away_line(reason, now)
        write_line(line.plain.encode())
        sys.stdout.flush()

    yield show


@contextmanager
def rewritten(terminal: Console) -> Iterator[Callable[[Look], None]]:
    """One line of the terminal; the last one stays."""
    away_since: float | None = None
    with Live(console=terminal, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:

        def show(look: Look) -> None:
            nonlocal away_since
            said, reason = look
            now = datetime.now().astimezone()
            if said is not None:
                away_since = None
                live.update(pool_line(_read(said), now, with_bar=True), refresh=True)
                return
            away_since = away_since or time.monotonic()
            live.update(away_line(reason, now, timedelta(seconds=time.monotonic() - away_since)), refresh=True)

        yield show


def _read(said: bytes) -> Pool:
    return msgspec.json.decode(said, type=Pool)
