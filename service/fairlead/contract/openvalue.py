"""Open values: JSON that the contract carries and does not look into, beyond what kind of value it is (contract.md 1.7, 1.8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from fairlead.contract.plan import FieldPlan
from fairlead.contract.problems import Problems
from fairlead.contract.rules import MASK, MASK_REFUSED, NOT_IN_A_LIST, NOT_THE_MASK, judge_items
from fairlead.contract.syntax import JsonText, SyntaxProblem, checked
from fairlead.v1 import options_pb2

MASK_JSON: Final = b'"******"'
NULL: Final = b"null"
EMPTY_ARRAY: Final = b"[]"

_TEXT: Final = msgspec.json.Decoder(str)
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _AnyObject(msgspec.Struct, gc=False):
    """Matches an object whatever its members, which are skipped, not decoded; as small as it can be, a body may hold millions."""


_RECORDS: Final = msgspec.json.Decoder(list[_AnyObject | list[_AnyObject]])
_QUOTED: Final = re.compile(
    r""""[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)(?:'|\\?\Z)""", re.DOTALL
)
"""A quoted string of either kind; one without an end reaches to the end of the text, which keeps the search linear."""
_SINGLE_ESCAPE: Final = re.compile(r"""\\(.)|(")""", re.DOTALL)

_MAYBE_MASK: Final = re.compile(rb'"(?:\*|\\u002[aA]){6}"')
"""How a JSON string that is the mask may be written."""

_KINDS: Final = {
    options_pb2.JSON_KIND_OBJECT: (frozenset(b"{"), "be an object"),
    options_pb2.JSON_KIND_ARRAY: (frozenset(b"["), "be an array"),
    options_pb2.JSON_KIND_RECORDS: (frozenset(b"["), "be an array of records"),
    options_pb2.JSON_KIND_SCALAR: (frozenset(b'"-0123456789tfn'), "be a string, a number, true, false or null"),
    options_pb2.JSON_KIND_TEXT_OR_ARRAY: (frozenset(b'"['), "be a string or an array"),
}
"""First byte of each kind of value, and what to say of another."""

_MOST_MASKS: Final = 1000
"""Masks of one bag that are told; it bounds what a hostile body costs."""

_MOST_LOOKED_AT: Final = 1_000_000
"""Commas in an array with wrong elements up to which each element is told; it bounds what a hostile body costs."""

_RECORD: Final = (b"{", b"[")


def judge_open(field: FieldPlan, document: JsonText, part: bytes, path: str, mode: int, problems: Problems) -> bytes:
    """The value as it is kept: the bytes that were sent, or the object that a bag written as JSON text holds.

    ``part`` is one value of the valid ``document``, without white space around it. Adds what is wrong to ``problems``.
    Nothing is decoded, but bags that may hold a mask: of records the first byte of each is looked at.
    """
    if part.startswith(b'"') and (field.secret or field.json_text):
        text = _TEXT.decode(part)
        if field.secret and text == MASK:
            if mode in MASK_REFUSED:
                problems.invalid(path, NOT_THE_MASK)
            return MASK_JSON
        if field.json_text:
            bag = None if document.has_half(part) else _object_of(text)
            if bag is None:
                problems.invalid(path, "be an object, or a string that holds one as JSON text")
                return part
            document, part = bag, bag.text
    kind = field.json_kind
    if kind and not (part == NULL and field.keep_null):
        first_bytes, expectation = _KINDS[kind]
        if part[0] not in first_bytes:
            problems.invalid(path, expectation)
            return part
        if kind == options_pb2.JSON_KIND_RECORDS:
            _judge_records(field, part, path, problems)
    if field.secret and part.startswith(b"{"):
        _judge_masks(document, part, path, mode, problems)
    return document.original(part)


def judge_sent(field: FieldPlan, json: bytes, path: str, mode: int, problems: Problems) -> bytes:
    """The same for a value that came over gRPC, which may be no JSON at all."""
    try:
        document = checked(json)
    except SyntaxProblem as problem:
        problems.invalid(path, f"be JSON: {problem}")
        return json
    return judge_open(field, document, document.text, path, mode, problems)


def _judge_records(field: FieldPlan, part: bytes, path: str, problems: Problems) -> None:
    try:
        count = len(_RECORDS.decode(part))
    except msgspec.ValidationError:
        pass  # something else than objects and rows of objects: look at each
    else:
        judge_items(field, count, path, problems)
        return
    if part.count(b",") > _MOST_LOOKED_AT:
        problems.invalid(path, "hold nothing but objects and arrays of rows")
        return
    elements = _ELEMENTS.decode(part)
    judge_items(field, len(elements), path, problems)
    for index, element in enumerate(elements):
        if bytes(memoryview(element)[:1]) not in _RECORD:
            problems.invalid(f"{path}.{index}" if path else str(index), "be an object or an array of rows")


def _judge_masks(document: JsonText, part: bytes, path: str, mode: int, problems: Problems) -> None:
    """Refuse masks inside a bag: all where nothing is stored, on replace those in a list, where they name nothing to keep."""
    refused = mode in MASK_REFUSED
    if not (refused or mode == options_pb2.MODE_REPLACE) or not _MAYBE_MASK.search(part):
        return
    bag = json.loads(part, parse_int=str, parse_float=str)
    wrong = (steps for steps in _masks(bag, ()) if refused or any(isinstance(step, int) for step in steps))
    for steps in islice(wrong, _MOST_MASKS):
        shown = (str(step) if isinstance(step, int) else document.shown(step) for step in steps)
        problems.invalid(".".join((path, *shown)), NOT_THE_MASK if refused else NOT_IN_A_LIST)


def _masks(value: dict[str, Any] | list[Any], steps: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Keys and indexes that lead to each mask in a value."""
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if inner == MASK:
            yield (*steps, step)
        elif isinstance(inner, dict | list):
            yield from _masks(inner, (*steps, step))


def _object_of(text: str) -> JsonText | None:
    """The object that a bag's text holds; strings in it may have single quotes, as the specification prints them."""
    for candidate in (text, _QUOTED.sub(_double_quoted, text)):
        try:
            document = checked(candidate.encode())
        except SyntaxProblem:
            continue
        return document if document.text.startswith(b"{") else None
    return None


def _double_quoted(match: re.Match[str]) -> str:
    inner = match["single"]
    if inner is None:
        return match[0]
    return '"' + _SINGLE_ESCAPE.sub(_escape_for_double, inner) + '"'


def _escape_for_double(match: re.Match[str]) -> str:
    if match[2]:
        return '\\"'
    return "'" if match[1] == "'" else match[0]
