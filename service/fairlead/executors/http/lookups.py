"""Dynamic lookups as requests: compiled, rendered per record, and what their answers say (exports-imports.md 12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.jsonvalue import NOTHING, is_empty
from fairlead.domain.paths import PathError
from fairlead.domain.selector import Selector, answer_media_types
from fairlead.engine.beside import beside
from fairlead.engine.ports import Answer, Json, MappingError, Place, Template, UnreadableBody, Verdict
from fairlead.engine.run import Run
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.answer_values import json_value
from fairlead.executors.http.bodies import BodyCompiler
from fairlead.executors.http.braces import single_braces
from fairlead.executors.http.request import HeaderTemplate, RequestBuilder, Target

_NO_MATCH: Final = 404


def names_read(templates: Iterable[Template], names: Collection[str]) -> frozenset[str]:
    """Which of these lookups the templates read as ``lookup.name``; all of them where only the rendering tells."""
    read: set[str] = set()
    for template in templates:
        if "lookup" in template.paths or ("getValue" in template.helpers and "lookup" in template.text):
            return frozenset(names)
        for path in template.paths:
            if path.startswith("lookup."):
                inner = path.removeprefix("lookup.")
                read.update(name for name in names if inner == name or inner.startswith(f"{name}."))
    return frozenset(read)


@dataclass(frozen=True, slots=True)
class HttpLookup:
    """One dynamic lookup. ``extracts``: where its results stand, and those of the lookups that make the same request."""

    name: str
    field: str
    builder: RequestBuilder
    target: Target
    rules: ResponseRules
    """Without paths: how the answer is read is all that the document says about it."""
    extract: str | None
    extracts: tuple[str | None, ...]
    default: Json
    allow_failures: bool
    uses: frozenset[str]

    def request(self, run: Run, record: Json, results: Mapping[str, Json]) -> HttpRequest:
        """The request for a record. Raises ``InvalidContent`` and ``MappingError``."""
        names = {"record": record, "data": [record], "0": record, "lookup": results}
        return self.builder.build(run, self.target, run.scope(names, record_names=True), field=self.field)

    def key(self, request: HttpRequest) -> Hashable:
        """Method, URL and body; of the headers those of the import, which may depend on the record."""
        own = tuple(request.headers.get(header.name) for header in self.target.headers)
        return request.method, request.url, request.body, own

    async def ask(self, run: Run, build: Callable[[], HttpRequest]) -> Mapping[str | None, Json]:
        """The results by ``extract``; ``NOTHING`` for no match: 404, an empty body, nothing or something empty there."""
        try:
            answer = await run.send(build(), self.rules, build)
            if answer.verdict is Verdict.SUCCESS:
                return await beside(len(answer.response.body), partial(self._results, answer))
        except AuthenticationFailed:
            raise
        except ApplicationFailure as failure:
            problem = failure.problems[0]
            raise MappingError(problem.code, f"the lookup {self.name!r}: {problem.message}", "lookup") from None
        except UnreadableBody as error:
            message = run.connection.redactor(error.message)
            raise MappingError(error.code, f"the lookup {self.name!r}: {message}", "lookup") from None
        if answer.response.status == _NO_MATCH:
            return dict.fromkeys(self.extracts, NOTHING)
        raise MappingError(answer.code, f"the lookup {self.name!r}: {answer.message}", "lookup")

    def _results(self, answer: Answer) -> Mapping[str | None, Json]:
        return {extract: _result(answer, extract) for extract in self.extracts}


def _result(answer: Answer, extract: str | None) -> Json:
    """What stands at the path, of several matches the list; without a path the whole body as a value. Raises ``UnreadableBody``."""
    body = answer.response.body
    if not body or body.isspace():
        return NOTHING
    if extract is None:
        value = json_value(answer)
    else:
        found = Selector.of(extract).find(answer.value())
        value = NOTHING if not found else found[0] if len(found) == 1 else found
    return NOTHING if is_empty(value) else value


@dataclass(frozen=True, slots=True)
class LookupCompiler:
    """Compiles the dynamic lookups of one document."""

    connection: Connection
    builder: RequestBuilder
    headers: tuple[HeaderTemplate, ...]
    """Of the import, for ``useImportHeaders``."""
    http: Tree
    bodies: BodyCompiler
    problems: list[Problem]

    def compile(self, entries: Sequence[tuple[str, Tree]]) -> dict[str, HttpLookup]:
        """By name, a later entry wins; one that refers to itself is ``invalid_ref``."""
        chosen = {entry["name"]: (field, entry) for field, entry in entries if entry.get("name")}
        dynamic = {name: pair for name, pair in chosen.items() if pair[1].get("relativeURI")}
        names = {entry["name"] for _, entry in entries if entry.get("name")}
        compiled = {name: self._lookup(field, entry, names, set(dynamic)) for name, (field, entry) in dynamic.items()}
        refused = list(_cycles(compiled, dynamic))
        self.problems.extend(refused)
        return {name: replace(lookup, extracts=_shared(name, dynamic)) for name, lookup in compiled.items()}

    def _lookup(self, field: str, entry: Tree, names: set[str], dynamic: set[str]) -> HttpLookup:
        strict = bool(self.http.get("strictHandlebarEvaluation"))
        collector = self.bodies.collector
        uri = entry["relativeURI"]
        if self.http.get("singleBraces") and field.startswith("http."):
            uri = single_braces(uri, names)
        method = entry.get("method") or "GET"
        body = entry.get("body") if method != "GET" else None
        target = Target(
            method,
            collector.compile(uri, Place.URI, f"{field}.relativeURI", strict=strict),
            self.bodies.compile(body, f"{field}.body", strict=strict),
            self.headers if entry.get("useImportHeaders") else (),
            self.bodies.media_type if body else None,
            self.http.get("successMediaType"),
        )
        rules = ResponseRules(
            success_media_type=self.http.get("successMediaType"), error_media_type=self.http.get("errorMediaType")
        )
        extract = entry.get("extract") or None
        collector.selector(extract, f"{field}.extract", answer_media_types(self.connection.http, self.http))
        if extract is not None:
            extract = _readable(extract)
        uses = names_read((template for _, template in _templates(target)), dynamic)
        default = entry.get("default", NOTHING)
        allowed = bool(entry.get("allowFailures"))
        return HttpLookup(entry["name"], field, self.builder, target, rules, extract, (), default, allowed, uses)


def _templates(target: Target) -> Iterator[tuple[str, Template]]:
    """The templates of a lookup, each with the member that holds it."""
    if target.relative_uri is not None:
        yield "relativeURI", target.relative_uri
    if target.body is not None and not isinstance(target.body, bytes):
        yield "body", target.body
    for header in target.headers:
        yield "useImportHeaders", header.value


def _cycles(lookups: Mapping[str, HttpLookup], entries: Mapping[str, tuple[str, Tree]]) -> Iterator[Problem]:
    for name, lookup in lookups.items():
        for member, template in _templates(lookup.target):
            through = next((n for n in sorted(names_read([template], lookups)) if name in _reached(n, lookups)), None)
            if through is not None:
                field = f"{entries[name][0]}.{member}"
                way = "itself" if through == name else f"itself through {through!r}"
                yield Problem("invalid_ref", f"{field}: the lookup {name!r} refers to {way}", field)
                break


def _reached(name: str, lookups: Mapping[str, HttpLookup]) -> set[str]:
    """That lookup and all that it needs, directly or not."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(lookups[current].uses)
    return reached


def _shared(name: str, entries: Mapping[str, tuple[str, Tree]]) -> tuple[str | None, ...]:
    """Where the results of all lookups stand that make the same request as this one."""
    asked = _question(entries[name][1])
    return tuple(
        dict.fromkeys(entry.get("extract") or None for _, entry in entries.values() if _question(entry) == asked)
    )


def _question(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    members = ("relativeURI", "method", "body", "useImportHeaders")
    return tuple(entry.get(member) or None for member in members)


def _readable(extract: str) -> str | None:
    """The path; nothing when it is told as a problem already."""
    try:
        return Selector.of(extract).text
    except PathError:
        return None
