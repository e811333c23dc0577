"""The test request of a connection (connections.md 4, contract.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from fairlead.codecs.media_types import body_place
from fairlead.domain.connection import Connection
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.paths import PathError
from fairlead.engine.ports import Answer, Json, Place, Scope, Template, Templates
from fairlead.engine.run import Run
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.request import RequestBuilder, Target, TemplateCollector

_METHODS_WITH_BODY = ("POST", "PUT")


@dataclass(frozen=True, slots=True)
class PingPlan:
    """A connection's test request, compiled. ``relative_uri`` is ``None`` when only the signing in can be tried."""

    builder: RequestBuilder
    method: str
    relative_uri: Template | None
    body: Template | None
    rules: ResponseRules

    @classmethod
    def of(cls, connection: Connection, templates: Templates, problems: list[Problem]) -> PingPlan:
        """Compile; every problem goes to ``problems`` with its field in the ``http`` dialect."""
        http = connection.http
        ping = http.get("ping") or {}
        collector = TemplateCollector(templates, problems)
        method = ping.get("method") or "GET"
        uri, body = ping.get("relativeURI"), ping.get("body")
        return cls(
            RequestBuilder.of(http, collector),
            method,
            collector.compile(uri, Place.URI, "http.ping.relativeURI") if uri else None,
            collector.compile(body, body_place(http.get("mediaType")), "http.ping.body")
            if body and method in _METHODS_WITH_BODY
            else None,
            _rules(ping),
        )

    def scope(self, run: Run) -> Scope:
        """What the templates of a ping see (handlebars.md 2.1)."""
        return run.scope({"connection": run.connection.context})

    async def send(self, run: Run) -> Answer | None:
        """The answer to the test request, or nothing when there is no ``relativeURI`` to ask for."""
        if self.relative_uri is None:
            return None
        target = Target(self.method, self.relative_uri, self.body)
        build = partial(self._build, run, target, "http.ping.relativeURI")
        return await run.send(build(), self.rules, build)

    async def sign_in(self, run: Run) -> None:
        """The authentication step alone (contract.md 2.3): a login or token request, a digest handshake at the base URI; where there is
        nothing to try, connecting."""
        if await run.sign_in():
            return
        build = partial(self._build, run, Target("GET"), "http.baseURI")
        if (run.connection.http.get("auth") or {}).get("type") == "digest":
            await run.send(build(), ResponseRules(), build)  # whatever it answers, unless it refuses the credentials
        else:
            await run.reach(build().url)

    def _build(self, run: Run, target: Target, field: str) -> HttpRequest:
        return self.builder.build(run, target, self.scope(run), field=field)


def _rules(ping: Mapping[str, Json]) -> ResponseRules:
    try:
        return ResponseRules.of(ping)
    except PathError:
        return ResponseRules()  # told with its field where the paths of a connection are checked


def refuse(problems: list[Problem]) -> None:
    """Raise ``InvalidContent`` when there are problems."""
    if problems:
        raise InvalidContent(problems)
