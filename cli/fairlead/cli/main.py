"""Entry point of the ``fairlead`` command."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from fairlead.cli import authorize, connection, export, imports, map, operator, serve, watch
from fairlead.cli.exits import OK, READER_GONE, Stop


class _ReaderGone(Exception):
    """Nobody reads stdout any more."""


class _Commands(TyperGroup):
    """All commands, between which and ``run`` a closed pipe would be turned into exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """See ``TyperGroup``."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="fairlead: an open, self-hosted integration service.\n\n"
    "Exit codes: 0 done; 1 carried out with a bad outcome (ping failed, record refused); 2 wrong usage or setting; "
    "3 fairlead answered with an error; 4 fairlead does not answer; 141 whoever read the output has seen enough (| head).",
)
app.command("serve")(serve.serve)
app.command("gateway")(serve.gateway)
app.add_typer(operator.account_app, name="account")
app.add_typer(operator.token_app, name="token")
app.add_typer(operator.key_app, name="key")
connection.app.command("authorize")(authorize.authorize)
connection.app.command("watch")(watch.watch)
app.add_typer(connection.app, name="connection")
app.add_typer(export.app, name="export")
app.add_typer(imports.app, name="import")
app.command("map")(map.map_records)


def main() -> None:
    """Run the command; every expected failure is a sentence on stderr and an exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command line."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except (_ReaderGone, BrokenPipeError):
        # What is still buffered must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code


def _run(arguments: list[str]) -> int:
    try:
        app(arguments, prog_name="fairlead")
    except Stop as stop:
        Console(stderr=True).print(f"fairlead: {stop.message}", markup=False, highlight=False, soft_wrap=True)
        return stop.code
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else OK
    return OK
