"""The known name that a mistyped key was probably meant to be (contract.md 1.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MOST_EDITS: Final = 2
_LONGEST_KEY: Final = 64


def nearest(key: str, names: Iterable[str]) -> str | None:
    """The nearest of ``names`` within two edits of ``key``, the first of equals; ``None`` when there is none.

    An edit inserts, deletes or replaces one character. A name that shares nothing with the key is never suggested.
    """
    if len(key) > _LONGEST_KEY:
        return None
    best: str | None = None
    fewest = min(_MOST_EDITS + 1, len(key))
    for name in names:
        if abs(len(name) - len(key)) < fewest and (edits := _edits(key, name, fewest)) < fewest:
            best, fewest = name, edits
    return best


def _edits(left: str, right: str, bound: int) -> int:
    """Levenshtein distance; stops with ``bound`` as soon as it cannot be less."""
    above = list(range(len(right) + 1))
    for row, char in enumerate(left, 1):
        here = [row]
        for column, other in enumerate(right, 1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (char != other)))
        if min(here) >= bound:
            return bound
        above = here
    return above[-1]
