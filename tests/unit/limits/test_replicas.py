"""Pools of several processes on one store, with a clock that is moved by hand (connections.md 7.3, 8.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from fairlead.domain.http import TransportFailure
from fairlead.engine.ports import Deadline, PoolSettings, StoreUnavailable, Written
from fairlead.limits.changes import PUT_SECONDS
from fairlead.limits.coordinator import StoreCoordinator
from fairlead.limits.heartbeat import BEAT, PROCESSES
from fairlead.limits.member import KEEP_SECONDS
from tests.unit.limits.replicas import Bench


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.close()


ONE = PoolSettings("c", level=1)
TWO = PoolSettings("c", level=2)


async def test_one_limit_over_two_replicas(bench: Bench) -> None:
    """Level 2: two in flight over both, the longest waiter next, wherever it is."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "A3"):
        await bench.ask(name, TWO)
        await bench.clock.advance(0.01)
    await bench.ask("B1", TWO)
    assert bench.started == ["A1", "A2"]
    await bench.end("A1")
    assert bench.started == ["A1", "A2", "A3"]
    await bench.end("A2")
    assert bench.started == ["A1", "A2", "A3", "B1"]
    assert bench.most == 2


async def test_alone_there_is_no_call_to_the_store(bench: Bench) -> None:
    """After the first request of a pool the process grants by itself; after ten idle seconds it gives the slots back."""
    await bench.open("A")
    await bench.ask("A0", TWO)
    calls = bench.store.calls
    for number in range(20):
        await bench.end(f"A{number}")
        await bench.ask(f"A{number + 1}", TWO)
        await bench.ask(f"A-{number}", TWO)
        await bench.ask(f"A+{number}", TWO)
        await bench.end(f"A-{number}")
        await bench.end(f"A+{number}")
    assert bench.store.calls == calls
    await bench.end("A20")
    assert "pool/c" in bench.store.notes
    await bench.clock.advance(21)
    assert "pool/c" not in bench.store.notes
    assert len(bench.pools("A")) == 0


async def test_an_idle_pool_costs_nothing(bench: Bench) -> None:
    """Beside the heartbeats of the processes there is no call while nobody waits."""
    await bench.open("A", "B")
    await bench.ask("A1", TWO)
    await bench.ask("B1", TWO)
    await bench.clock.advance(1.6)
    calls = bench.store.calls
    beats = 2 * 2
    await bench.clock.advance(1.5)
    assert bench.store.calls - calls == beats


async def test_a_killed_replica_frees_its_slots_after_25_to_30_s(bench: Bench) -> None:
    """Not at once: what it had sent may still be at work in the application."""
    await bench.open("A", "B")
    await bench.ask("A1", ONE)
    await bench.ask("B1", ONE)
    await bench.clock.advance(0.7)
    bench.replicas["A"][2].cut_off = True
    killed = bench.clock.monotonic()
    while "B1" not in bench.started:
        await bench.clock.advance(0.1)
    assert 25 <= bench.clock.monotonic() - killed <= 30


async def test_a_survivor_goes_on_with_what_it_holds(bench: Bench) -> None:
    """The older requests that wait in a process that was killed get one gift of slots, and not every slot that ends elsewhere."""
    await bench.open("A", "B")
    level = PoolSettings("c", level=6)
    for number in range(100):
        await bench.ask(f"{'AB'[number % 2]}{number}", level)
        await bench.clock.advance(0.03)
    for _ in range(20):
        await bench.end(sorted(bench.in_flight)[0])
        await bench.end(sorted(bench.in_flight)[-1])
        await bench.clock.advance(0.03)
    bench.replicas["B"][2].cut_off = True
    lost = {name for name in bench.in_flight if name[0] == "B"}
    before = len(bench.started)
    for _ in range(20):
        await bench.clock.advance(1)
        for name in sorted(bench.in_flight - lost)[:1]:
            await bench.end(name)
    assert len(lost) < 6
    assert {name[0] for name in bench.started[before:]} == {"A"}
    assert len(bench.started) - before >= 18
    assert len(bench.in_flight) <= 6


