"""``fairlead connection``: create, get, list, ping."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from fairlead.cli.client import DEFAULT_URL, Client, TokenFile, Url, read_token
from fairlead.cli.exits import FAILED
from fairlead.cli.explanation import explained
from fairlead.cli.files import read_document, write_line

app = typer.Typer(no_args_is_help=True, help="Connections: how to reach and sign in to an application.")
_PIPED_WIDTH: Final = 160
"""Columns of an explanation that no terminal shows."""
Id = Annotated[str, typer.Argument(help="The connection's _id.")]


def open_client(url: str, token_file: Path | None) -> Client:
    """A client for the given options."""
    return Client(url, read_token(token_file, os.environ.get("FAIRLEAD_TOKEN")))


async def _call(client: Client, method: str, path: str, body: bytes | None = None) -> bytes:
    async with client:
        return await client.call(method, path, body)


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="JSON document of the connection; - reads stdin.")],
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Store a connection and print the stored document, secrets masked.

    Example: fairlead connection create shop.json
    """
    body = bytes(read_document(file))
    write_line(asyncio.run(_call(open_client(url, token_file), "POST", "/v1/connections", body)))


@app.command()
def get(id: Id, url: Url = DEFAULT_URL, token_file: TokenFile = None) -> None:
    """Print one connection as JSON, secrets masked."""
    write_line(asyncio.run(_call(open_client(url, token_file), "GET", f"/v1/connections/{quote(id, safe='')}")))


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON array instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """List the connections of the account: the first 1,000 in order of creation."""
    content = asyncio.run(_call(open_client(url, token_file), "GET", "/v1/connections"))
    if as_json:
        write_line(content or b"[]")
        return
    table = Table("_id", "type", "name", "base URI", "offline")
    for entry in json.loads(content or b"[]"):
        block = entry.get(entry.get("type")) or {}
        offline = "yes" if entry.get("offline") else ""
        table.add_row(entry["_id"], entry.get("type"), entry.get("name"), block.get("baseURI"), offline)
    Console().print(table)


@app.command()
def ping(
    id: Id,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell why: each request, the rule that decided, the token, the times.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --explain: print the JSON answer.")] = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Test a connection. Prints the answer; exits 0 when the application is operational, 1 when it is not.

    Example: fairlead connection ping 65a4f1c2d3e4b5a697887766 && echo fine
    """
    path = f"/v1/connections/{quote(id, safe='')}/ping{'?explain=true' if explain else ''}"
    content = asyncio.run(_call(open_client(url, token_file), "GET", path))
    answer = json.loads(content)
    if explain and not as_json:
        terminal = Console()
        console = terminal if terminal.is_terminal else Console(width=_PIPED_WIDTH)
        console.print(explained(answer), highlight=False)
    else:
        write_line(content)
    if answer.get("errors"):
        raise typer.Exit(FAILED)
