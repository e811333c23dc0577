"""``response.twoDArray``: rows of cells become records with names (exports-imports.md 2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairlead.domain import jsonvalue
from fairlead.engine.ports import Json


@dataclass(frozen=True, slots=True)
class Rows:
    """How rows are read. Cells pass through verbatim."""

    has_header: bool
    normalize: bool

    @classmethod
    def of(cls, settings: Mapping[str, Json] | None) -> Rows | None:
        """Nothing when the export does not ask for it."""
        if settings is None:
            return None
        return cls(bool(settings.get("hasHeader")), not settings.get("doNotNormalize"))

    def records(self, rows: Iterable[bytes]) -> Iterable[bytes]:
        """One record per row: cells named by the first row of the answer, else ``Column0``, ``Column1``, ...; what is no row stays.
        Together they may be much larger than the rows."""
        return self._named(rows) if self.normalize else rows

    def _named(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        names: list[bytes] = []
        for number, row in enumerate(rows):
            if not _is_row(row):
                yield row
            elif number == 0 and self.has_header:
                cells = map(jsonvalue.loads, jsonvalue.split_array(row))
                names = [jsonvalue.dumps(jsonvalue.text_of(cell)) for cell in cells]
            else:
                yield _named(row, names)


def _is_row(record: bytes) -> bool:
    return record.startswith(b"[")


def _named(row: bytes, names: Sequence[bytes]) -> bytes:
    cells = jsonvalue.split_array(row)
    unnamed = (b'"Column%d"' % index for index in range(len(names), len(cells)))
    return b"{" + b",".join(b"%b:%b" % pair for pair in zip((*names, *unnamed), cells, strict=False)) + b"}"