async def test_a_slot_that_is_older_than_the_last_heartbeat_is_good_for_nothing(bench: Bench) -> None:
    """A process that was paused between the grant and the first byte must not send: others may have the slot by now."""
    await bench.open("A", "B")
    may_send: list[bool] = []

    async def send() -> None:
        async with bench.pools("A").slot(TWO, Deadline(10_000)):
            may_send.append(bench.pools("A").may_send())
            bench.replicas["A"][2].cut_off = True
            await bench.clock.sleep(15.1)
            may_send.append(bench.pools("A").may_send())

    bench.tasks["A1"] = asyncio.create_task(send())
    await bench.clock.advance(16)
    assert may_send == [True, False]


async def test_a_replica_that_is_cut_off_ends_what_it_has_in_flight(bench: Bench) -> None:
    """It starts nothing after 15 s, ends all at 20 s, and takes part again under another name."""
    await bench.open("A", "B")
    await bench.ask("A1", TWO)
    name = bench.replicas["A"][0].me
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(14)
    await bench.ask("A2", TWO)
    assert bench.started == ["A1", "A2"]
    await bench.end("A2")
    await bench.clock.advance(1.5)
    await bench.ask("A3", TWO)
    assert bench.started == ["A1", "A2"]
    await bench.clock.advance(5)
    assert isinstance(bench.tasks["A1"].exception(), TransportFailure)
    await bench.ask("B1", TWO)
    assert "B1" not in bench.started
    bench.replicas["A"][2].cut_off = False
    await bench.clock.advance(10)
    assert bench.started == ["A1", "A2", "A3", "B1"]
    assert bench.replicas["A"][0].me != name
    assert bench.most == 2


