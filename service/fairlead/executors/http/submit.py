"""Sends mapped records and reads what the application says about each (exports-imports.md 9.2 to 9.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fairlead.codecs.media_types import body_place
from fairlead.domain import jsonvalue
from fairlead.domain.charset import charset_name, readable
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.paths import NOTHING, Path, PathError
from fairlead.domain.registry import Registry
from fairlead.domain.selector import answer_media_types
from fairlead.domain.xpath import XmlDocument
from fairlead.engine.ports import (
    Answer,
    Codec,
    Json,
    MappingError,
    Place,
    RecordCodec,
    RecordResult,
    Scope,
    Template,
    TemplateError,
    Templates,
    UnreadableBody,
    Verdict,
)
from fairlead.engine.run import Run, Submission
from fairlead.engine.verdict import ResponseRules
from fairlead.executors.http.request import (
    HeaderTemplate,
    RequestBuilder,
    Target,
    TemplateCollector,
    dynamic_lookups,
)

_WITHOUT_BODY: Final = ("GET", "DELETE")
_SINGLE_BRACES: Final = re.compile(r"\{([^{}]+)\}")
_ID_NAMES: Final = ("id", "_id")


@dataclass(frozen=True, slots=True)
class Position:
    """One of at most two requests that an import can make."""

    method: str
    relative_uri: Template
    body: Template | None
    rules: ResponseRules
    resource_path: Path | None
    id_path: Path | None


@dataclass(frozen=True, slots=True)
class HttpImporter:
    """An import compiled for one HTTP connection."""

    builder: RequestBuilder
    positions: tuple[Position, ...]
    headers: tuple[HeaderTemplate, ...]
    media_type: str
    accept: str | None
    codec: RecordCodec | None
    send_mapped: bool
    ignore_empty: bool
    body_limit: int | None
    data_uri_template: Template | None

    @classmethod
    def of(
        cls, connection: Connection, tree: Tree, templates: Templates, codecs: Registry[Codec], problems: list[Problem]
    ) -> HttpImporter:
        """Compile; every problem goes to ``problems``, fields relative to the import."""
        http = tree.get("http") or {}
        collector = TemplateCollector(templates, problems)
        media_type = _media_type(connection, http)
        known = codecs.get(media_type)
        codec = known if isinstance(known, RecordCodec) else None
        if codec is None and not all(http.get("body") or [None]):
            message = f"writing {media_type} bodies is stored but not supported by this build yet"
            field = "http.requestMediaType" if http.get("requestMediaType") else "http.body"
            problems.append(Problem("feature_not_supported", message, field))
        for name in ("successMediaType", "errorMediaType"):
            word = http.get(name) or connection.http.get(name)
            if word and not isinstance(codecs.get(word), RecordCodec):
                message = f"reading {word} answers is stored but not supported by this build yet"
                problems.append(Problem("feature_not_supported", message, f"http.{name}"))
        count = max(len(http.get("method") or ()), len(http.get("relativeURI") or ()), 1)
        strict = bool(http.get("strictHandlebarEvaluation"))
        lookups = [entry for entries in (tree, http) for entry in entries.get("lookups") or ()]
        positions = tuple(
            _position(connection, http, index, collector, lookups, strict=strict) for index in range(count)
        )
        headers = collector.headers(http.get("headers"), "http.headers", strict=strict)
        problems.extend(_unsupported_lookups(positions, headers, lookups))
        uri = tree.get("dataURITemplate")
        return cls(
            RequestBuilder.of(connection.http, TemplateCollector(templates, [])),
            positions,
            headers,
            media_type,
            http.get("successMediaType"),
            codec,
            http.get("sendPostMappedData") is not False,
            bool(http.get("ignoreEmptyNodes")),
            http.get("endPointBodyLimit"),
            collector.compile(uri, Place.PLAIN, "dataURITemplate") if uri else None,
        )

    async def submit(self, run: Run, position: int, batch: Sequence[Submission]) -> list[RecordResult]:
        """One request for one record; its result. Raises ``InvalidContent`` and ``MappingError`` for a record that cannot be sent."""
        (submission,) = batch
        chosen = self.positions[position]
        body = self._body(run, chosen, submission)
        target = Target(chosen.method, chosen.relative_uri, body, self.headers, self.media_type, self.accept)

        def build() -> HttpRequest:
            return self.builder.build(run, target, _scope(run, submission.pre), field=f"http.relativeURI.{position}")

        return [_result(await run.send(build(), chosen.rules, build), chosen)]

    def data_uri(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``dataURITemplate``; nothing when there is none, or it renders to nothing."""
        if self.data_uri_template is None:
            return None
        try:
            return self.data_uri_template.render(_scope(run, submission.pre)) or None
        except (TemplateError, MappingError):
            return None

    def _body(self, run: Run, chosen: Position, submission: Submission) -> bytes | None:
        if chosen.body is not None:
            try:
                body = chosen.body.render(_scope(run, submission.post)).encode("utf-8", "surrogatepass")
            except TemplateError as error:
                raise InvalidContent(Problem("invalid_template", error.message)) from None
        elif chosen.method in _WITHOUT_BODY or self.codec is None:
            return None
        else:
            raw = submission.post_raw if self.send_mapped else submission.pre_raw
            if self.ignore_empty:
                raw = jsonvalue.dumps(_without_empty(submission.post if self.send_mapped else submission.pre))
            body = self.codec.write(raw)
        if self.body_limit is not None and len(body) > self.body_limit:
            message = f"the body has {len(body)} bytes, endPointBodyLimit allows {self.body_limit}"
            raise InvalidContent(Problem("invalid_field", message, source="internal"))
        return body


