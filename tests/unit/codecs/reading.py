"""Reading records in tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.codecs.collected import collected
from fairlead.codecs.csv_format import csv_format
from fairlead.codecs.registry import codecs
from fairlead.domain import jsonvalue
from fairlead.engine.ports import ReadOptions, RecordReader


def read(
    media_type: str,
    body: bytes | str,
    path: str | None = None,
    *,
    charset: str | None = None,
    encoding: str | None = None,
    csv: Mapping[str, Any] | None = None,
) -> list[Any] | None:
    """The records of an answer, decoded; ``None`` when the path finds nothing."""
    codec = codecs[media_type]
    assert isinstance(codec, RecordReader)
    content = body.encode() if isinstance(body, str) else body
    found = codec.records(content, charset, ReadOptions(path, encoding, csv_format(csv)))
    return None if found is None else [jsonvalue.loads(record) for record in collected(found)]
