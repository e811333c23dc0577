"""All records of one answer at once, within a bound."""

from __future__ import annotations

import sys
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, overload

from fairlead.engine.ports import BodyTooLarge

MAX_BYTES: Final = 1024 * 1024 * 1024
"""Of the records that one answer may become (contract.md 1.15: an answer has 200 MiB at most): each row of a CSV repeats every name,
and elements that lie within each other repeat their content."""
MAX_PACKED: Final = 128 * 1024 * 1024
"""The same once they are packed: what they take in memory."""
MAX_RECORDS: Final = 5_000_000
"""Of one answer: what 200 MiB hold of records that are worth a page each, and some ten seconds of work."""
PLAIN_BYTES: Final = 8 * 1024 * 1024
"""Up to here records are a plain list."""
_OVERHEAD: Final = 48
_BLOCK: Final = 1000
_BLOCK_BYTES: Final = 1024 * 1024
_END: Final = b"\0"
"""Between two records: JSON text has no such character (RFC 8259, 7)."""


class PackedRecords(Sequence[bytes]):
    """Records in compressed blocks: rows of a table and elements of a list resemble each other, so that they take a tenth of the memory
    for a fifth more time. A slice to the end shares the blocks."""

    __slots__ = ("_blocks", "_ends", "_start")

    def __init__(self, blocks: list[bytes], ends: list[int], start: int = 0) -> None:
        self._blocks = blocks
        self._ends = ends
        """The number of records up to the end of each block."""
        self._start = min(start, ends[-1] if ends else 0)

    def __len__(self) -> int:
        return (self._ends[-1] if self._ends else 0) - self._start

    def __sizeof__(self) -> int:
        """Bytes in memory, the blocks included: whoever keeps records counts by it."""
        return object.__sizeof__(self) + sys.getsizeof(self._ends) + sum(map(sys.getsizeof, self._blocks))

    def __iter__(self) -> Iterator[bytes]:
        first, within = self._place(self._start)
        for number in range(first, len(self._blocks)):
            yield from islice(self._unpacked(number), within if number == first else 0, None)

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step != 1:
                return [self[index] for index in range(start, stop, step)]
            part = PackedRecords(self._blocks, self._ends, self._start + start)
            return part if stop == len(self) else list(islice(part, max(stop - start, 0)))
        index = at if at >= 0 else len(self) + at
        if not 0 <= index < len(self):
            raise IndexError(at)
        number, within = self._place(self._start + index)
        return self._unpacked(number)[within]

    def _place(self, index: int) -> tuple[int, int]:
        """The block of a record, and its number there."""
        number = bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def _unpacked(self, number: int) -> list[bytes]:
        return zlib.decompress(self._blocks[number]).split(_END)


def collected(records: Iterable[bytes]) -> Sequence[bytes]:
    """The records in memory; a list is complete already and comes back. Raises ``BodyTooLarge`` beyond the bounds."""
    if isinstance(records, list | PackedRecords):
        return records
    source = iter(records)
    found: list[bytes] = []
    size = 0
    for record in source:
        found.append(record)
        size += len(record) + _OVERHEAD
        if size > PLAIN_BYTES:
            return _packed(found, source)
    return found


def _packed(found: list[bytes], rest: Iterator[bytes]) -> PackedRecords:
    blocks: list[bytes] = []
    ends: list[int] = []
    count = size = held = 0
    for block in _blocks(found, rest):
        text = _END.join(block)
        count += len(block)
        size += len(text)
        blocks.append(zlib.compress(text, 1))
        ends.append(count)
        held += len(blocks[-1])
        if size > MAX_BYTES or held > MAX_PACKED or count > MAX_RECORDS:
            raise BodyTooLarge(
                f"the answer has more than {MAX_RECORDS} records, or they take more than {MAX_BYTES} bytes, {MAX_PACKED} when they are packed"
            )
    return PackedRecords(blocks, ends)


def _blocks(found: list[bytes], rest: Iterator[bytes]) -> Iterator[list[bytes]]:
    """The records in lists of at most a thousand, and of a megabyte unless one record alone is longer. Those of ``found`` go as they are
    taken."""
    found.reverse()
    block: list[bytes] = []
    size = 0
    while True:
        record = found.pop() if found else next(rest, None)
        if record is None:
            break
        block.append(record)
        size += len(record)
        if size >= _BLOCK_BYTES or len(block) == _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block
