"""An attempt loop with everything real but the wire and the clock."""

from __future__ import annotations

import asyncio
from secrets import token_bytes
from typing import Any

from fairlead.auth.registry import strategy_for
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.document import AccountId
from fairlead.domain.http import Headers, HttpRequest, HttpResponse, TransportFailure
from fairlead.domain.secret import Secret
from fairlead.engine.attempt import Attempts
from fairlead.engine.body import BodyReader
from fairlead.engine.call import RUN_PATIENCE, Patience
from fairlead.engine.pooling import pool_settings
from fairlead.engine.ports import Answer, AuthSession, Credentials, Deadline, TransportProfile
from fairlead.engine.prepare import Prepared, connection_of
from fairlead.engine.renewal import Renewals
from fairlead.engine.run import RunStats
from fairlead.engine.verdict import ConnectionRules, ResponseRules
from fairlead.limits.pools import Pools
from fairlead.limits.retry_after import wait_seconds
from fairlead.limits.slot import outlives
from tests.unit.clock import ManualClock

ACCOUNT = AccountId("a" * 24)
_RENEWALS = Renewals(object(), object(), ManualClock())  # type: ignore[arg-type]  # what is not stored needs no store
Script = list[HttpResponse | TransportFailure]


class Scripted:
    """A transport that answers from a list and notes when it was asked. ``late``: answers for those who did not wait for them."""

    def __init__(self, clock: ManualClock, script: Script) -> None:
        self.clock = clock
        self.script = script
        self.sent: list[tuple[float, HttpRequest]] = []
        self.late: list[asyncio.Future[HttpResponse]] = []

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        self.sent.append((self.clock.monotonic(), request))
        if not self.script:
            self.late.append(asyncio.get_running_loop().create_future())
            try:
                return await asyncio.shield(self.late[-1])
            except asyncio.CancelledError:
                outlives(self.late[-1])
                raise
        answer = self.script.pop(0)
        if isinstance(answer, TransportFailure):
            raise answer
        return answer

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        self.sent.append((self.clock.monotonic(), HttpRequest("CONNECT", url)))

    async def close(self) -> None:
        """Nothing is open."""


def answer(status: int, body: bytes = b"{}", **headers: str) -> HttpResponse:
    """A JSON answer."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpResponse(status, Headers([("Content-Type", "application/json"), *pairs]), body)


def prepared(**http: Any) -> Prepared:
    """A connection that signs in with a bearer token."""
    auth = {"type": "token", "token": {"token": Secret("t0k3n-value")}}
    tree = {"type": "http", "http": {"baseURI": "https://a.test", "mediaType": "json", "auth": auth, **http}}
    connection = connection_of(ACCOUNT, tree)
    reader = BodyReader(codecs, codec_for_content_type, "json")
    rules = ConnectionRules.of(connection.http, reader)
    token = (connection.http["auth"].get("token") or {}).get("token")
    session = AuthSession(connection.http, ManualClock(), token_bytes, lambda text, place: text, Credentials(token))
    return Prepared(
        connection,
        rules,
        rules,
        strategy_for(connection.http),
        session,
        pool_settings("c1", connection.context, None),
        TransportProfile("c1"),
        connection.http.get("retryHeader") or "Retry-After",
    )


class Loop:
    """An attempt loop with everything real but the wire and the clock."""

    def __init__(self, script: Script) -> None:
        self.clock = ManualClock()
        self.transport = Scripted(self.clock, script)
        self.pools = Pools(self.clock, random=lambda: 0.0)
        self.refused: list[str] = []
        self.attempts = Attempts(self.transport, self.pools, self.clock, wait_seconds, _RENEWALS, self._refuse)
        self.stats = RunStats()

    async def _refuse(self, of: Prepared) -> None:
        self.refused.append(of.connection.name)

    def start(
        self, of: Prepared, method: str = "POST", *, seconds: float = 300, patience: Patience = RUN_PATIENCE
    ) -> asyncio.Task[Answer]:
        """Begin one request."""
        request = HttpRequest(method, "https://a.test/x", body=None if method == "GET" else b"{}")
        deadline = Deadline(self.clock.monotonic() + seconds)
        return asyncio.create_task(
            self.attempts.send(of, request, ResponseRules(), deadline=deadline, stats=self.stats, patience=patience)
        )

    @property
    def times(self) -> list[float]:
        """When the application was asked."""
        return [at for at, _ in self.transport.sent]
