"""The grammar of ``google.api.http`` paths, as far as this contract uses it: literals and variables of one segment each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor

ANY_METHOD: Final = "*"
"""The kind of a custom rule that takes every HTTP method."""

_LITERAL: Final = re.compile(r"[A-Za-z0-9._~-]+")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?:=\*)?\}")


class RouteError(Exception):
    """The contract's routes cannot be served; stops the start."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a path between slashes: a literal text, or the request field (proto spelling) that a variable fills."""

    text: str
    is_variable: bool


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One binding of an rpc: HTTP method (or ``ANY_METHOD``), path, and which field is the body.

    ``body`` is empty for none, ``*`` for the whole request; ``response_body`` is empty for the whole response.
    """

    method: str
    path: str
    segments: tuple[Segment, ...]
    body: str
    response_body: str


def http_rules(method: MethodDescriptor) -> Iterator[HttpRule]:
    """The bindings of an rpc, the main one first; none for an rpc without ``google.api.http``. Raises ``RouteError``."""
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    main = options.Extensions[annotations_pb2.http]
    for rule in (main, *main.additional_bindings):
        verb, path = _pattern(rule, method.full_name)
        # An additional binding shares the answer with the main one unless it says otherwise.
        yield HttpRule(verb, path, parse_path(path), rule.body, rule.response_body or main.response_body)


def _pattern(rule: http_pb2.HttpRule, rpc: str) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        raise RouteError(f"{rpc}: google.api.http names no method and path")
    if kind == "custom":
        return rule.custom.kind.upper(), rule.custom.path
    return kind.upper(), getattr(rule, kind)


def parse_path(path: str) -> tuple[Segment, ...]:
    """The segments of a path template.

    Raises ``RouteError`` for what this contract does without: wildcards that span segments, fields of fields, verbs after a
    colon, a field named twice.
    """
    if not path.startswith("/") or path == "/":
        raise RouteError(f"{path!r} must start with a slash and name something")
    segments: list[Segment] = []
    for part in path[1:].split("/"):
        variable = _VARIABLE.fullmatch(part)
        if variable:
            segments.append(Segment(variable[1], True))
        elif _LITERAL.fullmatch(part):
            segments.append(Segment(part, False))
        else:
            raise RouteError(f"{path!r}: {part!r} is neither a literal nor a variable of one segment")
    names = [segment.text for segment in segments if segment.is_variable]
    if len(set(names)) != len(names):
        raise RouteError(f"{path!r} names a field twice")
    return tuple(segments)
