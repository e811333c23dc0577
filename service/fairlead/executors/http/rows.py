"""``response.twoDArray``: rows of cells become records with names (exports-imports.md 2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def records(self, rows: Sequence[bytes]) -> list[bytes]:
        """One record per row: cells named by the first row of the answer, else ``Column0``, ``Column1``, ...; what is no row stays."""
        if not self.normalize:
            return list(rows)
        names: list[bytes] = []
        if self.has_header and rows and _is_row(rows[0]):
            names = [
                jsonvalue.dumps(jsonvalue.text_of(jsonvalue.loads(cell))) for cell in jsonvalue.split_array(rows[0])
            ]
            rows = rows[1:]
        return [_named(row, names) if _is_row(row) else row for row in rows]


def _is_row(record: bytes) -> bool:
    return record.startswith(b"[")


def _named(row: bytes, names: Sequence[bytes]) -> bytes:
    cells = jsonvalue.split_array(row)
    unnamed = (b'"Column%d"' % index for index in range(len(names), len(cells)))
    return b"{" + b",".join(b"%b:%b" % pair for pair in zip((*names, *unnamed), cells, strict=False)) + b"}"