async def test_a_beat_that_is_written_late_keeps_no_slots_taken(bench: Bench) -> None:
    """A process declares its own former name dead 26.5 s after its last confirmed beat, whatever writes are carried out later."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "A3", "B1"):
        await bench.ask(name, TWO)
    await bench.clock.advance(0.1)
    bench.replicas["B"][2].cut_off = True
    former = PROCESSES + bench.replicas["A"][0].me
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(22)
    written = bench.store.notes[former]
    assert await bench.store.write(former, written.value, written.version)
    bench.replicas["A"][2].cut_off = False
    assert bench.started == ["A1", "A2"]
    await bench.clock.advance(7)
    assert bench.started == ["A1", "A2", "A3"]


async def test_a_pool_is_not_left_with_slots_in_hand(bench: Bench) -> None:
    """Who is to leave a pool while it may not start anything gives its slots back when it may: others do not wait for ever."""
    await bench.open("A", "B")
    for name in ("A1", "B1"):
        await bench.ask(name, TWO)
        await bench.clock.advance(0.1)
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(6)
    await bench.end("A1")
    await bench.clock.advance(KEEP_SECONDS + 0.5)
    bench.replicas["A"][2].cut_off = False
    await bench.clock.advance(3)
    for name in ("B2", "B3"):
        await bench.ask(name, TWO)
    await bench.clock.advance(2 * KEEP_SECONDS)
    assert bench.in_flight == {"B1", "B2"}


async def test_without_the_store_nothing_starts_and_the_reason_is_told(bench: Bench) -> None:
    """No new requests rather than too many; who cannot wait longer hears of the store, not of a limit."""
    await bench.open("A")
    await bench.ask("A1", ONE)
    await bench.end("A1")
    bench.store.away = True
    await bench.clock.advance(16)
    await bench.ask("A2", ONE, seconds=3)
    await bench.clock.advance(4)
    assert bench.started == ["A1"]
    assert isinstance(bench.tasks["A2"].exception(), StoreUnavailable)


async def test_closing_gives_everything_back_at_once(bench: Bench) -> None:
    """SIGTERM: the next replica does not wait."""
    await bench.open("A", "B")
    await bench.ask("A1", ONE)
    await bench.ask("B1", ONE)
    await bench.end("A1")
    await bench.end("B1")
    await bench.replicas["B"][0].close()
    await bench.ask("A2", ONE)
    assert bench.started == ["A1", "B1", "A2"]


async def test_the_pause_holds_between_replicas(bench: Bench) -> None:
    """connections.md 7.4: the gap is between the end of one answer and the start of the next request, wherever it is."""
    paced = PoolSettings("c", level=1, pause=0.5)
    await bench.open("A", "B")
    await bench.ask("A1", paced)
    await bench.ask("B1", paced)
    await bench.clock.advance(0.12)
    await bench.end("A1")
    await bench.clock.advance(0.49)
    assert bench.started == ["A1"]
    await bench.clock.advance(0.02)
    assert bench.started == ["A1", "B1"]


@pytest.mark.parametrize("settings", [PoolSettings("c"), PoolSettings("c", level=4)], ids=["burst", "level"])
async def test_a_cool_down_binds_all_replicas_and_one_request_goes_first(bench: Bench, settings: PoolSettings) -> None:
    """connections.md 7.3: nobody starts before its end, then the refused request alone; the rest of the pool follows its answer."""
    await bench.open("A", "B")
    await bench.ask("B1", settings)
    await bench.end("B1")
    await bench.ask("A1", settings)
    await bench.end("A1", "limited:5")
    await bench.ask("B2", settings)
    await bench.clock.advance(4.9)
    assert bench.started == ["B1", "A1"]
    await bench.clock.advance(0.2)
    assert bench.started == ["B1", "A1", "A1"]
    await bench.clock.advance(3)
    assert bench.started == ["B1", "A1", "A1"]
    await bench.end("A1")
    assert bench.started == ["B1", "A1", "A1", "B2"]


@pytest.mark.parametrize("jump", [-1_800, 1_800, -1e7, 1e7])
@pytest.mark.parametrize("paced", [False, True])
async def test_a_clock_of_the_store_that_jumps_neither_stalls_nor_floods(
    bench: Bench, jump: float, paced: bool
) -> None:
    """Who knew of the cool-down waits for it on its own clock; who comes later waits for the answer after it, and not for the instant that
    the other clock told."""
    settings = PoolSettings("c", level=1, pause=0.5) if paced else PoolSettings("c", level=4)
    await bench.open("A", "B")
    await bench.ask("B1", settings)
    await bench.end("B1")
    await bench.clock.advance(1)
    await bench.ask("A1", settings)
    await bench.end("A1", "limited:5")
    await bench.ask("B2", settings)
    bench.store.ahead += jump
    await bench.clock.advance(2)
    await bench.open("C")
    await bench.ask("C1", settings)
    await bench.clock.advance(2.9)
    assert bench.started == ["B1", "A1"]
    await bench.clock.advance(0.2)
    assert bench.started == ["B1", "A1", "A1"]
    await bench.end("A1")
    await bench.clock.advance(2)
    for name in ("B2", "C1"):
        if name in bench.in_flight:
            await bench.end(name)
            await bench.clock.advance(2)
    assert {*bench.started} == {"B1", "A1", "B2", "C1"}


@pytest.mark.parametrize("jump", [-1_800, 1_800])
@pytest.mark.parametrize("beats_apart", [0, 0.4, 0.8, 1.2])
async def test_pauses_go_on_over_a_jump_of_the_stores_clock(bench: Bench, jump: float, beats_apart: float) -> None:
    """Two replicas take turns. Until both have beaten, a pause between them may be missed; all others are kept, and nobody waits for the
    instant of the other clock."""
    paced = PoolSettings("c", level=1, pause=0.5)
    await bench.open("A")
    await bench.clock.advance(beats_apart)
    await bench.open("B")
    starts: list[float] = []
    for turn in range(30):
        if turn == 10:
            bench.store.ahead += jump
        name = f"{'AB'[turn % 2]}{turn}"
        await bench.ask(name, paced)
        while name not in bench.in_flight:
            await bench.clock.advance(0.05)
        starts.append(bench.clock.monotonic())
        await bench.end(name)
    gaps = [(before, after - before) for before, after in pairwise(starts)]
    assert all(gap >= 0.499 for at, gap in gaps if not starts[9] <= at <= starts[9] + BEAT)
    assert max(gap for _, gap in gaps) < 3


async def test_a_cool_down_outlives_its_process(bench: Bench) -> None:
    """A replica that comes later, or is started anew, waits for the rest of it."""
    await bench.open("A")
    await bench.ask("A1", PoolSettings("c"))
    await bench.end("A1", "limited:60")
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(40)
    await bench.open("B")
    await bench.ask("B1", PoolSettings("c"))
    await bench.clock.advance(19)
    assert bench.started == ["A1"]
    bench.tasks["A1"].cancel()
    await bench.clock.advance(15)
    assert bench.started == ["A1", "B1"]


async def test_lost_hints_cost_time_not_slots(bench: Bench) -> None:
    """Without datagrams the heartbeats carry who waits."""
    await bench.open("A", "B")
    bench.hints.lost = True
    await bench.ask("A1", ONE)
    await bench.ask("B1", ONE)
    await bench.end("A1")
    await bench.clock.advance(4)
    assert bench.started == ["A1", "B1"]


async def test_the_queue_of_all_replicas_is_told(bench: Bench) -> None:
    """``queues[].size`` is the whole pool's, at most one second old."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "A3", "B1", "B2"):
        await bench.ask(name, ONE)
    await bench.clock.advance(1)
    assert await bench.pools("A").size("c") == 4
    assert await bench.pools("B").size("c") == 4


