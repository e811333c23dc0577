"""Messages and the plain trees that are stored and run: back and forth by descriptor, once for every kind (D21)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message

from fairlead.contract.plain import Form, plain
from fairlead.contract.plan import FieldPlan, Kind, MessagePlan, plan_for
from fairlead.contract.scope import Scope

Tree = dict[str, Any]
M = TypeVar("M", bound=Message)


def to_tree(message: Message, wrap_secret: Callable[[str | bytes], object]) -> Tree:
    """The message as REST names: enums as words, open values as their JSON bytes, secrets through ``wrap_secret``.

    What ``written`` tells is put in: None, [] and {}. Fields that are not set are left out.
    """
    return plain(message, plan_for(message), Form(bytes, wrap_secret))


def from_tree(tree: Mapping[str, Any], message_type: type[M]) -> M:
    """The message of a tree, ``written`` filled again.

    Open values are JSON bytes, or anything else that JSON can hold (the mask of a bag is text). Names and words that the
    contract does not know are left out: while replicas are being renewed, an older one meets what a newer one stored.
    """
    message = message_type()
    _fill(message, plan_for(message), tree, "", Scope())
    return message


def _fill(message: Message, plan: MessagePlan, tree: Mapping[str, Any], start: str, around: Scope) -> None:
    scope = around.within(message, plan, start)
    for name, value in tree.items():
        field = plan.by_name.get(name)
        if field is None:
            continue
        path = start + field.json_name
        if value is None:
            _fill_null(message, field, path, scope)
        elif field.repeated:
            _fill_list(message, field, value, path, scope)
        elif field.kind is Kind.OBJECT:
            assert field.message is not None
            child = getattr(message, field.name)
            child.SetInParent()
            if not value:
                scope.note(path)
            _fill(child, field.message, value, f"{path}.", scope)
        elif field.kind is Kind.ROW:
            assert field.message is not None
            row = getattr(message, field.name)
            row.SetInParent()
            _fill_list(row, field.message.fields[0], value, path, Scope())
        elif field.kind is Kind.OPEN:
            getattr(message, field.name).json = _open(value)
        else:
            scalar = _scalar(field, value)
            if scalar is not None:
                setattr(message, field.name, scalar)


def _fill_null(message: Message, field: FieldPlan, path: str, scope: Scope) -> None:
    if field.kind is Kind.OPEN and not field.repeated:
        getattr(message, field.name).json = b"null"
    else:
        scope.note(path)


def _fill_list(message: Message, field: FieldPlan, values: list[Any], path: str, scope: Scope) -> None:
    target: Any = getattr(message, field.name)
    if not values:
        scope.note(path)
    for index, value in enumerate(values):
        if field.kind is Kind.OBJECT:
            assert field.message is not None
            _fill(target.add(), field.message, value, f"{path}.{index}.", scope)
        elif field.kind is Kind.ROW:
            assert field.message is not None
            _fill_list(target.add(), field.message.fields[0], value, path, Scope())
        elif field.kind is Kind.OPEN:
            target.add().json = _open(value)
        else:
            scalar = _scalar(field, value)
            if scalar is not None:
                target.append(scalar)


def _scalar(field: FieldPlan, value: Any) -> Any:
    return field.words.number_of(value) if field.words is not None else value


def _open(value: Any) -> bytes:
    return value if isinstance(value, bytes) else msgspec.json.encode(value)
