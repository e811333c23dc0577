"""Reads the records of an answer; a large one beside the event loop, which other calls need meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from fairlead.codecs.collected import collected
from fairlead.engine.ports import ReadOptions, RecordReader
from fairlead.executors.http.rows import Rows

BESIDE_FROM: Final = 256 * 1024
"""Bytes of an answer from which on it is read in a thread: a thousand rows take some milliseconds, a million some seconds."""
_AT_ONCE: Final = 2
"""Large answers that are read at the same time: each may take some hundred megabytes while it is."""

_threads: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fairlead-records")


async def all_records(
    codec: RecordReader, body: bytes, charset: str | None, options: ReadOptions, rows: Rows | None
) -> Sequence[bytes] | None:
    """What ``codec`` reads in ``body``, in memory, and what ``rows`` makes of it; ``None`` when the path of ``options`` finds nothing.
    Raises ``UnreadableBody``."""
    if len(body) < BESIDE_FROM:
        return _read(codec, body, charset, options, rows)
    return await asyncio.get_running_loop().run_in_executor(_threads, _read, codec, body, charset, options, rows)


def _read(
    codec: RecordReader, body: bytes, charset: str | None, options: ReadOptions, rows: Rows | None
) -> Sequence[bytes] | None:
    found = codec.records(body, charset, options)
    if found is None:
        return None
    return collected(found if rows is None else rows.records(found))
