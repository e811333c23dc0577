"""What an application's answer says about the records of a request (exports-imports.md 9.5 to 9.7, contract.md 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.charset import charset_name, encodable, readable
from fairlead.domain.paths import NOTHING
from fairlead.domain.redaction import Redactor
from fairlead.domain.selector import Selector
from fairlead.domain.xpath import XmlDocument, XmlElement
from fairlead.engine.ports import Answer, Json, RecordResult, UnreadableBody, Verdict
from fairlead.engine.results import MAXIMUM_ANSWERS
from fairlead.engine.verdict import MESSAGE_LIMIT, ResponseRules
from fairlead.executors.http.answer_values import json_value, xml_records

MAXIMUM_REPEATED: Final = 4 << 20
"""Bytes that the answer to a failed batch may take in all the results of its records; beyond them it is left out."""

_SHOWN: Final = 1 << 20
"""Bytes of a body that a message is made of."""
_ID_NAMES: Final = ("id", "_id")
_FAILED: Final = "422"


@dataclass(frozen=True, slots=True)
class _Element:
    """One of the results in the answer to a batch: its value, and where paths look for what they say about it."""

    value: Json
    place: Json


_NO_ELEMENT: Final = _Element(NOTHING, NOTHING)


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Where one position's answers hold what."""

    resource: Selector | None
    id_path: Selector | None
    rules: ResponseRules

    def single(self, answer: Answer) -> RecordResult:
        """The result of the only record of a request."""
        failed = answer.verdict is not Verdict.SUCCESS
        document, value = self._whole(answer)
        if self.resource is not None and value is not NOTHING:
            found = self._at_resource(answer)
            if found is not NOTHING or not failed:  # a failure without a resource shows the whole answer
                value, document = found, _document(found)
        if failed:
            return RecordResult(422, json=document, errors=[(answer.code, answer.message, "application")])
        id = _id(value, self.id_path)
        if id is None and self.id_path is not None and value is not NOTHING:
            id = _xml_id(answer, self.id_path)
        return RecordResult(200, id=id, json=document)

    def batch(self, answer: Answer, count: int, redact: Redactor) -> list[RecordResult]:
        """The results of ``count`` records: element k of the array at the resource path belongs to record k."""
        if answer.verdict is not Verdict.SUCCESS:
            return self._all_failed(answer, (answer.code, answer.message), count)
        try:
            value = json_value(answer)
        except UnreadableBody as error:
            return self._all_failed(answer, (error.code, redact(error.message)), count)
        elements = self._elements(answer, value)
        whole = answer.value()
        if elements is None:
            told = self._failure_of_whole(answer, whole, redact)
            if told is None:
                path = self.resource.text if self.resource is not None else "$"
                told = "invalid_response", f"the answer has no array of results at {path}"
            return self._all_failed(answer, told, count)
        results = [self._element(element, answer, whole, redact) for element in elements[:count]]
        for _ in range(count - len(results)):
            message = f"the answer has {len(elements)} results for {count} records, none for this one"
            results.append(RecordResult(422, errors=[("invalid_response", message, "application")]))
        return results

    def _whole(self, answer: Answer) -> tuple[bytes | None, Json]:
        """The answer as ``_json``, verbatim where it is JSON, and decoded; what is no object or array becomes ``_raw``."""
        body = answer.response.body
        if not body or body.isspace():
            return None, NOTHING
        try:
            value = json_value(answer)
        except UnreadableBody:
            return _raw(answer), NOTHING
        if not isinstance(value, (dict, list)):
            return _raw(answer), value
        utf8 = answer.charset is None or charset_name(answer.charset) == "utf-8"
        verbatim = utf8 and answer.codec is not None and answer.codec.media_type == "json"
        return (body.removeprefix(b"\xef\xbb\xbf").strip() if verbatim else jsonvalue.dumps(value)), value

    def _at_resource(self, answer: Answer) -> Json:
        """The value at the resource path, of several the list."""
        if self.resource is None:
            return NOTHING
        if not isinstance(answer.value(), XmlDocument):
            return self.resource.shown(answer.value())
        found = xml_records(answer, self.resource.text)
        return NOTHING if not found else found[0] if len(found) == 1 else found

    def _elements(self, answer: Answer, value: Json) -> list[_Element] | None:
        if self.resource is None:
            return None
        if isinstance(document := answer.value(), XmlDocument):
            nodes = [] if self.resource.xml is None else self.resource.xml.nodes(document)
            records = xml_records(answer, self.resource.text)
            return [
                _Element(record, record if isinstance(node, str) else XmlElement(node))
                for record, node in zip(records, nodes, strict=False)
            ] or None
        if self.resource.json is not None and self.resource.json.spreads:
            found = self.resource.find(value)
            found = found[0] if len(found) == 1 and isinstance(found[0], list) else found
            return [_Element(each, each) for each in found]
        at = self.resource.first(value)
        return [_Element(each, each) for each in at] if isinstance(at, list) else None

    def _element(self, element: _Element, answer: Answer, whole: Json, redact: Redactor) -> RecordResult:
        """The result of one record: success and fail paths inside its element first, then on the whole answer."""
        document = _document(element.value)
        if self._fails(element.place, whole):
            message = self._message(element, answer, whole, redact)
            return RecordResult(422, json=document, errors=[(_FAILED, message, "application")])
        place = element.value if self.id_path is None else element.place
        return RecordResult(200, id=_id(place, self.id_path), json=document)

    def _fails(self, element: Json, whole: Json) -> bool:
        fail, success = self.rules.fail, self.rules.success
        if fail is not None and fail.matches(_looked_into(fail.path, element, whole)):
            return True
        return success is not None and not success.matches(_looked_into(success.path, element, whole))

    def _failure_of_whole(self, answer: Answer, whole: Json, redact: Redactor) -> tuple[str, str] | None:
        """What the answer says as a whole, when it has no results of its own for the records."""
        return (_FAILED, self._message(_NO_ELEMENT, answer, whole, redact)) if self._fails(NOTHING, whole) else None

    def _message(self, element: _Element, answer: Answer, whole: Json, redact: Redactor) -> str:
        """The value at the error path in the element, else in the whole answer, else the text of the element (contract.md 1.16)."""
        path = self.rules.error_path
        text = NOTHING if path is None else path.shown(_looked_into(path, element.place, whole))
        if text is NOTHING or text is None:
            text = element.value
            if text is NOTHING:
                text = readable(answer.response.body[:_SHOWN], answer.charset)
                text = text if text.strip() else answer.response.reason or f"status {answer.response.status}"
        return redact.cut(jsonvalue.text_of(text), MESSAGE_LIMIT)

    def _all_failed(self, answer: Answer, told: tuple[str, str], count: int) -> list[RecordResult]:
        document, _ = self._whole(answer)
        if document is not None and len(document) * count > MAXIMUM_REPEATED:
            document = None
        return [RecordResult(422, json=document, errors=[(*told, "application")]) for _ in range(count)]


