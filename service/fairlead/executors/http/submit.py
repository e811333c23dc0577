"""Sends mapped records and reads what the application says about each (exports-imports.md 9.2 to 9.6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.paths import NOTHING, Path, PathError, compile_path
from fairlead.domain.registry import Registry
from fairlead.engine.ports import (
    Answer,
    Codec,
    Json,
    Place,
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
from fairlead.executors.http.request import HeaderTemplate, RequestBuilder, Target, TemplateCollector, body_place

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
    codec: Codec | None
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
        media_type = http.get("requestMediaType") or connection.http.get("mediaType") or "json"
        codec = codecs.get(media_type)
        if codec is None and not all(http.get("body") or [None]):
            message = f"writing {media_type} bodies is stored but not supported by this build yet"
            field = "http.requestMediaType" if http.get("requestMediaType") else "http.body"
            problems.append(Problem("feature_not_supported", message, field))
        for name in ("successMediaType", "errorMediaType"):
            if http.get(name) and http[name] not in codecs:
                message = f"reading {http[name]} answers is stored but not supported by this build yet"
                problems.append(Problem("feature_not_supported", message, f"http.{name}"))
        count = max(len(http.get("method") or ()), len(http.get("relativeURI") or ()), 1)
        strict = bool(http.get("strictHandlebarEvaluation"))
        uri = tree.get("dataURITemplate")
        return cls(
            RequestBuilder.of(connection.http, TemplateCollector(templates, [])),
            tuple(_position(http, index, media_type, collector, problems, strict) for index in range(count)),
            collector.headers(http.get("headers"), "http.headers", strict=strict),
            media_type,
            codec,
            http.get("sendPostMappedData") is not False,
            bool(http.get("ignoreEmptyNodes")),
            http.get("endPointBodyLimit"),
            collector.compile(uri, Place.PLAIN, "dataURITemplate") if uri else None,
        )

    async def submit(self, run: Run, position: int, batch: Sequence[Submission]) -> list[RecordResult]:
        """One request for one record; its result."""
        (submission,) = batch
        chosen = self.positions[position]
        body, refusal = self._body(run, chosen, submission)
        if refusal is not None:
            return [refusal]
        target = Target(chosen.method, chosen.relative_uri, body, self.headers, self.media_type)
        request = self.builder.build(run, target, _scope(run, submission.pre), field=f"http.relativeURI.{position}")
        return [_result(await run.send(request, chosen.rules), chosen)]

    def data_uri(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``dataURITemplate``; nothing when there is none, or it renders to nothing."""
        if self.data_uri_template is None:
            return None
        try:
            return self.data_uri_template.render(_scope(run, submission.pre)) or None
        except TemplateError:
            return None

    def _body(self, run: Run, chosen: Position, submission: Submission) -> tuple[bytes | None, RecordResult | None]:
        if chosen.body is not None:
            try:
                body = chosen.body.render(_scope(run, submission.post)).encode("utf-8", "surrogatepass")
            except TemplateError as error:
                return None, RecordResult(422, errors=[("invalid_template", error.message, "mapping")])
        elif chosen.method in _WITHOUT_BODY or self.codec is None:
            return None, None
        else:
            raw = submission.post_raw if self.send_mapped else submission.pre_raw
            if self.ignore_empty:
                raw = jsonvalue.dumps(_without_empty(submission.post if self.send_mapped else submission.pre))
            body = self.codec.write(raw)
        if self.body_limit is not None and len(body) > self.body_limit:
            message = f"the body has {len(body)} bytes, endPointBodyLimit allows {self.body_limit}"
            return None, RecordResult(422, errors=[("invalid_field", message, "internal")])
        return body, None


def _position(
    http: Tree, index: int, media_type: str, collector: TemplateCollector, problems: list[Problem], strict: bool
) -> Position:
    response = http.get("response") or {}
    uri = _at(http.get("relativeURI"), index) or ""
    if http.get("singleBraces") and "{{" not in uri:
        lookups = {entry.get("name") for entry in http.get("lookups") or ()}
        uri = _SINGLE_BRACES.sub(lambda found: _braced(found[1], lookups), uri)
    body = _at(http.get("body"), index)
    rules = ResponseRules()
    try:
        rules = ResponseRules.of(
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
    except PathError as error:
        problems.append(Problem("invalid_field", f"http.response: {error}", "http.response"))
    return Position(
        _at(http.get("method"), index) or "POST",
        collector.compile(uri, Place.URI, f"http.relativeURI.{index}", strict=strict),
        collector.compile(body, body_place(media_type), f"http.body.{index}", strict=strict) if body else None,
        rules,
        _path(_at(response.get("resourcePath"), index), f"http.response.resourcePath.{index}", problems),
        _path(_at(response.get("resourceIdPath"), index), f"http.response.resourceIdPath.{index}", problems),
    )


def _braced(name: str, lookups: set[Any]) -> str:
    """``{name}`` of the earlier edition: the lookup of that name if there is one, else the record's member (9.9)."""
    return f"{{{{lookup.[{name}]}}}}" if name in lookups else f"{{{{record.[{name}]}}}}"


def _at(values: Json, index: int) -> Any:
    """Element ``index`` of a per-position list; the last one serves the rest (9.2)."""
    if not values:
        return None
    return values[min(index, len(values) - 1)]


def _path(text: Json, field: str, problems: list[Problem]) -> Path | None:
    if not text:
        return None
    try:
        return compile_path(text)
    except PathError as error:
        problems.append(Problem("invalid_field", f"{field}: {error}", field))
        return None


def _scope(run: Run, record: Json) -> Scope:
    return Scope({**run.context, "record": record, "data": [record], "0": record}, run.clock.now(), record_names=True)


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
    if answer.verdict is not Verdict.SUCCESS:
        return RecordResult(422, json=document, errors=[(answer.code, answer.message, "application")])
    if chosen.resource_path is not None and value is not NOTHING:
        value = chosen.resource_path.first(value)
        document = _document(value)
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
    if not isinstance(value, (dict, list)):
        return _raw(body, answer.charset), value
    verbatim = answer.codec is not None and answer.codec.media_type == "json" and answer.charset in (None, "utf-8")
    return (_trimmed(body) if verbatim else jsonvalue.dumps(value)), value


def _document(value: Json) -> bytes | None:
    if value is NOTHING or value is None:
        return None
    if isinstance(value, (dict, list)):
        return jsonvalue.dumps(value)
    return jsonvalue.dumps({"_raw": jsonvalue.text_of(value)})


def _raw(body: bytes, charset: str | None) -> bytes:
    try:
        text = body.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):  # codecs such as idna fail whatever the error handler
        text = body.decode("utf-8", "replace")
    return jsonvalue.dumps({"_raw": text})


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
    if found is NOTHING or found is None or isinstance(found, (dict, list)):
        return None
    return jsonvalue.text_of(found)


def _trimmed(body: bytes) -> bytes:
    return body.removeprefix(b"\xef\xbb\xbf").strip()
