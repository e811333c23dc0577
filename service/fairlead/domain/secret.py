"""A secret is a type (D5): its repr and str are the mask, so it cannot slip into a log or a message."""

from __future__ import annotations

from typing import Final

MASK: Final = "******"
"""What every answer shows in place of a secret that has a value (contract.md 1.7)."""


class Secret:
    """A value that must never be shown: text, or the raw JSON bytes of an ``encrypted`` bag.

    ``reveal()`` is the only way to the value; every call of it is a place to review.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value

    def reveal(self) -> str | bytes:
        """The value in clear."""
        return self._value

    @property
    def is_mask(self) -> bool:
        """Whether the client sent the mask back ("keep what is stored")."""
        return self._value in (MASK, b'"******"')

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")
