"""When sessions are opened and closed (D12)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fairlead.engine.ports import TransportProfile
from fairlead.transport.egress import EgressPolicy
from fairlead.transport.resolver import PinnedResolver
from fairlead.transport.sessions import MOST_SESSIONS, Sessions
from tests.unit.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sessions(clock: ManualClock) -> AsyncIterator[Sessions]:
    made = Sessions(PinnedResolver(EgressPolicy()), clock)
    yield made
    await made.close()


async def test_a_connection_keeps_its_session_and_shares_it_with_nobody(sessions: Sessions) -> None:
    """One session per connection; unchecked TLS has another one than checked TLS."""
    async with sessions.of(TransportProfile("a")) as one, sessions.of(TransportProfile("a")) as again:
        assert one is again
        async with (
            sessions.of(TransportProfile("b")) as other,
            sessions.of(TransportProfile("a", strict_tls=False)) as lax,
        ):
            assert len({id(one), id(other), id(lax)}) == 3


async def test_idle_sessions_are_closed_after_a_minute(sessions: Sessions, clock: ManualClock) -> None:
    """60 s after its last use a session goes; one in use stays however long that takes."""
    async with sessions.of(TransportProfile("busy")) as busy:
        async with sessions.of(TransportProfile("idle")) as idle:
            pass
        await clock.advance(45)
        async with sessions.of(TransportProfile("idle")):
            pass
        await clock.advance(45)
        assert not idle.closed
        await clock.advance(30)
        assert idle.closed
        assert not busy.closed
    await clock.advance(90)
    assert busy.closed
    assert len(sessions) == 0


async def test_the_number_of_sessions_is_bounded(sessions: Sessions, clock: ManualClock) -> None:
    """Connections that come once do not pile up: the longest unused session makes room."""
    async with sessions.of(TransportProfile("first")) as first:
        pass
    for number in range(MOST_SESSIONS - 1):
        async with sessions.of(TransportProfile(f"virtual:{number}")):
            pass
    async with sessions.of(TransportProfile("first")):
        pass
    for number in range(100):
        async with sessions.of(TransportProfile(f"more:{number}")):
            pass
    await clock.settle()
    assert len(sessions) == MOST_SESSIONS
    assert not first.closed


async def test_closing_closes_everything(sessions: Sessions) -> None:
    """Also sessions that somebody still uses."""
    async with sessions.of(TransportProfile("a")) as session:
        await sessions.close()
        assert session.closed
