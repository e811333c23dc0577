"""``fairlead export run``: pull records as NDJSON, page by page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fairlead.cli.client import DEFAULT_URL, Client, TokenFile, Url
from fairlead.cli.connection import open_client
from fairlead.cli.files import read_document, write_line

app = typer.Typer(no_args_is_help=True, help="Exports: pull records out of an application.")


class Total(msgspec.Struct):
    """The part of a state that a progress bar looks at; the rest travels back as it came."""

    totalRecords: int | None = None
    done: bool = False


class PageAnswer(msgspec.Struct):
    """An answer of ``/export/pages``: records and state stay raw."""

    data: list[msgspec.Raw]
    pagedExportState: msgspec.Raw = msgspec.Raw()  # empty: none; a union with None cannot stay raw


@app.command()
def run(
    connection: Annotated[str, typer.Option("--connection", help="The connection's _id.")],
    export: Annotated[Path, typer.Option("--export", help="JSON file with the export model; - reads stdin.")],
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Pull every record through a connection: one JSON record a line on stdout, progress on stderr.

    Example: fairlead export run --connection 65a4f1c2d3e4b5a697887766 --export orders.json > orders.ndjson
    """
    model = read_document(export)
    asyncio.run(_run(open_client(url, token_file), connection, model))


async def _run(client: Client, connection: str, model: msgspec.Raw) -> None:
    path = f"/v1/connections/{quote(connection, safe='')}/export/pages"
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeElapsedColumn(),
    )
    state: msgspec.Raw | None = None
    count = 0
    async with client:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("pulling", total=None)
            while True:
                body = {"export": model} if state is None else {"export": model, "pagedExportState": state}
                answer = msgspec.json.decode(
                    await client.call("POST", path, msgspec.json.encode(body)), type=PageAnswer
                )
                for record in answer.data:
                    write_line(bytes(record))
                count += len(answer.data)
                state = answer.pagedExportState
                known = msgspec.json.decode(state, type=Total) if bytes(state) else Total(done=True)
                progress.update(task, completed=count, total=count if known.done else known.totalRecords)
                if known.done:
                    return
