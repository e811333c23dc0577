"""What every server is asked: whether it takes the right credentials from fairlead and from curl, and refuses the wrong ones."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.client import ApiError, RestClient
from tests.servers.process import needs_program, program

needs_curl = needs_program("curl", "curl")
ORDERS = [{"id": 1}]


@dataclass(frozen=True)
class Curl:
    """How curl ended (0: with an answer), and what it was answered."""

    exit: int
    status: int
    body: str

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


async def curl(*arguments: str) -> Curl:
    """Ask as an independent client does."""
    process = await asyncio.create_subprocess_exec(
        program("curl") or "curl",
        *("--disable", "--silent", "--max-time", "20", "--noproxy", "*", "--write-out", "\n%{http_code}"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    return Curl(process.returncode or 0, int(status), body)


def connection(base: str, path: str, auth: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A connection in the notation ``http`` that is pinged at ``path``."""
    block = {"baseURI": base, "mediaType": "json", "ping": {"relativeURI": path}, **more}
    return {"type": "http", "name": "real", "http": block if auth is None else {**block, "auth": auth}}


async def accepted(rest: RestClient, document: dict[str, Any], path: str | None = None) -> str:
    """Ping, virtual ping and, with a path that answers orders, an export succeed and the connection is online; its id."""
    id = str((await rest.create(document))["_id"])
    assert await rest.ping(id) == {"code": 200}
    assert await rest.ping_virtual(document) == {"code": 200}
    if path is not None:
        assert await orders(rest, id, path) == ORDERS
    assert "offline" not in await rest.get(id)
    return id


async def refused(rest: RestClient, document: dict[str, Any], code: int = 401, *, path: str = "/") -> dict[str, Any]:
    """Ping and virtual ping tell that the credentials are wrong, the connection goes offline and runs nothing; the ping's error."""
    id = str((await rest.create(document))["_id"])
    answer = await rest.ping(id)
    assert (answer["code"], answer["errors"][0]["source"]) == (code, "connection")
    assert (await rest.ping_virtual(document))["code"] == code
    assert (await rest.get(id))["offline"] is True
    with pytest.raises(ApiError) as error:
        await orders(rest, id, path)
    assert error.value.code == "connection_offline"
    told: dict[str, Any] = answer["errors"][0]
    return told


async def orders(rest: RestClient, id: str, path: str) -> Any:
    """What an export finds at ``path``."""
    export = {"http": {"relativeURI": path, "response": {"resourcePath": "orders"}}}
    return (await rest.run_export(id, {"export": export}))["data"]
