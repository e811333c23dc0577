"""How deep a JSON text nests, found without reading it (contract.md 1.15)."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

_ALL_BUT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_LEVEL: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BACKSLASH: Final = ord("\\")
_PIECE: Final = 1024 * 1024
"""Bytes that are looked at in one go: what is made of them to be looked at takes some times as much."""


def exceeds_depth(body: bytes, bound: int) -> bool:
    """Whether brackets outside of strings nest deeper than ``bound``. Looks at bytes only, so that a hostile text cannot exhaust the
    stack; costs a third of decoding."""
    if len(body) <= bound:
        return False
    start = level = 0
    quoted = False
    while start < len(body):
        end = _whole(body, start, min(start + _PIECE, len(body)))
        brackets, quoted = _brackets(body[start:end], quoted)
        if _deepest(brackets, level, bound) > bound:
            return True
        level += brackets.count(b"[") + brackets.count(b"{") - brackets.count(b"]") - brackets.count(b"}")
        start = end
    return False


def _whole(body: bytes, start: int, end: int) -> int:
    """The end of a piece that does not cut an escape in two."""
    first = end
    while first > start and body[first - 1] == _BACKSLASH:
        first -= 1
    return end + 1 if (end - first) % 2 and end < len(body) else end


def _brackets(piece: bytes, quoted: bool) -> tuple[bytes, bool]:
    """The brackets outside of strings, and whether the end is within one; ``quoted``: whether the start is."""
    if b"\\" in piece:
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = piece.translate(None, _ALL_BUT_STRUCTURE)
    if quoted:
        marks = b'"' + marks
    within = marks.count(b'"') % 2 == 1
    # A bracket stands in a string when the number of quotes before it is odd: taking quotes away in pairs changes nothing.
    brackets = marks.replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    return brackets, within


def _deepest(brackets: bytes, level: int, bound: int) -> int:
    """The deepest level that they lead to from ``level`` on, or one that is not below it and within ``bound``."""
    swept, levels = brackets, 0
    while levels < 6:  # one sweep takes away one or two levels of leaves, that is nearly all of a page of records
        if level + levels + len(swept) <= bound:
            return bound
        swept = swept.replace(b"{}", b"").replace(b"[]", b"")
        levels += 2
    return level + max(accumulate(map(_LEVEL.__getitem__, brackets)), default=0)
