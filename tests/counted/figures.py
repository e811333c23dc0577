"""One line of the table: what was wanted, and what the application saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

ROUNDS: Final = 3
"""How often a time may be measured: other programs use the machine, too."""


@dataclass(frozen=True)
class Figure:
    """What was looked at, what it should be, what it was."""

    what: str
    wanted: str
    seen: str
    ok: bool
    is_time: bool = False
    """Whether a busy machine can spoil it."""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """A row of the table."""
        return self.what, self.wanted, self.seen, "ok" if self.ok else "NOT OK"


def exactly(what: str, wanted: object, seen: object) -> Figure:
    """Neither more nor less."""
    return Figure(what, str(wanted), str(seen), wanted == seen)


def most_at_once(what: str, wanted: int, seen: int) -> Figure:
    """Never more at the same time, and as many: where the machine is busy it can be fewer."""
    return Figure(what, str(wanted), str(seen), wanted == seen, is_time=seen < wanted)


def at_most(what: str, wanted: float, seen: float, unit: str = "") -> Figure:
    """Not more: a time, or a ratio of times."""
    return Figure(what, f"<= {wanted:g}{unit}", f"{seen:.4g}{unit}", seen <= wanted, is_time=True)


def at_least(what: str, wanted: float, seen: float, unit: str = "") -> Figure:
    """Not less."""
    return Figure(what, f">= {wanted:g}{unit}", f"{seen:.4g}{unit}", seen >= wanted)


def rate(what: str, wanted: float, seen: float) -> Figure:
    """Not fewer in a second."""
    return Figure(what, f">= {wanted:g}/s", f"{seen:.4g}/s", seen >= wanted, is_time=True)


def told(what: str, seen: str) -> Figure:
    """Nothing was promised about it."""
    return Figure(what, "(told)", seen, ok=True)


def missed(figures: Iterable[Figure]) -> list[str]:
    """Those that are not as wanted."""
    return [f"{figure.what}: {figure.wanted} wanted, {figure.seen} seen" for figure in figures if not figure.ok]


async def missed_in_all(measure: Callable[[], Awaitable[Iterable[Figure]]]) -> list[str]:
    """Those that are not as wanted; what is a time is measured again before it counts."""
    wrong: list[Figure] = []
    for _ in range(ROUNDS):
        wrong = [figure for figure in await measure() if not figure.ok]
        if not wrong or not all(figure.is_time for figure in wrong):
            break
    return missed(wrong)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows under each other; every column as wide as it needs to be."""
    cells = [*rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
