"""An application that plays a script, behind the real verdict: what it is asked and what it answers, line by line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.body import BodyReader
from fairlead.engine.ports import Answer, Deadline
from fairlead.engine.prepare import connection_of
from fairlead.engine.run import Run
from fairlead.engine.verdict import ConnectionRules, ResponseRules, judge
from tests.unit.clock import ManualClock

BASE = "https://api.example.test"
ACCOUNT = AccountId("5f0000000000000000000001")


@dataclass
class Reply:
    """One answer; ``body`` is JSON when it is neither bytes nor text."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """As it comes from the wire."""
        if isinstance(self.body, bytes):
            content = self.body
        else:
            content = (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        return HttpResponse(self.status, Headers(list(headers.items())), content, reason="Reason")


@dataclass
class Script:
    """Requests that are expected, each with its answer: ``("GET /orders?page=1", Reply(...))``. A body follows after a blank."""

    steps: list[tuple[str, Reply]]
    asked: list[str] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(
        self, request: HttpRequest, rules: ResponseRules, rebuild: Callable[[], HttpRequest] | None = None
    ) -> Answer:
        """What ``Run.send`` does, without signing and waiting."""
        line = f"{request.method} {request.url.removeprefix(BASE)}"
        if request.body is not None:
            line += f" {request.body.decode()}"
        self.asked.append(line)
        self.requests.append(request)
        assert len(self.asked) <= len(self.steps), f"not in the script: {line}"
        expected, reply = self.steps[len(self.asked) - 1]
        assert line == expected
        connection = ConnectionRules.of({}, BodyReader(codecs, codec_for_content_type, "json"))
        return judge(connection, rules, reply.response())

    def run(self, export: Tree, **context: Any) -> Run:
        """A run against this application; ``export`` is what templates see."""
        tree = {"type": "http", "name": "scripted", "http": {"baseURI": BASE, "mediaType": "json"}}

        async def reach(url: str) -> None:
            raise AssertionError("an export sends requests")

        async def sign_in() -> bool:
            raise AssertionError("an export sends requests")

        async def change() -> None:
            await asyncio.Event().wait()

        connection = connection_of(ACCOUNT, tree)
        names = {"connection": connection.context, "export": export, "settings": {}, "testMode": False, **context}
        return Run(
            connection, Deadline(300.0), ManualClock(), "export", self.send, reach, sign_in, lambda: None, change, names
        )
