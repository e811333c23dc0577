"""Reads the records of an answer; a large one beside the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fairlead.codecs.collected import collected
from fairlead.engine.beside import beside
from fairlead.engine.ports import ReadOptions, RecordReader
from fairlead.executors.http.rows import Rows


async def all_records(
    codec: RecordReader, body: bytes, charset: str | None, options: ReadOptions, rows: Rows | None
) -> Sequence[bytes] | None:
    """What ``codec`` reads in ``body``, in memory, and what ``rows`` makes of it; ``None`` when the path of ``options`` finds nothing.
    Raises ``UnreadableBody``."""
    return await beside(len(body), partial(_read, codec, body, charset, options, rows))


def _read(
    codec: RecordReader, body: bytes, charset: str | None, options: ReadOptions, rows: Rows | None
) -> Sequence[bytes] | None:
    found = codec.records(body, charset, options)
    if found is None:
        return None
    return collected(found if rows is None else rows.records(found))
