"""Time as a port (D14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time as a port (D14): tests move it by hand."""

    def now(self) -> datetime:
        """Wall clock, UTC, aware."""

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps; deadlines are points on it."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the clock's monotonic axis. ``callers`` is true when the caller set it (gRPC deadline), false for our own limit."""

    at: float
    callers: bool = False

    def left(self, clock: Clock) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - clock.monotonic())
