"""An export compiled for one HTTP connection: templates, paths and rules of its first and its later requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from fairlead.codecs.body_template import WrittenTemplate
from fairlead.codecs.csv_format import CsvFormatError, csv_format
from fairlead.codecs.media_types import body_place, is_json_template
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.jsonvalue import text_of
from fairlead.domain.paths import PathError
from fairlead.domain.registry import Registry
from fairlead.domain.selector import answer_media_types, good_media_types
from fairlead.engine.checks import PathRule
from fairlead.engine.ports import (
    Codec,
    Json,
    PagingStrategy,
    Place,
    ReadOptions,
    RecordReader,
    RecordWriter,
    Template,
    Templates,
)
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.call_back import CallBack
from fairlead.executors.http.request import (
    HeaderTemplate,
    RequestBuilder,
    TemplateCollector,
    dynamic_lookups,
)
from fairlead.executors.http.rows import Rows

LAST_PAGE_STATUS: Final = 404
"""Ends the paging from the second request on when nothing else is configured (exports-imports.md 4.2 rule 1)."""

_VERDICT_PATHS: Final = ("successPath", "failPath", "errorPath")
_PAGING_PATHS: Final = ("lastPagePath", "maxPagePath", "maxCountPath")
_POINTERS: Final = ("path", "pathAfterFirstRequest")
_KINDS: Final = ("file", "blob")


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """One of the two kinds of requests of an export: the first one, or every later one."""

    uri: Template
    body: Template | None
    headers: tuple[HeaderTemplate, ...]
    query: tuple[tuple[str, Template], ...]
    reading: ReadOptions
    rules: ResponseRules

    @property
    def moving_headers(self) -> tuple[str, ...]:
        """Names of headers that say which page is meant: without them the requests of two pages would look the same."""
        return tuple(
            header.name
            for header in self.headers
            if any(path.startswith(("export.http.paging", "previous_page")) for path in header.value.paths)
        )

    def templates(self) -> Iterator[Template]:
        """All of them."""
        yield self.uri
        if self.body is not None:
            yield self.body
        for header in self.headers:
            yield header.value
        for _, value in self.query:
            yield value


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """Everything that does not change from page to page."""

    builder: RequestBuilder
    method: str
    media_type: str | None
    accept: str | None
    first: RequestPlan
    later: RequestPlan
    strategy: PagingStrategy | None
    paging: Mapping[str, Json]
    last_page: PathRule | None
    rows: Rows | None
    allow_undefined: bool
    data_uri: Template | None
    trace_key: Template | None
    call_back: CallBack | None
    date_format: str | None

    @classmethod
    def of(
        cls,
        connection: Connection,
        export: Tree,
        templates: Templates,
        codecs: Registry[Codec],
        methods: Registry[PagingStrategy],
        problems: list[Problem],
    ) -> ExportPlan:
        """Compile an export in the ``http`` dialect; every problem goes to ``problems``, fields relative to the export."""
        http = _with_csv(export.get("http") or {})
        reading = _reading(export, problems)
        response, paging = http.get("response") or {}, http.get("paging") or {}
        strategy = methods.get(paging.get("method") or "")
        collector = TemplateCollector(templates, problems)
        problems.extend(_unsupported(connection, http, codecs))
        written = partial(_body, connection, http, collector, codecs)
        for name in _VERDICT_PATHS:
            collector.selector(response.get(name), f"http.response.{name}", answer_media_types(connection.http, http))
        good = good_media_types(connection.http, http)
        for block, field in ((response, "http.response"), (paging, "http.paging")):
            collector.selector(block.get("resourcePath"), f"{field}.resourcePath", good)
        for name in _paging_paths(paging):
            collector.selector(paging.get(name), f"http.paging.{name}", good)
        first = _first(http, reading, written, collector)
        later = _later(http, first, strategy, written, collector)
        if strategy is not None:
            problems.extend(_incomplete(strategy, paging, first, later))
        cached = [
            entry
            for entries in (export, http)
            for entry in entries.get("lookups") or ()
            if entry.get("_lookupCacheId") and not entry.get("relativeURI")
        ]
        used = [("http", template) for requests in (first, later) for template in requests.templates()]
        problems.extend(dict.fromkeys(dynamic_lookups(used, cached)))
        uri, trace = export.get("dataURITemplate"), export.get("traceKeyTemplate")
        builder = RequestBuilder.of(connection.http, TemplateCollector(templates, []))
        return cls(
            builder,
            http.get("method") or "GET",
            http.get("requestMediaType"),
            http.get("successMediaType"),
            first,
            later,
            strategy,
            paging,
            _rule(paging.get("lastPagePath"), paging.get("lastPageValues")),
            Rows.of(response.get("twoDArray")),
            response.get("allowUndefinedResource") is not False,
            collector.compile(uri, Place.PLAIN, "dataURITemplate") if uri else None,
            collector.compile(trace, Place.PLAIN, "traceKeyTemplate") if trace else None,
            CallBack.of(connection, export, first.headers, builder, codecs, collector, problems),
            (export.get("delta") or {}).get("dateFormat") or None,
        )


def _with_csv(http: Tree) -> Tree:
    """``type: csvstream`` is another word for CSV answers (exports-imports.md 1.2)."""
    return {"successMediaType": "csv", **http} if http.get("type") == "csvstream" else http


def _reading(export: Tree, problems: list[Problem]) -> ReadOptions:
    file = export.get("file") or {}
    path = ((export.get("http") or {}).get("response") or {}).get("resourcePath") or None
    try:
        return ReadOptions(path, file.get("encoding"), csv_format(file.get("csv")))
    except CsvFormatError as error:
        problems.append(Problem("invalid_field", str(error), error.field))
        return ReadOptions(path)


def _first(
    http: Tree, reading: ReadOptions, written: Callable[[Json, str], Template | None], collector: TemplateCollector
) -> RequestPlan:
    paging = http.get("paging") or {}
    status = paging.get("lastPageStatusCode")
    query = http.get("query") or {}
    return RequestPlan(
        collector.compile(http.get("relativeURI"), Place.URI, "http.relativeURI"),
        written(http.get("body"), "http.body"),
        collector.headers(http.get("headers"), "http.headers"),
        tuple(
            (name, collector.compile(text_of(text), Place.PLAIN, f"http.query.{name}")) for name, text in query.items()
        ),
        reading,
        _rules(http, frozenset() if status is None else frozenset((int(status),))),
    )


def _later(
    http: Tree,
    first: RequestPlan,
    strategy: PagingStrategy | None,
    written: Callable[[Json, str], Template | None],
    collector: TemplateCollector,
) -> RequestPlan:
    paging = http.get("paging") or {}
    rewrites: frozenset[str] = strategy.rewrites if strategy is not None else frozenset()
    uri, body = paging.get("relativeURI"), paging.get("body")
    status = paging.get("lastPageStatusCode")
    return RequestPlan(
        collector.compile(uri, Place.URI, "http.paging.relativeURI")
        if uri and "relativeURI" in rewrites
        else first.uri,
        written(body, "http.paging.body") if body and "body" in rewrites else first.body,
        first.headers,
        first.query,
        replace(first.reading, resource_path=paging.get("resourcePath") or first.reading.resource_path),
        _rules(http, frozenset((LAST_PAGE_STATUS if status is None else int(status),))),
    )


def _body(
    connection: Connection, http: Tree, collector: TemplateCollector, codecs: Registry[Codec], text: Json, field: str
) -> Template | None:
    """A body goes out with any method but GET (exports-imports.md 1.2)."""
    if not text or (http.get("method") or "GET") == "GET":
        return None
    media_type = _request_media_type(connection, http)
    template = collector.compile(text, body_place(media_type, text), field)
    writer = codecs.get(media_type)
    if is_json_template(media_type, text) and isinstance(writer, RecordWriter):
        return WrittenTemplate(template, writer)
    return template


def _request_media_type(connection: Connection, http: Tree) -> str:
    return http.get("requestMediaType") or connection.http.get("mediaType") or "json"


def _rules(http: Tree, end_statuses: frozenset[int]) -> ResponseRules:
    try:
        return ResponseRules.of(
            http.get("response") or {},
            success_media_type=http.get("successMediaType"),
            error_media_type=http.get("errorMediaType"),
            end_statuses=end_statuses,
        )
    except PathError:
        return ResponseRules()  # told with its field by the collector


def _rule(path: Json, values: Json) -> PathRule | None:
    try:
        return PathRule.of(path, values)
    except PathError:
        return None  # told with its field by the collector


def _paging_paths(paging: Mapping[str, Json]) -> tuple[str, ...]:
    """Settings that look into good answers; a header is named, not searched."""
    return _PAGING_PATHS if paging.get("pathLocation") == "header" else (*_PAGING_PATHS, *_POINTERS)


def _incomplete(
    strategy: PagingStrategy, paging: Mapping[str, Json], first: RequestPlan, later: RequestPlan
) -> Iterator[Problem]:
    """What the method cannot do without (exports-imports.md 4.1)."""
    for name in strategy.requires:
        if not paging.get(name):
            field = f"http.paging.{name}"
            yield Problem("missing_required_field", f"{field} is required by paging method {strategy.name}", field)
        elif name == "body" and later.body is None:
            message = f"http.method must not be GET with paging method {strategy.name}: a GET request has no body"
            yield Problem("invalid_field", message, "http.method")
    if strategy.variable is not None and not paging.get("argument"):
        variable = f"export.http.paging.{strategy.variable}"
        read = {path for plan in (first, later) for template in plan.templates() for path in template.paths}
        if not any(_covers(path, variable) for path in read):
            message = (
                f"http.paging.method {strategy.name} needs {{{{{variable}}}}} in the relative URI, the body or a header: "
                "otherwise every request would be the same"
            )
            yield Problem("invalid_field", message, "http.paging.method")


def _covers(path: str, variable: str) -> bool:
    """Whether a template that reads ``path`` can see ``variable``: it reads the variable or something around it."""
    plain = path.replace("/", ".").replace("[", "").replace("]", "").removeprefix("@root.").removeprefix("this.")
    return plain == variable or variable.startswith(f"{plain}.")


def _unsupported(connection: Connection, http: Tree, codecs: Registry[Codec]) -> Iterator[Problem]:
    if http.get("type") in _KINDS:
        yield _later_issue("http.type", f"an HTTP export of type {http['type']}")
    if http.get("_asyncHelperId"):
        yield _later_issue("http._asyncHelperId", "an asynchronous export")
    good, bad = (http.get(name) or connection.http.get(name) for name in ("successMediaType", "errorMediaType"))
    if good and not isinstance(codecs.get(good), RecordReader):
        yield _later_issue("http.successMediaType", f"reading {good} answers")
    if bad and bad not in codecs:
        yield _later_issue("http.errorMediaType", f"reading {bad} answers")


def _later_issue(field: str, what: str) -> Problem:
    return Problem("feature_not_supported", f"{what} is stored but not supported by this build yet", field)
