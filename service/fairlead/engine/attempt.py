"""The one attempt loop (D8): every request to an application goes through here.

Read from top to bottom: a rate-limited answer waits and goes again; a strategy signs, and whatever it wants to try next (a renewed
token) goes the same way; redirects are followed and what broke has its one second try; each request waits for its slot, its pause and any
cool-down, is sent, and its answer is judged once. What is left is an answer that somebody can use, or an error that says why there is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, Problem
from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.domain.redirects import MAX_REDIRECTS, next_request
from fairlead.engine.ports import Answer, Clock, Deadline, Pools, StoreUnavailable, Transport, Verdict, WaitTooLong
from fairlead.engine.prepare import Prepared
from fairlead.engine.run import RunStats
from fairlead.engine.verdict import ResponseRules, judge

RetryAfter = Callable[[bool, str | None, datetime], float | None]
"""Is it the standard header, its value, now -> seconds to wait, or nothing: back-off (connections.md 7.2)."""

_READ_METHODS: Final = frozenset(("GET", "HEAD"))
STANDARD_RETRY_HEADER: Final = "Retry-After"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long one request may wait after rate-limited answers (connections.md 7.3; ping: 4)."""

    waits: int = 10
    longest: float | None = None


RUN_PATIENCE: Final = Patience()
PING_PATIENCE: Final = Patience(waits=1, longest=5.0)


