"""PUTs in mid-run: calls that began before one go by the new limits at once, in all processes (connections.md 7.4, 8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from random import Random

import pytest
import pytest_asyncio

from fairlead.domain.document import AccountId
from fairlead.engine.ports import PoolSettings, StoreUnavailable, WaitTooLong
from fairlead.limits.changes import KEPT_SECONDS
from fairlead.limits.news import NAMED_SECONDS, News
from tests.unit.limits.replicas import Bench

LENDER = PoolSettings("y", level=2, revision=1, connection="me/y", version=1)
OWN = PoolSettings("x", level=4, revision=1, connection="me/x", version=1)
BORROWS = replace(LENDER, connection="me/x", version=2)
OWN_AGAIN = PoolSettings("x", level=3, revision=3, connection="me/x", version=3)


class Changing(Bench):
    """Replicas that hear of PUTs; ``stored`` are the documents."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, PoolSettings] = {}
        self.reads = 0
        self.is_away = False

    async def open(self, *names: str) -> None:
        await super().open(*names)
        for name in names:
            replica, pools, _ = self.replicas[name]
            News(replica, pools.changes, self._read)

    async def put(self, told: str, settings: PoolSettings) -> None:
        """A PUT that one replica carries out."""
        self.stored[settings.connection] = settings
        self.pools(told).configure(settings)
        await self.clock.settle()
        await self.clock.settle()

    async def _read(self, account: AccountId, id: str) -> PoolSettings | None:
        self.reads += 1
        if self.is_away:
            raise StoreUnavailable("away")
        return self.stored.get(f"{account}/{id}")


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Changing]:
    made = Changing()
    yield made
    await made.close()


@pytest.mark.parametrize("told", ["A", "B"])
async def test_a_connection_that_begins_to_borrow(bench: Changing, told: str) -> None:
    """Its requests that wait go to the lender's queue, and those in flight count there, in all replicas: nothing starts, neither
    its own nor the lender's, before fewer than the lender's level are left."""
    await bench.open("A", "B")
    for name in ("A1", "B1", "A2", "B2", "A3", "B3"):
        await bench.ask(name, OWN)
        await bench.clock.advance(0.1)
    assert bench.started == ["A1", "B1", "A2", "B2"]
    await bench.put(told, BORROWS)
    await bench.ask("B4", LENDER)
    await bench.clock.advance(0.1)
    await bench.ask("A5", OWN)
    for name in ("A1", "B1"):
        await bench.end(name)
        assert len(bench.started) == 4
    for number, (ends, starts) in enumerate([("A2", "A3"), ("B2", "B3"), ("A3", "B4"), ("B3", "A5")], 5):
        await bench.end(ends)
        await bench.clock.advance(0.1)
        assert (bench.started[-1], len(bench.started), len(bench.in_flight)) == (starts, number, 2)
    assert [bench.pools(name).state("x") is None or bench.pools(name).waiting("x") for name in "AB"] in (
        [False, False],
        [0, 0],
    )


@pytest.mark.parametrize("told", ["A", "B"])
async def test_a_connection_that_ends_to_borrow(bench: Changing, told: str) -> None:
    """It has its own level from then on, in which its requests in flight count; the lender's requests have the lender's."""
    await bench.open("A", "B")
    for name in ("A1", "B1", "A2", "B2", "A3"):
        await bench.ask(name, BORROWS)
        await bench.clock.advance(0.1)
    await bench.ask("B6", LENDER)
    assert bench.started == ["A1", "B1"]
    await bench.put(told, OWN_AGAIN)
    await bench.clock.advance(1)
    assert sorted(bench.started) == ["A1", "A2", "B1", "B6"]
    await bench.end("A1")
    await bench.end("B1")
    assert sorted(bench.started) == ["A1", "A2", "A3", "B1", "B2", "B6"]


