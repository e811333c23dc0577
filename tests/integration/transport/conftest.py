"""A transport that may reach this machine, and its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from secrets import token_bytes

import pytest

from fairlead.auth.registry import strategy_for
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.document import AccountId
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.attempt import Attempts
from fairlead.engine.body import BodyReader
from fairlead.engine.call import RUN_PATIENCE, Call
from fairlead.engine.ports import AuthSession, Deadline, PoolSettings, TransportProfile
from fairlead.engine.prepare import Prepared, connection_of
from fairlead.engine.renewal import Renewals
from fairlead.engine.run import RunStats
from fairlead.engine.verdict import ConnectionRules, ResponseRules
from fairlead.limits.pools import Pools
from fairlead.limits.retry_after import wait_seconds
from fairlead.transport.body import BodyLimits
from fairlead.transport.client import HttpTransport, Timeouts
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy

Send = Callable[..., Awaitable[HttpResponse]]

PROFILE = TransportProfile("c1", first_byte=0.3)


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    """Short time-outs and small limits; loopback is allowed."""
    made = HttpTransport(
        EgressPolicy.parse("127.0.0.0/8,localhost"),
        SystemClock(),
        timeouts=Timeouts(connect=2, between_bytes=0.3),
        limits=BodyLimits(raw=1 << 20, inflated=4 << 20),
    )
    yield made
    await made.close()


@pytest.fixture
def send(transport: HttpTransport) -> Send:
    """``send(url, method, headers, body, within)`` through that transport, by the attempt loop."""
    return sender(transport)


def sender(transport: HttpTransport) -> Send:
    """One request and where it leads (redirects, a second try), as the attempt loop sends it for a connection without sign-in."""
    clock = SystemClock()

    async def never(prepared: Prepared) -> None:
        raise AssertionError("nobody signs in here")

    renewals = Renewals(object(), object(), clock)  # type: ignore[arg-type]  # nothing is renewed, nothing is stored
    attempts = Attempts(transport, Pools(clock), clock, wait_seconds, renewals, never)
    tree = {"type": "http", "http": {"baseURI": "http://127.0.0.1", "mediaType": "json", "auth": {"type": "custom"}}}
    connection = connection_of(AccountId("a"), tree)
    rules = ConnectionRules.of({}, BodyReader(codecs, codec_for_content_type, "json"))

    async def call(
        url: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        within: float = 5.0,
        profile: TransportProfile = PROFILE,
        secret_headers: frozenset[str] = frozenset(),
    ) -> HttpResponse:
        request = HttpRequest(method, url, Headers(list((headers or {}).items())), body, secret_headers)
        session = AuthSession(connection.http, clock, token_bytes, lambda text, place: text)
        strategy = strategy_for(connection.http)
        pool = PoolSettings("c1")
        prepared = Prepared(connection, rules, rules, strategy, session, pool, profile, "Retry-After")
        deadline = Deadline(clock.monotonic() + within)
        call = Call(prepared, request, ResponseRules(), deadline, RunStats(), RUN_PATIENCE)
        return (await attempts.deliver(call, first=False)).response

    return call
