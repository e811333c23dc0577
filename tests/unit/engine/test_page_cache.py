"""Application pages in progress stay in memory, within bounds and for their owner only (exports-imports.md 5.2)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.codecs.collected import PackedRecords, collected
from fairlead.domain.document import Tree
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.page_cache import IDLE_SECONDS, PageCache, PageKey
from fairlead.engine.ports import ApplicationPage
from tests.unit.clock import ManualClock
from tests.unit.engine.exporting import FIRST, Service, ids, orders, reply, state_of

ONE = {"http": {"relativeURI": "/orders?since={{lastExportDateTime}}"}, "pageSize": 2}


def seven(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
    """Seven records in one answer."""
    return reply([{"id": n} for n in range(1, 8)])


async def pulled(service: Service, export: Tree, **more: Any) -> list[list[int]]:
    """The pages, by the state of the one before."""
    pages: list[list[int]] = []
    state: Tree | None = None
    while state is None or not state["done"]:
        result = await service.page(export, state, **more)
        pages.append(ids(result))
        state = state_of(result)
    return pages


@pytest.mark.parametrize(("limit", "requests"), [(1 << 20, 1), (300, 4), (0, 4)])
async def test_one_answer_is_asked_for_once(limit: int, requests: int) -> None:
    """As long as it fits; the records are the same with a small cache and with none."""
    service = Service(seven, cache=limit)
    assert await pulled(service, ONE) == [[1, 2], [3, 4], [5, 6], [7]]
    assert len(service.wire.asked) == requests
    assert service.cache.weight == 0


async def test_several_application_pages() -> None:
    """Each is asked for once, and gone when its last record was delivered."""
    service = Service()
    assert await pulled(service, orders(pageSize=2)) == [[1, 2], [3, 4], [5, 6], [7]]
    assert service.wire.asked == [f"/orders?page={n}" for n in (1, 2, 3, 4)]
    assert service.cache.weight == 0


async def test_a_state_posted_again_gives_the_same_page() -> None:
    """exports-imports.md 5.5: with or without the page in memory."""
    service = Service(seven)
    first = await service.page(ONE)
    assert [ids(await service.page(ONE, first.state)) for _ in range(3)] == [[3, 4]] * 3
    assert len(service.wire.asked) == 1


async def test_two_runs_never_mix() -> None:
    """What one run fetched is not what another one sees, even where dates, export and position are the same."""
    count = 0

    def changing(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        nonlocal count
        count += 1
        return reply([{"id": 10 * count + n} for n in range(3)])

    service, dates = Service(changing), {"lastExportDateTime": 1, "currentExportDateTime": 2}
    one = await service.page(ONE, post=dates)
    other = await service.page(ONE, post=dates)
    assert (ids(await service.page(ONE, one.state)), ids(await service.page(ONE, other.state))) == ([12], [22])


async def test_another_record_of_the_call_is_another_page() -> None:
    """A state with other data than it was made with asks anew."""
    service = Service(seven)
    first = await service.page(ONE, data=b'{"a":1}')
    assert ids(await service.page(ONE, first.state, data=b'{"a":2}')) == [3, 4]
    assert len(service.wire.asked) == 2


async def test_a_connection_that_was_changed_is_asked_anew() -> None:
    """A page of its older version is nobody's any more."""
    service = Service(seven)
    first = await service.page(ONE)
    service.store.write(FIRST)
    assert ids(await service.page(ONE, first.state)) == [3, 4]
    assert len(service.wire.asked) == 2


def page(*records: bytes) -> ApplicationPage:
    """A page with these records."""
    return ApplicationPage(list(records), {"state": {}}, None)


def key(**more: Any) -> PageKey:
    """Somebody's page."""
    owner = {"account": "a", "kind": "connection", "resource": "c", "digest": "d", "position": b"{}"}
    return PageKey(**{**owner, **more})


@pytest.mark.parametrize("member", ["account", "kind", "resource", "digest"])
def test_a_page_is_found_by_its_owner_only(member: str) -> None:
    """Nothing is shared across accounts, connections, their versions, and exports; a guessed name helps nobody."""
    cache = PageCache(ManualClock(), 1000)
    name = cache.keep(key(), page(b"{}"))
    assert cache.find(key(), name) is not None
    assert cache.find(key(**{member: "x"}), name) is None
    assert cache.find(key(position=b"{1}"), name) is None
    assert cache.find(key(), "0" * 16) is None


def test_memory_is_bounded() -> None:
    """Never more than the limit: what was not used for longest goes first, what is too large is not kept."""
    kept = page(b"x" * 300)
    weight = sys.getsizeof(kept.records) + sys.getsizeof(kept.records[0])
    cache = PageCache(ManualClock(), 3 * weight)
    names = [cache.keep(key(), page(b"x" * 300)) for _ in range(3)]
    assert cache.weight == 3 * weight
    assert cache.find(key(), names[0]) is not None
    names.append(cache.keep(key(), page(b"x" * 300)))
    assert cache.weight == 3 * weight
    assert [cache.find(key(), name) is not None for name in names] == [True, False, True, True]
    assert cache.keep(key(), page(b"x" * 4 * weight)) == ""
    for name in names:
        cache.drop(key(), name)
        cache.drop(key(), name)
    assert cache.weight == 0


async def test_what_nobody_asks_for_goes() -> None:
    """A run that was left stays for a while, not for ever."""
    clock = ManualClock()
    cache = PageCache(clock, 10_000)
    name = cache.keep(key(), page(b"{}"))
    await clock.advance(IDLE_SECONDS - 1)
    assert cache.find(key(), name) is not None
    await clock.advance(IDLE_SECONDS)
    cache.keep(key(), page(b"{}"))
    assert cache.find(key(), name) is None


def test_packed_records_weigh_what_they_take() -> None:
    """Records in compressed blocks count as their blocks, not as one small object."""
    packed = collected(b'{"n":"%d"}' % n * 50 for n in range(50_000))
    assert isinstance(packed, PackedRecords)
    cache = PageCache(ManualClock())
    assert cache.keep(key(), ApplicationPage(packed, {}, None))
    assert 20_000 < cache.weight < 10_000_000