async def test_others_stop_for_what_one_brings(bench: Changing) -> None:
    """Requests in flight that a PUT brings in one replica keep another, which holds all slots of the lender, from starting more."""
    await bench.open("A", "B")
    for name in ("A1", "A2"):
        await bench.ask(name, OWN)
    for name in ("B1", "B2", "B3"):
        await bench.ask(name, LENDER)
    await bench.put("A", BORROWS)
    await bench.clock.advance(0.1)
    await bench.end("B1")
    await bench.end("B2")
    assert bench.started == ["A1", "A2", "B1", "B2"]
    await bench.end("A1")
    assert bench.started[4:] == ["B3"]


async def test_no_time_is_lost_when_what_is_too_much_has_ended(bench: Changing) -> None:
    """The next request starts at that instant, however long it has waited."""
    await bench.open("A", "B")
    for name in ("A1", "A2", "B1", "B2", "A3"):
        await bench.ask(name, OWN)
    await bench.put("A", BORROWS)
    await bench.clock.advance(10)
    for name in ("B1", "A1", "A2"):
        assert "A3" not in bench.started
        await bench.end(name)
    assert "A3" in bench.started


async def test_places_in_the_queue_are_kept(bench: Changing) -> None:
    """Who waited in another queue goes before those who came to the new one later, and after those who came earlier."""
    await bench.open("A")
    for name, settings in (("A1", OWN_AGAIN), ("A2", LENDER), ("A3", LENDER)):
        await bench.ask(name, replace(settings, level=1))
    for name, settings in (("A4", OWN), ("A5", LENDER), ("A6", OWN), ("A7", LENDER)):
        await bench.ask(name, replace(settings, level=1))
    await bench.put("A", replace(BORROWS, level=1, version=4))
    for name in ("A1", "A2", "A3", "A4", "A5", "A6"):
        await bench.end(name)
    assert bench.started == ["A1", "A2", "A3", "A4", "A5", "A6", "A7"]


async def test_a_call_between_two_requests(bench: Changing) -> None:
    """A replica where nothing is in flight and nothing waits hears of it, too: what a call sends later counts where it belongs."""
    await bench.open("A", "B")
    await bench.ask("B1", OWN)
    await bench.end("B1")
    await bench.clock.advance(60)
    await bench.put("A", BORROWS)
    await bench.clock.advance(60)
    for name in ("A1", "A2"):
        await bench.ask(name, LENDER)
    await bench.ask("B2", OWN)
    assert bench.started == ["B1", "A1", "A2"]
    await bench.end("A1")
    assert bench.started[-1] == "B2"


async def test_the_level_of_a_lender_that_nobody_used(bench: Changing) -> None:
    """A call that began before a PUT of its lender's level does not bring the old level back."""
    await bench.open("A", "B")
    await bench.put("A", replace(LENDER, level=1, revision=2, version=2))
    await bench.clock.advance(60)
    for name in ("B1", "B2"):
        await bench.ask(name, BORROWS)
    assert bench.started == ["B1"]
    assert bench.pools("B").level(BORROWS) == 1
    await bench.clock.advance(KEPT_SECONDS)
    assert bench.pools("A").level(BORROWS) == 1


async def test_who_misses_the_hint(bench: Changing) -> None:
    """The heartbeat of the replica that carried it out names it: within two beats, and the document is read once."""
    await bench.open("A", "B")
    for name in ("B1", "B2", "B3", "B4", "B5"):
        await bench.ask(name, OWN)
    bench.hints.lost = True
    await bench.put("A", BORROWS)
    assert bench.reads == 0
    await bench.clock.advance(3.1)
    await bench.end("B1")
    assert bench.started == ["B1", "B2", "B3", "B4"]
    await bench.clock.advance(NAMED_SECONDS)
    assert bench.reads == 1


async def test_a_store_that_is_away_is_asked_again(bench: Changing) -> None:
    """The document that could not be read is read when the heartbeat names it again."""
    await bench.open("A", "B")
    for name in ("B1", "B2", "B3", "B4", "B5"):
        await bench.ask(name, OWN)
    bench.is_away = True
    await bench.put("A", BORROWS)
    bench.is_away = False
    await bench.clock.advance(3.1)
    await bench.end("B1")
    assert "B5" not in bench.started


