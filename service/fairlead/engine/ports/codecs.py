"""Media types, both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fairlead.engine.ports.values import Json


class UnreadableBody(Exception):
    """A body is not what its media type says. ``message`` names the position, never the content; ``code`` and ``source`` are those of
    contract.md 1.16."""

    code = "invalid_response"
    source = "application"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BodyTooLarge(UnreadableBody):
    """A body, or what would become of it, is beyond a bound (contract.md 1.15, 1.16)."""

    code = "response_too_large"
    source = "connection"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How CSV answers are written: ``file.csv`` of an export (exports-imports.md 2.3)."""

    column_delimiter: str = ","
    row_delimiter: str | None = None
    """``None``: any newline."""
    has_header: bool = True
    trim: bool = False
    """Blanks around names and cells are dropped."""
    rows_to_skip: int = 0
    """Lines before the header."""
    key_columns: tuple[str, ...] = ()
    """Consecutive rows with equal cells here are one record."""
    quotes: bool = True
    """``False``: a quote is a letter; one pair around a cell is dropped (``disableQuoteAndStripEnclosingQuotes``)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What an export says about reading its answers, made once per export (exports-imports.md 2.2, 2.3)."""

    resource_path: str | None = None
    encoding: str | None = None
    """``file.encoding``: counts when ``Content-Type`` names no charset."""
    csv: CsvFormat = CsvFormat()


class Codec(Protocol):
    """Reads the answers of one media type, for paths into them (connections.md 5.1)."""

    media_type: str
    """The word of the contract: ``json``."""

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The decoded body; ``None`` for an empty one. Raises ``UnreadableBody``."""


@runtime_checkable
class RecordReader(Codec, Protocol):
    """A media type whose answers become records (exports-imports.md 2.2, 2.3)."""

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> Iterable[bytes] | None:
        """The records as raw JSON text each, verbatim where the format is JSON. ``None`` when the path finds nothing.

        What is no list reads on while it is iterated: together the records may be much larger than the body. Raises
        ``UnreadableBody``, at once or while iterating, and ``PathError`` for a path that does not compile.
        """


@runtime_checkable
class RecordWriter(Protocol):
    """A media type that a record can be sent as (exports-imports.md 9.3)."""

    media_type: str

    def write(self, record: bytes) -> bytes:
        """A request body from one record (raw JSON text). Raises ``InvalidContent`` for a record that the format cannot hold."""


@runtime_checkable
class BatchWriter(RecordWriter, Protocol):
    """A media type that several records can be sent as in one body."""

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """A request body from several records. Raises ``InvalidContent``."""
