"""A transport that may reach this machine, and its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import Deadline, TransportProfile
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
    """``send(url, method, headers, body, within)`` through that transport."""

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
        return await transport.send(request, profile, Deadline(SystemClock().monotonic() + within))

    return call
