"""Answers of 50 MiB, as large as an answer may be (contract.md 1.15), in every media type that becomes records."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.servers.documents import Document

SIZE: Final = 50 * 1024 * 1024
ROWS: Final = 100_000
_GZIP: Final = (("Content-Encoding", "gzip"),)


def _filled(head: bytes, row: Callable[[int], bytes], tail: bytes, size: int = SIZE - 1024) -> bytes:
    rows, length, number = [head], len(head) + len(tail), 0
    while length < size:
        rows.append(row(number))
        length += len(rows[-1])
        number += 1
    return b"".join((*rows, tail))


def _text(number: int) -> bytes:
    return b"article number %d of the catalogue, described at some length in words that differ little: %d" % (
        number,
        number * 7919 % 100_003,
    )


def csv_row(number: int) -> bytes:
    return b'%d,"%b",%d.50,2026-01-%02d,open,note %d\n' % (number, _text(number), number % 997, number % 28 + 1, number)


def xml_row(number: int) -> bytes:
    return b'<item id="%d"><name>%b</name><price>%d.50</price><state>open</state></item>\n' % (number, _text(number), number % 997)  # fmt: skip


def json_row(number: int) -> bytes:
    comma = b"" if number == 0 else b",\n"
    return b'%b{"id":%d,"name":"%b","price":%d.50,"state":"open","tags":["a","b"]}' % (comma, number, _text(number), number % 997)  # fmt: skip


def form_pair(number: int) -> bytes:
    return b"field%d=%b&" % (number, b"x" * 1000)


HEADER: Final = b"id,name,price,day,state,note\n"
csv = partial(_filled, HEADER, csv_row, b"")
xml = partial(_filled, b"<report><items>", xml_row, b"</items></report>")
json = partial(_filled, b'{"items":[', json_row, b"]}")


def rows() -> bytes:
    """A CSV report of 100,000 rows."""
    return HEADER + b"".join(map(csv_row, range(ROWS)))


DOCUMENTS: Final = {
    "csv": Document("text/csv", csv),
    "xml": Document("application/xml", xml),
    "json": Document("application/json", json),
    "urlencoded": Document("application/x-www-form-urlencoded", partial(_filled, b"", form_pair, b"z=1")),
    "csv.gz": Document("text/csv", lambda: gzip.compress(csv(), 1), _GZIP),
    "xml.gz": Document("application/xml", lambda: gzip.compress(xml(), 1), _GZIP),
    "json.gz": Document("application/json", lambda: gzip.compress(json(), 1), _GZIP),
    "rows": Document("text/csv", rows),
}