async def test_who_was_away_for_longer_than_a_put_is_named(bench: Changing) -> None:
    """It reads the connections that its calls use before it starts anything."""
    await bench.open("A", "B")
    for name in ("B1", "B2", "B3", "B4", "B5", "B6"):
        await bench.ask(name, OWN)
    bench.replicas["B"][2].cut_off = bench.hints.lost = True
    await bench.put("A", BORROWS)
    await bench.clock.advance(NAMED_SECONDS + 5)
    assert not bench.in_flight
    for name in ("A1", "A2"):
        await bench.ask(name, LENDER)
    bench.replicas["B"][2].cut_off = bench.hints.lost = False
    bench.is_away = True
    await bench.clock.advance(5)
    assert sorted(bench.in_flight) == ["A1", "A2"]
    bench.is_away = False
    await bench.clock.advance(5)
    assert len(bench.in_flight) == 2
    await bench.end("A1")
    await bench.clock.advance(1)
    assert len(bench.in_flight) == 2
    assert any(name[0] == "B" for name in bench.in_flight)


async def test_who_stood_still_catches_up_first(bench: Changing) -> None:
    """A process that was stopped for some seconds, and goes on before it has heard of a PUT, starts nothing until it has read."""
    await bench.open("A")
    for name in ("A1", "A2", "A3", "A4", "A5"):
        await bench.ask(name, OWN)
    await bench.clock.advance(0.1)
    bench.stored["me/x"] = BORROWS
    bench.clock.jump(5)
    await bench.end("A1")
    assert "A5" not in bench.started
    await bench.clock.advance(2)
    assert "A5" not in bench.started
    await bench.end("A2")
    await bench.end("A3")
    assert "A5" in bench.started


async def test_a_heartbeat_stays_short(bench: Changing) -> None:
    """However many PUTs there are, the last few hundred of half a minute are named, and none after it."""
    await bench.open("A", "B")
    for number in range(500):
        bench.pools("A").configure(PoolSettings(f"c{number}", connection=f"me/c{number}", version=1))
    news = bench.replicas["A"][0].news
    assert news is not None
    asked = [*news.asks()]
    assert (len(asked), asked[-1]) == (300, "me/c499/1")
    await bench.clock.advance(NAMED_SECONDS)
    assert [*news.asks()] == []


async def test_puts_one_after_the_other(bench: Changing) -> None:
    """However fast they come, requests start within the time that one takes to be heard of."""
    await bench.open("A", "B")
    await bench.ask("A1", replace(LENDER, level=1))
    await bench.ask("A2", replace(LENDER, level=1))
    for version in range(2, 12):
        await bench.put("A", replace(LENDER, revision=version, version=version))
        await bench.clock.advance(0.01)
    assert bench.started == ["A1", "A2"]


async def test_a_new_pause(bench: Changing) -> None:
    """connections.md 7.4: it holds for calls that run in a replica which did not carry the PUT out."""
    await bench.open("A", "B")
    paced = PoolSettings("x", level=1, pause=0.1, revision=1, connection="me/x", version=1)
    for name in ("B1", "B2", "B3"):
        await bench.ask(name, paced)
    await bench.put("A", replace(paced, pause=5.0, revision=2, version=2))
    await bench.end("B1")
    await bench.clock.advance(4.9)
    assert bench.started == ["B1"]
    await bench.clock.advance(0.2)
    assert bench.started == ["B1", "B2"]


@pytest.mark.parametrize("told", ["A", "B"])
@pytest.mark.parametrize(("before", "after"), [(OWN, BORROWS), (BORROWS, OWN_AGAIN)])
async def test_a_cool_down_goes_with_the_connection(
    bench: Changing, told: str, before: PoolSettings, after: PoolSettings
) -> None:
    """connections.md 7.3: whatever pool it uses, no request of the connection starts before its cool-down ends, new calls neither."""
    await bench.open("A", "B")
    await bench.ask("A1", before)
    await bench.ask("A2", before)
    await bench.end("A1", "limited:4")
    await bench.put(told, after)
    for name in ("A3", "B1"):
        await bench.ask(name, after)
    await bench.clock.advance(3.8)
    assert bench.in_flight == {"A2"}
    await bench.end("A2")
    await bench.clock.advance(0.1)
    assert bench.in_flight == set()
    await bench.clock.advance(1)
    assert len(bench.in_flight) == 1
    await bench.end(*bench.in_flight)
    await bench.clock.advance(1)
    assert len(bench.in_flight) == 2


