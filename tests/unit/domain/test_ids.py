"""Ids in order of creation (contract.md 1.6)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fairlead.domain.ids import IdSource, new_id

NOW = datetime(2026, 1, 15, 9, 30, 0, 250000, tzinfo=UTC)


def test_an_id_is_24_lower_case_hex_digits_that_start_with_the_second() -> None:
    """The form of MongoDB's ObjectId: the first eight digits are Unix seconds."""
    id = new_id(NOW)
    assert re.fullmatch("[0-9a-f]{24}", id)
    assert int(id[:8], 16) >= int(NOW.timestamp())
    assert int(IdSource().new(NOW)[:8], 16) == int(NOW.timestamp())


def test_ids_grow_while_the_clock_stands_still() -> None:
    """More ids in one instant than the counter has room for are still different and in order."""
    source = IdSource()
    ids = [source.new(NOW) for _ in range(40_000)]
    assert ids == sorted(set(ids))


def test_ids_grow_when_the_clock_steps_back() -> None:
    """A clock that is set back does not put new documents before old ones."""
    source = IdSource()
    first = source.new(NOW)
    assert source.new(NOW - timedelta(hours=1)) > first


def test_ids_of_two_processes_are_in_order_of_time_and_never_equal() -> None:
    """Two sources in one instant make different ids; two milliseconds later either is after both."""
    one, other = IdSource(), IdSource()
    early = {one.new(NOW), other.new(NOW)}
    assert len(early) == 2
    assert max(early) < min(one.new(NOW + timedelta(milliseconds=2)), other.new(NOW + timedelta(milliseconds=2)))
