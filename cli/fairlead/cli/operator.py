"""``fairlead account``, ``token`` and ``key``: open the database directly, also while a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from fairlead.bootstrap import Offices, open_offices
from fairlead.cli.environment import settings_or_stop
from fairlead.cli.exits import USAGE, Stop
from fairlead.crypto.key import generate_key_word
from fairlead.domain.dates import iso
from fairlead.domain.document import AccountId
from fairlead.domain.errors import FairleadError

T = TypeVar("T")
account_app = typer.Typer(no_args_is_help=True, help="Accounts: whose resources they are.")
token_app = typer.Typer(no_args_is_help=True, help="API tokens: 256 random bits, stored as a digest.")
key_app = typer.Typer(no_args_is_help=True, help="Keys for encryption and for page states.")
AccountOption = Annotated[
    str | None, typer.Option("--account", help="The account's id; without it the account `default` is meant.")
]


def _with_offices(work: Callable[[Offices], Awaitable[T]]) -> T:
    settings = settings_or_stop()

    async def run() -> T:
        async with open_offices(settings) as offices:
            return await work(offices)

    try:
        return asyncio.run(run())
    except FairleadError as error:
        raise Stop(str(error), USAGE) from None


async def _account(offices: Offices, id: str | None) -> AccountId:
    if id is None:
        return (await offices.accounts.ensure_default()).id
    for account in await offices.accounts.list():
        if account.id == id:
            return account.id
    raise Stop(f"--account {id}: there is no such account; `fairlead account list` shows them", USAGE)


@account_app.command("create")
def create_account(
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    email: Annotated[str, typer.Option("--email", help="Address of its owner.")],
) -> None:
    """Make an account and print its id."""
    typer.echo(_with_offices(lambda offices: offices.accounts.create(name, email)).id)


@account_app.command("list")
def list_accounts() -> None:
    """List all accounts."""
    table = Table("id", "name", "owner", "created")
    for account in _with_offices(lambda offices: offices.accounts.list()):
        table.add_row(account.id, account.name, account.owner_email, iso(account.created))
    Console().print(table)


@token_app.command("create")
def create_token(
    account: AccountOption = None,
    name: Annotated[str, typer.Option("--name", help="What the token is for.")] = "command line",
) -> None:
    """Make an API token with full access and print it. It is shown this once: the database holds its digest.

    Example: export FAIRLEAD_TOKEN=$(fairlead token create)
    """

    async def work(offices: Offices) -> str:
        return await offices.tokens.create(await _account(offices, account), name)

    typer.echo(_with_offices(work))


@token_app.command("list")
def list_tokens(account: AccountOption = None) -> None:
    """List the API tokens of an account; the tokens themselves are not shown."""
    table = Table("id", "name", "scope", "created")

    async def work(offices: Offices) -> None:
        for token in await offices.tokens.list(await _account(offices, account)):
            table.add_row(token.id, token.name, token.scope, iso(token.created))

    _with_offices(work)
    Console().print(table)


@token_app.command("revoke")
def revoke_token(
    id: Annotated[str, typer.Argument(help="Id of the token, as `fairlead token list` shows it.")],
    account: AccountOption = None,
) -> None:
    """Revoke an API token at once, also in servers that run."""

    async def work(offices: Offices) -> None:
        await offices.tokens.revoke(id, await _account(offices, account))

    _with_offices(work)
    typer.echo(f"revoked {id}", err=True)


@key_app.command("generate")
def generate_key(
    kid: Annotated[str | None, typer.Option("--id", help="Key id; random without it.")] = None,
) -> None:
    """Print one new key as a word for FAIRLEAD_ENCRYPTION_KEYS or FAIRLEAD_STATE_KEYS, and nothing else on stdout."""
    try:
        typer.echo(generate_key_word(kid))
    except ValueError as error:
        raise Stop(f"--id: {error}", USAGE) from None
