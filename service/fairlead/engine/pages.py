"""Cuts the application's pages into pages of our own size (exports-imports.md 5.2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from fairlead.domain.document import Tree
from fairlead.engine.ports import ApplicationPage

PAGE_BYTES: Final = 5 << 20
"""Record JSON in one page (contract.md 1.15)."""


@dataclass(slots=True)
class Cut:
    """One page of ours and where the next one begins: at record ``delivered`` of the application's page at ``position``."""

    records: list[bytes]
    position: Tree | None = None
    """``None`` when there are no more pages."""
    delivered: int = 0
    in_progress: ApplicationPage | None = None
    """The application's page at ``position``, when records of it are left over."""
    total_pages: int | None = None
    total_records: int | None = None

    @property
    def done(self) -> bool:
        """The end of the paging is known and no record is left over."""
        return self.position is None


async def cut(
    pages: AsyncGenerator[ApplicationPage, None], *, delivered: int, size: int, limit: int | None = None
) -> Cut:
    """Up to ``size`` records and 5 MiB, never below one record, without the first ``delivered`` of the first page. ``limit``: raw
    records that the whole export may still give (``test.limit``); the page that reaches it is the last. A page that is full where an
    application page ends asks for no further one: its successor is the next call's business."""
    result = Cut([])
    wanted = size if limit is None else min(size, limit)
    room = PAGE_BYTES - 2
    async with aclosing(pages):
        async for page in pages:
            result.total_pages = page.total_pages if page.total_pages is not None else result.total_pages
            result.total_records = page.total_records if page.total_records is not None else result.total_records
            used = delivered
            for record in page.records[delivered:]:
                fits = len(record) <= room or not result.records
                if len(result.records) == wanted or not fits:
                    break
                result.records.append(record)
                room -= len(record) + 1
                used += 1
            if limit is not None and len(result.records) == limit:
                return result
            if used < len(page.records):
                result.position, result.delivered, result.in_progress = page.position, used, page
                return result
            if page.following is None:
                return result
            if len(result.records) == wanted:
                result.position = page.following
                return result
            delivered = 0
    return result
