"""A message as plain values by its REST names: what is printed and what is stored, in the order of the contract (contract.md 1.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from fairlead.contract.plan import FieldPlan, Kind, MessagePlan
from fairlead.contract.scope import NOTHING_WRITTEN, Written, written_in
from fairlead.v1 import options_pb2

_EXACT_WHOLE: Final = 2**53


@dataclass(frozen=True, slots=True)
class Form:
    """What the values become: open values through ``open_value``, secrets through ``secret`` (as they are without it).

    ``printed`` adds what only an answer shows: fields that are always there, and null in place of an empty text.
    """

    open_value: Callable[[bytes], object]
    secret: Callable[[str | bytes], object] | None = None
    printed: bool = False


def plain(message: Message, plan: MessagePlan, form: Form, around: Written = NOTHING_WRITTEN) -> dict[str, Any]:
    """The members of a message; fields that travel as a header are left out, and so is ``written``, which is obeyed."""
    written = written_in(message, plan, around)
    fields = message.ListFields()
    if not plan.in_order:
        position = plan.position
        fields = sorted(fields, key=lambda item: position.get(item[0], -1))
    by_field = plan.by_field
    members: dict[str, Any] = {}
    for descriptor, value in fields:
        field = by_field.get(descriptor)
        if field is None or field.header:
            continue
        kind = field.kind
        if field.is_free:
            members[field.json_name] = value
        elif field.repeated:
            members[field.json_name] = plain_list(field, value, form, written.get(field.json_name, NOTHING_WRITTEN))
        elif kind is Kind.OBJECT:
            assert field.message is not None
            below = written.get(field.json_name, NOTHING_WRITTEN)
            members[field.json_name] = plain(value, field.message, form, below)
        elif kind is Kind.ROW:
            members[field.json_name] = _row(field, value, form)
        elif kind is not Kind.WORD or value:
            members[field.json_name] = _scalar(field, value, form)
    if written or (form.printed and any(field.json_name not in members for field in plan.always_printed)):
        return _completed(members, plan, form, written)
    return members


def plain_list(field: FieldPlan, values: Any, form: Form, written: Written) -> list[Any]:
    """The elements of a repeated field."""
    kind = field.kind
    if kind is Kind.OBJECT:
        assert field.message is not None
        inner = field.message
        if not written:
            return [plain(value, inner, form) for value in values]
        return [
            plain(value, inner, form, written.get(str(index), NOTHING_WRITTEN)) for index, value in enumerate(values)
        ]
    if kind is Kind.ROW:
        return [_row(field, value, form) for value in values]
    if kind is Kind.TEXT and not field.secret:
        if form.printed and field.empty_is_null:
            return [value or None for value in values]
        return list(values)
    return [_scalar(field, value, form) for value in values]


def empty_of(field: FieldPlan) -> Any:
    """What a field that is always printed shows when it is not set."""
    if field.repeated or field.kind is Kind.ROW:
        return []
    if field.kind is Kind.OPEN:
        return {
            options_pb2.JSON_KIND_ARRAY: [],
            options_pb2.JSON_KIND_RECORDS: [],
            options_pb2.JSON_KIND_OBJECT: {},
        }.get(field.json_kind)
    return {Kind.TEXT: "", Kind.WHOLE: 0, Kind.REAL: 0, Kind.BOOLEAN: False, Kind.OBJECT: {}}.get(field.kind)


def _scalar(field: FieldPlan, value: Any, form: Form) -> Any:
    kind = field.kind
    if kind is Kind.WORD:
        assert field.words is not None
        return field.words.word_of.get(value)
    if kind is Kind.REAL:
        return int(value) if value.is_integer() and abs(value) < _EXACT_WHOLE else value
    content = value.json if kind is Kind.OPEN else value
    if field.secret and form.secret is not None:
        return form.secret(content)
    return form.open_value(content) if kind is Kind.OPEN else content


def _row(field: FieldPlan, row: Any, form: Form) -> list[Any]:
    assert field.message is not None
    inner = field.message.fields[0]
    return plain_list(inner, getattr(row, inner.name), form, NOTHING_WRITTEN)


def _completed(members: dict[str, Any], plan: MessagePlan, form: Form, written: Written) -> dict[str, Any]:
    """The members with those that are there although protobuf has nothing set, in the order of the contract."""
    complete: dict[str, Any] = {}
    for field in plan.fields:
        name = field.json_name
        if name in members:
            complete[name] = members[name]
        elif field.header:
            continue
        elif name in written and field.keep_null:
            complete[name] = None
        elif (name in written and field.repeated and not field.drop_empty) or (form.printed and field.always_printed):
            complete[name] = empty_of(field)
    return complete
