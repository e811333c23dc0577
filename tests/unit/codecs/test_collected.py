"""Records of one answer in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.codecs import collected as module
from fairlead.codecs.collected import PackedRecords, collected
from fairlead.engine.ports import UnreadableBody

RECORDS = [b'{"n":%d}' % number for number in range(3_456)]


@pytest.mark.parametrize("plain", [0, 60, 57 * 1000, 57 * 2500, 1 << 30])
def test_records_are_the_same_packed_or_not(plain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size from which they are packed: length, order, indexes, slices."""
    monkeypatch.setattr(module, "PLAIN_BYTES", plain)
    found = collected(iter(RECORDS))
    assert isinstance(found, PackedRecords) is (plain < 1 << 30)
    assert list(found) == RECORDS
    assert len(found) == len(RECORDS)
    assert (found[0], found[1234], found[-1]) == (RECORDS[0], RECORDS[1234], RECORDS[-1])
    for part in (slice(5, None), slice(1000, None), slice(9_999, None), slice(10, 20), slice(None, None, 999)):
        assert list(found[part]) == RECORDS[part]
    assert list(found[1500:][600:]) == RECORDS[2100:]
    with pytest.raises(IndexError):
        found[len(RECORDS)]


def test_a_list_stays_itself() -> None:
    """JSON is cut into a list already: nothing is copied."""
    assert collected(RECORDS) is RECORDS


@pytest.mark.parametrize("bound", ["MAX_BYTES", "MAX_PACKED", "MAX_RECORDS"])
def test_records_are_bounded(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small answer can become large records."""
    monkeypatch.setattr(module, "PLAIN_BYTES", 1000)
    monkeypatch.setattr(module, bound, 5000)
    with pytest.raises(UnreadableBody, match="the answer has more than"):
        collected(b'{"n":%d}' % (number * 7919 % 100_003) for number in range(100_000))


def test_blocks_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of a megabyte that every row repeats: a thousand of them are never joined."""
    taken = 0

    def rows() -> Iterator[bytes]:
        nonlocal taken
        for number in range(3000):
            taken += 1
            yield b'{"%b":%d}' % (b"n" * 100_000, number)

    monkeypatch.setattr(module, "MAX_BYTES", 5_000_000)
    with pytest.raises(UnreadableBody):
        collected(rows())
    assert taken < 100


def test_records_with_line_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is kept as it came, line feeds between its tokens too."""
    monkeypatch.setattr(module, "PLAIN_BYTES", 0)
    records = [b'{\n"a": 1\n}', b"[\n]", b'{"b":"\\u0000"}']
    assert list(collected(iter(records))) == records
