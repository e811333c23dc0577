"""REST JSON to a message, telling everything that is wrong with it at once (D20, contract.md 1.4 to 1.10)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from google.protobuf.message import Message

from fairlead.contract.openvalue import EMPTY_ARRAY, NULL, judge_open
from fairlead.contract.plan import FieldPlan, Kind, MessagePlan, plan_for
from fairlead.contract.problems import INVALID_JSON, UNKNOWN_FIELD, ContractError, ContractProblem, Problems
from fairlead.contract.rules import MAX_DOCUMENT, judge_items, judge_size
from fairlead.contract.scalars import NULL_SENT, Scalars
from fairlead.contract.scope import Scope
from fairlead.contract.suggest import nearest
from fairlead.contract.syntax import JsonText, SyntaxProblem, checked

Unknown = Literal["refuse", "ignore"]
M = TypeVar("M", bound=Message)

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
_TEXTS: Final = msgspec.json.Decoder(list[str]).decode

_NO_FIELDS: Final[frozenset[str]] = frozenset()
_MOST_SUGGESTIONS: Final = (
    100  # the envelope shows no more entries (contract.md 1.5), and each costs up to a millisecond
)


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """A body that was read: the message, and the paths of unknown keys that were dropped (only with ``unknown="ignore"``)."""

    message: M
    ignored: list[str]


def read(
    body: bytes,
    message_type: type[M],
    mode: int,
    *,
    body_field: str | None = None,
    unknown: Unknown = "refuse",
    prefix: str = "",
    outside: Set[str] = _NO_FIELDS,
) -> Read[M]:
    """Read a request body into a new message.

    ``body_field`` names the one field, as the proto spells it, that the body is (``body: "connection"``); without it the body
    is the whole message, and ``outside`` names the fields that the path fills and a body therefore does not know. Paths of
    problems start at the top of the body, below ``prefix``.

    Raises :class:`ContractError`: 400 for text that is no JSON document, 422 with all problems of the field rules.
    """
    try:
        document = checked(body, empty=b"{}")
    except SyntaxProblem as problem:
        text = f"the body is not valid JSON: {problem}"
        raise ContractError([ContractProblem(INVALID_JSON, text)], status=400) from None
    message = message_type()
    plan = plan_for(message)
    reader = _Reader(document, mode, refuse=unknown == "refuse")
    if body_field is None:
        reader.read_whole(message, plan, prefix, outside)
    else:
        reader.read_field(message, plan, plan.by_proto_name[body_field], prefix)
    reader.problems.raise_if_any()
    return Read(message, reader.ignored)


class _Reader:
    """One body on its way into one message."""

    __slots__ = ("_document", "_mode", "_refuse", "_scalars", "_scope", "ignored", "problems")

    def __init__(self, document: JsonText, mode: int, *, refuse: bool) -> None:
        self.problems = Problems()
        self.ignored: list[str] = []
        self._document = document
        self._mode = mode
        self._refuse = refuse
        self._scope = Scope()
        self._scalars = Scalars(document, mode, self.problems)

    def read_whole(self, message: Message, plan: MessagePlan, path: str, outside: Set[str] = _NO_FIELDS) -> None:
        """The body is the message; an empty body is an empty object, and required fields count even then."""
        members = self._members(plan, msgspec.Raw(self._document.text), path)
        if members is not None:
            kept = self._fill(message, plan, members, path, outside)
            self._require(plan, kept, path)

    def read_field(self, message: Message, plan: MessagePlan, field: FieldPlan, path: str) -> None:
        """The body is one field of the message; what it is, it is as a whole: it is never dropped. Members that stand beside those of the
        document belong to the message itself."""
        text = self._document.text
        if text == NULL and not field.keep_null:
            self.problems.invalid(path, "not be null")
        elif field.kind is Kind.OBJECT and not field.repeated:
            assert field.message is not None
            child = getattr(message, field.name)
            child.SetInParent()
            self._document_and_more(message, plan, child, field.message, path)
        elif field.kind is Kind.OPEN and not field.repeated:
            value = judge_open(field, self._document, text, path, self._mode, self.problems)
            getattr(message, field.name).json = value
        else:
            self._member(message, field, msgspec.Raw(text), path)

    def _document_and_more(
        self, message: Message, plan: MessagePlan, child: Message, document: MessagePlan, path: str
    ) -> None:
        members = self._members(document, msgspec.Raw(self._document.text), path)
        if members is None:
            return
        names = {field.json_name for field in plan.fields if field.beside_body}
        beside = {name: members.pop(name) for name in names & members.keys()}
        kept = self._fill(child, document, members, path)
        self._require(document, kept, path)
        self._fill(message, plan, beside, path)

    # -- objects --------------------------------------------------------------------------------------------------

    def _object(
        self, message: Message, plan: MessagePlan, raw: msgspec.Raw, path: str, *, droppable: bool = True
    ) -> bool:
        """Fill ``message``; false when it had members and is left without any (contract.md 1.10)."""
        members = self._members(plan, raw, path)
        if members is None:
            return True
        told = len(self.problems)
        kept = self._fill(message, plan, members, path)
        if members and not kept and droppable:
            return len(self.problems) > told  # an object whose members are all wrong is there
        message.SetInParent()
        if not members and droppable:
            self._scope.note(path)
        self._require(plan, kept, path)
        return True

    def _members(self, plan: MessagePlan, raw: msgspec.Raw, path: str) -> dict[str, msgspec.Raw] | None:
        """The members of an object one level deep; None when a problem was told."""
        if plan.written and not judge_size(_size(raw), path, self.problems):
            return None
        try:
            return _MEMBERS(raw)
        except msgspec.ValidationError:
            self.problems.invalid(path, "be an object")
            return None

    def _fill(
        self,
        message: Message,
        plan: MessagePlan,
        members: dict[str, msgspec.Raw],
        path: str,
        outside: Set[str] = _NO_FIELDS,
    ) -> set[int]:
        """Read the members one by one; the numbers of those that the message has afterwards."""
        start = f"{path}." if path else ""
        around, self._scope = self._scope, self._scope.within(message, plan, start)
        by_name, mode, texts = plan.by_name, self._mode, not self._document.stand_ins
        kept: set[int] = set()
        for key, raw in members.items():
            field = by_name.get(key)
            if field is None or field.name in outside:
                self._unknown(plan, start, key)
            elif mode in field.output_only or (key != field.json_name and field.json_name in members):
                continue
            elif (texts and field.is_free_text and _set_text(message, field, raw)) or self._member(
                message, field, raw, start + field.json_name
            ):
                kept.add(field.number)
        self._scope = around
        return kept

    def _require(self, plan: MessagePlan, kept: set[int], path: str) -> None:
        for field in plan.required[self._mode]:
            if field.number not in kept:
                self.problems.missing(f"{path}.{field.json_name}" if path else field.json_name)

    def _unknown(self, plan: MessagePlan, start: str, key: str) -> None:
        path = start + self._document.shown(key)
        if not self._refuse:
            self.ignored.append(path)
            return
        known = nearest(key, plan.names) if len(self.problems) < _MOST_SUGGESTIONS else None
        hint = f' Did you mean "{known}"?' if known else ""
        self.problems.add(UNKNOWN_FIELD, f'Unknown field "{path if key else start}".{hint}', path)

    # -- members --------------------------------------------------------------------------------------------------

    def _member(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        """Read one member; false when it is dropped, so that the message does not have it."""
        if field.problems_as:
            return self._gathered(message, field, raw, path)
        return self._value(message, field, raw, path)

    def _gathered(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        """A field whose problems become one; below it nothing is ignored and nothing read leniently (contract.md 1.8)."""
        mark, refuse = len(self.problems), self._refuse
        self._refuse = True
        self._scalars.strict = field.is_whole
        kept = self._value(message, field, raw, path)
        self._scalars.strict = False
        self._refuse = refuse
        self.problems.gather(mark, field.problems_as, path, whole=field.is_whole)
        return kept

    def _value(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        if field.repeated:
            return self._list(message, field, raw, path)
        kind = field.kind
        if kind is Kind.OBJECT:
            return self._child(message, field, raw, path)
        if kind is Kind.OPEN:
            return self._open(message, field, raw, path)
        if kind is Kind.ROW:
            return self._single_row(message, field, raw, path)
        value = self._scalars.read(field, raw, path)
        if value is NULL_SENT:
            return self._null(field, path)
        if value == "" and self._mode in field.required:
            self.problems.missing(path)
        elif not self.problems.found:
            setattr(message, field.name, value)
        return True

    def _null(self, field: FieldPlan, path: str) -> bool:
        if not field.keep_null:
            return False
        self._scope.note(path)
        if self._mode in field.required:
            self.problems.missing(path)
        return True

    def _child(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        if _is_null(raw):
            return self._null(field, path)
        assert field.message is not None
        return self._object(getattr(message, field.name), field.message, raw, path)

    def _open(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        sent = bytes(raw)
        if (sent == NULL and not field.keep_null) or (sent == EMPTY_ARRAY and field.drop_empty):
            return False
        value = judge_open(field, self._document, sent, path, self._mode, self.problems)
        getattr(message, field.name).json = value
        return True

    # -- lists ----------------------------------------------------------------------------------------------------

    def _list(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        kind = field.kind
        if kind is Kind.TEXT and not field.judged and not self._document.stand_ins:
            try:
                texts = _TEXTS(raw)
            except msgspec.ValidationError:
                pass  # nulls, scalars or something wrong: element by element
            else:
                getattr(message, field.name).extend(texts)
                return self._counted(field, len(texts), path)
        elements = self._elements(field, raw, path)
        if elements is None:
            return True
        if not elements and _is_null(raw):
            return self._null(field, path)
        start = f"{path}." if path else ""
        target: Any = getattr(message, field.name)
        if kind is Kind.OBJECT or kind is Kind.ROW:
            assert field.message is not None
            read_item = self._object_item if kind is Kind.OBJECT else self._row
            for index, element in enumerate(elements):
                read_item(target.add(), field.message, element, f"{start}{index}")
        elif kind is Kind.OPEN:
            for index, element in enumerate(elements):
                part = bytes(element)
                target.add().json = judge_open(
                    field, self._document, part, f"{start}{index}", self._mode, self.problems
                )
        else:
            values = [
                self._scalars.read_element(field, element, f"{start}{index}") for index, element in enumerate(elements)
            ]
            if not self.problems.found:
                target.extend(values)
        return self._counted(field, len(elements), path)

    def _elements(self, field: FieldPlan, raw: msgspec.Raw, path: str) -> list[msgspec.Raw] | None:
        """The elements of a list; a scalar stands for a list of one where strings or words are due (contract.md 1.5).

        None when a problem was told; the empty list for null.
        """
        try:
            elements = _ELEMENTS(raw)
        except msgspec.ValidationError:
            if _is_null(raw):
                return []
            first = bytes(memoryview(raw)[:1])
            alone = field.kind in (Kind.TEXT, Kind.WORD) or (field.kind is Kind.ROW and _holds_texts(field))
            if alone and (first != b"{" or field.object_as_text):
                return [raw]
            self.problems.invalid(path, "be an array")
            return None
        if (
            field.kind is Kind.ROW
            and elements
            and _holds_texts(field)
            and not any(_is_array(item) for item in elements)
        ):
            return [raw]
        return elements

    def _counted(self, field: FieldPlan, count: int, path: str) -> bool:
        judge_items(field, count, path, self.problems)
        if count:
            return True
        if not field.drop_empty:
            self._scope.note(path)
        return not field.drop_empty

    def _object_item(self, item: Message, plan: MessagePlan, raw: msgspec.Raw, path: str) -> None:
        """An element keeps its place even when nothing is left of it: positions mean something."""
        self._object(item, plan, raw, path, droppable=False)

    def _row(self, row: Message, plan: MessagePlan, raw: msgspec.Raw, path: str) -> None:
        """An inner list, written without the message around it; the empty one needs no note, it is there."""
        around, self._scope = self._scope, Scope()
        if not _is_null(raw):
            self._list(row, plan.fields[0], raw, path)
        self._scope = around

    def _single_row(self, message: Message, field: FieldPlan, raw: msgspec.Raw, path: str) -> bool:
        if _is_null(raw):
            return self._null(field, path)
        assert field.message is not None
        child = getattr(message, field.name)
        child.SetInParent()
        self._row(child, field.message, raw, path)
        return True


def _set_text(message: Message, field: FieldPlan, raw: msgspec.Raw) -> bool:
    """The short way of most members: a text without rules. False when the value is no text."""
    try:
        setattr(message, field.name, _TEXT(raw))
    except msgspec.ValidationError:
        return False
    return True


def _size(raw: msgspec.Raw) -> int:
    """Bytes of a document without the white space between its tokens, which is counted only when it matters."""
    size = len(memoryview(raw))
    return size if size <= MAX_DOCUMENT else len(msgspec.json.format(bytes(raw), indent=-1))


def _is_null(raw: msgspec.Raw) -> bool:
    return len(memoryview(raw)) == len(NULL) and bytes(raw) == NULL


def _is_array(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"["


def _holds_texts(field: FieldPlan) -> bool:
    assert field.message is not None
    return field.message.fields[0].kind is Kind.TEXT
