"""The export use cases with everything real but the store, the wire and the clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fairlead.auth.registry import strategy_for
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.crypto.key import Key
from fairlead.crypto.keyring import Keyring
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import (
    FairleadError,
)
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.domain.registry import Registry
from fairlead.domain.secret import Secret
from fairlead.engine.attempt import Attempts
from fairlead.engine.body import BodyReader
from fairlead.engine.export_plan import ExportPlanner
from fairlead.engine.exports import Exported, Exports
from fairlead.engine.page_cache import DEFAULT_BYTES, PageCache
from fairlead.engine.paged_state import PagedStates
from fairlead.engine.ports import Deadline, TransportProfile
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.preview import Preview
from fairlead.engine.renewal import Renewals
from fairlead.engine.run import Executor, RunStats
from fairlead.engine.runs import Runs
from fairlead.engine.secrets import SecretBox
from fairlead.executors.http.executor import HttpExecutor
from fairlead.limits.pools import Pools
from fairlead.limits.retry_after import wait_seconds
from fairlead.mapping.compiler import MappingCompiler
from fairlead.mapping.expressions import ExpressionCompiler
from fairlead.paging.registry import paging_strategies
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.clock import ManualClock

MINE, THEIRS = AccountId("5f0000000000000000000001"), AccountId("5f0000000000000000000002")
FIRST, SECOND, OFFLINE, REST, NETSUITE, SIGNED = (f"55414893{n:016d}" for n in range(6))
KEYS = Keyring([Key("k1", bytes(range(32)))])
BASE = "https://api.example.test"
HTTP = {"baseURI": BASE, "mediaType": "json"}
TOKEN = {"type": "token", "token": {"token": Secret("s3cr3t-t0k3n")}}

Answers = Callable[[HttpRequest, Mapping[str, str]], HttpResponse]


def reply(body: Any, status: int = 200) -> HttpResponse:
    """A JSON answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, Headers([("Content-Type", "application/json")]), content)


def seven_orders(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """``/orders?page=N``: seven orders, three a page, 404 behind the last."""
    page = int(query["page"])
    ids = range(1, 8)[3 * (page - 1) : 3 * page]
    return reply({"orders": [{"id": n} for n in ids], "total": 7}) if ids else reply({}, 404)


class Connections:
    """A store that holds the connections of the tests."""

    def __init__(self) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)

        def stored(id: str, fields: Tree, **runtime: Any) -> Document:
            return Document("connections", id, MINE, now, now, fields, runtime=runtime)

        self._documents = {
            FIRST: stored(FIRST, {"type": "http", "name": "first", "http": HTTP, "settings": b'{"region":"eu"}'}),
            SECOND: stored(SECOND, {"type": "http", "name": "second", "http": HTTP}),
            OFFLINE: stored(OFFLINE, {"type": "http", "name": "offline", "http": HTTP}, offline=True),
            REST: stored(REST, {"type": "rest", "name": "rest", "rest": HTTP}),
            SIGNED: stored(
                SIGNED, {"type": "http", "name": "signed", "http": {**HTTP, "auth": TOKEN, "concurrencyLevel": 1}}
            ),
            NETSUITE: stored(NETSUITE, {"type": "netsuite", "name": "ns", "netsuite": {}}),
        }

    def write(self, id: str) -> None:
        """The connection is stored anew: another version."""
        document = self._documents[id]
        self._documents[id] = replace(document, version=document.version + 1)

    async def get(self, kind: str, account: AccountId, id: str) -> Document | None:
        """The document, to its own account only."""
        document = self._documents.get(id)
        return document if document is not None and document.account == account else None


class Wire:
    """A transport that answers from a function and counts."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        """One answer."""
        url = urlsplit(request.url)
        self.asked.append(f"{url.path}?{url.query}" if url.query else url.path)
        return self._answers(request, dict(parse_qsl(url.query)))

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        """Nobody calls this here."""

    async def close(self) -> None:
        """Nothing is open."""


class Service:
    """The use cases over one application."""

    def __init__(
        self, answers: Answers = seven_orders, clock: ManualClock | None = None, *, cache: int = DEFAULT_BYTES
    ) -> None:
        self.clock = clock or ManualClock()
        self.wire = Wire(answers)
        self.stats = RunStats()

        async def refused(of: Prepared) -> None:
            """The connection would go offline."""

        renewals = Renewals(Connections(), SecretBox(KEYS), self.clock)  # type: ignore[arg-type]  # nothing is renewed
        attempts = Attempts(
            self.wire, Pools(self.clock, random=lambda: 0.0), self.clock, wait_seconds, renewals, refused
        )
        executors: Registry[Executor] = Registry("adaptor")
        executor = HttpExecutor(TemplateCompiler(), codecs, paging_strategies)
        executors.add("http", executor)
        executors.add("rest", executor)

        def reader_of(http: Mapping[str, Any]) -> BodyReader:
            return BodyReader(codecs, codec_for_content_type, http.get("mediaType") or "json")

        self.store = Connections()
        self.preparer = preparer = Preparer(
            self.store,  # type: ignore[arg-type]  # reads only
            SecretBox(KEYS),
            reader_of,
            strategy_for,
            TemplateCompiler(),
            self.clock,
        )
        self.cache = PageCache(self.clock, cache)
        runs = Runs(attempts, self.clock, executors)
        mappings = MappingCompiler(TemplateCompiler())
        planner = ExportPlanner(runs, mappings, ExpressionCompiler(TemplateCompiler(), mappings))
        self.preview = Preview(preparer, runs, planner, self.clock)
        self.exports = Exports(preparer, runs, PagedStates(KEYS, self.clock), planner, self.cache)

    async def execute(
        self,
        export: Tree,
        *,
        to: str = FIRST,
        account: AccountId = MINE,
        post: Tree | None = None,
        data: bytes | None = None,
    ) -> Exported:
        """All records."""
        return await self.exports.execute(account, to, export, post or {}, data, None, self.stats)

    async def page(
        self,
        export: Tree,
        state: Tree | None = None,
        *,
        to: str = FIRST,
        account: AccountId = MINE,
        post: Tree | None = None,
        data: bytes | None = None,
    ) -> Exported:
        """One page."""
        return await self.exports.page(account, to, export, state, post or {}, data, None, self.stats)


def orders(uri: str = "/orders?page={{export.http.paging.page}}", **more: Any) -> Tree:
    """The export of the worked example."""
    http = {"relativeURI": uri, "response": {"resourcePath": "orders"}, "paging": {"method": "page", "page": 1}}
    return {"http": {**http, **more.pop("http", {})}, **more}


def ids(result: Exported) -> list[int]:
    """Ids of the records."""
    return [json.loads(record)["id"] for record in result.records]


def state_of(result: Exported) -> Tree:
    """The state of an answer that has one."""
    assert result.state is not None
    return result.state


async def code_of(call: Any, kind: type[FairleadError]) -> tuple[str, str | None]:
    """Code and field of the first problem."""
    with pytest.raises(kind) as error:
        await call
    return error.value.problems[0].code, error.value.problems[0].field