def _looked_into(path: Selector, element: Json, whole: Json) -> Json:
    """The element when there is something at the path, else the whole answer."""
    return element if element is not NOTHING and path.find(element) else whole


def _document(value: Json) -> bytes | None:
    if value is NOTHING or value is None:
        return None
    if isinstance(value, (dict, list)):
        return jsonvalue.dumps(value)
    return jsonvalue.dumps({"_raw": jsonvalue.text_of(value)})


def _raw(answer: Answer) -> bytes:
    """The text, as far as it could have a place in the results of a call."""
    return jsonvalue.dumps({"_raw": readable(answer.response.body[: MAXIMUM_ANSWERS + 1], answer.charset)})


def _id(value: Json, path: Selector | None) -> str | None:
    """``id`` of a result: at the configured path, else ``id``, else ``_id``; inside the only element of an array (9.5)."""
    found = _found_id(value, path)
    if found is NOTHING and isinstance(value, list) and len(value) == 1:
        found = _found_id(value[0], path)
    return _id_text(found)


def _found_id(value: Json, path: Selector | None) -> Json:
    if path is not None:
        return NOTHING if value is NOTHING else path.first(value)
    names = (name for name in _ID_NAMES if isinstance(value, dict) and not jsonvalue.is_empty(value.get(name)))
    name = next(names, None)
    return NOTHING if name is None else value[name]


def _xml_id(answer: Answer, path: Selector) -> str | None:
    """The value at a path that is meant as an XPath into the whole document."""
    document = answer.value()
    return _id_text(path.first(document)) if isinstance(document, XmlDocument) else None


def _id_text(found: Json) -> str | None:
    if found is NOTHING or isinstance(found, (dict, list)) or jsonvalue.is_empty(found):
        return None
    return encodable(jsonvalue.text_of(found))
