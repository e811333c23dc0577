"""``file.csv`` of an export, checked and compiled once (exports-imports.md 2.3, fields.md Export: file)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.engine.ports import CsvFormat, Json

_NO_DELIMITERS: Final = ('"', "\ufeff", "\0")
_MAX_LENGTH: Final = 16


class CsvFormatError(ValueError):
    """A setting that no CSV can be read with. ``field`` is its name below ``file.csv``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"file.csv.{field} {message}")
        self.field = f"file.csv.{field}"


def csv_format(settings: Mapping[str, Json] | None) -> CsvFormat:
    """The format that ``file.csv`` describes; defaults without one. Raises ``CsvFormatError``."""
    given = settings or {}
    columns = given.get("columnDelimiter") or ","
    rows = given.get("rowDelimiter") or None
    skip = given.get("rowsToSkip") or 0
    for field, delimiter in (("columnDelimiter", columns), ("rowDelimiter", rows)):
        if delimiter is not None and not _is_delimiter(delimiter):
            raise CsvFormatError(
                field, f"must be a text of 1 to {_MAX_LENGTH} characters without a quote, not {delimiter!r}"
            )
    if not isinstance(skip, int) or skip < 0:
        raise CsvFormatError("rowsToSkip", f"must be a whole number from 0 on, not {skip!r}")
    if columns == rows or "\n" in columns or "\r" in columns:
        raise CsvFormatError("columnDelimiter", "must not be what ends a row")
    return CsvFormat(
        column_delimiter=columns,
        row_delimiter=None if rows in ("\n", "\r") else rows,
        has_header=given.get("hasHeaderRow") is not False,
        trim=given.get("trimSpaces") is True,
        rows_to_skip=skip,
        key_columns=tuple(given.get("keyColumns") or ()),
        quotes=given.get("disableQuoteAndStripEnclosingQuotes") is not True,
    )


def _is_delimiter(text: Json) -> bool:
    return isinstance(text, str) and len(text) <= _MAX_LENGTH and not any(letter in text for letter in _NO_DELIMITERS)