def _position(
    connection: Connection,
    http: Tree,
    index: int,
    collector: TemplateCollector,
    lookups: Sequence[Tree],
    *,
    strict: bool,
) -> Position:
    response = http.get("response") or {}
    uri, uri_field = _placed_at(http, "relativeURI", index)
    uri = uri or ""
    if http.get("singleBraces") and "{{" not in uri:
        names = {entry.get("name") for entry in lookups}
        uri = _SINGLE_BRACES.sub(lambda found: _braced(found[1], names), uri)
    body, body_field = _placed_at(http, "body", index)
    resource_path, id_path = (
        collector.path(text, f"http.response.{field}")
        for text, field in (_placed_at(response, name, index) for name in ("resourcePath", "resourceIdPath"))
    )
    return Position(
        _at(http.get("method"), index) or "POST",
        collector.compile(uri, Place.URI, f"http.{uri_field}", strict=strict),
        collector.compile(body, body_place(_media_type(connection, http)), f"http.{body_field}", strict=strict)
        if body
        else None,
        _rules(connection, http, index, collector),
        resource_path,
        id_path,
    )


def _media_type(connection: Connection, http: Tree) -> str:
    return http.get("requestMediaType") or connection.http.get("mediaType") or "json"


def _rules(connection: Connection, http: Tree, index: int, collector: TemplateCollector) -> ResponseRules:
    response = http.get("response") or {}
    media_types = answer_media_types(connection.http, http)
    for name in ("successPath", "failPath"):
        text, field = _placed_at(response, name, index)
        collector.selector(text, f"http.response.{field}", media_types)
    collector.selector(response.get("errorPath"), "http.response.errorPath", media_types)
    try:
        return ResponseRules.of(
            {
                "successPath": _at(response.get("successPath"), index),
                "successValues": _at(response.get("successValues"), index),
                "failPath": _at(response.get("failPath"), index),
                "failValues": _at(response.get("failValues"), index),
                "errorPath": response.get("errorPath"),
                "allowArrayforSuccessPath": response.get("allowArrayforSuccessPath"),
            },
            success_media_type=http.get("successMediaType"),
            error_media_type=http.get("errorMediaType"),
        )
    except PathError:
        return ResponseRules()  # told with its field by the collector


def _unsupported_lookups(
    positions: Sequence[Position], headers: Sequence[HeaderTemplate], lookups: Sequence[Tree]
) -> Iterator[Problem]:
    """Templates that read the result of a dynamic or cache lookup."""
    templates = [(f"http.relativeURI.{index}", position.relative_uri) for index, position in enumerate(positions)]
    templates += [(f"http.body.{index}", at.body) for index, at in enumerate(positions) if at.body is not None]
    templates += [(f"http.headers.{index}.value", header.value) for index, header in enumerate(headers)]
    return dynamic_lookups(templates, lookups)