async def test_a_new_level_is_everybodys(bench: Bench) -> None:
    """A PUT that one replica has seen lowers and raises the level of all."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "A3"):
        await bench.ask(name, PoolSettings("c", level=3, revision=1))
    await bench.ask("B1", PoolSettings("c", level=1, revision=2))
    await bench.end("A1")
    await bench.end("A2")
    assert "B1" not in bench.started
    await bench.end("A3")
    assert "B1" in bench.started
    await bench.ask("A4", PoolSettings("c", level=3, revision=1))
    assert "A4" not in bench.started
    await bench.ask("B2", PoolSettings("c", level=3, revision=3))
    assert {"A4", "B2"} <= set(bench.started)


@pytest.mark.parametrize("told", ["A", "B"])
async def test_a_new_level_needs_no_new_request(bench: Bench, told: str) -> None:
    """A PUT, whichever replica carries it out, binds requests that wait at that moment: nobody starts before what is too much has ended,
    and who may start now does."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "A3", "A4", "A5", "A6"):
        await bench.ask(name, PoolSettings("c", level=3, revision=1))
    bench.pools(told).configure(PoolSettings("c", level=1, revision=2))
    await bench.clock.advance(PUT_SECONDS)
    await bench.end("A1")
    await bench.end("A2")
    assert bench.started == ["A1", "A2", "A3"]
    await bench.end("A3")
    assert bench.started == ["A1", "A2", "A3", "A4"]
    bench.pools(told).configure(PoolSettings("c", level=2, revision=3))
    await bench.clock.advance(PUT_SECONDS)
    assert bench.started == ["A1", "A2", "A3", "A4", "A5"]
    bench.pools(told).configure(PoolSettings("c", revision=4))
    await bench.clock.advance(PUT_SECONDS)
    assert "A6" in bench.started


async def test_one_writer_at_a_time_over_all_replicas(bench: Bench) -> None:
    """``once``: holders of a key in two processes never overlap; nothing stays behind in the store."""
    await bench.open("A", "B")
    diary: list[str] = []
    coordinators = {name: StoreCoordinator(bench.clock, bench.replicas[name][0]) for name in "AB"}

    async def write(name: str) -> None:
        async with coordinators[name[0]].once("connections/1"):
            diary.append(f"+{name}")
            await bench.clock.sleep(0.1)
            diary.append(f"-{name}")

    tasks = [asyncio.create_task(write(name)) for name in ("A1", "B1", "A2", "B2")]
    await bench.clock.advance(2)
    await asyncio.gather(*tasks)
    assert [entry[1:] for entry in diary[::2]] == [entry[1:] for entry in diary[1::2]]
    assert len(diary) == 8
    await bench.clock.advance(1)
    assert not [key for key in bench.store.notes if key.startswith("once/")]


