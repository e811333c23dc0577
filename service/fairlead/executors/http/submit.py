"""Sends mapped records: one request for a record or a batch, and the result of each (exports-imports.md 9.2 to 9.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.jsonvalue import JsonError
from fairlead.domain.registry import Registry
from fairlead.engine.beside import beside
from fairlead.engine.lookups import lookup_entries
from fairlead.engine.ports import (
    Answer,
    BatchWriter,
    Codec,
    Json,
    MappingError,
    Place,
    RecordResult,
    RecordWriter,
    Scope,
    Template,
    TemplateError,
    Templates,
)
from fairlead.engine.run import Parcel, Run, Submission
from fairlead.executors.http.bodies import BodyCompiler
from fairlead.executors.http.import_position import ImportPosition, PositionCompiler
from fairlead.executors.http.lookups import HttpLookup, LookupCompiler
from fairlead.executors.http.request import HeaderTemplate, RequestBuilder, Target, TemplateCollector

_WITHOUT_BODY: Final = ("GET", "DELETE")


@dataclass(frozen=True, slots=True)
class HttpImporter:
    """An import compiled for one HTTP connection."""

    builder: RequestBuilder
    positions: tuple[ImportPosition, ...]
    headers: tuple[HeaderTemplate, ...]
    lookups: Mapping[str, HttpLookup]
    media_type: str
    accept: str | None
    writer: RecordWriter | None
    batch_size: int
    send_mapped: bool
    ignore_empty: bool
    body_limit: int | None
    data_uri_template: Template | None
    lock_template: Template | None

    @classmethod
    def of(
        cls, connection: Connection, tree: Tree, templates: Templates, codecs: Registry[Codec], problems: list[Problem]
    ) -> HttpImporter:
        """Compile; every problem goes to ``problems``, fields relative to the import."""
        http = tree.get("http") or {}
        collector = TemplateCollector(templates, problems)
        bodies = BodyCompiler.of(connection, http, codecs, collector)
        builder = RequestBuilder.of(connection.http, TemplateCollector(templates, []))
        headers = collector.headers(
            http.get("headers"), "http.headers", strict=bool(http.get("strictHandlebarEvaluation"))
        )
        entries = list(lookup_entries(tree, "lookups", "http.lookups"))
        lookups = LookupCompiler(connection, builder, headers, http, bodies, problems).compile(entries)
        uri, lock = (tree.get(name) for name in ("dataURITemplate", "idLockTemplate"))
        by_name = {entry["name"]: entry for _, entry in entries if entry.get("name")}
        return cls(
            builder,
            PositionCompiler(
                connection,
                http,
                collector,
                headers,
                (builder.base_uri, *(header.value for header in builder.headers)),
                by_name.keys(),
                lookups.keys(),
                [name for name, entry in by_name.items() if entry.get("_lookupCacheId") and name not in lookups],
                bodies,
            ).positions(problems),
            headers,
            lookups,
            bodies.media_type,
            http.get("successMediaType"),
            bodies.writer(http, problems),
            http.get("batchSize") or 1,
            http.get("sendPostMappedData") is not False,
            bool(http.get("ignoreEmptyNodes")),
            http.get("endPointBodyLimit"),
            collector.compile(uri, Place.PLAIN, "dataURITemplate") if uri else None,
            collector.compile(lock, Place.PLAIN, "idLockTemplate") if lock else None,
        )

    @property
    def locks(self) -> bool:
        """Whether there is an ``idLockTemplate``."""
        return self.lock_template is not None

    def lookups_read(self, position: int) -> frozenset[str]:
        """Dynamic lookups that URI, headers and body of the position read."""
        return self.positions[position].lookups

    def uri_has_values(self, run: Run, submission: Submission, found: Callable[[str], bool]) -> bool:
        """Dynamic lookups by ``found``, all of them; static ones by rendering the URI and seeing whether one has no match."""
        chosen = self.positions[0]
        if not all(found(name) for name in sorted(chosen.uri_lookups)):
            return False
        if "lookup" not in chosen.relative_uri.helpers:
            return True
        empty: list[str] = []

        def watched(name: str, lookup: Callable[[Json], Json]) -> Callable[[Json], Json]:
            def look_up(value: Json) -> Json:
                result = lookup(value)
                if jsonvalue.is_empty(result):
                    empty.append(name)
                return result

            return look_up

        scope = _scope(run, [submission.pre], {})
        scope = replace(scope, lookups={name: watched(name, lookup) for name, lookup in run.lookups.items()})
        try:
            chosen.relative_uri.render(scope)
        except (MappingError, TemplateError):
            return False
        return not empty

    def lock_key(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``idLockTemplate``; nothing when it renders to nothing. Raises ``InvalidContent`` and ``MappingError``."""
        if self.lock_template is None:
            return None
        try:
            return self.lock_template.render(_scope(run, [submission.pre], {})) or None
        except TemplateError as error:
            raise InvalidContent(Problem("invalid_template", f"idLockTemplate: {error.message}")) from None

    def data_uri(self, run: Run, submission: Submission) -> str | None:
        """The rendered ``dataURITemplate``; nothing when there is none, or it renders to nothing."""
        if self.data_uri_template is None:
            return None
        try:
            return self.data_uri_template.render(_scope(run, [submission.pre], {})) or None
        except (TemplateError, MappingError):
            return None

    def parcels(self, run: Run, position: int, batch: Sequence[Submission]) -> Iterator[Parcel]:
        """One request, or as many as ``endPointBodyLimit`` asks for, each with as many records as fit. A record that the media type cannot
        hold goes alone, with its problem."""
        if len(batch) > 1 and self.positions[position].body is None and self._parcel(run, position, batch).problem:
            alone = [self._parcel(run, position, [record]) for record in batch]
            yield from (parcel for parcel in alone if parcel.problem is not None)
            batch = [record for parcel in alone if parcel.problem is None for record in parcel.records]
        start = 0
        while start < len(batch):
            parcel, fits = self._parcel(run, position, batch[start:]), len(batch) - start
            if self._is_too_long(parcel) and fits > 1:
                below, fits = 1, fits - 1
                while below < fits:  # the longest part of the batch that fits; the first record goes alone if need be
                    middle = (below + fits + 1) // 2
                    if self._is_too_long(self._parcel(run, position, batch[start : start + middle])):
                        fits = middle - 1
                    else:
                        below = middle
                parcel = self._parcel(run, position, batch[start : start + fits])
            if parcel.problem is None and self._is_too_long(parcel):
                message = f"the body has {len(parcel.body or b'')} bytes, endPointBodyLimit allows {self.body_limit}"
                parcel = Parcel(position, parcel.records, problem=Problem("invalid_field", message, source="internal"))
            yield parcel
            start += fits

    async def submit(self, run: Run, parcel: Parcel) -> list[RecordResult]:
        """One request; a result per record. Raises ``InvalidContent`` and ``MappingError`` when it cannot be made."""
        chosen = self.positions[parcel.position]
        target = Target(chosen.method, chosen.relative_uri, parcel.body, self.headers, self.media_type, self.accept)
        field = f"http.relativeURI.{parcel.position}"

        def build() -> HttpRequest:
            records = [one.pre for one in parcel.records] if chosen.looks else []
            scope = _scope(run, records, parcel.records[0].looked_up)
            return self.builder.build(run, target, scope, field=field)

        answer = await run.send(build(), chosen.rules, build)
        return await beside(len(answer.response.body), partial(self._results, run, parcel, answer))

    def _results(self, run: Run, parcel: Parcel, answer: Answer) -> list[RecordResult]:
        answers = self.positions[parcel.position].answers
        if self.batch_size == 1:
            return [answers.single(answer)]
        return answers.batch(answer, len(parcel.records), run.connection.redactor)

    def _is_too_long(self, parcel: Parcel) -> bool:
        return self.body_limit is not None and parcel.body is not None and len(parcel.body) > self.body_limit

    def _parcel(self, run: Run, position: int, records: Sequence[Submission]) -> Parcel:
        try:
            return Parcel(position, records, self._body(run, self.positions[position], records))
        except TemplateError as error:
            problem = Problem("invalid_template", error.message, source="mapping")
        except MappingError as error:
            problem = Problem(error.code, error.message, source=error.source)
        except InvalidContent as error:
            problem = error.problems[0]
        except JsonError as error:
            problem = Problem("mapping_error", f"the record cannot be written: {error}", source="mapping")
        return Parcel(position, records, problem=problem)

    def _body(self, run: Run, chosen: ImportPosition, records: Sequence[Submission]) -> bytes | None:
        """Raises ``TemplateError``, ``MappingError``, ``InvalidContent`` and ``JsonError``."""
        if chosen.body is not None:
            scope = _scope(run, [one.post_seen for one in records], records[0].looked_up)
            if self.batch_size > 1:
                batch = [
                    {"record": one, "lookup": of.looked_up}
                    for one, of in zip(scope.context["data"], records, strict=True)
                ]
                scope.context = {**scope.context, "batch_of_records": batch}
            return chosen.body.render(scope).encode("utf-8", "surrogatepass")
        if chosen.method in _WITHOUT_BODY or self.writer is None:
            return None
        raws = [self._raw(one) for one in records]
        if self.batch_size > 1 and isinstance(self.writer, BatchWriter):
            return self.writer.write_batch(raws)
        return self.writer.write(raws[0])

    def _raw(self, record: Submission) -> bytes:
        if self.ignore_empty:
            return jsonvalue.dumps(_without_empty(record.post if self.send_mapped else record.own))
        return record.post_raw if self.send_mapped else record.pre_raw


def _scope(run: Run, records: list[Json], looked_up: Mapping[str, Json]) -> Scope:
    """What templates of a request see: the first record of its batch, and all of them as ``data``; nothing of those that do not look."""
    if not records:
        return run.scope({"lookup": looked_up})
    first = records[0]
    return run.scope({"record": first, "data": records, "0": first, "lookup": looked_up}, record_names=True)


def _without_empty(value: Json) -> Json:
    """Null, "", [] and {} removed, from inside out (``ignoreEmptyNodes``)."""
    if isinstance(value, dict):
        inner = {name: _without_empty(item) for name, item in value.items()}
        return {name: item for name, item in inner.items() if not jsonvalue.is_empty(item)}
    if isinstance(value, list):
        return [item for item in map(_without_empty, value) if not jsonvalue.is_empty(item)]
    return value
