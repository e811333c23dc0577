"""All records of one answer at once, within a bound."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, overload

from fairlead.engine.ports import UnreadableBody

MAX_BYTES: Final = 1024 * 1024 * 1024
"""Of the records that one answer may become (contract.md 1.15: an answer has 200 MiB at most): each row of a CSV repeats every name,
and elements that lie within each other repeat their content."""
MAX_PACKED: Final = 128 * 1024 * 1024
"""The same once they are packed: what they take in memory."""
PLAIN_BYTES: Final = 16 * 1024 * 1024
"""Up to here records are a plain list."""
_OVERHEAD: Final = 48
_BLOCK: Final = 1000


class PackedRecords(Sequence[bytes]):
    """Records in compressed blocks: rows of a table and elements of a list resemble each other, so that they take a tenth of the memory
    for a fifth more time. Only for records without line feeds, as this package writes them. A slice to the end shares the blocks."""

    __slots__ = ("_blocks", "_count", "_start")

    def __init__(self, blocks: list[bytes], count: int, start: int = 0) -> None:
        self._blocks = blocks
        self._count = count
        self._start = min(start, count)

    def __len__(self) -> int:
        return self._count - self._start

    def __sizeof__(self) -> int:
        """Bytes in memory, the blocks included: whoever keeps records counts by it."""
        return object.__sizeof__(self) + sum(map(sys.getsizeof, self._blocks))

    def __iter__(self) -> Iterator[bytes]:
        first, within = divmod(self._start, _BLOCK)
        for number in range(first, len(self._blocks)):
            yield from islice(self._unpacked(number), within if number == first else 0, None)

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if stop == len(self) and step == 1:
                return PackedRecords(self._blocks, self._count, self._start + start)
            return [self[index] for index in range(start, stop, step)]
        index = at if at >= 0 else len(self) + at
        if not 0 <= index < len(self):
            raise IndexError(at)
        number, within = divmod(self._start + index, _BLOCK)
        return self._unpacked(number)[within]

    def _unpacked(self, number: int) -> list[bytes]:
        return zlib.decompress(self._blocks[number]).split(b"\n")


def collected(records: Iterable[bytes]) -> Sequence[bytes]:
    """The records in memory; a list is complete already and comes back. Raises ``UnreadableBody`` beyond the bounds."""
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
    count = size = held = 0
    begun = iter(found)
    while block := [*islice(begun, _BLOCK)]:
        if len(block) < _BLOCK:
            block += islice(rest, _BLOCK - len(block))
        count += len(block)
        text = b"\n".join(block)
        size += len(text)
        blocks.append(zlib.compress(text, 1))
        held += len(blocks[-1])
        if size > MAX_BYTES or held > MAX_PACKED:
            raise UnreadableBody(
                f"the records of the answer take more than {MAX_BYTES} bytes, or {MAX_PACKED} when they are packed"
            )
        if count >= len(found):
            begun = rest
    return PackedRecords(blocks, count)
