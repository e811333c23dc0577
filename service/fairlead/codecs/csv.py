"""CSV in both directions (exports-imports.md 2.3, 9.3; RFC 4180).

The reader is the standard library's: it is the only one at hand that reads row by row in C, tells an unclosed quote, and sets no type on
a cell. What it cannot do is done around it: it ends rows at newlines only and columns at one character only, so other delimiters are
exchanged for characters that the body does not hold; and it puts no bound on the length of a row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import groupby
from typing import Final

from fairlead.codecs.charset import codec_name, undecodable
from fairlead.codecs.csv_lines import MAX_ROW, CsvLines
from fairlead.codecs.members import in_utf8, rows_of, text_in_body
from fairlead.domain import jsonvalue
from fairlead.domain.jsonvalue import Json
from fairlead.engine.ports import BodyTooLarge, CsvFormat, ReadOptions, UnreadableBody

MAX_COLUMNS: Final = 16_384
"""Cells of a row, as in the widest spreadsheets: each one may cost some hundred bytes."""
MAX_GROUP: Final = 20 * 1024 * 1024
"""Bytes of the rows that ``keyColumns`` put into one record (contract.md 1.15, records collected by an export)."""
MAX_PARSED: Final = 16 * 1024 * 1024
"""Bytes of a body that paths look into: then all of its rows are in memory at once."""
MAX_VALUES: Final = 1_000_000
"""Rows and cells of such a body: each may cost some hundred bytes."""
MAX_NAMES: Final = 64 * 1024 * 1024
"""Letters of the names of such a body, which every row repeats where it is written as JSON."""

csv.field_size_limit(MAX_ROW)  # of the whole process, which has no other reader; 131,072 characters otherwise


class CsvCodec:
    """``text/csv``. Cells are strings; a name that stands twice in the header counts the last time, as in JSON; lines without any
    character are no rows; a row shorter than the header leaves the missing members out."""

    media_type = "csv"

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The rows as an array of objects, read with a header row and commas. Raises ``UnreadableBody``."""
        if len(body) > MAX_PARSED:
            raise BodyTooLarge(f"the body is too large for a look into it: {len(body)} bytes of CSV")
        rows: list[dict[str, str]] = []
        values = names = 0
        for row in _rows(body, charset, ReadOptions()):
            rows.append(row)
            values += 1 + len(row)
            names += sum(map(len, row))
            if values > MAX_VALUES or names > MAX_NAMES:
                raise BodyTooLarge(f"the body is too large for a look into it: CSV of more than {len(rows) - 1} rows")
        return rows or None

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> Iterator[bytes]:
        """A record a row, or, with ``keyColumns``, an array of rows a group. Paths do not lead into CSV."""
        rows = _rows(body, charset, options)
        return _grouped(rows, options.csv) if options.csv.key_columns else map(jsonvalue.dumps, rows)

    def write(self, record: bytes) -> bytes:
        """A header row and one row; of a record that is an array of rows a row each."""
        return self.write_batch([record])

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """A header row and the rows; columns in order of first appearance, objects and arrays as JSON text, nothing for what is missing
        or null. Rows end with a line feed, the last one too."""
        rows = [row for record in records for row in rows_of(record, self.media_type)]
        columns = dict.fromkeys(name for row in rows for name in row)
        written = StringIO()
        writer = csv.writer(written, lineterminator="\n")
        if columns:
            writer.writerow(columns)
            writer.writerows([text_in_body(row.get(name)) for name in columns] for row in rows)
        return in_utf8(written.getvalue(), self.media_type)


def _rows(body: bytes, charset: str | None, options: ReadOptions) -> Iterator[dict[str, str]]:
    shape, name = options.csv, codec_name(charset, options.encoding)
    number = shape.rows_to_skip
    try:
        lines = CsvLines(body, name, shape)
        rewritten = lines.exchanged or shape.trim or not shape.quotes
        names: list[str] = []
        width = 0
        for cells in _read(lines, shape):
            number += 1
            lines.source.held = 0
            if not cells:
                continue
            if len(cells) > MAX_COLUMNS:
                raise BodyTooLarge(f"row {number} of the CSV has more than {MAX_COLUMNS} cells")
            if rewritten:
                cells = _restored(cells, lines, shape)
            if not width:
                width = len(cells) if shape.has_header else MAX_COLUMNS
                _check_keys(shape, cells)
                if shape.has_header:
                    names = cells
                    continue
            if len(cells) > len(names):
                if len(cells) > width:
                    raise UnreadableBody(f"row {number} of the CSV has {len(cells)} cells, its header has {width}")
                names += [f"Column{index}" for index in range(len(names), len(cells))]
            yield dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise _malformed(error, number + 1) from None
    except UnicodeError:
        raise undecodable(body, name) from None


def _read(lines: CsvLines, shape: CsvFormat) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=lines.column_delimiter,
        strict=True,  # without it a quote that is never closed is no error
        quoting=csv.QUOTE_MINIMAL if shape.quotes else csv.QUOTE_NONE,
        skipinitialspace=shape.trim and lines.column_delimiter != " ",
    )


def _restored(cells: Iterable[str], lines: CsvLines, shape: CsvFormat) -> list[str]:
    """The cells as written: delimiters that were exchanged come back, then blanks and loose quotes go."""
    if lines.exchanged:
        cells = map(lines.restored, cells)
    if shape.trim:
        cells = (cell.strip() for cell in cells)
    if not shape.quotes:
        cells = (cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells)
    return list(cells)


def _check_keys(shape: CsvFormat, first: Sequence[str]) -> None:
    names = first if shape.has_header else [f"Column{index}" for index in range(len(first))]
    missing = [name for name in shape.key_columns if name not in names]
    if missing:
        raise UnreadableBody(f"the CSV has no column {missing[0]!r}, which file.csv.keyColumns names")


def _grouped(rows: Iterator[dict[str, str]], shape: CsvFormat) -> Iterator[bytes]:
    def key(row: dict[str, str]) -> list[str | None]:
        return [row.get(name) for name in shape.key_columns]

    for _, group in groupby(rows, key):
        size, texts = 0, []
        for row in group:
            texts.append(jsonvalue.dumps(row))
            size += len(texts[-1])
            if size > MAX_GROUP:
                raise BodyTooLarge(
                    f"the rows that file.csv.keyColumns put into one record take more than {MAX_GROUP} bytes"
                )
        yield jsonvalue.join_array(texts)


def _malformed(error: csv.Error, number: int) -> UnreadableBody:
    """In our own words: those of the library are about Python."""
    said = str(error)
    if "unexpected end" in said:
        return UnreadableBody(f"row {number} of the CSV opens a quote that is never closed")
    if "field limit" in said:
        return BodyTooLarge(
            f"a cell of row {number} of the CSV has more than {MAX_ROW} characters; is a quote left open?"
        )
    if "expected after" in said:
        return UnreadableBody(f"row {number} of the CSV goes on after the quote that closes a cell")
    return UnreadableBody(f"row {number} of the CSV is malformed")