class Attempts:
    """Sends signed, limited and judged requests for prepared connections."""

    def __init__(
        self,
        transport: Transport,
        pools: Pools,
        clock: Clock,
        retry_after: RetryAfter,
        refused: Callable[[Prepared], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._pools = pools
        self._clock = clock
        self._retry_after = retry_after
        self._refused = refused

    async def send(
        self,
        prepared: Prepared,
        request: HttpRequest,
        rules: ResponseRules,
        *,
        deadline: Deadline,
        stats: RunStats,
        patience: Patience = RUN_PATIENCE,
    ) -> Answer:
        """The answer to ``request``: SUCCESS, END_OF_PAGES or FAILED. Raises ``ApplicationFailure`` when there is none in time,
        ``AuthenticationFailed`` when the credentials are refused for good (the connection is then offline)."""
        with _told(prepared, deadline, self._clock):
            answer = await self._answer(prepared, request, rules, deadline, stats, patience)
        if answer.verdict is Verdict.AUTHENTICATION_FAILED:
            with suppress(StoreUnavailable):  # a store that is away does not change what the application said
                await self._refused(prepared)
            raise AuthenticationFailed(Problem(answer.code, answer.message, source="connection"))
        return answer

    async def reach(self, prepared: Prepared, url: str, deadline: Deadline) -> None:
        """Connect to ``url`` in the connection's slot; raises ``ApplicationFailure``."""
        with _told(prepared, deadline, self._clock):
            async with self._pools.slot(prepared.pool, deadline):
                await self._transport.reach(url, prepared.profile, deadline)

    async def _answer(
        self,
        prepared: Prepared,
        request: HttpRequest,
        rules: ResponseRules,
        deadline: Deadline,
        stats: RunStats,
        patience: Patience,
    ) -> Answer:
        """One request until its answer is not rate limited; signed anew each time, because a signature may count or name the time."""
        waits = 0
        while True:
            answer = await self._signed(prepared, request, rules, deadline, stats, first=waits > 0)
            if answer.verdict is not Verdict.RATE_LIMITED:
                self._pools.answered(prepared.pool)
                return answer
            header = prepared.retry_header
            asked = self._retry_after(
                header.lower() == STANDARD_RETRY_HEADER.lower(), answer.response.headers.get(header), self._clock.now()
            )
            seconds = self._pools.cool_down(prepared.pool, asked)
            waits += 1
            too_long = patience.longest is not None and seconds > patience.longest
            if waits > patience.waits or too_long or seconds > deadline.left(self._clock):
                raise _throttled(seconds, answer.message)

    async def _signed(
        self,
        prepared: Prepared,
        request: HttpRequest,
        rules: ResponseRules,
        deadline: Deadline,
        stats: RunStats,
        *,
        first: bool,
    ) -> Answer:
        """One request as its strategy signs it, and whatever the strategy tries next; a rate-limited answer ends it at once."""
        flow = prepared.strategy.flow(request, prepared.connection.http)
        outgoing = next(flow)
        while True:
            answer = await self.deliver(prepared, outgoing, rules, deadline, stats, first=first)
            if answer.verdict is Verdict.RATE_LIMITED:
                return answer
            try:
                outgoing = flow.send(answer)
            except StopIteration:
                return answer
            first = True

    async def deliver(
        self,
        prepared: Prepared,
        request: HttpRequest,
        rules: ResponseRules,
        deadline: Deadline,
        stats: RunStats,
        *,
        first: bool = False,
    ) -> Answer:
        """One signed request and where it leads: redirects (connections.md 13.4) and one second try (13.5), each through a slot of its
        own, ahead of requests that came later. Raises ``TransportFailure`` and ``WaitTooLong``."""
        followed = 0
        repeated = False
        while True:
            try:
                answer = await self._once(prepared, request, rules, deadline, stats, first=first)
            except TransportFailure as failure:
                if repeated or not _may_go_again(request, failure) or deadline.left(self._clock) <= 0:
                    raise
                repeated = first = True
                continue
            # A redirect may be how the application says "sign in" or "slow down" (6.1, 7.1): then it is not followed.
            if answer.verdict is not Verdict.FAILED:
                return answer
            following = next_request(
                request, answer.response, skip_authorization=prepared.profile.skip_authorization_on_redirect
            )
            if following is None:
                return answer
            if followed == MAX_REDIRECTS:
                raise TransportFailure("response_too_large", f"more than {MAX_REDIRECTS} redirects")
            followed += 1
            request, first = following, True

    async def _once(
        self,
        prepared: Prepared,
        request: HttpRequest,
        rules: ResponseRules,
        deadline: Deadline,
        stats: RunStats,
        *,
        first: bool,
    ) -> Answer:
        """One slot, one request, one verdict."""
        async with self._pools.slot(prepared.pool, deadline, first=first):
            if deadline.left(self._clock) <= 0:
                raise WaitTooLong
            started = self._clock.monotonic()
            stats.calls += 1
            try:
                response = await self._transport.send(request, prepared.profile, deadline)
            finally:
                stats.seconds += self._clock.monotonic() - started
        return judge(prepared.rules, rules, response, prepared.connection.redactor)


def _may_go_again(request: HttpRequest, failure: TransportFailure) -> bool:
    """After a time-out or reset only what changes nothing; whatever never left, because no connection was established, by any method
    (connections.md 13.5)."""
    return failure.repeatable and (request.method in _READ_METHODS or not failure.sent)


@contextmanager
def _told(prepared: Prepared, deadline: Deadline, clock: Clock) -> Iterator[None]:
    """What goes wrong on the way is told in domain words, without secrets."""
    redact = prepared.connection.redactor
    try:
        yield
    except WaitTooLong as wait:
        if wait.seconds:
            raise _throttled(wait.seconds, "the application's rate limit") from None
        message = "no free slot of the connection within the time of this call"
        raise _out_of_time(message, ended_by_caller=deadline.callers) from None
    except TransportFailure as failure:
        if failure.code == "connection_timeout":
            over = deadline.left(clock) <= 0
            raise _out_of_time(
                redact(failure.message), ended_by_caller=over and deadline.callers, in_doubt=over and failure.sent
            ) from None
        raise ApplicationFailure(Problem(failure.code, redact(failure.message), source="connection")) from None


def _throttled(seconds: float, message: str) -> ApplicationFailure:
    text = f"rate limited by the application, {seconds:.0f} s left to wait: {message}"
    return ApplicationFailure(Problem("429", text, source="application"))


def _out_of_time(message: str, *, ended_by_caller: bool, in_doubt: bool = False) -> ApplicationFailure:
    problem = Problem("connection_timeout", message, source="connection")
    return ApplicationFailure(problem, deadline=ended_by_caller, in_doubt=in_doubt)
