"""``fairlead import run``: push records from NDJSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from fairlead.cli.client import DEFAULT_URL, Client, TokenFile, Url
from fairlead.cli.connection import open_client
from fairlead.cli.exits import FAILED
from fairlead.cli.files import read_document, read_records, write_line

app = typer.Typer(no_args_is_help=True, help="Imports: push records into an application.")


class Outcome(msgspec.Struct):
    """The part of a result that decides about the exit code."""

    statusCode: int


@app.command()
def run(
    connection: Annotated[str, typer.Option("--connection", help="The connection's _id.")],
    import_model: Annotated[Path, typer.Option("--import", help="JSON file with the import model.")],
    batch: Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Records per call of fairlead.")] = 1000,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Push the records of stdin (one JSON record a line) through a connection; one result a line on stdout, in the same order.

    Exits 1 when a record was not imported; the others are.

    Example: fairlead import run --connection 65a4f1c2d3e4b5a697887766 --import customers.json < customers.ndjson
    """
    model = read_document(import_model)
    if asyncio.run(_run(open_client(url, token_file), connection, model, batch)):
        raise typer.Exit(FAILED)


async def _run(client: Client, connection: str, model: msgspec.Raw, size: int) -> int:
    path = f"/v1/connections/{quote(connection, safe='')}/import"
    failed = sent = 0
    async with client:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("pushing", total=None)
            for records in _batches(size):
                body = msgspec.json.encode({"import": model, "data": records})
                for result in msgspec.json.decode(await client.call("POST", path, body), type=list[msgspec.Raw]):
                    failed += msgspec.json.decode(result, type=Outcome).statusCode != 200
                    write_line(bytes(result))
                sent += len(records)
                progress.update(task, completed=sent, description=f"pushing, {failed} failed")
            progress.update(task, total=sent)
    return failed


def _batches(size: int) -> Iterator[list[msgspec.Raw]]:
    records = read_records()
    while batch := list(islice(records, size)):
        yield batch
