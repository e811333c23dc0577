"""Messages as JSON Schema 2020-12, from their plans: the components of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from fairlead.contract.descriptors import field_rules
from fairlead.contract.plan import FieldPlan, Kind, MessagePlan, plan_of
from fairlead.contract.rules import MASK
from fairlead.v1 import options_pb2

Schema = dict[str, Any]
Comments = Mapping[str, str]

_MODES: Final = {
    options_pb2.MODE_CREATE: "create",
    options_pb2.MODE_REPLACE: "replace",
    options_pb2.MODE_VIRTUAL_CONNECTION: "virtual ping",
    options_pb2.MODE_VIRTUAL_MODEL: "virtual run",
}

_STORED: Final = frozenset({options_pb2.MODE_CREATE, options_pb2.MODE_REPLACE})
"""Calls that store a document; what more calls than these require, every call requires."""

_SCALARS: Final[Mapping[str, Schema]] = {
    Kind.TEXT: {"type": "string"},
    Kind.WHOLE: {"type": "integer"},
    Kind.REAL: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
}

_OPEN: Final[Mapping[int, Schema]] = {
    options_pb2.JSON_KIND_OBJECT: {"type": "object"},
    options_pb2.JSON_KIND_ARRAY: {"type": "array"},
    options_pb2.JSON_KIND_RECORDS: {"type": "array", "items": {"type": ["object", "array"]}},
    options_pb2.JSON_KIND_SCALAR: {"type": ["string", "number", "boolean", "null"]},
    options_pb2.JSON_KIND_TEXT_OR_ARRAY: {"type": ["string", "array"]},
}


class Schemas:
    """Collects the schemas of the messages that are asked for, and of all below them."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self.components: Final[dict[str, Schema]] = {}

    def message(self, message: Descriptor, without: frozenset[str] = frozenset()) -> Schema:
        """A reference to the message's schema; with fields left out (those of path and headers) the schema itself."""
        if without:
            return self._object(message, without)
        if message.name not in self.components:
            # A message may contain itself: its name stands before its members are looked at.
            self.components[message.name] = {}
            self.components[message.name] = self._object(message, without)
        return {"$ref": f"#/components/schemas/{message.name}"}

    def body(
        self,
        message: Descriptor,
        mode: int,
        without: frozenset[str] = frozenset(),
        beside: Mapping[str, Schema] = MappingProxyType({}),
    ) -> Schema:
        """The schema of a request body: the message, with what the mode requires at its top, and nothing unknown in it. ``beside``: members
        of the body that are none of the message."""
        required = [field.json_name for field in plan_of(message).required[mode] if field.name not in without]
        schema = self._object(message, without) if beside else self.message(message, without)
        self._close(message)
        if beside:
            schema["properties"] = {**schema["properties"], **beside}
        if without or beside:
            schema["additionalProperties"] = False
        if not required:
            return schema
        return {"allOf": [schema], "required": required} if "$ref" in schema else {**schema, "required": required}

    def field(self, descriptor: FieldDescriptor, plan: FieldPlan) -> Schema:
        """The schema of one field, with what its options say."""
        schema = self._value(descriptor, plan)
        if plan.repeated:
            schema = {"type": "array", "items": schema}
            if plan.min_items:
                schema["minItems"] = plan.min_items
        if plan.output_only >= _STORED:
            schema["readOnly"] = True
        description = self._described(descriptor, plan)
        if description:
            schema["description"] = description
        return schema

    def _close(self, message: Descriptor) -> None:
        """Unknown members are refused in what clients send: in the message and in all below it."""
        component = self.components.get(message.name, {})
        if "additionalProperties" in component:
            return
        component["additionalProperties"] = False
        for descriptor, field in plan_of(message).by_field.items():
            if field.kind == Kind.OBJECT:
                self._close(_message(descriptor))

    def _object(self, message: Descriptor, without: frozenset[str]) -> Schema:
        plan: MessagePlan = plan_of(message)
        properties: dict[str, Schema] = {}
        for descriptor, field in plan.by_field.items():
            if not field.header and field.name not in without:
                properties[field.json_name] = self.field(descriptor, field)
                properties.update((alias, self.field(descriptor, field)) for alias in field.aliases)
        schema: Schema = {"type": "object", "properties": properties}
        required = [field.json_name for field in plan.fields if field.required > _STORED]
        if required and not plan.written:
            schema["required"] = required
        comment = self._comments.get(message.full_name)
        return {"description": comment, **schema} if comment else schema

    def _value(self, descriptor: FieldDescriptor, plan: FieldPlan) -> Schema:
        if plan.kind == Kind.OPEN:
            schema: Schema = dict(_OPEN.get(plan.json_kind, {}))
            if plan.json_text and "type" in schema:
                schema["type"] = [schema["type"], "string"]
            return schema
        if plan.kind == Kind.WORD:
            assert plan.words is not None
            return {"type": "string", "enum": list(plan.words.word_of.values())}
        if plan.kind == Kind.ROW:
            inner, field = next(iter(plan_of(_message(descriptor)).by_field.items()))
            return {"type": "array", "items": self._value(inner, field)}
        if plan.kind == Kind.OBJECT:
            return self.message(_message(descriptor))
        return {**_SCALARS[plan.kind], **_bounds(descriptor, plan)}

    def _described(self, descriptor: FieldDescriptor, plan: FieldPlan) -> str:
        parts = [self._comments.get(descriptor.full_name, "")]
        if plan.required:
            calls = ", ".join(word for mode, word in _MODES.items() if mode in plan.required)
            parts.append(f"Required: {calls}.")
        if plan.one_of:
            parts.append(f"One of {', '.join(f'`{word}`' for word in plan.one_of.values())}, in any case.")
        if plan.secret:
            parts.append(f"Secret: answers show `{MASK}`.")
        if plan.aliases:
            parts.append(f"Also read as {', '.join(f'`{alias}`' for alias in plan.aliases)}.")
        return " ".join(part for part in parts if part)


def _message(descriptor: FieldDescriptor) -> Descriptor:
    assert descriptor.message_type is not None
    return descriptor.message_type


def _bounds(descriptor: FieldDescriptor, plan: FieldPlan) -> Schema:
    rules = field_rules(descriptor)
    bounds: Schema = {}
    if rules.HasField("minimum"):
        bounds["minimum"] = _number(rules.minimum)
    if rules.HasField("maximum") and not plan.lowered:
        bounds["maximum"] = _number(rules.maximum)
    if plan.required and plan.kind == Kind.TEXT:
        bounds["minLength"] = 1
    if rules.pattern:
        bounds["pattern"] = rules.pattern
    if plan.max_length:
        bounds["maxLength"] = plan.max_length
    if plan.date:
        bounds["format"] = "date-time"
    if plan.secret and plan.kind == Kind.TEXT:
        bounds["format"] = "password"
    return bounds


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
