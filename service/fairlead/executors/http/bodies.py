"""Bodies of what an import sends: templates, and who writes records that have none (exports-imports.md 2.1, 9.3)."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.codecs.body_template import WrittenTemplate
from fairlead.codecs.media_types import body_place, is_json_template
from fairlead.domain.connection import Connection
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.registry import Registry
from fairlead.engine.ports import BatchWriter, Codec, Json, RecordWriter, Template
from fairlead.executors.http.request import TemplateCollector


@dataclass(frozen=True, slots=True)
class BodyCompiler:
    """Compiles the bodies of one document: all of its requests send the same media type."""

    media_type: str
    codec: object
    """What reads and writes that media type, as far as this build does."""
    collector: TemplateCollector

    @classmethod
    def of(
        cls, connection: Connection, http: Tree, codecs: Registry[Codec], collector: TemplateCollector
    ) -> BodyCompiler:
        """By the resource's media type, else that of the connection."""
        media_type = http.get("requestMediaType") or connection.http.get("mediaType") or "json"
        return cls(media_type, codecs.get(media_type), collector)

    def compile(self, text: Json, field: str, *, strict: bool) -> Template | None:
        """The template; one that is JSON leaves as a form or in parts where the media type says so. Nothing for an empty text."""
        if not text:
            return None
        template = self.collector.compile(text, body_place(self.media_type, text), field, strict=strict)
        if is_json_template(self.media_type, text) and isinstance(self.codec, RecordWriter):
            return WrittenTemplate(template, self.codec)
        return template

    def writer(self, http: Tree, problems: list[Problem]) -> RecordWriter | None:
        """Who writes the bodies of records, nothing where all positions have a template; problems are added with their field."""
        if all(http.get("body") or [None]):
            return None
        own = http.get("requestMediaType")
        if not isinstance(self.codec, RecordWriter):
            field = "http.requestMediaType" if own else "http.body"
            message = f"writing {self.media_type} bodies is stored but not supported by this build yet"
            problems.append(Problem("feature_not_supported", message, field))
            return None
        if (http.get("batchSize") or 1) > 1 and not isinstance(self.codec, BatchWriter) and not own:
            message = f"http.batchSize must be 1 for {self.media_type}, the media type of the connection"
            problems.append(Problem("invalid_field", message, "http.batchSize"))
        return self.codec