async def test_the_pause_holds_over_a_change_of_the_pool(bench: Changing) -> None:
    """connections.md 7.4: between the last answer in the old pool and the first request in the new one, too."""
    await bench.open("A")
    paced = [replace(each, level=1, pause=0.3) for each in (OWN, BORROWS)]
    for name in ("A1", "A2"):
        await bench.ask(name, paced[0])
    await bench.end("A1")
    await bench.put("A", paced[1])
    await bench.clock.advance(0.25)
    assert bench.started == ["A1"]
    await bench.clock.advance(0.1)
    assert bench.started == ["A1", "A2"]


async def test_a_slot_that_was_granted_a_moment_ago(bench: Changing) -> None:
    """A PUT between the grant and the instant at which the request would go: it waits in the new queue."""
    await bench.open("A")
    for name in ("A1", "A2"):
        await bench.ask(name, replace(OWN, level=1))
    for name in ("A3", "A4"):
        await bench.ask(name, LENDER)
    bench._ends.pop("A1").set_result("good")
    while bench.pools("A").waiting("x"):  # noqa: ASYNC110  # one turn of the loop after the other
        await asyncio.sleep(0)
    await bench.put("A", BORROWS)
    assert bench.started == ["A1", "A3", "A4"]
    await bench.end("A3")
    assert bench.started[-1] == "A2"
    await bench.end("A2")
    await bench.end("A4")
    state = bench.pools("A").state("y")
    assert state is not None
    assert (state.in_flight, state.waiting) == (0, 0)


async def test_who_gives_up_after_a_move(bench: Changing) -> None:
    """A deadline and a cancellation hold in the new queue as in the old one."""
    await bench.open("A")
    for name in ("A1", "A2", "A3", "A4"):
        await bench.ask(name, OWN)
    await bench.ask("A5", OWN, seconds=5)
    await bench.ask("A6", OWN)
    await bench.put("A", BORROWS)
    assert bench.pools("A").waiting("y") == 2
    bench.tasks["A6"].cancel()
    await bench.clock.advance(5.1)
    assert isinstance(bench.tasks["A5"].exception(), WaitTooLong)
    assert bench.pools("A").waiting("y") == 0
    for name in ("A1", "A2", "A3", "A4"):
        await bench.end(name)
    await bench.ask("A7", BORROWS)
    await bench.ask("A8", BORROWS)
    assert bench.started[-2:] == ["A7", "A8"]


async def test_refusals_of_requests_that_were_sent_before(bench: Changing) -> None:
    """The application's "too many" to requests in flight at the move is the new pool's cool-down: one, for all of them."""
    await bench.open("A")
    for name in ("A1", "A2", "A3"):
        await bench.ask(name, OWN)
    await bench.put("A", BORROWS)
    for name in ("A1", "A2", "A3"):
        await bench.end(name, "limited:2")
    await bench.ask("A4", LENDER)
    state = bench.pools("A").state("y")
    assert state is not None
    assert (state.refused, state.cooling, state.waiting) == (3, 2.0, 4)
    await bench.clock.advance(2.1)
    assert bench.started[3:] == ["A1"]


async def test_an_answer_to_a_request_that_was_sent_before(bench: Changing) -> None:
    """It says nothing of the new pool's cool-down: one request goes alone, as before."""
    await bench.open("A")
    await bench.ask("A1", LENDER)
    await bench.ask("A2", OWN)
    await bench.end("A1", "limited:2")
    await bench.ask("A3", LENDER)
    await bench.put("A", BORROWS)
    await bench.clock.advance(2.1)
    await bench.end("A2")
    assert bench.started == ["A1", "A2", "A1"]
    await bench.end("A1")
    assert bench.started[3:] == ["A3"]


