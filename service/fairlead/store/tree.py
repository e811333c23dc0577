"""Trees as databases take them, and back without loss (D21).

A tree holds what JSON and BSON do not: raw bytes, integers above 64 bits, keys with dots, leading dollars or nothing in them. Such keys
are percent-escaped, so no stored key starts with ``$`` and ``{"$json": ...}``, ``{"$int": ...}`` can only be ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from fairlead.domain.document import Tree

_JSON: Final = "$json"
_INT: Final = "$int"
_ESCAPES: Final = {ord("%"): "%25", ord("$"): "%24", ord("."): "%2E", 0: "%00"}
_ESCAPED: Final = re.compile("%(25|24|2E|00)")
_EMPTY: Final = "%"
"""The empty key; a percent sign of a key is always followed by two digits."""

_decode: Final = msgspec.json.Decoder().decode


def to_bson(tree: Tree) -> Tree:
    """The tree for MongoDB: open values stay bytes."""
    packed: Tree = _pack(tree, bytes)
    return packed


def to_json(tree: Tree) -> str:
    """The tree as JSON text for SQLite: an open value is ``{"$json": "<its text>"}``."""
    return msgspec.json.encode(_pack(tree, _wrapped)).decode()


def from_bson(stored: Tree) -> Tree:
    """The tree that ``to_bson`` was given."""
    tree: Tree = _unpack(stored)
    return tree


def from_json(text: str) -> Tree:
    """The tree that ``to_json`` was given."""
    tree: Tree = _unpack(_decode(text))
    return tree


def _wrapped(raw: bytes) -> Tree:
    return {_JSON: raw.decode()}


def _pack(value: Any, raw: Callable[[bytes], Any]) -> Any:
    """Exact types only: a ``Secret``, a date or NaN in a tree that is to be stored is a bug, and told as one."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        return {_escape(name): _pack(member, raw) for name, member in value.items()}
    if kind is list:
        return [_pack(member, raw) for member in value]
    if kind is bytes:
        return raw(value)
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else {_INT: hex(value)}
    if kind is float and math.isfinite(value):
        return value
    raise TypeError(
        f"a stored tree cannot hold a {kind.__name__}" if kind is not float else "a stored number must be finite"
    )


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            ((name, member),) = value.items()
            if name == _JSON:
                return member.encode()
            if name == _INT:
                return int(member, 16)
        return {_unescape(name): _unpack(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_unpack(member) for member in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)  # BSON hands 64-bit integers out as a subclass that encoders do not know
    return value


def _escape(name: str) -> str:
    if name.isidentifier():
        return name
    return name.translate(_ESCAPES) or _EMPTY


def _unescape(name: str) -> str:
    if "%" not in name:
        return name
    return "" if name == _EMPTY else _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)
