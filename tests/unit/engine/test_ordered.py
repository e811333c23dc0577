"""Steps in order, a bounded way ahead."""

from __future__ import annotations

import asyncio

import pytest

from fairlead.engine.ordered import Turns, each, in_order


async def test_a_way_ahead_that_changes() -> None:
    """So many items are worked on as the width is at that moment; results keep the order of the items."""
    width, at_work, most, results = 1, 0, 0, []
    mosts = []

    async def step(item: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        for _ in range(3 if item % 2 else 1):
            await asyncio.sleep(0)
        at_work -= 1
        return item

    def ahead() -> int:
        return width

    async for item in in_order(each(range(60)), step, ahead):
        results.append(item)
        if item in (19, 39, 45):  # at 39 it becomes narrow: at 45 the wide ones are through
            mosts.append(most)
            width, most = (8 if item == 19 else 2), 0
    mosts.append(most)
    assert results == [*range(60)]
    assert (mosts[0], mosts[1], mosts[3]) == (1, 8, 2)


class Steps:
    """A clock that is moved by hand, and how often somebody else had a turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0
        self._other = asyncio.create_task(self._count())

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turns += 1

    def clock(self) -> float:
        return self.now

    def stop(self) -> None:
        self._other.cancel()


@pytest.mark.parametrize(
    ("records", "size", "seconds", "least", "most"),
    [
        (15, 10, 0.0, 0, 0),
        (16, 10, 0.0, 1, 2),
        (2, 40_000, 0.0, 2, 3),
        (10, 10, 0.004, 4, 6),
        (10, 10, 0.02, 9, 11),
        (3, 10, 0.5, 34, 38),
    ],
)
async def test_turns(records: int, size: int, seconds: float, least: int, most: int) -> None:
    """Others have their turn after so many bytes or milliseconds of records, and a dozen after a record that took long."""
    steps = Steps()
    await asyncio.sleep(0)
    turns = Turns(steps.clock)
    before = steps.turns
    for _ in range(records):
        steps.now += seconds
        await turns.after(size)
    assert least <= steps.turns - before <= most
    steps.stop()
