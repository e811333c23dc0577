"""The lines of a CSV body for the standard library's reader, decoded as they are needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from fairlead.engine.ports import BodyTooLarge, CsvFormat

MAX_ROW: Final = 10_000_000
"""Bytes of a row, and characters of a cell: a row is in memory at once, each of its cells as a text of its own."""
_CHUNK: Final = 64 * 1024
_PRIVATE: Final = range(0xE000, 0xF8FF)


class _Source(io.BytesIO):
    """A body that stops when no row has come out of it for too long."""

    held = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        """The next piece, of our size."""
        piece = super().read1(_CHUNK)
        self.held += len(piece)
        if self.held > MAX_ROW + _CHUNK:
            raise BodyTooLarge(f"a row of the CSV has more than {MAX_ROW} bytes; is a quote left open?")
        return piece


class CsvLines:
    """An iterable of lines, after those to skip. Delimiters that the library does not have are exchanged: rows then end with a line
    feed, and line feeds, carriage returns and long column delimiters are private characters that the body does not hold;
    ``restored`` reverses it in a cell. Iterating raises ``UnreadableBody`` and ``UnicodeError``."""

    def __init__(self, body: bytes, charset: str, shape: CsvFormat) -> None:
        self.source = _Source(body)
        """The row loop sets ``held`` to 0 whenever it has a row."""
        self.column_delimiter = shape.column_delimiter
        """The one to give to the library."""
        self._skipped = shape.rows_to_skip
        self._row_delimiter = shape.row_delimiter
        if self._row_delimiter == "\r\n" and not _holds_both_newlines(body, charset):
            self._row_delimiter = None
        self._exchanges: list[tuple[str, str]] = []
        self._text = io.TextIOWrapper(self.source, charset, newline="")
        private = (letter for letter in map(chr, _PRIVATE) if not _holds(body, letter, charset))
        if self._row_delimiter is not None:
            self._exchanges = [("\r", next(private)), ("\n", next(private))]
        if len(self.column_delimiter) > 1:
            self.column_delimiter = next(private)
            self._exchanges.append((shape.column_delimiter, self.column_delimiter))
        self._blanks = " \t".replace(self.column_delimiter, "") if shape.trim and shape.quotes else ""
        self._in_quotes = False

    @property
    def exchanged(self) -> bool:
        """Whether cells are to be ``restored``."""
        return bool(self._exchanges)

    def __iter__(self) -> Iterator[str]:
        lines = iter(self._text) if self._row_delimiter is None else self._pieces(self._row_delimiter)
        first = next(lines, "").removeprefix("\ufeff")
        lines = islice(chain((first,), lines), self._skipped, None)
        lines = map(self._exchange, lines) if self._exchanges else lines
        return map(self._tightened, lines) if self._blanks else lines

    def restored(self, cell: str) -> str:
        """The cell as the body has it."""
        if self._row_delimiter is not None:
            cell = cell.replace("\n", self._row_delimiter)
        for written, private in self._exchanges:
            cell = cell.replace(private, written)
        return cell

    def _pieces(self, delimiter: str) -> Iterator[str]:
        rest = ""
        while chunk := self._text.read(_CHUNK):
            *whole, rest = (rest + chunk).split(delimiter)
            yield from whole
        rest = rest.rstrip("\r\n")
        if rest:
            yield rest

    def _exchange(self, line: str) -> str:
        for written, private in self._exchanges:
            line = line.replace(written, private)
        return line if self._row_delimiter is None else line + "\n"

    def _tightened(self, line: str) -> str:
        """The line without blanks around its quoted cells, which the library takes for a part of them."""
        if '"' not in line:
            return line
        pieces = line.split('"')
        last = len(pieces) - 1
        for at in range(int(self._in_quotes), last + 1, 2):  # those outside of quotes
            piece = pieces[at]
            if at > 0:
                rest = piece.lstrip(self._blanks)
                piece = rest if rest.startswith(self.column_delimiter) or not rest.strip("\r\n") else piece
            if at < last:
                rest = piece.rstrip(self._blanks)
                piece = rest if rest.endswith(self.column_delimiter) or not rest else piece
            pieces[at] = piece
        self._in_quotes ^= bool(last % 2)
        return '"'.join(pieces)


def _holds(body: bytes, letter: str, charset: str) -> bool:
    try:
        return letter.encode(charset) in body
    except UnicodeEncodeError:
        return False


def _holds_both_newlines(body: bytes, charset: str) -> bool:
    """Whether there are line feeds or carriage returns that stand together and others that do not."""
    mark = "".encode(charset)
    feed, carriage = (letter.encode(charset).removeprefix(mark) for letter in "\n\r")
    both = body.count(carriage + feed)
    return both > 0 and (body.count(feed) != both or body.count(carriage) != both)
