"""Steps in order, a bounded way ahead."""

from __future__ import annotations

import asyncio

from fairlead.engine.ordered import each, in_order


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
