"""The effective level, over all processes on one store (connections.md 8.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from fairlead.engine.ports import PoolSettings
from fairlead.limits.recovery import REMEMBERED_SECONDS, ROW
from tests.unit.limits.replicas import Bench

EIGHT = PoolSettings("c", level=8, start=8, revision=1)


class Recovering(Bench):
    """Requests of one pool."""

    def effective(self, name: str = "A") -> int | None:
        """What that process holds for the effective level."""
        state = self.pools(name).state("c")
        assert state is not None
        return state.effective

    async def start(self, names: str, settings: PoolSettings = EIGHT) -> None:
        """Requests ``A1 A2 ...``, without an answer yet."""
        for name in names.split():
            await self.ask(name, settings)

    async def serve(self, count: int, process: str = "A", settings: PoolSettings = EIGHT) -> None:
        """So many good answers, one after the other."""
        for number in range(count):
            name = f"{process}-{len(self.started)}-{number}"
            await self.ask(name, settings)
            assert name in self.in_flight
            await self.end(name)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Recovering]:
    made = Recovering()
    yield made
    await made.close()


# -- one process


async def test_it_starts_at_the_target_or_at_the_level_if_that_is_lower(bench: Recovering) -> None:
    """And rises to the target: beyond a level that is lower."""
    await bench.open("A")
    lower = PoolSettings("c", level=4, start=3)
    await bench.start("A1 A2 A3 A4 A5", lower)
    assert (bench.effective(), bench.most) == (3, 3)
    for name in ("A1", "A2", "A3", "A4", "A5"):
        await bench.end(name)
    await bench.serve(3 * ROW, settings=lower)
    assert bench.effective() == 4


async def test_a_rate_limited_answer_halves_it_once_per_cool_down(bench: Recovering) -> None:
    """Rounded down, at least 1; however many requests were refused together; nobody starts beyond it."""
    await bench.open("A")
    await bench.start(" ".join(f"A{number}" for number in range(12)), PoolSettings("c", level=7, start=7))
    for number in range(7):
        await bench.end(f"A{number}", "limited:1")
    assert bench.effective() == 3
    for expected in (1, 1):
        await bench.clock.advance(8)
        assert bench.in_flight == {"A0"}
        await bench.end("A0", "limited:1")
        assert bench.effective() == expected
    await bench.clock.advance(8)
    for number in range(12):
        assert bench.in_flight == {f"A{number}"}
        await bench.end(f"A{number}")


async def test_a_lower_level_fills_up_after_the_cool_down(bench: Recovering) -> None:
    """The refused go again in their old order, as many at a time as the level now allows."""
    await bench.open("A")
    await bench.start(" ".join(f"A{number}" for number in range(8)))
    for number in range(8):
        await bench.end(f"A{number}", "limited:1")
    await bench.clock.advance(1)
    assert bench.in_flight == {"A0"}
    await bench.end("A0")
    assert bench.in_flight == {"A1", "A2", "A3", "A4"}


async def test_twenty_good_answers_in_a_row_raise_it_by_one(bench: Recovering) -> None:
    """The one that ended the cool-down is the first of them; a refusal starts the row anew."""
    await bench.open("A")
    await bench.start("A1")
    await bench.end("A1", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A1")
    await bench.serve(ROW - 2)
    assert bench.effective() == 4
    await bench.serve(1)
    assert bench.effective() == 5
    await bench.serve(ROW - 1)
    await bench.start("A2")
    await bench.end("A2", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A2")
    assert bench.effective() == 2
    await bench.serve(ROW - 2)
    assert bench.effective() == 2
    await bench.serve(1 + 7 * ROW)
    assert bench.effective() == 8


async def test_answers_to_older_requests_say_nothing_about_the_new_level(bench: Recovering) -> None:
    """What started before the last cool-down neither halves the level again nor counts for the row; a refusal is still waited for."""
    await bench.open("A")
    await bench.start("A1 A2 A3 A4")
    await bench.end("A1", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A1")
    assert bench.effective() == 4
    await bench.end("A2")
    await bench.serve(ROW - 2)
    assert bench.effective() == 4
    await bench.end("A3", "limited:1")
    assert bench.effective() == 4
    await bench.start("A5")
    assert "A5" not in bench.in_flight
    await bench.clock.advance(1)
    await bench.end("A3")
    await bench.end("A5")
    await bench.serve(ROW - 3)
    assert bench.effective() == 4
    await bench.serve(1)
    assert bench.effective() == 5


async def test_a_fixed_level_does_not_move(bench: Recovering) -> None:
    """Without a target, or without the flag, there is a cool-down and nothing else."""
    await bench.open("A")
    fixed = PoolSettings("c", level=4)
    await bench.start("A1", fixed)
    await bench.end("A1", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A1")
    assert bench.effective() == 4
    await bench.serve(2 * ROW, settings=fixed)
    assert bench.effective() == 4


async def test_what_a_document_changes_starts_anew(bench: Recovering) -> None:
    """Another target or level is the owner's new word; a change of something else is not."""
    await bench.open("A", "B")
    await bench.start("A1")
    await bench.end("A1", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A1")
    await bench.serve(1, "B", PoolSettings("c", level=8, start=8, revision=2))
    assert (bench.effective("A"), bench.effective("B")) == (4, 4)
    await bench.serve(1, "B", PoolSettings("c", level=9, start=9, revision=3))
    await bench.clock.advance(0.1)
    assert (bench.effective("A"), bench.effective("B")) == (9, 9)
    await bench.serve(1, "A")
    assert bench.effective("A") == 9
    await bench.serve(1, "B", PoolSettings("c", level=2, revision=4))
    assert bench.effective("B") == 2


# -- several processes


async def test_there_is_one_effective_level(bench: Recovering) -> None:
    """A refusal in one process halves the level of all; answers in each raise it for all; together they never have more in flight."""
    await bench.open("A", "B")
    await bench.start("A1 A2 A3 A4 B1 B2 B3 B4")
    assert len(bench.in_flight) == 8
    await bench.end("A1", "limited:1")
    assert (bench.effective("A"), bench.effective("B")) == (4, 4)
    await bench.start("A5 A6 B5 B6")
    for name in ("A2", "A3", "A4", "B1", "B2", "B3", "B4"):
        await bench.end(name)
    await bench.clock.advance(1)
    await bench.end("A1")
    assert len(bench.in_flight) == 4
    await bench.start("A7 A8 B7 B8")
    assert len(bench.in_flight) == 4
    while bench.in_flight:
        await bench.end(min(bench.in_flight))
        assert len(bench.in_flight) <= 4
    for process in "ABAB":
        await bench.serve(ROW, process)
    await bench.clock.advance(1)
    assert bench.effective("A") == bench.effective("B") == 8


async def test_refusals_in_two_processes_at_once_halve_it_once(bench: Recovering) -> None:
    """Neither has heard of the other's cool-down yet."""
    await bench.open("A", "B")
    await bench.start("A1 A2 B1 B2")
    for name in ("A1", "B1"):
        bench._ends.pop(name).set_result("limited:1")
    await bench.clock.settle()
    await bench.end("B2", "limited:1")
    assert (bench.effective("A"), bench.effective("B")) == (4, 4)


@pytest.mark.parametrize("ends", ["A1 A2 B1 B2", "B1 B2 A1 A2", "A1 A2 A3 B1", "A1 A2 A3 A4"])
@pytest.mark.parametrize("waits", ["A5 A6 A7 B3", "A5 A6 A7 A8"])
async def test_after_a_lowering_nothing_starts_before_what_is_too_much_has_ended(
    bench: Recovering, ends: str, waits: str
) -> None:
    """Also when both processes are busy and have requests waiting: a slot that is free is one too many, not the next request's. The
    last that is not too many is used at once."""
    await bench.open("A", "B")
    six, two = PoolSettings("c", level=6, revision=1), PoolSettings("c", level=2, revision=2)
    await bench.start(f"A1 A2 A3 A4 B1 B2 {waits}", six)
    assert bench.in_flight == {"A1", "A2", "A3", "A4", "B1", "B2"}
    await bench.start("A9", two)
    for left, name in zip((5, 4, 3, 2), ends.split(), strict=True):
        await bench.end(name)
        assert len(bench.in_flight) == left
    for _ in waits.split():
        await bench.end(min(bench.in_flight))
        assert len(bench.in_flight) == 2


async def test_it_is_remembered_for_an_hour(bench: Recovering) -> None:
    """Over a pause, by a process that comes later, and over the end of all processes; the slots are given back after ten seconds."""
    await bench.open("A")
    await bench.start("A1")
    await bench.end("A1", "limited:1")
    await bench.clock.advance(1)
    await bench.end("A1")
    await bench.clock.advance(90)
    assert bench.store.notes["pool/c"].value["share"] == {}
    await bench.serve(1)
    assert bench.effective() == 4
    await bench.open("B")
    await bench.serve(1, "B")
    assert bench.effective("B") == 4
    await bench.replicas["A"][0].close()
    await bench.replicas["B"][0].close()
    await bench.open("C")
    await bench.serve(1, "C")
    assert bench.effective("C") == 4
    await bench.clock.advance(REMEMBERED_SECONDS - 30)
    assert bench.effective("C") == 4
    await bench.clock.advance(60)
    assert bench.pools("C").state("c") is None
    assert "pool/c" not in bench.store.notes
    await bench.serve(1, "C")
    assert bench.effective("C") == 8


async def test_a_process_that_was_killed_takes_nothing_of_it_along(bench: Recovering) -> None:
    """The level is in the store as soon as it has changed."""
    await bench.open("A", "B")
    await bench.start("A1")
    await bench.end("A1", "limited:1")
    bench.replicas["A"][2].cut_off = True
    await bench.start("B1")
    await bench.clock.advance(31)
    assert bench.effective("B") == 4
    assert "B1" in bench.in_flight


@pytest.mark.parametrize("seed", range(20))
async def test_random_lives_of_a_recovering_pool(bench: Recovering, seed: int) -> None:
    """Requests, refusals, cancellations and lost hints in any order: never more than the target in flight; nothing starts beyond the
    effective level; the shares do not add up to more unless it was just lowered; in the end all are served."""
    random = Random(seed)
    settings = PoolSettings("c", level=6, start=6, revision=1)
    await bench.open("A", "B", "C")
    names: list[str] = []
    before = 0
    for step in range(200):
        match random.choice(("ask", "ask", "ask", "end", "end", "end", "many", "limited", "cancel", "hints", "time")):
            case "ask":
                names.append(f"{random.choice('ABC')}{step}")
                await bench.ask(names[-1], settings)
            case "end" if bench.in_flight:
                await bench.end(random.choice(sorted(bench.in_flight)))
            case "many":
                for _ in range(30):
                    if bench.in_flight:
                        await bench.end(min(bench.in_flight))
            case "limited" if bench.in_flight:
                await bench.end(random.choice(sorted(bench.in_flight)), "limited:1")
            case "cancel" if names and not random.randrange(3):
                bench.tasks[random.choice(names)].cancel()
                await bench.clock.settle()
            case "hints":
                bench.hints.lost = not bench.hints.lost
            case "time":
                await bench.clock.advance(random.choice((0.01, 0.3, 2, 8)))
        assert bench.most <= 6
        note = bench.store.notes.get("pool/c")
        if note is not None:
            shares, effective = sum(note.value["share"].values()), note.value["effective"]
            assert 1 <= effective <= 6
            assert shares <= max(effective, before)
            before = shares
    bench.hints.lost = False
    for _ in range(300):
        await bench.clock.advance(1)
        if bench.in_flight:
            await bench.end(min(bench.in_flight))
    assert all(task.done() for task in bench.tasks.values())
