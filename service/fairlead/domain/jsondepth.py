"""How deep a JSON text nests, found without reading it (contract.md 1.15)."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

_ALL_BUT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_LEVEL: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def exceeds_depth(body: bytes, bound: int) -> bool:
    """Whether brackets outside of strings nest deeper than ``bound``. Looks at bytes only, so that a hostile text cannot exhaust the
    stack; costs a third of decoding."""
    if len(body) <= bound:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(None, _ALL_BUT_STRUCTURE)
    # A bracket stands in a string when the number of quotes before it is odd: taking quotes away in pairs changes nothing.
    brackets = marks.replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    swept, levels = brackets, 0
    while levels < 6:  # one sweep takes away one or two levels of leaves, that is nearly all of a page of records
        if len(swept) <= bound - levels:
            return False
        swept = swept.replace(b"{}", b"").replace(b"[]", b"")
        levels += 2
    return max(accumulate(map(_LEVEL.__getitem__, brackets)), default=0) > bound
