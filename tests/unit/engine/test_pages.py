"""Cutting the application's pages into our own (exports-imports.md 5.2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from fairlead.domain.document import Tree
from fairlead.engine.pages import PAGE_BYTES, Cut, cut
from fairlead.engine.ports import ApplicationPage


class Source:
    """An application of given pages; counts requests and knows whether it was closed."""

    def __init__(self, *pages: list[bytes], end_known: bool = True) -> None:
        self._pages = pages
        self._end_known = end_known
        self.asked: list[int] = []
        self.closed = 0

    async def pages(self, position: Tree | None) -> AsyncGenerator[ApplicationPage, None]:
        """From the position on; the last page tells the end when ``end_known``, else an empty one does."""
        at: int = position["at"] if position is not None else 0
        pages = [*self._pages] if self._end_known else [*self._pages, []]
        try:
            for index in range(at, len(pages)):
                self.asked.append(index)
                following = {"at": index + 1} if index + 1 < len(pages) else None
                yield ApplicationPage(pages[index], {"at": index}, following)
        finally:
            self.closed += 1


def numbered(*sizes: int) -> list[list[bytes]]:
    """Records 1, 2, 3, ... in pages of these sizes."""
    numbers = iter(range(1, sum(sizes) + 1))
    return [[b"%d" % next(numbers) for _ in range(size)] for size in sizes]


async def every_page(source: Source, size: int, limit: int | None = None) -> list[Cut]:
    """All pages of ``size``, each from the place the one before named."""
    cuts: list[Cut] = []
    position: Tree | None = None
    delivered = taken = 0
    while True:
        left = None if limit is None else limit - taken
        cuts.append(await cut(source.pages(position), delivered=delivered, size=size, limit=left))
        taken += len(cuts[-1].records)
        if cuts[-1].done:
            return cuts
        position, delivered = cuts[-1].position, cuts[-1].delivered


async def test_the_seven_orders() -> None:
    """The worked example: application pages of 3, pages of 5; the page in progress is asked for again, nothing else twice."""
    source = Source(*numbered(3, 3, 1), end_known=False)
    first = await cut(source.pages(None), delivered=0, size=5)
    assert (first.records, first.done, source.asked) == ([b"1", b"2", b"3", b"4", b"5"], False, [0, 1])
    assert (first.position, first.delivered) == ({"at": 1}, 2)
    second = await cut(source.pages(first.position), delivered=first.delivered, size=5)
    assert (second.records, second.done, source.asked) == ([b"6", b"7"], True, [0, 1, 1, 2, 3])


@pytest.mark.parametrize("end_known", [True, False])
@pytest.mark.parametrize("sizes", [(1,), (3, 3, 1), (5,), (2, 5, 1, 1, 4), (10,), (1, 1, 1, 1, 1, 1, 1)])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 20])
async def test_no_record_is_lost_or_doubled(sizes: tuple[int, ...], size: int, end_known: bool) -> None:
    """Whatever the sizes: all records in order, every page but the last one full, and every stream closed."""
    source = Source(*numbered(*sizes), end_known=end_known)
    cuts = await every_page(source, size)
    assert [int(record) for page in cuts for record in page.records] == list(range(1, sum(sizes) + 1))
    assert all(len(page.records) == size for page in cuts[:-1])
    assert source.closed == len(cuts)


async def test_full_at_a_known_end_is_done() -> None:
    """5.2 rule 3: the end is known and no record is left over."""
    cuts = await every_page(Source(*numbered(2, 2)), 4)
    assert [(len(page.records), page.done) for page in cuts] == [(4, True)]


async def test_full_where_the_successor_is_unknown_is_not_done() -> None:
    """5.2 rule 3: the next call answers nothing and is done; no page is asked for before its time."""
    source = Source(*numbered(2, 2), end_known=False)
    cuts = await every_page(source, 4)
    assert [(len(page.records), page.done) for page in cuts] == [(4, False), (0, True)]
    assert source.asked == [0, 1, 2]


async def test_pages_of_one_size_are_asked_for_once() -> None:
    """An application page that was delivered whole is not fetched again."""
    source = Source(*numbered(2, 2, 2))
    await every_page(source, 2)
    assert source.asked == [0, 1, 2]


async def test_a_known_end_with_records_left_over_is_not_done() -> None:
    """5.2 rule 3: done means that nothing is left to deliver."""
    cuts = await every_page(Source(*numbered(3)), 2)
    assert [(len(page.records), page.done) for page in cuts] == [(2, False), (1, True)]


@pytest.mark.parametrize(("limit", "expected"), [(1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (9, [2, 2, 1])])
async def test_a_test_run_ends_at_its_limit(limit: int, expected: list[int]) -> None:
    """exports-imports.md 3.3: so many raw records over all pages, and the page that reaches them is done."""
    cuts = await every_page(Source(*numbered(3, 2)), 2, limit)
    assert [len(page.records) for page in cuts] == expected


async def test_a_page_stops_at_five_mebibytes() -> None:
    """5.2 rule 5: the record that would exceed the bound begins the next page, wherever the application's pages end."""
    big = b"x" * (PAGE_BYTES // 2 - 100)
    cuts = await every_page(Source([big, big, big], [big, big]), 20)
    assert [len(page.records) for page in cuts] == [2, 2, 1]
    assert all(sum(map(len, page.records)) <= PAGE_BYTES for page in cuts)


async def test_one_record_may_be_larger_than_a_page() -> None:
    """5.2 rule 5: never below one record."""
    huge = b"x" * (PAGE_BYTES + 1)
    cuts = await every_page(Source([b"1", huge, b"2"], [huge]), 20)
    assert [len(page.records) for page in cuts] == [1, 1, 1, 1]


async def test_totals_are_those_last_told() -> None:
    """An application that tells its totals on the first page only is still believed."""

    async def pages() -> AsyncGenerator[ApplicationPage, None]:
        yield ApplicationPage([b"1"], {}, {"at": 1}, 3, 9)
        yield ApplicationPage([b"2"], {}, None)

    result = await cut(pages(), delivered=0, size=5)
    assert (result.total_pages, result.total_records) == (3, 9)
