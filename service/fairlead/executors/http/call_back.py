"""The ``once`` callback of an export, compiled: one request for each record (exports-imports.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.registry import Registry
from fairlead.engine.ports import Codec, Json, Place, Verdict
from fairlead.engine.run import Run
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.bodies import BodyCompiler
from fairlead.executors.http.request import HeaderTemplate, RequestBuilder, Target, TemplateCollector

_RULES: Final = ResponseRules()
"""A callback is judged by its status and the rules of the connection: the paths of the export look for records."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """Tells the application that a record was pulled."""

    builder: RequestBuilder
    target: Target

    @classmethod
    def of(
        cls,
        connection: Connection,
        export: Tree,
        headers: tuple[HeaderTemplate, ...],
        builder: RequestBuilder,
        codecs: Registry[Codec],
        collector: TemplateCollector,
        problems: list[Problem],
    ) -> CallBack | None:
        """Nothing for an export of another type; a missing address is a problem with its field."""
        if export.get("type") != "once":
            return None
        http = export.get("http") or {}
        once = http.get("once") or {}
        if once.get("relativeURI") is None:
            message = "http.once.relativeURI is required with type once: it is called for every record"
            problems.append(Problem("missing_required_field", message, "http.once.relativeURI"))
        method = once.get("method") or "POST"
        bodies = BodyCompiler.of(connection, http, codecs, collector)
        target = Target(
            method,
            collector.compile(once.get("relativeURI"), Place.URI, "http.once.relativeURI"),
            None if method == "GET" else bodies.compile(once.get("body"), "http.once.body", strict=False),
            headers,
            bodies.media_type,
        )
        return cls(builder, target)

    async def send(self, run: Run, record: Json) -> Problem | None:
        """Why it failed, if it did. Raises ``InvalidContent`` and ``ApplicationFailure``."""

        def build() -> HttpRequest:
            scope = run.scope({"record": record}, record_names=True)
            return self.builder.build(run, self.target, scope, field="http.once.relativeURI")

        answer = await run.send(build(), _RULES, build)
        return None if answer.verdict is Verdict.SUCCESS else Problem(answer.code, answer.message, source="application")
