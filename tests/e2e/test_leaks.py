"""No secret leaves: after every way of signing in, with right and wrong credentials and an application that quotes what it was sent, none
is found in the database, the log, any answer, the metrics or the arguments of the process; plain, URL-encoded or in Base64."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from tests.e2e.client import ApiClient, ApiError, GrpcClient, RestClient
from tests.e2e.processes import COMMAND, TOKEN, Place
from tests.e2e.sign_in.application import SignInApplication, serving
from tests.e2e.sign_in.way import Asked, Way
from tests.e2e.sign_in.ways import WAYS, connection, exists_in_rest
from tests.e2e.test_sign_in import export, importing

HEAD = 8
"""Characters by which a place is found before it is looked at closely."""
SHORTEST = 16
LONGEST = 32
"""The last characters of a secret are what is looked for: they are random, and look alike wherever the rest is escaped."""


def needles(secret: str) -> Iterator[bytes]:
    """Forms of a secret that would give it away."""
    part = secret.rstrip("=")[-LONGEST:].encode()
    assert len(part) >= SHORTEST, "too short to be told from other text"
    yield part
    yield quote(part, safe="").encode()
    yield json.dumps(part.decode())[1:-1].replace("/", "\\/").encode()
    yield part.hex().encode()
    for shift, start in ((0, 0), (1, 2), (2, 3)):
        # At each alignment the characters that depend on the secret alone.
        text = base64.b64encode(b"\0" * shift + part).rstrip(b"=")
        core = text[start : len(text) - 1]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")
        yield quote(core, safe="").encode()


def found(secrets: dict[str, str], places: dict[str, bytes]) -> list[str]:
    """Which secret is in which place."""
    heads: dict[bytes, list[tuple[bytes, str]]] = {}
    for secret, what in secrets.items():
        for needle in set(needles(secret)):
            heads.setdefault(needle[:HEAD], []).append((needle, what))
    leaks = set()
    for place, content in places.items():
        for at in range(len(content) - HEAD + 1):
            for needle, what in heads.get(content[at : at + HEAD], ()):
                if content.startswith(needle, at):
                    leaks.add(f"{what} in {place}: ...{content[max(0, at - 120) : at]!r}")
    return sorted(leaks)


SECRET = "not-here:?/" + "Zm9v+bar/kk"


@pytest.mark.parametrize(
    "written",
    [
        SECRET.encode(),
        quote(SECRET, safe="").encode(),
        json.dumps({"a": SECRET}).replace("/", "\\/").encode(),
        SECRET.encode().hex().encode(),
        *(base64.b64encode(b"abc"[:n] + SECRET.encode() + b"tail") for n in range(3)),
        *(base64.urlsafe_b64encode(b"abc"[:n] + SECRET.encode()) for n in range(3)),
        quote(base64.b64encode(b"u:" + SECRET.encode()), safe="").encode(),
    ],
)
def test_the_scan_finds_what_is_there(written: bytes) -> None:
    """Plain, URL-encoded, in JSON, hexadecimal, in Base64 at every alignment; and nothing where nothing is."""
    assert found({SECRET: "it"}, {"file": b"before" + written + b"after"})
    assert not found({SECRET: "it"}, {"file": written[: len(written) // 2]})


class Recorded(RestClient):
    """Keeps everything that the service answers."""

    def __init__(self, base: str, token: str) -> None:
        super().__init__(base, token)
        self.answers: list[bytes] = []

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, Any, bytes]:
        status, headers, content = await super().raw(method, path, **options)
        self.answers.append(f"{method} {path} {status} {dict(headers)}\n".encode() + content + b"\n")
        return status, headers, content


def read(path: Path) -> bytes:
    """What is in a file now; nothing when there is none."""
    return path.read_bytes() if path.exists() else b""


def database(folder: Path, when: str) -> dict[str, bytes]:
    """The files of the database."""
    return {f"{path.name} {when}": path.read_bytes() for path in folder.glob("process.db*")}


@asynccontextmanager
async def process(place: Place, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``fairlead serve`` with everything it says in ``log``."""
    with log.open("wb") as output:
        environment = {**place.environment, "FAIRLEAD_LOG_LEVEL": "debug"}
        running = await asyncio.create_subprocess_exec(*COMMAND, "serve", env=environment, stdout=output, stderr=output)
        try:
            async with asyncio.timeout(30):
                while b"fairlead is ready" not in read(log):
                    assert running.returncode is None, read(log)
                    await asyncio.sleep(0.02)  # another process has no event to wait for
            yield running
        finally:
            if running.returncode is None:
                running.kill()
            await running.wait()


