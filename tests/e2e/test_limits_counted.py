"""The application's limits with real processes on one store, counted by the application: what takes seconds. The rest is in ``tests/real``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.counted import callers, changes, flows, levels, waits
from tests.counted.figures import missed, missed_in_all
from tests.counted.installation import Store
from tests.counted.seen import Application


@pytest.fixture
async def counting() -> AsyncIterator[Application]:
    """The application that counts, in its own process."""
    async with Application.start() as application:
        yield application


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """SQLite files."""
    return Store(tmp_path)


async def test_levels(counting: Application, store: Store) -> None:
    """connections.md 8.1, 8.2: imports over REST and gRPC through two processes; most requests in flight is the level, and every record
    arrives; 100 is a level of the ``rest`` notation."""
    figures = partial(levels.levels, counting, store, 2, which=(1, 10, 100), requests=240)
    assert await missed_in_all(figures) == []


async def test_borrowing(counting: Application, store: Store) -> None:
    """connections.md 8.3: a lender of level 2 and two borrowers, through two processes: two in flight over all three."""
    assert await missed_in_all(lambda: levels.borrowed(counting, store, 2, requests=60)) == []


@pytest.mark.parametrize("processes", [1, 2])
async def test_callers_who_hang_up(counting: Application, store: Store, processes: int) -> None:
    """connections.md 8.1, 8.2: a request whose caller has gone keeps its slot while the application works on it, and its pause comes after."""
    figures = partial(callers.hang_up, counting, store, processes, which=(2,), rounds=5)
    assert await missed_in_all(figures) == []


async def test_pause(counting: Application, store: Store) -> None:
    """connections.md 7.4: 500 ms from the end of an answer to the next request, whichever process sends it."""
    figures = await waits.paused(counting, store, 2, requests=8)
    assert [each for each in missed(figures) if "median" not in each] == []


@pytest.mark.parametrize("processes", [1, 2])
async def test_cool_downs(counting: Application, store: Store, processes: int) -> None:
    """connections.md 7.1 to 7.3: nine ways to say that it is too much; nobody asks before the time is over, and all is served in the end."""
    figures = await waits.refused(counting, store, processes, requests=10)
    assert [each for each in missed(figures) if "idle" not in each] == []


async def test_order(counting: Application, store: Store) -> None:
    """connections.md 8.2: at level 1 the application sees the records of a call in the order of the input."""
    assert missed(await flows.ordered(counting, store, records=500)) == []


async def test_puts_in_mid_run(counting: Application, store: Store) -> None:
    """connections.md 8.1, 8.3: imports that run go by a PUT in the other process: a lender's pool, their own again, a higher level."""
    assert await missed_in_all(lambda: changes.borrowing(counting, store, 2)) == []


async def test_another_pause_in_mid_run(counting: Application, store: Store) -> None:
    """connections.md 7.4: a PUT in the other process makes the pause of an import that runs longer."""
    assert missed(await changes.pausing(counting, store, 2)) == []
