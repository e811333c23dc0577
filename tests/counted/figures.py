"""One line of the table: what was wanted, and what the application saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was looked at, what it should be, what it was."""

    what: str
    wanted: str
    seen: str
    ok: bool

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """A row of the table."""
        return self.what, self.wanted, self.seen, "ok" if self.ok else "NOT OK"


def exactly(what: str, wanted: object, seen: object) -> Figure:
    """Neither more nor less."""
    return Figure(what, str(wanted), str(seen), wanted == seen)


def at_most(what: str, wanted: float, seen: float, unit: str = "") -> Figure:
    """Not more."""
    return Figure(what, f"<= {wanted:g}{unit}", f"{seen:.4g}{unit}", seen <= wanted)


def at_least(what: str, wanted: float, seen: float, unit: str = "") -> Figure:
    """Not less."""
    return Figure(what, f">= {wanted:g}{unit}", f"{seen:.4g}{unit}", seen >= wanted)


def told(what: str, seen: str) -> Figure:
    """Nothing was promised about it."""
    return Figure(what, "(told)", seen, ok=True)


def missed(figures: Iterable[Figure]) -> list[str]:
    """Those that are not as wanted."""
    return [f"{figure.what}: {figure.wanted} wanted, {figure.seen} seen" for figure in figures if not figure.ok]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows under each other; every column as wide as it needs to be."""
    cells = [*rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
