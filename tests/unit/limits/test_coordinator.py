"""One at a time (D13)."""

from __future__ import annotations

import asyncio

import pytest

from fairlead.limits.coordinator import StoreCoordinator
from tests.unit.clock import ManualClock


async def test_one_holder_a_key_in_order_of_arrival() -> None:
    """Holders of one key never overlap and come in order; other keys are not touched; nothing stays behind."""
    coordinator = StoreCoordinator(ManualClock())
    diary: list[str] = []

    async def hold(key: str, name: str) -> None:
        async with coordinator.once(key):
            diary.append(f"+{name}")
            await asyncio.sleep(0)
            diary.append(f"-{name}")

    await asyncio.gather(hold("k", "a"), hold("k", "b"), hold("k", "c"))
    assert diary == ["+a", "-a", "+b", "-b", "+c", "-c"]
    assert len(coordinator) == 0


async def test_cancelled_and_failed_holders_leave_nothing() -> None:
    """Neither a cancelled waiter nor a holder that fails keeps the key."""
    coordinator = StoreCoordinator(ManualClock())

    async def fail() -> None:
        async with coordinator.once("k"):
            await asyncio.Event().wait()

    holder, waiter = asyncio.create_task(fail()), asyncio.create_task(fail())
    await ManualClock.settle()
    waiter.cancel()
    holder.cancel()
    await asyncio.gather(holder, waiter, return_exceptions=True)
    with pytest.raises(ZeroDivisionError):
        async with coordinator.once("k"):
            raise ZeroDivisionError
    assert len(coordinator) == 0
