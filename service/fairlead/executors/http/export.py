"""Fetches an application's pages (exports-imports.md 2.2, 4): request, verdict, records, stop rules, next position."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fairlead.domain import jsonvalue
from fairlead.domain.dates import iso
from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure, InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import (
    Answer,
    ApplicationPage,
    Json,
    Page,
    ReadOptions,
    RecordReader,
    Scope,
    Template,
    TemplateError,
    UnreadableBody,
    Verdict,
)
from fairlead.engine.run import Run
from fairlead.executors.http.answer_values import json_value
from fairlead.executors.http.export_plan import ExportPlan, RequestPlan
from fairlead.executors.http.lookups import names_read
from fairlead.executors.http.position import Position, digest_of
from fairlead.executors.http.reading import all_records
from fairlead.executors.http.request import HeaderTemplate, Target
from fairlead.paging.totals import total
from fairlead.templates.moment import format_moment


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template that was rendered before."""

    text: str
    paths: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()

    def render(self, scope: Scope) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True, slots=True)
class HttpExporter:
    """An export compiled for one HTTP connection."""

    plan: ExportPlan

    async def pages(self, run: Run, position: Tree | None, *, whole_run: bool) -> AsyncGenerator[ApplicationPage, None]:
        """The pages from ``position`` on, until a stop rule fires. The loop guard looks back over the ``whole_run`` or over the
        requests that the position remembers. Raises ``ApplicationFailure`` (contract.md 1.16)."""
        at = Position.of(position) if position is not None else self._start()
        made = set(at.digests)
        while True:
            request = self._request(run, at)
            digest = digest_of(request, (*self.plan.first.moving_headers, *self.plan.later.moving_headers))
            if digest in (made if whole_run else at.digests):
                shown = run.connection.redactor(_shown(request))
                message = f"the application leads back to a page that was fetched before: {shown}"
                raise ApplicationFailure(Problem("paging_loop", message, source="application"))
            made.add(digest)
            answer = await run.send(request, self._requests_of(at).rules, partial(self._request, run, at))
            records = await self._page_records(answer, self._requests_of(at).reading)
            try:
                page, following = self._read(run, at, request, digest, answer, records)
            except UnreadableBody as problem:
                # The records were read; what a setting of the paging looks for in the whole body cannot be.
                raise _unreadable(problem) from None
            del answer, records  # a large body is not kept while its records are worked on
            yield page
            if following is None:
                return
            at = following

    @property
    def names_data(self) -> bool:
        """Whether there is a ``dataURITemplate``."""
        return self.plan.data_uri is not None

    def data_uri(self, run: Run, record: Json) -> str:
        """``dataURITemplate`` for a record, ``""`` without one. Raises ``InvalidContent`` when the rendering goes over its bounds."""
        template = self.plan.data_uri
        if template is None:
            return ""
        return _render(template, run.scope({"record": record}, record_names=True), "dataURITemplate")

    @property
    def traces(self) -> bool:
        """Whether there is a ``traceKeyTemplate``."""
        return self.plan.trace_key is not None

    def trace_key(self, run: Run, record: Json) -> str:
        """``traceKeyTemplate`` for a record, ``""`` for none."""
        if self.plan.trace_key is None:
            return ""
        with suppress(TemplateError):
            return self.plan.trace_key.render(run.scope({"record": record}, record_names=True))
        return ""

    def lookups_read(self, names: Collection[str]) -> frozenset[str]:
        """Which of these lookups the templates of its requests read."""
        plan = self.plan
        own = [template for requests in (plan.first, plan.later) for template in requests.templates()]
        return names_read([plan.builder.base_uri, *(header.value for header in plan.builder.headers), *own], names)

    async def call_back(self, run: Run, record: Json) -> Problem | None:
        """The ``once`` callback for a record."""
        return None if self.plan.call_back is None else await self.plan.call_back.send(run, record)

    def first_request(self, run: Run) -> HttpRequest:
        """The first request, not yet signed."""
        return self._request(run, self._start())

    async def ask(self, run: Run) -> Answer:
        """Send it."""
        build = partial(self.first_request, run)
        return await run.send(build(), self.plan.first.rules, build)

    async def records_of(self, answer: Answer) -> Sequence[bytes]:
        """The raw records in the answer to it."""
        return await self._records(answer, self.plan.first.reading)

    def date_text(self, moment: datetime) -> str:
        """A date as ``delta.dateFormat`` says, default ISO 8601 in UTC (exports-imports.md 3.1)."""
        return iso(moment) if self.plan.date_format is None else format_moment(moment, self.plan.date_format)

    # -- one request --------------------------------------------------------------------------------------------------

    def _start(self) -> Position:
        strategy = self.plan.strategy
        return Position(strategy.first(self.plan.paging) if strategy is not None else {})

    def _requests_of(self, at: Position) -> RequestPlan:
        return self.plan.first if at.is_first else self.plan.later

    def _request(self, run: Run, at: Position) -> HttpRequest:
        """The request of a position. Texts that came from the page before stand in the position already rendered."""
        requests, state, texts = self._requests_of(at), at.state, at.texts
        scope = self._scope(run, state)
        uri = state.get("uri", texts.get("uri"))
        body = state.get("body", texts.get("body"))
        headers, query = texts.get("headers") or {}, texts.get("query") or {}
        parameters = {name: query[name] if name in query else value.render(scope) for name, value in requests.query}
        target = Target(
            self.plan.method,
            requests.uri if uri is None else Rendered(uri),
            requests.body if body is None else body.encode("utf-8", "surrogatepass"),
            [
                HeaderTemplate(header.name, Rendered(headers[str(index)]), header.secret)
                if str(index) in headers
                else header
                for index, header in enumerate(requests.headers)
            ],
            self.plan.media_type,
            self.plan.accept,
            query={**parameters, **(state.get("query") or {})},
        )
        try:
            return self.plan.builder.build(run, target, scope, field="http.relativeURI")
        except InvalidContent as error:
            if uri is None or error.problems[0].code != "invalid_field":
                raise
            message = "the address of the next page is not at the connection's baseURI"
            raise ApplicationFailure(Problem("paging_origin_mismatch", message, source="application")) from None

    def _scope(self, run: Run, state: Tree, previous: Tree | None = None) -> Scope:
        """What templates see (handlebars.md 2.1)."""
        context: Tree = {}
        if self.plan.strategy is not None:
            export = run.context["export"]
            paging = {**self.plan.paging, **self.plan.strategy.variables(state)}
            context["export"] = {**export, "http": {**export["http"], "paging": paging}}
        if previous is not None:
            context["previous_page"] = previous
        return run.scope(context, record_names="record" in run.context)

    # -- one answer ---------------------------------------------------------------------------------------------------

    async def _page_records(self, answer: Answer, reading: ReadOptions) -> Sequence[bytes] | None:
        """The records of an answer; ``None`` for one that ends the paging by its status."""
        if answer.verdict is Verdict.END_OF_PAGES:
            return None
        if answer.verdict is not Verdict.SUCCESS:
            raise ApplicationFailure(Problem(answer.code, answer.message, source="application"))
        return await self._records(answer, reading)

    def _read(
        self,
        run: Run,
        at: Position,
        request: HttpRequest,
        digest: str,
        answer: Answer,
        records: Sequence[bytes] | None,
    ) -> tuple[ApplicationPage, Position | None]:
        """The page of an answer with these records and what comes after it: the stop rules of exports-imports.md 4.2, 1 to 5, in their
        order. Raises ``UnreadableBody``."""
        if records is None:
            return ApplicationPage([], at.tree(), None), None
        plan = self.plan
        following: Position | None = None
        ended = plan.last_page is not None and plan.last_page.matches(answer.value())
        if not ended and records and plan.strategy is not None:
            page = Page(
                request,
                answer.response,
                answer.value,
                len(records),
                at.requests + 1,
                at.records + len(records),
                lambda name: self._rendered(run, at.state, answer, records, name),
            )
            state = plan.strategy.next(plan.paging, at.state, page)
            if state is not None:
                following = at.after(state, self._texts(run, state, answer, records), len(records), digest)
        return (
            ApplicationPage(
                records,
                at.tree(),
                following.tree() if following is not None else None,
                total(plan.paging, "maxPagePath", answer.value),
                total(plan.paging, "maxCountPath", answer.value),
            ),
            following,
        )

    async def _records(self, answer: Answer, reading: ReadOptions) -> Sequence[bytes]:
        """The records, verbatim; nothing but their ends is looked at."""
        body = answer.response.body
        codec = answer.codec if isinstance(answer.codec, RecordReader) else None
        if codec is None and body:
            kind = answer.response.headers.get("Content-Type") or "nothing"
            raise _unreadable(
                UnreadableBody(f"the answer says that it is {kind}, a media type that this build does not read")
            )
        try:
            rows = self.plan.rows
            records = None if codec is None else await all_records(codec, body, answer.charset, reading, rows)
        except UnreadableBody as problem:
            # Rule 7 of connections.md 5.3, here and not in the verdict: cutting the records checks the body already, and a
            # second look at it would cost half as much again.
            raise _unreadable(problem) from None
        if records is None:
            if not self.plan.allow_undefined and reading.resource_path is not None:
                message = f"the answer holds nothing at {reading.resource_path}, and allowUndefinedResource is false"
                raise _unreadable(UnreadableBody(message))
            return []
        return records

    # -- what the next request takes from this page ---------------------------------------------------------------------

    def _rendered(self, run: Run, state: Tree, answer: Answer, records: Sequence[bytes], name: str) -> str:
        template = self.plan.later.uri if name == "relativeURI" else self.plan.later.body
        if template is None:
            return ""
        return _render(template, self._scope(run, state, _previous_page(answer, records)), f"http.paging.{name}")

    def _texts(self, run: Run, state: Tree, answer: Answer, records: Sequence[bytes]) -> Tree:
        """Texts of the next request that look at ``previous_page``; the answer is decoded only when there are any."""
        later = self.plan.later
        if not any(map(_looks_back, later.templates())):
            return {}
        scope = self._scope(run, state, _previous_page(answer, records))
        texts: Tree = {}
        if "uri" not in state and _looks_back(later.uri):
            texts["uri"] = _render(later.uri, scope, "http.paging.relativeURI")
        if "body" not in state and later.body is not None and _looks_back(later.body):
            texts["body"] = _render(later.body, scope, "http.paging.body")
        texts["headers"] = {
            str(index): _render(header.value, scope, f"http.headers.{index}.value")
            for index, header in enumerate(later.headers)
            if _looks_back(header.value)
        }
        texts["query"] = {
            name: _render(value, scope, f"http.query.{name}") for name, value in later.query if _looks_back(value)
        }
        return {name: text for name, text in texts.items() if text != {}}


def _looks_back(template: Template) -> bool:
    return "previous_page" in template.text


def _previous_page(answer: Answer, records: Sequence[bytes]) -> Tree:
    last: Json = jsonvalue.loads(records[-1]) if records else None
    headers = {name.lower(): value for name, value in answer.response.headers.items()}
    return {"full_response": json_value(answer), "last_record": last, "headers": headers}


def _render(template: Template, scope: Scope, field: str) -> str:
    try:
        return template.render(scope)
    except TemplateError as error:
        raise InvalidContent(Problem("invalid_template", f"{field}: {error.message}", field)) from None


def _unreadable(body: UnreadableBody) -> ApplicationFailure:
    return ApplicationFailure(Problem(body.code, body.message, source=body.source))


def _shown(request: HttpRequest) -> str:
    return f"{request.method} {request.url.split('?', 1)[0]}"
