"""What executors hand back: pages of an application, results of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fairlead.domain.document import Tree


@dataclass(slots=True)
class ApplicationPage:
    """One page of the application: raw records, the position that fetches this very page again, and the one of the page after it.
    Positions are small JSON objects: another process goes on from one alone."""

    records: Sequence[bytes]
    position: Tree
    following: Tree | None
    """``None`` when the end of the paging is known."""
    total_pages: int | None = None
    total_records: int | None = None


@dataclass(slots=True)
class RecordResult:
    """The result of one record (contract.md 4.4)."""

    status_code: int
    id: str | None = None
    json: bytes | None = None
    ignored: bool = False
    errors: list[tuple[str, str, str]] = field(default_factory=list)
    """(code, message, source)."""
    data_uri: str | None = None
