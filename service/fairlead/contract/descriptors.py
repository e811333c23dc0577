"""Typed access to the options that ``options.proto`` defines, and to message classes."""

from __future__ import annotations

from typing import Final

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    MethodDescriptor,
)
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from fairlead.v1 import common_pb2, options_pb2

OPEN_VALUE: Final = common_pb2.JsonValue.DESCRIPTOR.full_name
"""Name of the message that carries any JSON value as its text (D1)."""


def field_rules(field: FieldDescriptor) -> options_pb2.FieldRules:
    """The rules of a field; all empty when it has none."""
    return field.GetOptions().Extensions[options_pb2.field]


def message_rules(message: Descriptor) -> options_pb2.MessageRules:
    """The rules of a message."""
    return message.GetOptions().Extensions[options_pb2.message]


def enum_rules(enum: EnumDescriptor) -> options_pb2.EnumRules:
    """The rules of an enum."""
    return enum.GetOptions().Extensions[options_pb2.enum]


def value_rules(value: EnumValueDescriptor) -> options_pb2.EnumValueRules:
    """The REST form of an enum value."""
    return value.GetOptions().Extensions[options_pb2.value]


def method_rules(method: MethodDescriptor) -> options_pb2.MethodRules:
    """The REST manners of an rpc."""
    return method.GetOptions().Extensions[options_pb2.method]


def message_class(message: Descriptor) -> type[Message]:
    """The Python class of a message."""
    return GetMessageClass(message)


def is_open(field: FieldDescriptor) -> bool:
    """Whether the field holds a ``JsonValue``."""
    return field.message_type is not None and field.message_type.full_name == OPEN_VALUE
