"""One request of an export, shown stage by stage (contract.md 3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.charset import readable
from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import ApplicationFailure, InvalidContent, NotFound, Problem
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.domain.redaction import Redactor
from fairlead.domain.secret import MASK
from fairlead.engine.explain import Trace
from fairlead.engine.export_input import Question
from fairlead.engine.export_plan import ExportPlanner
from fairlead.engine.exports import ExportRun
from fairlead.engine.page_steps import Records, numbered
from fairlead.engine.ports import Answer, Clock, Verdict
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.run import RunStats
from fairlead.engine.runs import Runs
from fairlead.engine.verdict import ResponseRules

MAXIMUM_RECORDS: Final = 100
BODY_CHARACTERS: Final = 64 << 10
"""Of a body that is shown; what is longer is cut (contract.md 2.5)."""
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.I)
_CONNECTION: Final = "_connectionId"
_MASKED_HEADERS: Final = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie", "x-wsse"))


@dataclass(slots=True)
class Stage:
    """One step: what it made as raw JSON, nothing when it made nothing, and why it failed."""

    name: str
    data: list[bytes] | None
    errors: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Previewed:
    """The stages, and the records that passed all of them."""

    records: list[bytes] = field(default_factory=list)
    data_uris: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)


@dataclass(slots=True)
class _Watch(Trace):
    """Remembers the last request as it was signed, and its answer."""

    request: HttpRequest | None = None
    response: HttpResponse | None = None

    def sent(
        self,
        prepared: Prepared,
        rules: ResponseRules,
        request: HttpRequest,
        answer: Answer,
        *,
        waited: float,
        seconds: float,
    ) -> None:
        """Sign-in requests are none of the export's."""
        Trace.sent(self, prepared, rules, request, answer, waited=waited, seconds=seconds)
        if prepared.rules is not prepared.renewal_rules:
            self.request, self.response = request, answer.response

    def shown_request(self, planned: HttpRequest) -> bytes:
        """The request as one JSON object, secrets masked; as it was planned, when nothing was sent."""
        redact = self.redactor
        sent = self.request or planned
        body = None if sent.body is None else _shown_text(sent.body, sent.headers, redact)
        return jsonvalue.dumps(
            {
                "url": redact(self.last_url or sent.url),
                "method": sent.method,
                "headers": _shown_headers(sent.headers, redact, sent.secret_headers),
                "body": MASK if body is not None and sent.secret_body else body,
            }
        )

    def shown_answer(self, response: HttpResponse) -> bytes:
        """The answer as one JSON object, secrets masked."""
        redact = self.redactor
        headers = _shown_headers(response.headers, redact)
        return jsonvalue.dumps(
            {
                "statusCode": response.status,
                "headers": headers,
                "body": _shown_text(response.body, response.headers, redact),
            }
        )


class Preview:
    """The use case."""

    def __init__(self, preparer: Preparer, runs: Runs, planner: ExportPlanner, clock: Clock) -> None:
        self._preparer = preparer
        self._runs = runs
        self._planner = planner
        self._clock = clock

    async def run(
        self,
        account: AccountId,
        export: Tree,
        post_data: Mapping[str, Any],
        data: bytes | None,
        timeout: float | None,
        stats: RunStats,
    ) -> Previewed:
        """The export is not stored. Raises model errors, fields from the top of the document, and ``ConditionNotMet`` for a connection that
        is offline; what happens from the request on is in the stages."""
        plan = self._planner.plan(await self._prepared(account, export), export, "")
        watch = _Watch(self._clock)
        call = ExportRun.open(self._runs, plan, data, timeout, stats, trace=watch)
        call.dates(post_data)
        return await _Stages(call, watch).run()

    async def _prepared(self, account: AccountId, export: Tree) -> Prepared:
        id = export.get(_CONNECTION)
        if not id:
            raise InvalidContent(Problem("missing_required_field", f"{_CONNECTION} is required", _CONNECTION))
        try:
            return await self._preparer.stored(account, id)
        except NotFound:
            message = f"{_CONNECTION}: there is no such connection"
            raise InvalidContent(Problem("invalid_ref", message, _CONNECTION)) from None


