"""A request whose process was paused after it got its slot (connections.md 8.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.engine.ports import Deadline
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy
from tests.integration.transport.conftest import PROFILE
from tests.integration.transport.rawserver import Peer, RawServer


async def _answer(peer: Peer) -> None:
    await peer.answer("200 OK")


@pytest.mark.parametrize(
    ("method", "body", "asked_before"),
    [("GET", None, 0), ("POST", b"{}", 0), ("POST", b"{}", 1), ("PUT", bytes(2 << 20), 0), ("PUT", bytes(2 << 20), 1)],
)
async def test_no_byte_leaves_too_late(method: str, body: bytes | None, asked_before: int) -> None:
    """Whether it may is asked when the connection is there, and once more when the body is written; then it may go again by any method."""
    answers: Iterator[bool] = iter([True] * asked_before + [False])
    clock = SystemClock()
    transport = HttpTransport(EgressPolicy.parse("127.0.0.1"), clock, may_send=lambda: next(answers, True))
    request, deadline = HttpRequest(method, "", body=body), Deadline(clock.monotonic() + 10)
    async with RawServer(_answer) as server:
        request.url = server.url()
        with pytest.raises(TransportFailure) as caught:
            await transport.send(request, PROFILE, deadline)
        assert (caught.value.code, caught.value.sent, caught.value.repeatable) == ("connection_error", False, True)
        assert server.targets == []
        assert (await transport.send(request, PROFILE, deadline)).status == 200
        assert server.targets == [f"{method} /"]
    await transport.close()
