"""The one attempt loop (D8): every request to an application goes through here.

Read from top to bottom: a rate-limited answer waits and goes again; a strategy signs, and whatever it wants to try next (a renewed
token) goes the same way; redirects are followed and what broke has its one second try; each request waits for its slot, its pause and any
cool-down, is sent, and its answer is judged once; refused credentials are renewed once and the request repeated once. What is left is an
answer that somebody can use, or an error that says why there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from fairlead.domain.errors import AuthenticationFailed, Problem
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.domain.redirects import MAX_REDIRECTS, next_request, stays
from fairlead.engine.beside import BESIDE_FROM, beside
from fairlead.engine.call import RUN_PATIENCE, Call, Patience, credential_texts, throttled, told
from fairlead.engine.explain import Trace
from fairlead.engine.explanation import Purpose, Reason
from fairlead.engine.ports import (
    Answer,
    AuthFlow,
    Clock,
    Credentials,
    Deadline,
    Pools,
    RenewalFlow,
    RenewalRefused,
    RenewalRequest,
    StoreUnavailable,
    Transport,
    Verdict,
    WaitTooLong,
)
from fairlead.engine.prepare import Prepared
from fairlead.engine.renewal import RENEWAL_SECONDS, Renewals, SendRenewal, driven
from fairlead.engine.run import RunStats
from fairlead.engine.verdict import ResponseRules, judge

RetryAfter = Callable[[bool, str | None, datetime], float | None]
"""Is it the standard header, its value, now -> seconds to wait, or nothing: back-off (connections.md 7.2)."""
Refused = Callable[[Prepared], Awaitable[None]]
"""Called when credentials were refused for good."""

_READ_METHODS: Final = frozenset(("GET", "HEAD"))
STANDARD_RETRY_HEADER: Final = "Retry-After"
_OLD_NEWS: Final = 0.1
"""Seconds in the queue after which another process may have renewed the credentials once more: the one repetition is not spent on old
ones."""


class Attempts:
    """Sends signed, limited and judged requests for prepared connections."""

    def __init__(
        self,
        transport: Transport,
        pools: Pools,
        clock: Clock,
        retry_after: RetryAfter,
        renewals: Renewals,
        refused: Refused,
    ) -> None:
        self._transport = transport
        self._pools = pools
        self._clock = clock
        self._retry_after = retry_after
        self._renewals = renewals
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
        rebuild: Callable[[], HttpRequest] | None = None,
        trace: Trace | None = None,
    ) -> Answer:
        """The answer to ``request``: SUCCESS, END_OF_PAGES or FAILED. ``rebuild`` makes it anew for a repetition. Raises
        ``ApplicationFailure`` when there is none in time, ``AuthenticationFailed`` when the credentials are refused for good (the
        connection is then offline)."""
        call = Call(prepared, request, rules, deadline, stats, patience, rebuild, trace)
        call.generation = prepared.session.generation
        with told(prepared, deadline, self._clock):
            answer = await self._answer(call)
        if answer.verdict is Verdict.AUTHENTICATION_FAILED:
            with suppress(StoreUnavailable):  # a store that is away does not change what the application said
                await self._refused(prepared)
            raise AuthenticationFailed(Problem(answer.code, answer.message, source="connection"))
        return answer

    def level(self, prepared: Prepared) -> int | None:
        """The level of the pool that the connection uses now; nothing in burst mode."""
        return self._pools.level(prepared.pool)

    def change(self) -> Awaitable[object]:
        """Wait until the limits of some connection change, from the call on."""
        return self._pools.change()

    async def drive(self, prepared: Prepared, flow: RenewalFlow, stats: RunStats, trace: Trace | None) -> Credentials:
        """What a renewal that nobody else waits for returns (the exchange of an authorisation code)."""
        return await driven(flow, self._sender(prepared, stats, RUN_PATIENCE, trace))

    async def reach(self, prepared: Prepared, url: str, deadline: Deadline, trace: Trace | None = None) -> None:
        """Connect to ``url`` in the connection's slot; raises ``ApplicationFailure``."""
        with told(prepared, deadline, self._clock):
            asked = self._clock.monotonic()
            async with self._pools.slot(prepared.pool, deadline):
                with trace.connecting(prepared, url, asked) if trace is not None else nullcontext():
                    await self._transport.reach(url, prepared.profile, deadline)

    async def sign_in(
        self, prepared: Prepared, *, deadline: Deadline, stats: RunStats, patience: Patience, trace: Trace | None = None
    ) -> bool:
        """The authentication step alone: get credentials anew. False when this connection has nothing to get. Raises what ``send``
        raises."""
        if prepared.strategy.renewal(prepared.session) is None:
            return False
        call = Call(prepared, HttpRequest("GET", ""), ResponseRules(), deadline, stats, patience, trace=trace)
        with told(prepared, deadline, self._clock):
            try:
                await self._renew(call, prepared.session.generation, Reason.ASKED)
            except RenewalRefused as refusal:
                raise _refused(refusal) from None
        return True

    async def _answer(self, call: Call) -> Answer:
        """One request until its answer is not rate limited; signed anew each time, because a signature may count or name the time."""
        prepared = call.prepared
        waits = 0
        while True:
            answer = await self._signed_in(call, first=waits > 0 or call.renewing)
            if answer.verdict is not Verdict.RATE_LIMITED:
                self._pools.answered(prepared.pool)
                return answer
            seconds = self._cool_down(prepared, answer)
            if call.trace is not None:
                call.trace.throttled(seconds)
            waits += 1
            too_long = call.patience.longest is not None and seconds > call.patience.longest
            if waits > call.patience.waits or too_long or seconds > call.deadline.left(self._clock):
                raise throttled(seconds, answer.message)

    def _cool_down(self, prepared: Prepared, answer: Answer) -> float:
        """Nothing is sent for as long as the answer asks for; the seconds."""
        header = prepared.retry_header
        standard = header.lower() == STANDARD_RETRY_HEADER.lower()
        asked = self._retry_after(standard, answer.response.headers.get(header), self._clock.now())
        return self._pools.cool_down(prepared.pool, asked)

    async def _signed_in(self, call: Call, *, first: bool) -> Answer:
        """The answer to valid credentials: refused ones are renewed once, and the request repeated once (connections.md 6.2)."""
        while True:
            try:
                answer = await self.deliver(call, first=first)
            except RenewalRefused as refusal:
                raise _refused(refusal) from None
            if answer.verdict is not Verdict.AUTHENTICATION_FAILED or call.renewing or call.repeated:
                return answer
            session = call.prepared.session
            if call.prepared.strategy.renewal(session) is None:
                return answer
            if session.refused == call.generation:
                return replace(answer, message=session.refusal)  # somebody asked while this answer was on its way
            used = call.generation
            if call.renewed and await self._renewals.elsewhere(call.prepared) is None and session.generation <= used:
                return answer
            call.renewed = call.repeated = True
            try:
                await self._renew(call, used, Reason.AFTER_REFUSAL)
            except RenewalRefused as refusal:
                return replace(answer, message=refusal.message)
            first = True

    async def _renew(self, call: Call, used: int, reason: Reason) -> None:
        """Wait for credentials newer than generation ``used``. Raises ``RenewalRefused`` and what a renewal without result raises."""
        prepared = call.prepared
        send = self._sender(prepared, call.stats, call.patience, call.trace)
        shared = self._renewals.pending(prepared) is not None
        explained = call.trace.renewing(prepared, reason, used, shared=shared) if call.trace else nullcontext()
        waiting = asyncio.ensure_future(self._renewals.renew(prepared, used, send))
        timer = asyncio.ensure_future(self._clock.sleep(call.deadline.left(self._clock)))
        try:
            with explained:
                await asyncio.wait((waiting, timer), return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    message = "the credentials were not renewed in the time of this call"
                    raise TransportFailure("connection_timeout", message, sent=False)
                await waiting
        finally:
            waiting.cancel()
            timer.cancel()

    def _sender(self, prepared: Prepared, stats: RunStats, patience: Patience, trace: Trace | None) -> SendRenewal:
        """How a renewal sends its requests: like any other, but unsigned and past those that wait for it."""
        deadline = Deadline(self._clock.monotonic() + RENEWAL_SECONDS)
        judged = replace(prepared, rules=prepared.renewal_rules)

        async def send(wanted: RenewalRequest) -> Answer:
            rules = ResponseRules(success_media_type=wanted.media_type)
            call = Call(judged, wanted.request, rules, deadline, stats, patience, trace=trace, renewing=True)
            call.follow = wanted.follow
            with told(prepared, deadline, self._clock):
                return await self._answer(call)

        return send

    async def deliver(self, call: Call, *, first: bool) -> Answer:
        """One request and where it leads: redirects (connections.md 13.4) and one second try (13.5), each through a slot of its own, ahead of
        requests that came later. Raises ``TransportFailure`` and ``WaitTooLong``."""
        followed = 0
        repeated = False
        build = call.build
        signed = not call.renewing
        while True:
            try:
                request, answer = await self._exchanged(call, build, first=first, signed=signed, followed=followed > 0)
            except TransportFailure as failure:
                if repeated or not _may_go_again(call.request, failure) or call.deadline.left(self._clock) <= 0:
                    raise
                repeated = first = True
                call.goes_on_with(Purpose.SECOND_TRY)
                continue
            # A redirect may be how the application says "sign in" or "slow down" (6.1, 7.1): then it is not followed.
            if answer.verdict is not Verdict.FAILED or not call.follow:
                return answer
            skip, redactor = call.prepared.profile.skip_authorization_on_redirect, call.prepared.connection.redactor
            following = next_request(request, answer.response, skip_authorization=skip, redactor=redactor)
            if following is None:
                return answer
            if followed == MAX_REDIRECTS:
                raise TransportFailure("response_too_large", f"more than {MAX_REDIRECTS} redirects")
            followed += 1
            call.goes_on_with(Purpose.REDIRECT)
            signed = signed and stays(request.url, following.url)
            build, first = partial(_same, following), True

    async def _exchanged(
        self, call: Call, build: Callable[[], HttpRequest], *, first: bool, signed: bool, followed: bool
    ) -> tuple[HttpRequest, Answer]:
        """One request as its strategy signs it when the slot is free, and what the strategy tries next; a rate-limited answer ends it at
        once. With the answer comes the request before it was signed."""
        prepared, session = call.prepared, call.prepared.session
        flow: AuthFlow | None = None
        while True:
            asked = self._clock.monotonic()
            async with self._pools.slot(prepared.pool, call.deadline, first=first):
                if call.deadline.left(self._clock) <= 0:
                    raise WaitTooLong
                if session.refused == session.generation and not call.renewing:
                    raise RenewalRefused(session.refusal)
                over = None if call.renewing else self._over(call)
                if over is None and call.repeated and self._clock.monotonic() - asked > _OLD_NEWS:
                    over = await self._renewals.elsewhere(prepared)
                if over is None:
                    if flow is None:
                        request = build()
                        call.generation = prepared.session.generation
                        flow = _unsigned(request) if not signed else prepared.strategy.flow(request, prepared.session)
                        outgoing = next(flow)
                    if followed and prepared.profile.skip_authorization_on_redirect:
                        outgoing.headers.remove("Authorization")
                    answer = await self._once(call, outgoing, asked)
            if over is not None or flow is None:
                await self._renew(call, over or 0, Reason.BEFORE_USE)
                first = True
                continue
            self._renewals.save_soon(prepared)
            if answer.verdict is Verdict.RATE_LIMITED:
                return request, answer
            try:
                outgoing = flow.send(answer)
            except StopIteration:
                self._renewals.save_soon(prepared)
                return request, answer
            except RenewalRefused as refusal:
                message = prepared.connection.redactor(refusal.message)
                if call.trace is not None:
                    call.trace.refused(message)
                verdict, code = Verdict.AUTHENTICATION_FAILED, answer.code or "401"
                return request, replace(answer, verdict=verdict, code=code, message=message)
            call.goes_on_with(Purpose.CHALLENGE)
            first = True

    def _over(self, call: Call) -> int | None:
        """The generation of the connection's credentials if nothing may be sent with them: they are being renewed, or their end is known."""
        prepared = call.prepared
        pending = self._renewals.pending(prepared)
        if pending is None and not call.renewed and prepared.strategy.is_due(prepared.session):
            call.renewed = True  # who only waits for another's renewal has its own still before it
            return prepared.session.generation
        return pending

    async def _once(self, call: Call, request: HttpRequest, asked: float) -> Answer:
        """One request, one verdict; ``asked`` is when it began to wait for its slot."""
        prepared = call.prepared
        started = self._clock.monotonic()
        call.stats.calls += 1
        redactor = prepared.connection.redactor
        judging = partial(
            judge, prepared.rules, call.rules, redactor=redactor, computed=partial(credential_texts, request)
        )
        try:
            response = await self._transport.send(request, prepared.profile, call.deadline)
        except (TransportFailure, asyncio.CancelledError) as error:
            self._pools.unread(partial(self._unread, prepared, judging))
            if isinstance(error, TransportFailure) and call.trace is not None:
                call.trace.broke(prepared, request, error, asked, started)
            head = error.head if isinstance(error, TransportFailure) else None
            if head is None or (answer := judging(head)).verdict is not Verdict.RATE_LIMITED:
                raise
            return answer
        finally:
            seconds = self._clock.monotonic() - started
            call.stats.seconds += seconds
        answer = await beside(len(response.body), partial(judging, response))
        if call.trace is not None:
            call.trace.sent(prepared, call.rules, request, answer, waited=started - asked, seconds=seconds)
        return answer

    def _unread(self, prepared: Prepared, judging: Callable[[HttpResponse], Answer], response: HttpResponse) -> None:
        """An answer that nobody waits for any more may still ask to wait (connections.md 7.3)."""
        if len(response.body) >= BESIDE_FROM:
            response = replace(response, body=b"")
        answer = judging(response)
        if answer.verdict is Verdict.RATE_LIMITED:
            self._cool_down(prepared, answer)


def _refused(refusal: RenewalRefused) -> AuthenticationFailed:
    code = str(refusal.status) if (refusal.status or 0) >= 400 else "401"
    return AuthenticationFailed(Problem(code, refusal.message, source="connection"))


def _unsigned(request: HttpRequest) -> AuthFlow:
    yield request


def _same(request: HttpRequest) -> HttpRequest:
    return request


def _may_go_again(request: HttpRequest, failure: TransportFailure) -> bool:
    """After a time-out or reset only what changes nothing; whatever never left, because no connection was established, by any method
    (connections.md 13.5)."""
    return failure.repeatable and (request.method in _READ_METHODS or not failure.sent)
