"""Connections, pings and imports with everything real but the wire and the clock: documents are read as the API reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.mappers import model_tree, resource_tree
from fairlead.auth.registry import strategy_for
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.contract.reader import read
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import FairleadError
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.domain.registry import Registry
from fairlead.engine.attempt import Attempts
from fairlead.engine.body import BodyReader
from fairlead.engine.connections import Connections
from fairlead.engine.imports import Imports
from fairlead.engine.ping import Ping, PingResult
from fairlead.engine.ports import Deadline, TransportProfile
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.renewal import Renewals
from fairlead.engine.resources import Stored
from fairlead.engine.run import Executor, RunStats
from fairlead.engine.runs import Runs
from fairlead.engine.secrets import SecretBox
from fairlead.executors.http.executor import HttpExecutor
from fairlead.limits.coordinator import StoreCoordinator
from fairlead.limits.pools import Pools
from fairlead.limits.retry_after import wait_seconds
from fairlead.mapping.compiler import MappingCompiler
from fairlead.mapping.expressions import ExpressionCompiler
from fairlead.paging.registry import paging_strategies
from fairlead.store.sqlite import SqliteStore
from fairlead.templates.compiler import TemplateCompiler
from fairlead.v1 import connection_pb2, import_model_pb2, options_pb2
from tests.unit.clock import ManualClock
from tests.unit.engine.exporting import BASE, KEYS, MINE, THEIRS, reply

__all__ = ["BASE", "KEYS", "MINE", "THEIRS", "USER", "reply"]

USER = "b" * 24
"""Who writes."""

Answers = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]


def fine(request: HttpRequest) -> HttpResponse:
    """An application that likes everything."""
    return reply({"id": 1})


class Application:
    """A transport that answers from a function and keeps what it was asked."""

    def __init__(self, answers: Answers = fine) -> None:
        self.answers = answers
        self.sent: list[HttpRequest] = []
        self.profiles: list[TransportProfile] = []
        self.reached: list[str] = []

    @property
    def lines(self) -> list[str]:
        """``POST /path body`` of each request."""
        return [
            f"{request.method} {request.url.removeprefix(BASE)} {(request.body or b'').decode()}".rstrip()
            for request in self.sent
        ]

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        """One answer, or the failure that the function raises."""
        self.sent.append(request)
        self.profiles.append(profile)
        answer = self.answers(request)
        return answer if isinstance(answer, HttpResponse) else await answer

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        """Connecting always works."""
        self.reached.append(url)

    async def close(self) -> None:
        """Nothing is open."""


class Service:
    """The use cases over one application and one SQLite file."""

    def __init__(self, store: SqliteStore, answers: Answers = fine, clock: ManualClock | None = None) -> None:
        self.store = store
        self.clock = clock or ManualClock()
        self.application = Application(answers)
        self.pools = Pools(self.clock, random=lambda: 0.0)
        self.box = SecretBox(KEYS)
        self.stats = RunStats()
        executors: Registry[Executor] = Registry("adaptor")
        templates = TemplateCompiler()
        executor = HttpExecutor(templates, codecs, paging_strategies)
        executors.add("http", executor)
        executors.add("rest", executor)

        async def refused(of: Prepared) -> None:
            if of.connection.stored:
                await self.connections.set_offline(of.connection.account, of.connection.id, True)

        self.renewals = Renewals(store, self.box, self.clock)
        self.attempts = Attempts(self.application, self.pools, self.clock, wait_seconds, self.renewals, refused)
        self.runs = Runs(self.attempts, self.clock, executors)
        self.preparer = Preparer(store, self.box, _reader_of, strategy_for, templates, self.clock)
        coordinator = StoreCoordinator(self.clock)
        self.connections = Connections(store, self.box, self.preparer, self.pools, self.clock, coordinator, executors)
        self.pings = Ping(self.preparer, self.connections, self.runs, self.clock)
        mappings = MappingCompiler(templates)
        self.imports = Imports(self.preparer, self.runs, mappings, ExpressionCompiler(templates, mappings))

    async def create(self, document: Any, *, account: AccountId = MINE) -> Stored:
        """POST of a connection."""
        return await self.connections.create(account, USER, connection_tree(document))

    async def put(self, id: str, document: Any, if_match: str | None = None, *, account: AccountId = MINE) -> Stored:
        """PUT of a connection."""
        tree = connection_tree(document, options_pb2.MODE_REPLACE)
        return await self.connections.replace(account, USER, id, tree, if_match)

    async def ping(self, id: str, timeout: float | None = None, *, explain: bool = False) -> PingResult:
        """Test a stored connection."""
        return await self.pings.stored(MINE, id, timeout, self.stats, explain=explain)

    async def ping_virtual(self, document: Any) -> PingResult:
        """Test a posted connection."""
        tree = connection_tree(document, options_pb2.MODE_VIRTUAL_CONNECTION)
        return await self.pings.virtual(MINE, tree, None, self.stats)

    async def run_import(self, id: str, model: Any, data: Any, **more: Any) -> list[dict[str, Any]]:
        """Results as REST shows them."""
        records = data if isinstance(data, bytes) else json.dumps(data).encode()
        results = await self.imports.execute(
            MINE, id, model_of(model), records, more.get("settings") or {}, more.get("timeout"), self.stats
        )
        return [shown(result) for result in results]

    async def map(self, id: str, model: Any, data: Any) -> Any:
        """Mapped records, decoded."""
        records = data if isinstance(data, bytes) else json.dumps(data).encode()
        return json.loads(await self.imports.map_records(MINE, id, model_of(model), records, {}))

    async def document(self, id: str) -> Document:
        """The stored document itself."""
        found = await self.store.get("connections", MINE, id)
        assert found is not None
        return found


@asynccontextmanager
async def serving(folder: Path, answers: Answers = fine, clock: ManualClock | None = None) -> AsyncIterator[Service]:
    """A service on the store of that folder."""
    store = SqliteStore(folder / "fairlead.db")
    try:
        yield Service(store, answers, clock)
    finally:
        await store.close()


def _reader_of(http: Any) -> BodyReader:
    words = (http.get("mediaType") or "json", http.get("successMediaType"), http.get("errorMediaType"))
    return BodyReader(codecs, codec_for_content_type, *words)


def connection_tree(document: Any, mode: int = options_pb2.MODE_CREATE) -> Tree:
    """A connection as the API hands it on."""
    return resource_tree(read(json.dumps(document).encode(), connection_pb2.Connection, mode).message)


def model_of(document: Any) -> Tree:
    """An import as the API hands it on."""
    body = json.dumps(document).encode()
    return model_tree(read(body, import_model_pb2.Import, options_pb2.MODE_VIRTUAL_MODEL).message)


def http(**block: Any) -> dict[str, Any]:
    """A connection in the notation ``http``."""
    return {"type": "http", "name": "c", "http": {"baseURI": BASE, "mediaType": "json", **block}}


def rest(**block: Any) -> dict[str, Any]:
    """A connection in the notation ``rest``."""
    return {"type": "rest", "name": "c", "rest": {"baseURI": BASE, "mediaType": "json", "authType": "custom", **block}}


def shown(result: Any) -> dict[str, Any]:
    """A result with the members of contract.md 4.4."""
    members = {
        "statusCode": result.status_code,
        "id": result.id,
        "_json": None if result.json is None else json.loads(result.json),
        "ignored": result.ignored or None,
        "errors": [dict(zip(("code", "message", "source"), e, strict=True)) for e in result.errors] or None,
        "dataURI": result.data_uri,
    }
    return {name: value for name, value in members.items() if value is not None}


async def refusal(call: Awaitable[Any], kind: type[FairleadError]) -> set[tuple[str, str | None]]:
    """Code and field of everything that a call is refused for."""
    with pytest.raises(kind) as error:
        await call
    return {(problem.code, problem.field) for problem in error.value.problems}
