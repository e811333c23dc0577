"""What stands in an answer as one JSON value (exports-imports.md 2.3, 9.5)."""

from __future__ import annotations

from fairlead.domain import jsonvalue
from fairlead.domain.xpath import XmlDocument, text_of_element
from fairlead.engine.ports import Answer, Json, ReadOptions, RecordReader


def json_value(answer: Answer) -> Json:
    """The answer as a JSON value: of XML the content of the root element. Raises ``UnreadableBody``."""
    value = answer.value()
    if not isinstance(value, XmlDocument):
        return value
    if not len(value.root) and not value.root.attrib:
        return text_of_element(value.root)
    found = xml_records(answer, None)
    return found[0] if found else None


def xml_records(answer: Answer, path: str | None) -> list[Json]:
    """The elements at an XPath, or the root element, as objects. Raises ``UnreadableBody``."""
    if not isinstance(answer.codec, RecordReader):
        return []
    raws = answer.codec.records(answer.response.body, answer.charset, ReadOptions(path))
    return [jsonvalue.loads(raw) for raw in raws or ()]
