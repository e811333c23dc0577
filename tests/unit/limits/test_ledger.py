"""The shared document of a pool and the rule by which it changes (connections.md 8.2)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from fairlead.limits.ledger import NEVER, Ledger, Report, Want

IDLE = Report(
    level=4,
    revision=1,
    pause=0.0,
    in_flight=0,
    waiting=0,
    since=NEVER,
    opens=-NEVER,
    epoch=0,
    row=0,
    guarded=False,
    probing=False,
)


def settled(ledger: Ledger, me: str, mine: Report, alive: str = "ABC", now: float = 100.0) -> Ledger:
    ledger.settle(me, mine, set(alive), now)
    return Ledger.of(ledger.document())


@pytest.mark.parametrize(
    ("rule", "share", "want", "mine", "expected"),
    [
        ("alone takes the whole level", {}, {}, IDLE, {"A": 4}),
        ("what others hold stays theirs", {"B": 3}, {}, replace(IDLE, waiting=2, since=9), {"A": 1, "B": 3}),
        ("nobody's slots, one each, the longest waiter first", {"C": 1}, {"B": (1.99, 5)}, replace(IDLE, waiting=5, since=2),
         {"A": 1, "B": 2, "C": 1}),
        ("idle slots go to who wants them", {"A": 4}, {"B": (1, 3)}, IDLE, {"A": 1, "B": 3}),
        ("never more than are wanted", {"A": 4}, {"B": (1, 1)}, IDLE, {"A": 3, "B": 1}),
        ("slots in use stay", {"A": 4}, {"B": (1, 4)}, replace(IDLE, in_flight=3), {"A": 3, "B": 1}),
        ("a freed slot goes to the longer waiter elsewhere", {"A": 4}, {"B": (1, 4)},
         replace(IDLE, in_flight=3, waiting=5, since=2), {"A": 3, "B": 1}),
        ("and stays with the longer waiter here", {"A": 4}, {"B": (3, 4)}, replace(IDLE, in_flight=3, waiting=5, since=2),
         {"A": 4}),
        ("among two who hold slots, closeness is no reason", {"A": 3, "B": 1}, {"B": (1.99, 3)},
         replace(IDLE, in_flight=2, waiting=5, since=2), {"A": 3, "B": 1}),
        ("a real difference is", {"A": 3, "B": 1}, {"B": (1, 3)}, replace(IDLE, in_flight=2, waiting=5, since=2),
         {"A": 2, "B": 2}),
        ("but not again at once", {"A": 3, "B": 1}, {"B": (1, 3)},
         replace(IDLE, in_flight=2, waiting=5, since=2, balances=False), {"A": 3, "B": 1}),
        ("the longest waiter of several", {"A": 4}, {"B": (2, 4), "C": (1, 4)}, replace(IDLE, in_flight=3),
         {"A": 3, "C": 1}),
        ("a process that is gone holds nothing", {"D": 4}, {}, replace(IDLE, waiting=2, since=1), {"A": 4}),
        ("a lower level is reached as requests end", {"A": 5, "B": 2}, {}, replace(IDLE, in_flight=4), {"A": 4, "B": 2}),
        ("also by who is alone: what is in flight is held", {"A": 6}, {}, replace(IDLE, in_flight=5), {"A": 5}),
        ("what a PUT has brought from another pool is held here, too", {"A": 1, "B": 2}, {}, replace(IDLE, in_flight=5),
         {"A": 5, "B": 2}),
        ("who leaves keeps what is in use", {"A": 4}, {}, replace(IDLE, in_flight=0, leaves=True), {}),
        ("burst mode has no shares", {"A": 4}, {}, replace(IDLE, level=None, revision=2), {}),
    ],
)  # fmt: skip  # a row a rule
def test_shares(
    rule: str, share: dict[str, int], want: dict[str, tuple[float, int]], mine: Report, expected: dict[str, int]
) -> None:
    """Who holds what after process A has brought the document up to date."""
    wants = {process: Want(since, slots, slots) for process, (since, slots) in want.items()}
    ledger = settled(Ledger(level=4, revision=1, share=share, want=wants), "A", mine)
    assert ledger.share == expected, rule


def test_a_higher_revision_of_the_level_wins() -> None:
    """A run that still works with an older connection does not bring its level back."""
    ledger = settled(Ledger(), "A", replace(IDLE, level=2, revision=5))
    assert settled(ledger, "B", replace(IDLE, level=9, revision=4)).level == 2
    assert settled(ledger, "B", replace(IDLE, level=9, revision=6)).level == 9


def test_one_gift_until_the_process_is_heard_of() -> None:
    """Who does not write after it was given slots may be dead, and gets no more; whoever is far from the store is given the time."""
    ends, asks = replace(IDLE, in_flight=2), replace(IDLE, in_flight=1, waiting=5, since=1)
    first = settled(
        Ledger(level=4, revision=1, share={"A": 4}, want={"B": Want(1, 4, 5)}), "A", replace(ends, in_flight=3)
    )
    assert first.share == {"A": 3, "B": 1}
    assert settled(Ledger.of(first.document()), "A", ends).share == {"A": 3, "B": 1}
    assert settled(Ledger.of(first.document()), "C", replace(IDLE, waiting=1, since=2)).share == {"A": 3, "B": 1}
    heard = settled(Ledger.of(first.document()), "B", asks)
    assert settled(heard, "A", ends).share == {"A": 2, "B": 2}
    far = settled(Ledger.of(first.document()), "C", replace(IDLE, rests=True))
    assert settled(far, "A", ends).share == {"A": 2, "B": 2}


def test_what_is_nobodys_waits_for_no_dead_process() -> None:
    """Slots of one who leaves go to those that are heard of; who was not takes what is left with its next step."""
    ledger = Ledger(level=4, revision=1, share={"A": 3, "B": 1}, want={"B": Want(1, 3, 5)}, unheard={"B"})
    left = settled(ledger, "A", replace(IDLE, leaves=True))
    assert left.share == {"B": 1}
    assert settled(Ledger.of(left.document()), "C", replace(IDLE, waiting=2, since=2)).share == {"B": 1, "C": 2}
    assert settled(left, "B", replace(IDLE, in_flight=1, waiting=5, since=1)).share == {"B": 4}


def test_a_cool_down_is_passed_on_and_one_process_probes() -> None:
    """Its process probes; another takes over only when that one has nobody to send, or is gone."""
    cooling = replace(IDLE, epoch=1, row=1, guarded=True, opens=105.0, waiting=1, since=1)
    ledger = settled(Ledger(), "A", cooling)
    assert (ledger.guarded, ledger.probe, ledger.opens) == (True, "A", 105.0)
    waits = replace(IDLE, waiting=1, since=0.5, epoch=1, row=1, guarded=True)
    ledger = settled(ledger, "B", waits)
    assert ledger.probe == "A"
    assert settled(Ledger.of(ledger.document()), "A", replace(cooling, waiting=0)).probe == "B"
    assert settled(Ledger.of(ledger.document()), "B", waits, alive="BC").probe == "B"
    ledger = settled(ledger, "A", replace(cooling, guarded=False, row=0))
    assert (ledger.guarded, ledger.probe, ledger.row) == (False, None, 0)


def test_refusals_in_several_processes_are_one_cool_down() -> None:
    """The same cool-down seen twice counts once and ends with the later of both."""
    ledger = settled(Ledger(), "A", replace(IDLE, epoch=1, row=1, guarded=True, opens=105.0, waiting=1, since=1))
    ledger = settled(ledger, "B", replace(IDLE, epoch=1, row=1, guarded=True, opens=107.0, waiting=1, since=1))
    assert (ledger.epoch, ledger.row, ledger.opens, ledger.probe) == (1, 1, 107.0, "A")


def test_an_instant_of_a_clock_that_was_set_back_is_forgotten() -> None:
    """Nothing waits longer than the longest wait there is."""
    ledger = settled(Ledger(opens=1e6, row=1, guarded=True, epoch=1), "A", replace(IDLE, epoch=1, row=1, guarded=True))
    assert ledger.opens == -NEVER


def test_who_ended_last_is_not_known_of_the_dead() -> None:
    """The pause counts anew from the moment when a dead process' slot is taken over."""
    ledger = Ledger(level=1, revision=1, share={"D": 1})
    assert settled(ledger, "A", replace(IDLE, level=1, pause=0.5, waiting=1, since=1)).opens == 100.5


def test_any_order_of_steps_keeps_to_the_level() -> None:
    """Ten thousand random steps of four processes: shares never add up to more, and nobody loses a slot in use."""
    random = Random(6)
    ledger = Ledger()
    in_flight = dict.fromkeys("ABCD", 0)
    waiting = dict.fromkeys("ABCD", 0)
    for now in range(10_000):
        me = random.choice("ABCD")
        waiting[me] += random.choice((0, 0, 1, 3))
        in_flight[me] = random.randint(0, in_flight[me])
        held = ledger.share.get(me, 0)
        mine = replace(
            IDLE, in_flight=in_flight[me], waiting=waiting[me], since=now - random.random() if waiting[me] else NEVER
        )
        ledger = settled(ledger, me, mine, alive="ABCD", now=float(now))
        start = max(0, min(ledger.share.get(me, 0) - in_flight[me], waiting[me]))
        in_flight[me], waiting[me] = in_flight[me] + start, waiting[me] - start
        assert sum(ledger.share.values()) <= 4
        assert sum(in_flight.values()) <= 4
        assert ledger.share.get(me, 0) >= in_flight[me], held
