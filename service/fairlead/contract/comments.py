"""The comments of the proto files, by full name: generated code does not keep them, ``protos/comments.py`` does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec


@cache
def comments() -> Mapping[str, str]:
    """Text of services, rpcs, messages, fields, enums and values: ``fairlead.v1.Connection.name`` to its paragraphs."""
    text = resources.files("fairlead.v1").joinpath("comments.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, str])
