"""The field rules for messages that came over gRPC: the same rules as for JSON, over what protobuf has typed already (D20)."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

from google.protobuf.message import Message

from fairlead.contract.openvalue import EMPTY_ARRAY, NULL, judge_sent
from fairlead.contract.plan import WRITTEN, FieldPlan, Kind, MessagePlan, plan_for
from fairlead.contract.problems import ContractProblem, Problems
from fairlead.contract.rules import judge_items, judge_number, judge_size, judge_text, refuse_word

_NOTHING: Final[frozenset[str]] = frozenset()


def check(message: Message, mode: int, *, prefix: str = "") -> list[ContractProblem]:
    """Judge a message by the rules of its fields and bring it into the form that reading its JSON gives.

    Output-only fields are cleared, and objects left without any member with them; folds, lowered numbers, dates and bags
    written as text are applied in place. Answers all problems, their paths in REST spelling below ``prefix``. A message
    that was read from JSON passes unchanged.
    """
    checker = _Checker(mode)
    checker.judge(message, plan_for(message), f"{prefix}." if prefix else "")
    return checker.problems.found


class _Checker:
    """One message on its way through the rules."""

    __slots__ = ("_mode", "_scope", "_written", "problems")

    def __init__(self, mode: int) -> None:
        self.problems = Problems()
        self._mode = mode
        self._written: Set[str] = _NOTHING
        self._scope = 0

    def judge(self, message: Message, plan: MessagePlan, start: str) -> None:
        """Judge one message whose members stand at ``start`` (empty, or a path with its last dot)."""
        around, mode = (self._written, self._scope), self._mode
        if plan.written:
            if not judge_size(message.ByteSize(), start.removesuffix("."), self.problems):
                return
            self._written, self._scope = frozenset(getattr(message, WRITTEN)), len(start)
        for descriptor, value in message.ListFields():
            member = plan.by_field.get(descriptor)
            if member is None:
                continue
            if mode in member.output_only:
                message.ClearField(member.name)
            elif not member.is_free:
                self._member(message, member, value, start + member.json_name)
        for field in plan.required[mode]:
            path = start + field.json_name
            if self._is_missing(message, field, path):
                self.problems.missing(path)
        self._written, self._scope = around

    def _is_missing(self, message: Message, field: FieldPlan, path: str) -> bool:
        value: Any = getattr(message, field.name)
        if field.repeated:
            return not value and path[self._scope :] not in self._written
        if field.kind is Kind.TEXT:
            return not value
        if field.kind is Kind.OPEN:
            return not value.json or value.json == NULL
        return not message.HasField(field.name) if field.has_presence else not value

    def _member(self, message: Message, field: FieldPlan, value: Any, path: str) -> None:
        mark = len(self.problems)
        if field.repeated:
            self._list(field, value, path)
        elif field.kind is Kind.OPEN:
            self._open(message, field, value, path)
        elif field.kind is Kind.OBJECT:
            self._object(message, field, value, path)
        elif field.kind is Kind.ROW:
            self._row(field, value, path)
        elif field.kind is Kind.WORD:
            self._word(message, field, value, path)
        elif field.judged:
            kept = self._scalar(field, value, path)
            if kept != value and len(self.problems) == mark:
                setattr(message, field.name, kept)
        if field.problems_as:
            self.problems.gather(mark, field.problems_as, path, whole=field.is_whole)

    def _open(self, message: Message, field: FieldPlan, value: Any, path: str) -> None:
        if (
            not value.json
            or (value.json == NULL and not field.keep_null)
            or (value.json == EMPTY_ARRAY and field.drop_empty)
        ):
            message.ClearField(field.name)
            return
        kept = judge_sent(field, value.json, path, self._mode, self.problems)
        if kept != value.json:
            value.json = kept

    def _object(self, message: Message, field: FieldPlan, child: Message, path: str) -> None:
        assert field.message is not None
        had_members = bool(child.ListFields())
        self.judge(child, field.message, f"{path}.")
        if had_members and not child.ListFields():
            message.ClearField(field.name)

    def _row(self, field: FieldPlan, row: Message, path: str) -> None:
        assert field.message is not None
        inner = field.message.fields[0]
        self._list(inner, getattr(row, inner.name), path)

    def _word(self, message: Message, field: FieldPlan, number: int, path: str) -> None:
        assert field.words is not None
        if number == 0:
            message.ClearField(field.name)
        elif number not in field.words.word_of:
            refuse_word(field, path, self.problems)

    def _list(self, field: FieldPlan, values: Any, path: str) -> None:
        judge_items(field, len(values), path, self.problems)
        for index, value in enumerate(values):
            at = f"{path}.{index}"
            if field.kind is Kind.OBJECT:
                assert field.message is not None
                self.judge(value, field.message, f"{at}.")
            elif field.kind is Kind.ROW:
                self._row(field, value, at)
            elif field.kind is Kind.OPEN:
                value.json = judge_sent(field, value.json, at, self._mode, self.problems)
            elif field.kind is Kind.WORD:
                assert field.words is not None
                if value not in field.words.word_of:
                    refuse_word(field, at, self.problems)
            elif field.judged:
                values[index] = self._scalar(field, value, at)

    def _scalar(self, field: FieldPlan, value: Any, path: str) -> Any:
        if field.kind is Kind.TEXT:
            return judge_text(field, value, path, self._mode, self.problems)
        return judge_number(field, value, path, self.problems)
