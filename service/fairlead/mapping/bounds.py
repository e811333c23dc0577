"""Bounds of what one record may become: values that repeat on every row multiply, and a small request must not become a huge one."""

from __future__ import annotations

from typing import Final

from fairlead.domain import jsonvalue
from fairlead.engine.ports import Json, MappingError

MAXIMUM_ROWS: Final = 100_000
"""Rows that the lists of one record may have."""
MAXIMUM_BYTES: Final = 20 << 20
"""Bytes of the values in them, counted in each row."""
MAXIMUM_COPIES: Final = 20_000_000
"""Members that are copied to show mapping 2.0 one element at a time."""


class Room:
    """Counts what is made of one record; everything raises ``MappingError`` when there is no room left."""

    __slots__ = ("_bytes", "_copies", "_rows", "_sizes")

    def __init__(self) -> None:
        self._rows = MAXIMUM_ROWS
        self._copies = MAXIMUM_COPIES
        self._bytes = MAXIMUM_BYTES
        self._sizes: dict[int, int] = {}

    def rows(self, count: int) -> None:
        """So many more rows."""
        self._rows -= count
        if self._rows < 0:
            raise too_many_rows()

    def copies(self, count: int) -> None:
        """So many more members copied."""
        self._copies -= count
        if self._copies < 0:
            raise too_large(f"more than {MAXIMUM_COPIES} members copied")

    def take(self, value: Json, times: int = 1) -> None:
        """Room for the text of a value, in so many rows."""
        if isinstance(value, str):
            self._bytes -= len(value) * times
        elif isinstance(value, (dict, list)):
            size = self._sizes.get(id(value))
            if size is None:
                size = self._sizes[id(value)] = len(jsonvalue.dumps(value))
            self._bytes -= size * times
        if self._bytes < 0:
            raise too_large(f"more than {MAXIMUM_BYTES >> 20} MiB")


def too_many_rows() -> MappingError:
    """More than ``MAXIMUM_ROWS``."""
    return too_large(f"more than {MAXIMUM_ROWS} rows")


def too_large(what: str) -> MappingError:
    """The error of a bound."""
    return MappingError("mapping_error", f"a list of the mapping would have {what} for one record", "mapping")


def repeated(count: int, fixed: tuple[Json, ...]) -> None:
    """The bounds of a list of ``count`` rows that all hold the values ``fixed``; raises ``MappingError``."""
    room = Room()
    room.rows(count)
    for value in fixed:
        room.take(value, count)