class _Stages:
    """Goes from stage to stage; the first one that fails is the last."""

    def __init__(self, call: ExportRun, watch: _Watch) -> None:
        self._call = call
        self._watch = watch
        self._found = Previewed()

    async def run(self) -> Previewed:
        async with aclosing(self._call.input.questions()) as questions:
            question = await anext(questions, None)
        if question is None:
            if self._call.errors:
                self._add("request", None, self._call.errors)
            return self._found
        answer = await self._asked(question)
        if answer is None:
            return self._found
        try:
            found = [] if answer.verdict is Verdict.END_OF_PAGES else await self._call.plan.exporter.records_of(answer)
        except ApplicationFailure as failure:
            self._add("parse", None, failure.problems)
            return self._found
        limit = self._call.plan.limit
        raws = list(found[: MAXIMUM_RECORDS if limit is None else min(limit, MAXIMUM_RECORDS)])
        self._add("parse", raws)
        await self._stepped(raws)
        return self._found

    async def _asked(self, question: Question) -> Answer | None:
        """The good answer; nothing when a stage has failed."""
        exporter, watch = self._call.plan.exporter, self._watch
        try:
            with self._call.plan.placing():
                planned = exporter.first_request(question.run)
        except InvalidContent as error:
            self._add("request", None, error.problems)
            return None
        try:
            answer = await exporter.ask(question.run)
        except ApplicationFailure as failure:
            if failure.deadline:
                raise
            self._add("request", [watch.shown_request(planned)])
            raw = None if watch.response is None else [watch.shown_answer(watch.response)]
            self._add("raw", raw, failure.problems)
            return None
        self._add("request", [watch.shown_request(planned)])
        failed = answer.verdict is Verdict.FAILED
        problems = [Problem(answer.code, answer.message, source="application")] if failed else []
        self._add("raw", [watch.shown_answer(answer.response)], problems)
        return None if failed else answer

    async def _stepped(self, raws: list[bytes]) -> None:
        """Transform and filter. Records that fail in a stage end the list of stages; the others are in the answer all the same."""
        steps, plan, errors = self._call.steps, self._call.plan.steps, self._call.errors
        records: Records = numbered(raws)
        if not plan.transform.is_identity:
            records = await steps.transformed(records)
            self._add("transform", [record.raw for record in records], errors)
        failed = bool(errors)
        if not plan.filter.passes_all:
            records = await steps.filtered(records)
            if not failed:
                self._add("outputFilter", [record.raw for record in records], errors)
        self._found.records = [record.raw for record in records]
        with self._call.plan.placing():
            self._found.data_uris = await steps.data_uris(records)

    def _add(self, name: str, data: list[bytes] | None, problems: Sequence[Problem] = ()) -> None:
        redact = self._watch.redactor
        told = [Problem(each.code, redact(each.message), each.field, each.source) for each in problems]
        self._found.stages.append(Stage(name, data, told))


def _shown_headers(headers: Headers, redact: Redactor, secret: frozenset[str] = frozenset()) -> dict[str, str]:
    """Names in lower case; a name that comes again is joined with a comma."""
    shown: dict[str, str] = {}
    for written, value in headers.items():
        name = written.lower()
        text = MASK if name in _MASKED_HEADERS or name in secret else redact(value)
        shown[name] = f"{shown[name]}, {text}" if name in shown and text != MASK else text
    return shown


def _shown_text(body: bytes, headers: Headers, redact: Redactor) -> str:
    found = _CHARSET.search(headers.get("Content-Type") or "")
    text = readable(body, found[1] if found else None)
    shown = redact.cut(text, BODY_CHARACTERS)
    return f"{shown}...truncated" if len(text) > BODY_CHARACTERS else shown