async def use(api: ApiClient, fake: SignInApplication, way: Way, notation: str, *, right: bool) -> str:
    """Everything that a client does with a connection; the texts of the errors it met."""
    told = []
    document = connection(way, fake.base(way.name), right=right, notation=notation)
    stored = await api.create(document)
    id = stored["_id"]
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: api.ping(id),
        lambda: api.run_export(id, export(way)),
        lambda: api.run_import(id, importing(way)),
        lambda: api.update(id, {**stored, "name": "renamed"}),
        lambda: api.ping(id),
        lambda: api.get(id),
        lambda: api.ping_virtual(document),
    ]
    for call in calls:
        try:
            told.append(f"{await call()}")
        except ApiError as error:
            told.append(f"{error.status} {error.errors}")
    return "\n".join(told)


async def bad_documents(api: Recorded, fake: SignInApplication, way: Way) -> None:
    """Documents with secrets in them that are refused, each for another reason."""
    document = connection(way, fake.base(way.name))
    block = document["http"]
    for bad in (
        {**document, "http": {**block, "nosuchfield": json.dumps(block)}},
        {**document, "http": {**block, "auth": {**block["auth"], "type": block.get("encrypted") or json.dumps(block)}}},
        {**document, "http": {**block, "headers": [{"name": "X", "value": "{{nohelper " + json.dumps(block) + "}}"}]}},
        {**document, "http": {**block, "baseURI": json.dumps(block)}},
        {**document, "type": json.dumps(block)},
    ):
        await api.raw("POST", "/v1/connections", json=bad)
        await api.raw("POST", "/v1/connections/ping", json=bad)
    await api.raw(
        "POST", "/v1/connections", data=json.dumps(document)[:-1], headers={"Content-Type": "application/json"}
    )


async def quoting(asked: Asked) -> web.Response:
    """A token endpoint that refuses with everything that it was sent."""
    fields = "; ".join(f"{name}: {value}" for name, value in asked.every)
    text = f"{asked.target} {asked.body.decode(errors='replace')} {fields}"
    return web.json_response({"error": "invalid_request", "error_description": text}, status=400)


async def test_no_secret_is_found_anywhere(tmp_path: Path) -> None:
    """The issue: database files, log, answers, metrics, API document and process arguments, after every way of signing in."""
    place = Place(tmp_path)
    log = tmp_path / "log.txt"
    async with serving(WAYS) as fake, process(place, log) as running:
        fake.echo = True
        rest, channel = Recorded(place.base, TOKEN), GrpcClient(place.grpc, TOKEN)
        over_grpc = []
        try:
            for kind in WAYS:
                way = fake.ways[kind.name]
                for right in (True, False):
                    await use(rest, fake, way, "http", right=right)
                    if exists_in_rest(kind):
                        over_grpc.append(await use(channel, fake, way, "rest", right=right))
                fake.scripted = {f"{kind.name}/{name}": quoting for name in ("token", "login")}
                over_grpc.append(await use(channel, fake, way, "http", right=True))
                await use(rest, fake, way, "http", right=True)
                fake.scripted = {}
                await bad_documents(rest, fake, way)
            for path in ("/v1/connections", "/metrics", "/openapi.json", "/v1/tokenInfo"):
                await rest.raw("GET", path)
        finally:
            await rest.close()
            await channel.close()
        places = {**database(tmp_path, "while it runs"), "arguments": read(Path(f"/proc/{running.pid}/cmdline"))}
        os.kill(running.pid, signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 30) == 0
    places |= {**database(tmp_path, "at the end"), "log": read(log)}
    places |= {"REST": b"".join(rest.answers), "gRPC": "\n".join(over_grpc).encode()}
    vault = fake.vault
    secrets = {secret: what for secret, what in vault.known.items() if len(secret) >= SHORTEST}
    assert len(secrets) > 300
    assert len(vault.computed) > 100
    assert sum(map(len, places.values())) > 1_000_000
    assert len(places["log"].splitlines()) > 1000
    assert found({**secrets, TOKEN: "API token"}, places) == []
    assert found(vault.computed, places) == []
