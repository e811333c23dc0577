"""Named variants of one thing: authentication types, paging methods, media types, adaptors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to values; refuses duplicates, and its errors name the known words."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._entries: dict[str, T] = {}

    def add(self, name: str, value: T) -> T:
        """Register ``value``; raises ``ValueError`` when the name is taken."""
        if name in self._entries:
            raise ValueError(f"{self._noun} {name!r} is registered twice")
        self._entries[name] = value
        return value

    def get(self, name: str) -> T | None:
        """The value of that name, or nothing."""
        return self._entries.get(name)

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise KeyError(f"unknown {self._noun} {name!r}; known: {', '.join(sorted(self._entries))}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)
