"""A small REST client for the commands that talk to a running service."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import aiohttp
import typer

from fairlead.cli.exits import REFUSED, UNREACHABLE, USAGE, Stop

Url = Annotated[str, typer.Option("--url", envvar="FAIRLEAD_URL", help="Address of fairlead.", show_default=True)]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="File that holds the API token; without it FAIRLEAD_TOKEN counts.")
]
DEFAULT_URL = "http://127.0.0.1:8080"


def read_token(token_file: Path | None, environment: str | None) -> str:
    """The API token from the file, else from the environment; raises ``Stop``. Never taken from the command line, where other
    users of the machine could read it."""
    if token_file is not None:
        try:
            return token_file.read_text().strip()
        except OSError as error:
            raise Stop(f"--token-file {token_file}: {error.strerror}", USAGE) from None
    if not environment:
        raise Stop("no API token: set FAIRLEAD_TOKEN or give --token-file; `fairlead token create` makes one", USAGE)
    return environment.strip()


class Refused(Stop):
    """fairlead answered with an error of this status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, REFUSED)
        self.status = status


class Client:
    """Calls ``/v1`` with a bearer token; errors end the command with what the service said."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        headers = {"Authorization": f"Bearer {self._token}"}
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The answer's body; raises ``Refused`` for an error answer, ``Stop`` with UNREACHABLE for none."""
        if self._session is None:
            raise RuntimeError("used outside `async with`")
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._session.request(method, self._url + path, data=body, headers=headers) as answer:
                content = await answer.read()
                if answer.status >= 400:
                    raise Refused(_said(answer.status, content), answer.status)
                return content
        except aiohttp.InvalidURL:
            raise Stop(f"--url {self._url}: not a URL", USAGE) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Stop(
                f"fairlead does not answer at {self._url}: {error or type(error).__name__}", UNREACHABLE
            ) from None


def _said(status: int, content: bytes) -> str:
    try:
        body: Any = json.loads(content)
        if "errors" in body:
            return "\n".join(
                f"{error.get('code')}: {error.get('message')}" + (f" [{error['field']}]" if error.get("field") else "")
                for error in body["errors"]
            )
        return f"{status}: {body.get('message')}"
    except (ValueError, AttributeError, TypeError):
        return f"status {status}"
