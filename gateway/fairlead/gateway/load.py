"""The gateway's port to what bounds the work of its process: how much comes in, and what is refused at once (contract.md 1.4)."""

from __future__ import annotations

from typing import Protocol


class Load(Protocol):
    """One for the whole process, whatever edges it has."""

    @property
    def stopping(self) -> bool:
        """Whether nothing new is taken because the process ends."""

    def refusal(self) -> int:
        """0 when a new request may come in, else seconds after which to try again."""

    async def enter(self) -> int:
        """The same, and the wait for its turn; after 0 the request is in until ``leave``, which its own task calls."""

    def leave(self) -> None:
        """The request is answered."""

    def hold(self, size: int) -> bool:
        """Count that many bytes of a body; false when the process holds too many."""

    def release(self, size: int) -> None:
        """They are gone."""

    def was_ended(self) -> bool:
        """Whether the current request was cancelled because the process ends; it can be answered then."""


class Unbounded:
    """No bound at all: for a gateway whose caller bounds it."""

    stopping = False

    def refusal(self) -> int:
        """Never."""
        return 0

    async def enter(self) -> int:
        """At once."""
        return 0

    def leave(self) -> None:
        """Nothing is counted."""

    def hold(self, size: int) -> bool:
        """Always."""
        return True

    def release(self, size: int) -> None:
        """Nothing is counted."""

    def was_ended(self) -> bool:
        """Never."""
        return False