async def test_what_was_cut_off_ends_in_the_new_pool(bench: Changing) -> None:
    """connections.md 8.2: requests that a PUT has brought under a level end when this replica is cut off from the store."""
    await bench.open("A")
    await bench.ask("A1", PoolSettings("x", revision=1, connection="me/x", version=1))
    await bench.put("A", BORROWS)
    bench.replicas["A"][2].cut_off = True
    await bench.clock.advance(20)
    assert bench.tasks["A1"].done()


async def test_who_waits_for_a_change(bench: Changing) -> None:
    """``change`` returns with the next PUT, in all replicas; ``level`` is the one that then holds."""
    await bench.open("A", "B")
    waiting = [asyncio.ensure_future(bench.pools(name).change()) for name in "AB"]
    assert [bench.pools(name).level(OWN) for name in "AB"] == [4, 4]
    await bench.put("A", BORROWS)
    assert all(task.done() for task in waiting)
    assert [bench.pools(name).level(OWN) for name in "AB"] == [2, 2]
    await bench.put("B", OWN_AGAIN)
    await bench.put("A", BORROWS)
    assert [bench.pools(name).level(OWN) for name in "AB"] == [3, 3]


@pytest.mark.parametrize(
    "key", ["connection/", "connection/x", "connection/me/x/", "connection/me/x/-1", "connection//9"]
)
async def test_hints_that_nobody_sends(bench: Changing, key: str) -> None:
    """Whatever a datagram says, the truth is in the store."""
    await bench.open("A")
    bench.replicas["A"][0].hinted(key)
    await bench.clock.settle()
    assert bench.pools("A").level(OWN) == 4


@pytest.mark.parametrize("seed", range(4))
async def test_never_a_request_too_many(bench: Changing, seed: int) -> None:
    """Connections that begin and end to borrow, change lenders and levels, whichever replica is told: a request starts only when fewer than
    the level are in flight of all connections that use the pool at that moment; and all are served."""
    random = Random(seed)
    names, versions, numbers = "ABC", count(2), count(1)
    await bench.open(*names)
    lenders = {id: PoolSettings(id, level=2, revision=1, connection=f"me/{id}", version=1) for id in ("y", "z")}
    documents = {f"me/{id}": settings for id, settings in lenders.items()}
    for id in ("v", "w"):
        documents[f"me/{id}"] = PoolSettings(id, level=3, revision=1, connection=f"me/{id}", version=1)
    calls: dict[str, str] = {}
    begun = {id: [settings] for id, settings in documents.items()}

    def crowd(key: str) -> int:
        return sum(documents[calls[name]].key == key for name in bench.in_flight)

    for _ in range(150):
        before = {*bench.in_flight}
        step = random.random()
        if step < 0.45:
            name = f"{random.choice(names)}{next(numbers)}"
            calls[name] = random.choice([*documents])
            await bench.ask(name, random.choice(begun[calls[name]]))
        elif step < 0.9:
            if bench.in_flight:
                await bench.end(random.choice(sorted(bench.in_flight)))
        else:
            id, version = random.choice([*documents]), next(versions)
            if id in ("me/y", "me/z"):
                key = id.removeprefix("me/")
                new = replace(lenders[key], level=random.randint(1, 3), revision=version)
                lenders[key] = replace(new, version=version)
                new = lenders[key]
            else:
                own = PoolSettings(id.removeprefix("me/"), level=random.randint(1, 4), revision=version)
                new = replace(random.choice([own, *lenders.values()]), connection=id, version=version)
            documents = {
                each: replace(new, connection=each, version=settings.version)
                if settings.key == new.key and each != id
                else settings
                for each, settings in documents.items()
            } | {id: new}
            begun[id].append(new)
            await bench.put(random.choice(names), new)
        await bench.clock.advance(random.choice([0, 0.01, 0.6]))
        for name in bench.in_flight - before:
            key = documents[calls[name]].key
            level = documents[calls[name]].level
            assert level is not None
            assert crowd(key) <= level
    for _ in range(1000):
        if len(bench.started) == len(calls) and not bench.in_flight:
            break
        if bench.in_flight:
            await bench.end(sorted(bench.in_flight)[0])
        await bench.clock.advance(0.6)
    assert len(bench.started) == len(calls)
