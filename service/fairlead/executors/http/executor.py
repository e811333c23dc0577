"""The executor of ``http`` and ``rest`` connections: what each call is made of stands in the file of its step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fairlead.auth.keys import check_keys
from fairlead.codecs.media_types import body_place
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.registry import Registry
from fairlead.domain.rules.connection import check_connection
from fairlead.domain.selector import answer_media_types
from fairlead.engine.model import refuse_unread_answers
from fairlead.engine.ports import Answer, Clock, Codec, PagingStrategy, Place, Templates
from fairlead.engine.run import Run
from fairlead.executors.http.bodies import BodyCompiler
from fairlead.executors.http.export import HttpExporter
from fairlead.executors.http.export_plan import ExportPlan
from fairlead.executors.http.lookups import HttpLookup, LookupCompiler
from fairlead.executors.http.ping import PingPlan, refuse
from fairlead.executors.http.request import RequestBuilder, TemplateCollector
from fairlead.executors.http.submit import HttpImporter
from fairlead.transport.certificates import check_certificates
from fairlead.transport.clock import SystemClock

_PATHS: Final = (
    "http.auth.failPath",
    "http.rateLimit.failPath",
    "http.ping.successPath",
    "http.ping.failPath",
    "http.ping.errorPath",
)
_TOKEN_PATH: Final = "http.auth.token.refreshTokenPath"  # noqa: S105  # where the token stands, not the token
_ACCESS_TOKEN_PATH: Final = "http.auth.oauth.accessTokenPath"  # noqa: S105  # where the token stands, not the token
_TOKEN_PATHS: Final = "http.auth.token.tokenPaths"  # noqa: S105  # where tokens stand, not tokens
_URIS: Final = ("http.auth.token.refreshRelativeURI", "http.auth.token.revoke.uri", "http.auth.cookie.uri")
_HEADERS: Final = (
    "http.auth.token.refreshHeaders",
    "http.auth.token.revoke.headers",
    "http.auth.oauth.accessTokenHeaders",
)
_BODIES: Final = (
    "http.auth.token.refreshBody",
    "http.auth.token.revoke.body",
    "http.auth.cookie.body",
    "http.auth.oauth.accessTokenBody",
)
_SIGNED: Final = ("http.auth.jwt.payload", "http.auth.jwt.headers", "http.auth.oauth.oauth1.realm")


class HttpExecutor:
    """Runs HTTP connections. Everything it compiles is cached by the template compiler and the path cache."""

    def __init__(
        self,
        templates: Templates,
        codecs: Registry[Codec],
        paging: Registry[PagingStrategy],
        clock: Clock | None = None,
    ) -> None:
        self._templates = templates
        self._codecs = codecs
        self._paging = paging
        self._clock = clock or SystemClock()

    def check_connection(self, connection: Connection) -> list[Problem]:
        """What is wrong between the fields of a connection, and templates and paths that cannot be compiled; fields in the ``http``
        dialect."""
        problems = check_connection(connection.http)
        problems += check_certificates(connection.http, self._clock.now())
        problems += check_keys(connection.http)
        root = {"http": connection.http}
        collector = TemplateCollector(self._templates, problems)
        media_types = answer_media_types(connection.http)
        for field in _PATHS:
            collector.selector(_value(root, field), field, media_types)
        for field in (_TOKEN_PATH, _ACCESS_TOKEN_PATH):
            collector.selector(_value(root, field), field, _token_media_types(root))
        for index, path in enumerate(_value(root, _TOKEN_PATHS) or ()):
            collector.selector(path, f"{_TOKEN_PATHS}.{index}", _token_media_types(root))
        PingPlan.of(connection, self._templates, problems)
        place = body_place(connection.http.get("mediaType"))
        for field in _URIS:
            collector.compile(_value(root, field), Place.URI, field)
        for field in _BODIES:
            collector.compile(_value(root, field), place, field)
        for field in _HEADERS:
            collector.headers(_value(root, field), field)
        for field in _SIGNED:
            for place_of, text in _texts(_value(root, field), field):
                collector.compile(text, Place.PLAIN, place_of)
        return problems

    async def ping(self, run: Run) -> Answer | None:
        """Send the test request; without one, only sign in (contract.md 2.3)."""
        problems: list[Problem] = []
        refuse_unread_answers(run.connection.http, self._codecs, "ping")
        plan = PingPlan.of(run.connection, self._templates, problems)
        refuse(problems)
        answer = await plan.send(run)
        if answer is None:
            await plan.sign_in(run)
        return answer

    def importer(self, connection: Connection, import_model: Tree, problems: list[Problem]) -> HttpImporter:
        """Compile an import."""
        return HttpImporter.of(connection, import_model, self._templates, self._codecs, problems)

    def lookups(
        self, connection: Connection, document: Tree, entries: Sequence[tuple[str, Tree]], problems: list[Problem]
    ) -> Mapping[str, HttpLookup]:
        """Compile the dynamic lookups of a document."""
        http = document.get("http") or {}
        collector = TemplateCollector(self._templates, problems)
        quiet = TemplateCollector(self._templates, [])
        headers = quiet.headers(http.get("headers"), "http.headers")
        builder = RequestBuilder.of(connection.http, quiet)
        bodies = BodyCompiler.of(connection, http, self._codecs, collector)
        return LookupCompiler(connection, builder, headers, http, bodies, problems).compile(entries)

    def exporter(self, connection: Connection, export: Tree, problems: list[Problem]) -> HttpExporter:
        """Compile an export."""
        return HttpExporter(ExportPlan.of(connection, export, self._templates, self._codecs, self._paging, problems))


def _token_media_types(root: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the answers to token requests: without a word ``Content-Type`` says it, then they are JSON (connections.md 3.2)."""
    configured = _value(root, "http.auth.token.refreshResponseMediaType")
    return (configured,) if configured else ("json", "xml")


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text in an open value, with the path to it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, f"{field}.{name}")


def _value(root: Mapping[str, Any], field: str) -> Any:
    node: Any = root
    for step in field.split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node