def _braced(name: str, lookups: set[Any]) -> str:
    """``{name}`` of the earlier edition: the lookup of that name if there is one, else the record's member (9.9)."""
    return f"{{{{lookup.[{name}]}}}}" if name in lookups else f"{{{{record.[{name}]}}}}"


def _at(values: Json, index: int) -> Any:
    """Element ``index`` of a per-position list; the last one serves the rest (9.2)."""
    if not values:
        return None
    return values[min(index, len(values) - 1)]


def _placed_at(block: Tree, name: str, index: int) -> tuple[Any, str]:
    """That element with its field: the last one's when it serves the rest."""
    values = block.get(name) or ()
    return _at(values, index), f"{name}.{max(0, min(index, len(values) - 1))}"


def _scope(run: Run, record: Json) -> Scope:
    return run.scope({"record": record, "data": [record], "0": record}, record_names=True)


def _without_empty(value: Json) -> Json:
    """Null, "", [] and {} removed, from inside out (``ignoreEmptyNodes``)."""
    if isinstance(value, dict):
        inner = {name: _without_empty(item) for name, item in value.items()}
        return {name: item for name, item in inner.items() if not jsonvalue.is_empty(item)}
    if isinstance(value, list):
        return [item for item in map(_without_empty, value) if not jsonvalue.is_empty(item)]
    return value


def _result(answer: Answer, chosen: Position) -> RecordResult:
    """What one answer says about one record (contract.md 4.4)."""
    document, value = _json_of(answer)
    failed = answer.verdict is not Verdict.SUCCESS
    if chosen.resource_path is not None and value is not NOTHING:
        found = chosen.resource_path.first(value)
        if found is not NOTHING or not failed:  # a failure without a resource shows the whole answer
            value, document = found, _document(found)
    if failed:
        return RecordResult(422, json=document, errors=[(answer.code, answer.message, "application")])
    return RecordResult(200, id=_id(value, chosen.id_path), json=document)


def _json_of(answer: Answer) -> tuple[bytes | None, Json]:
    """The answer as ``_json``, verbatim where it is JSON, and decoded; anything that is no object or array becomes ``_raw``."""
    body = answer.response.body
    if not body.strip():
        return None, NOTHING
    try:
        value = answer.value()
    except UnreadableBody:
        return _raw(body, answer.charset), NOTHING
    if isinstance(value, XmlDocument):
        return _raw(body, answer.charset), NOTHING
    if not isinstance(value, (dict, list)):
        return _raw(body, answer.charset), value
    utf8 = answer.charset is None or charset_name(answer.charset) == "utf-8"
    verbatim = utf8 and answer.codec is not None and answer.codec.media_type == "json"
    return (_trimmed(body) if verbatim else jsonvalue.dumps(value)), value


def _document(value: Json) -> bytes | None:
    if value is NOTHING or value is None:
        return None
    if isinstance(value, (dict, list)):
        return jsonvalue.dumps(value)
    return jsonvalue.dumps({"_raw": jsonvalue.text_of(value)})


def _raw(body: bytes, charset: str | None) -> bytes:
    return jsonvalue.dumps({"_raw": readable(body, charset)})


def _id(value: Json, path: Path | None) -> str | None:
    """``id`` of a result: at the configured path, else ``id``, else ``_id``; inside the only element of an array (9.5)."""
    if isinstance(value, list) and len(value) == 1 and (path is None or path.first(value) is NOTHING):
        value = value[0]
    if path is not None:
        found = path.first(value) if value is not NOTHING else NOTHING
    else:
        names = (name for name in _ID_NAMES if isinstance(value, dict) and not jsonvalue.is_empty(value.get(name)))
        name = next(names, None)
        found = value[name] if name is not None else NOTHING
    if found is NOTHING or isinstance(found, (dict, list)) or jsonvalue.is_empty(found):
        return None
    return jsonvalue.text_of(found)


def _trimmed(body: bytes) -> bytes:
    return body.removeprefix(b"\xef\xbb\xbf").strip()
