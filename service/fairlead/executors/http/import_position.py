"""One of at most two requests that an import can make, compiled (exports-imports.md 9.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.paths import PathError
from fairlead.domain.selector import Selector, answer_media_types
from fairlead.engine.ports import Json, Place, Template
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.bodies import BodyCompiler
from fairlead.executors.http.braces import single_braces
from fairlead.executors.http.import_answers import AnswerReader
from fairlead.executors.http.lookups import names_read
from fairlead.executors.http.request import HeaderTemplate, TemplateCollector

_ELSEWHERE: Final = ("connection", "iClient", "settings", "import", "job", "testMode", "lookup")
"""Names at the top level that hold nothing of the record."""


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """Method, templates and rules of one position. ``looks``: its URI or headers may read the record, which is then decoded."""

    method: str
    relative_uri: Template
    body: Template | None
    rules: ResponseRules
    """As ``send`` judges the whole answer: without success and fail paths where each record of a batch has its own."""
    answers: AnswerReader
    uri_lookups: frozenset[str]
    lookups: frozenset[str]
    looks: bool


@dataclass(frozen=True, slots=True)
class PositionCompiler:
    """Compiles the positions of one import; ``names``: all its lookups, ``dynamic``: those that ask the application."""

    connection: Connection
    http: Tree
    collector: TemplateCollector
    headers: tuple[HeaderTemplate, ...]
    connection_templates: tuple[Template, ...]
    names: Collection[str]
    dynamic: Collection[str]
    cached: Collection[str]
    bodies: BodyCompiler

    def positions(self, problems: list[Problem]) -> tuple[ImportPosition, ...]:
        """All of them; problems are added with their field."""
        http = self.http
        count = max(len(http.get("method") or ()), len(http.get("relativeURI") or ()), 1)
        return tuple(self._position(index, problems) for index in range(count))

    def _position(self, index: int, problems: list[Problem]) -> ImportPosition:
        http, collector = self.http, self.collector
        strict = bool(http.get("strictHandlebarEvaluation"))
        uri_text, uri_field = placed_at(http, "relativeURI", index)
        if http.get("singleBraces"):
            uri_text = single_braces(uri_text or "", self.names)
        uri = collector.compile(uri_text, Place.URI, f"http.{uri_field}", strict=strict)
        body_text, body_field = placed_at(http, "body", index)
        body = self.bodies.compile(body_text, f"http.{body_field}", strict=strict)
        fields = {f"http.{uri_field}": uri}
        fields |= {f"http.headers.{at}.value": header.value for at, header in enumerate(self.headers)}
        if body is not None:
            fields[f"http.{body_field}"] = body
        for field, template in fields.items():
            if names_read([template], self.cached):
                message = f"{field}: a cache lookup is stored but not supported by this build yet"
                problems.append(Problem("feature_not_supported", message, field))
        rules = self._rules(index)
        return ImportPosition(
            at(http.get("method"), index) or "POST",
            uri,
            body,
            rules if (http.get("batchSize") or 1) == 1 else _of_the_whole(rules),
            self._answers(index, rules),
            names_read([uri], self.dynamic),
            names_read(fields.values(), self.dynamic),
            any(map(_looks, (uri, *(header.value for header in self.headers), *self.connection_templates))),
        )

    def _answers(self, index: int, rules: ResponseRules) -> AnswerReader:
        response = self.http.get("response") or {}
        resource, resource_field = placed_at(response, "resourcePath", index)
        id_path, id_field = placed_at(response, "resourceIdPath", index)
        media_types = answer_media_types(self.connection.http, self.http)
        self.collector.selector(resource, f"http.response.{resource_field}", media_types)
        self.collector.selector(id_path, f"http.response.{id_field}", media_types)
        return AnswerReader(_selector(resource), _selector(id_path), rules)

    def _rules(self, index: int) -> ResponseRules:
        http, collector = self.http, self.collector
        response = http.get("response") or {}
        media_types = answer_media_types(self.connection.http, http)
        for name in ("successPath", "failPath"):
            text, field = placed_at(response, name, index)
            collector.selector(text, f"http.response.{field}", media_types)
        collector.selector(response.get("errorPath"), "http.response.errorPath", media_types)
        try:
            return ResponseRules.of(
                {
                    "successPath": at(response.get("successPath"), index),
                    "successValues": at(response.get("successValues"), index),
                    "failPath": at(response.get("failPath"), index),
                    "failValues": at(response.get("failValues"), index),
                    "errorPath": response.get("errorPath"),
                    "allowArrayforSuccessPath": response.get("allowArrayforSuccessPath"),
                },
                success_media_type=http.get("successMediaType"),
                error_media_type=http.get("errorMediaType"),
                empty_is_good=True,
            )
        except PathError:
            return ResponseRules()  # told with its field by the collector


def at(values: Json, index: int) -> Any:
    """Element ``index`` of a per-position list; the last one serves the rest (9.2)."""
    if not values:
        return None
    return values[min(index, len(values) - 1)]


def placed_at(block: Tree, name: str, index: int) -> tuple[Any, str]:
    """That element with its field: the last one's when it serves the rest."""
    values = block.get(name) or ()
    return at(values, index), f"{name}.{max(0, min(index, len(values) - 1))}"


def _of_the_whole(rules: ResponseRules) -> ResponseRules:
    return ResponseRules(
        error_path=rules.error_path,
        success_media_type=rules.success_media_type,
        error_media_type=rules.error_media_type,
    )


def _selector(text: Json) -> Selector | None:
    try:
        return Selector.of(text) if isinstance(text, str) and text else None
    except PathError:
        return None  # told with its field by the collector


def _looks(template: Template) -> bool:
    """Whether a template may read the record. ``getValue`` may be given any path, ``this`` is none."""
    if "{{" not in template.text:
        return False
    roots = {path.partition(".")[0] for path in template.paths}
    return not roots or "getValue" in template.helpers or not roots <= set(_ELSEWHERE)
