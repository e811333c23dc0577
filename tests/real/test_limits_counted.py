"""Limits with real processes on one store, counted by the application: what takes longer than a few seconds, and what measures time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.counted import changes, failures, flows, levels, waits
from tests.counted.figures import Figure, missed_in_all
from tests.counted.installation import Store, wire_uri
from tests.counted.seen import Application
from tests.servers.process import needs
from tests.slow import slow

pytestmark = slow
Scenario = Callable[[Application, Store, int], Awaitable[list[Figure]]]
needs_wire = needs(bool(wire_uri()), "FAIRLEAD_TEST_MONGODB_URI is not set; tests/servers/with-mongo sets it")


@pytest.fixture
async def counting() -> AsyncIterator[Application]:
    """The application that counts, in its own process."""
    async with Application.start() as application:
        yield application


@pytest.fixture(params=["sqlite", pytest.param("wire", marks=needs_wire)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """SQLite files, or databases of a server that speaks MongoDB's protocol."""
    return Store(tmp_path, wire_uri() if request.param == "wire" else "")


@pytest.fixture
def file(tmp_path: Path) -> Store:
    """SQLite files."""
    return Store(tmp_path)


@pytest.fixture
def wire(tmp_path: Path) -> Store:
    """Databases of a server that speaks MongoDB's protocol."""
    return Store(tmp_path, wire_uri())


async def test_levels(counting: Application, store: Store) -> None:
    """connections.md 8.1, 8.2: levels 1 to 100, 1,000 records each through three processes: most in flight is the level, exactly."""
    assert await missed_in_all(lambda: levels.levels(counting, store, 3)) == []


@pytest.mark.parametrize("scenario", [changes.borrowing, changes.lowered, changes.pausing])
async def test_puts_in_mid_run(counting: Application, store: Store, scenario: Scenario) -> None:
    """connections.md 8: lender, level and pause that a PUT changes bind imports that run in three processes."""
    assert await missed_in_all(lambda: scenario(counting, store, 3)) == []


async def test_burst(counting: Application, file: Store) -> None:
    """connections.md 8.1: without a level as many as the process' cap allows."""
    assert await missed_in_all(lambda: levels.burst(counting, file, 1)) == []


async def test_killed(counting: Application, store: Store) -> None:
    """connections.md 8.2: kill -9 of one of three: never more than the level in flight, all of it in use again after 30 s, and the others
    lose no record."""
    assert await missed_in_all(lambda: failures.killed(counting, store, 3)) == []


async def test_stopped(counting: Application, file: Store) -> None:
    """connections.md 8.2: a process that is paused for a minute and goes on: never more than the level, the other one waits 30 s at most, and
    both share it in the end."""
    assert await missed_in_all(lambda: failures.stopped(counting, file, 2)) == []


@needs_wire
async def test_cut_off_from_the_store(counting: Application, wire: Store) -> None:
    """connections.md 8.2: a process whose store is silent for 40 s starts nothing after 15 s; the other one has everything after 30 s."""
    assert await missed_in_all(lambda: failures.cut_off(counting, wire)) == []


@needs_wire
async def test_nobody_reaches_the_store(counting: Application, wire: Store) -> None:
    """connections.md 8.2: no new requests after 15 s rather than too many; when the store is back, both processes go on."""
    assert await missed_in_all(lambda: failures.store_gone(counting, wire)) == []


@needs_wire
async def test_a_slow_store(counting: Application, wire: Store) -> None:
    """200 ms to the store and back again for one of two processes: the same limit, and both work."""
    assert await missed_in_all(lambda: failures.slow(counting, wire)) == []


async def test_pause(counting: Application, store: Store) -> None:
    """connections.md 7.4: 500 ms between two processes' requests, 520 at the median at most."""
    assert await missed_in_all(lambda: waits.paused(counting, store, 2)) == []


@pytest.mark.parametrize("level", [1, 5])
async def test_idle_time(counting: Application, file: Store, level: int) -> None:
    """connections.md 7.2: one process asks again hardly later than it was told, or than the back-off says."""
    assert await missed_in_all(lambda: waits.refused(counting, file, 1, level=level)) == []


async def test_order(counting: Application, file: Store) -> None:
    """connections.md 8.2: 10,000 records at level 1 arrive in the order of the input."""
    assert await missed_in_all(lambda: flows.ordered(counting, file)) == []


async def test_fairness(counting: Application, file: Store) -> None:
    """connections.md 8.2, example B: 20,000 records through one connection do not slow ten through another."""
    assert await missed_in_all(lambda: flows.fair(counting, file)) == []
