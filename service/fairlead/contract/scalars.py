"""One JSON value to the value of a scalar field: the lenient reading of contract.md 1.5, then the field's rules."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import msgspec

from fairlead.contract.plan import FieldPlan, Kind
from fairlead.contract.problems import Problems
from fairlead.contract.rules import judge_number, judge_text, refuse_word
from fairlead.contract.syntax import JsonText

_TEXT: Final = msgspec.json.Decoder(str).decode
_BOOLEAN: Final = msgspec.json.Decoder(bool).decode
_NUMBER: Final = msgspec.json.Decoder(int | float | str).decode
_NUMERIC: Final = re.compile(r"\s*[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)

_EXPECTATIONS: Final = {
    Kind.TEXT: "be a string",
    Kind.WHOLE: "be a whole number",
    Kind.REAL: "be a number",
    Kind.BOOLEAN: "be true or false",
}


class Absent(Enum):
    """Why there is no value."""

    NULL = "null was sent"
    FAILED = "the problem is told"


NULL_SENT: Final = Absent.NULL
FAILED: Final = Absent.FAILED
Value = str | int | float | bool | Absent


class Scalars:
    """Reads the scalars of one body; while ``strict``, a number written as text is refused."""

    __slots__ = ("_document", "_mode", "_problems", "strict")

    def __init__(self, document: JsonText, mode: int, problems: Problems) -> None:
        self._document = document
        self._mode = mode
        self._problems = problems
        self.strict = False

    def read(self, field: FieldPlan, raw: msgspec.Raw, path: str) -> Value:
        """The value of a field, or of one element of a list of numbers or booleans."""
        kind = field.kind
        try:
            if kind is Kind.TEXT:
                return self._text(field, _TEXT(raw), raw, path)
            if kind is Kind.WORD:
                return self._word(field, _TEXT(raw), path)
            if kind is Kind.BOOLEAN:
                return _BOOLEAN(raw)
            return self._number(field, _NUMBER(raw), path)
        except msgspec.ValidationError:
            return self._other(field, bytes(raw), path)

    def read_element(self, field: FieldPlan, raw: msgspec.Raw, path: str) -> Value:
        """An element of a list of strings or words: any scalar is taken as its text, null as the empty one."""
        if field.kind is Kind.TEXT:
            sent = bytes(raw)
            if sent == b"null":
                return ""
            if sent[0] not in b'"[{':
                return self._text(field, sent.decode(), raw, path)
        value = self.read(field, raw, path)
        if value is NULL_SENT:
            return self._refused(field, path)
        return value

    def of_text(self, field: FieldPlan, text: str, path: str) -> Value:
        """The value of a field that stands in a URL or a header, where everything is text."""
        if field.kind is Kind.TEXT:
            return judge_text(field, text, path, self._mode, self._problems)
        if field.kind is Kind.WORD:
            return self._word(field, text, path)
        if field.kind is Kind.BOOLEAN:
            return text == "true" if text in ("true", "false") else self._refused(field, path)
        return self._number(field, text, path)

    def _text(self, field: FieldPlan, value: str, raw: msgspec.Raw, path: str) -> Value:
        if self._document.stand_ins and self._document.has_half(bytes(raw)):
            self._problems.invalid(path, "not contain half of a surrogate pair")
            return FAILED
        return judge_text(field, value, path, self._mode, self._problems) if field.judged else value

    def _word(self, field: FieldPlan, word: str, path: str) -> Value:
        assert field.words is not None
        number = field.words.number_of(word)
        return self._refused(field, path) if number is None else number

    def _number(self, field: FieldPlan, value: float | str, path: str) -> Value:
        if isinstance(value, str):
            if self.strict or not _NUMERIC.fullmatch(value):
                return self._refused(field, path)
            value = float(value)
        if field.kind is Kind.WHOLE and isinstance(value, float):
            if not value.is_integer():
                return self._refused(field, path)
            value = int(value)
        return judge_number(field, value, path, self._problems)

    def _other(self, field: FieldPlan, sent: bytes, path: str) -> Value:
        if sent == b"null":
            return NULL_SENT
        if field.object_as_text and sent.startswith(b"{"):
            compact = msgspec.json.format(sent, indent=-1)
            return judge_text(field, self._document.original(compact).decode(), path, self._mode, self._problems)
        return self._refused(field, path)

    def _refused(self, field: FieldPlan, path: str) -> Value:
        if field.kind is Kind.WORD:
            refuse_word(field, path, self._problems)
        else:
            self._problems.invalid(path, _EXPECTATIONS[field.kind])
        return FAILED
