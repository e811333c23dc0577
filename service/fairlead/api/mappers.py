"""Message to tree and back, for every kind, by descriptor (D21). Thin: the walker of the contract knows the fields."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from fairlead.contract.tree import from_tree, to_tree
from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.secret import Secret
from fairlead.v1 import common_pb2

M = TypeVar("M", bound=Message)


def resource_tree(message: Message) -> Tree:
    """The tree of a document that may hold secrets: each one is wrapped."""
    return to_tree(message, Secret)


def model_tree(message: Message) -> Tree:
    """The tree of an export or import model: virtual models hold no secrets, a mask in them is plain text (contract.md 1.7)."""
    return to_tree(message, lambda value: value)


def message_of(tree: Tree, kind: type[M]) -> M:
    """The message of a tree."""
    return from_tree(tree, kind)


def open_object(value: common_pb2.JsonValue) -> Tree:
    """An open object of a request, decoded; absent: empty."""
    decoded: Any = jsonvalue.loads(value.json) if value.json else {}
    return decoded if isinstance(decoded, dict) else {}


def json_value(raw: bytes) -> common_pb2.JsonValue:
    """Raw JSON as a message."""
    return common_pb2.JsonValue(json=raw)