async def test_burst_pools_work_without_the_store(bench: Bench) -> None:
    """They have no limit that others could miss: first use, use, and use after a leave that failed."""
    await bench.open("A")
    bench.store.away = True
    await bench.ask("A1", PoolSettings("c"))
    await bench.end("A1")
    await bench.clock.advance(12)
    await bench.ask("A2", PoolSettings("c"))
    await bench.end("A2")
    assert bench.started == ["A1", "A2"]


async def test_a_write_that_may_still_be_carried_out_is_not_counted_on(bench: Bench) -> None:
    """Slots were given back, the answer got lost, and the write arrives late: it must not undo what came after it."""
    await bench.open("A")
    await bench.ask("A0", TWO)
    late: list[tuple[str, int]] = []
    remove = bench.store.remove

    async def lost(key: str, version: int) -> bool:
        if key == "pool/c" and not late:
            late.append((key, version))
            raise StoreUnavailable("timed out")
        return await remove(key, version)

    bench.store.remove = lost  # type: ignore[method-assign]  # for this test
    await bench.end("A0")
    while not late:
        await bench.clock.advance(0.1)
    await bench.ask("A1", TWO)
    await bench.ask("A2", TWO)
    await bench.clock.advance(1)
    assert bench.started == ["A0", "A1", "A2"]
    await remove(*late[0])
    await bench.open("B")
    await bench.ask("B1", TWO)
    await bench.clock.advance(5)
    assert bench.most == 2


async def test_a_slot_on_its_way_to_another_process_is_not_granted(bench: Bench) -> None:
    """While the store works on a hand-over, a request that comes here finds the slot gone."""
    await bench.open("A", "B")
    await bench.ask("A1", ONE)
    await bench.end("A1")
    write, asked, done = bench.store.write, asyncio.Event(), asyncio.Event()

    async def slow(key: str, value: Mapping[str, Any], version: int) -> Written | None:
        if key == "pool/c" and bench.replicas["B"][0].me in value["share"]:
            asked.set()
            await done.wait()
        return await write(key, value, version)

    bench.store.write = slow  # type: ignore[method-assign]  # for this test
    await bench.ask("B1", ONE)
    await asked.wait()
    await bench.ask("A2", ONE)
    assert bench.started == ["A1"]
    done.set()
    await bench.clock.settle()
    await bench.clock.settle()
    assert bench.started == ["A1", "B1"]
    assert bench.most == 1


@pytest.mark.parametrize("seed", range(20))
async def test_random_lives_of_three_replicas(bench: Bench, seed: int) -> None:
    """Requests, cancellations, lost hints, cut-offs and returns in any order: never more than the level, and in the end all are served."""
    random = Random(seed)
    level = PoolSettings("c", level=3)
    await bench.open("A", "B", "C")
    names: list[str] = []
    for step in range(150):
        match random.choice(("ask", "ask", "ask", "end", "end", "end", "cancel", "cut", "mend", "hints", "time")):
            case "ask":
                names.append(f"{random.choice('ABC')}{step}")
                await bench.ask(names[-1], level)
            case "end" if bench.in_flight:
                await bench.end(random.choice(sorted(bench.in_flight)))
            case "cancel" if names and not random.randrange(3):
                bench.tasks[random.choice(names)].cancel()
                await bench.clock.settle()
            case "cut" if not random.randrange(4):
                bench.replicas[random.choice("ABC")][2].cut_off = True
            case "mend":
                bench.replicas[random.choice("ABC")][2].cut_off = False
            case "hints":
                bench.hints.lost = not bench.hints.lost
            case "time":
                await bench.clock.advance(random.choice((0.01, 0.3, 2, 8)))
        assert len(bench.in_flight) <= 3
    for _, _, island in bench.replicas.values():
        island.cut_off = False
    for _ in range(300):
        await bench.clock.advance(1)
        if bench.in_flight:
            await bench.end(sorted(bench.in_flight)[0])
    assert all(task.done() for task in bench.tasks.values())
    assert bench.most <= 3
