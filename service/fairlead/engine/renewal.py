"""Renewing credentials: once, however many requests need it, in one process and across all that share the store (connections.md 3, 6.2).

Before a renewal is sent an intent is claimed in the connection's document by compare-and-set; its result is committed only if the intent
still stands, and only then used. Whoever dies in between leaves the intent behind: after its time one more try is made, never a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Final

from fairlead.domain.connection import Connection
from fairlead.domain.dates import iso, parse_iso
from fairlead.domain.dialect import http_connection
from fairlead.domain.document import Document, Tree
from fairlead.domain.errors import (
    ApplicationFailure,
    InvalidContent,
    NotFound,
    Problem,
    ServiceUnavailable,
    not_found,
)
from fairlead.engine.credentials import (
    AUTHORIZE,
    INTENT,
    adopt,
    generation_of,
    is_authorized_in_browser,
    stored_credentials,
    written_credentials,
)
from fairlead.engine.pooling import CONNECTIONS
from fairlead.engine.ports import (
    Answer,
    AuthSession,
    Clock,
    Credentials,
    RenewalFailed,
    RenewalFlow,
    RenewalRefused,
    RenewalRequest,
    Store,
    StoreUnavailable,
    TemplateError,
)
from fairlead.engine.prepare import Prepared, decoded
from fairlead.engine.secrets import SecretBox

INTENT_SECONDS: Final = 30.0
"""How long an intent stands (connections.md 3)."""
RENEWAL_SECONDS: Final = 25.0
"""Time that a renewal has: it is over before its intent is."""
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.25
"""Seconds between two looks at the store while another process renews; the wait doubles."""
_SAVE_SECONDS: Final = 1.0
"""Cookies that answers change are written at most so often."""

SendRenewal = Callable[[RenewalRequest], Awaitable[Answer]]
"""One request of a renewal through the attempt loop."""


@dataclass(slots=True)
class _Claim:
    """An intent of ours that stands in the store."""

    owner: str
    generation: int


@dataclass(frozen=True, slots=True)
class _Flight:
    """A renewal at work, and the generation that it replaces."""

    session: AuthSession
    used: int
    task: asyncio.Task[None]


class Renewals:
    """The renewals of this process."""

    def __init__(self, store: Store, box: SecretBox, clock: Clock) -> None:
        self._store = store
        self._box = box
        self._clock = clock
        self._flights: dict[int, _Flight] = {}
        self._savers: dict[int, tuple[AuthSession, asyncio.Task[None]]] = {}

    def pending(self, prepared: Prepared) -> int | None:
        """The generation of the connection's credentials that is being replaced here, if any: nothing else of it is sent meanwhile."""
        flight = self._flights.get(id(prepared.session))
        return flight.used if flight is not None else None

    async def renew(self, prepared: Prepared, used: int, send: SendRenewal) -> None:
        """Return when the session has credentials newer than generation ``used``. Whoever comes while a renewal is at work shares it and
        its outcome. Raises ``RenewalRefused`` (the stored connection is offline then), and ``ApplicationFailure``, ``InvalidContent``,
        ``NotFound`` or ``ServiceUnavailable`` when the renewal has no result."""
        session = prepared.session
        if session.generation > used:
            return
        flight = self._flights.get(id(session))
        if flight is None:
            flight = _Flight(session, used, asyncio.create_task(self._renew(prepared, used, send)))
            self._flights[id(session)] = flight
            flight.task.add_done_callback(lambda done: self._landed(session, done))
        # A caller that leaves takes no renewal with it: a refresh token may be spent already.
        await asyncio.shield(flight.task)

    async def elsewhere(self, prepared: Prepared) -> int | None:
        """See what other processes renewed: newer credentials are the session's then. The generation that one of them is replacing at this
        moment, if any."""
        connection, session = prepared.connection, prepared.session
        if connection.stored:
            with suppress(StoreUnavailable, NotFound):
                document = await self._document(connection)
                self._newer(connection, session, document, session.generation)
                intent = document.runtime.get(INTENT)
                if intent is not None and parse_iso(intent["until"]) > self._clock.now():
                    return session.generation
        return None

    def save_soon(self, prepared: Prepared) -> None:
        """Write cookies that an answer changed; at most once a second (connections.md 3)."""
        session = prepared.session
        if session.unsaved and prepared.connection.stored and id(session) not in self._savers:
            prepared.connection.redactor.learn(cookie.value for cookie in session.credentials.cookies)
            saver = asyncio.create_task(self._save(prepared.connection, session))
            self._savers[id(session)] = session, saver

    async def close(self, grace: float) -> None:
        """Let what is under way end within ``grace`` seconds: a result that is not committed would be lost."""
        tasks = [*(flight.task for flight in self._flights.values()), *(task for _, task in self._savers.values())]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)

    def _landed(self, session: AuthSession, flight: asyncio.Task[None]) -> None:
        del self._flights[id(session)]
        if not flight.cancelled():
            flight.exception()  # everybody who waited may be gone

    async def _renew(self, prepared: Prepared, used: int, send: SendRenewal) -> None:
        connection, session = prepared.connection, prepared.session
        try:
            if not connection.stored:
                adopt(connection, session, await self._driven(prepared, send), used + 1)
                return
            claim = await self._claimed(connection, session, used)
            if claim is not None:
                await self._settled(prepared, claim, send)
        except RenewalRefused as refusal:
            session.refused, session.refusal = used, refusal.message
            raise
        except StoreUnavailable:
            raise ServiceUnavailable(
                Problem("service_unavailable", "the store is away; credentials cannot be renewed")
            ) from None

    async def _claimed(self, connection: Connection, session: AuthSession, used: int) -> _Claim | None:
        """An intent of ours in the store; nothing when another process was faster and its result is adopted."""
        claim = _Claim(token_hex(12), used)
        pause = _FIRST_LOOK
        while True:
            document = await self._document(connection)
            if self._newer(connection, session, document, used):
                return None
            intent = document.runtime.get(INTENT)
            now = self._clock.now()
            if intent is not None and parse_iso(intent["until"]) > now:
                await self._clock.sleep(pause)
                pause = min(_LONGEST_LOOK, pause * 2)
                continue
            if intent is not None and intent.get("again"):
                # Whoever made the one try after an orphaned renewal did not come back either (connections.md 3).
                message = "two renewals in a row ended without a result; the refresh token may be spent: sign in again"
                await self._refused(connection, claim, RenewalRefused(message, spent=True, authorize=True), own=False)
                raise RenewalRefused(message)
            wanted: Tree = {"owner": claim.owner, "until": iso(now + timedelta(seconds=INTENT_SECONDS))}
            if intent is not None:
                wanted["again"] = True
            if await self._store.replace_runtime(document, {**document.runtime, INTENT: wanted}) is not None:
                return claim

    async def _settled(self, prepared: Prepared, claim: _Claim, send: SendRenewal) -> None:
        """Renew with the intent in hand, and commit or withdraw."""
        connection, session = prepared.connection, prepared.session
        try:
            credentials = await self._driven(prepared, send)
        except RenewalRefused as refusal:
            await self._refused(connection, claim, refusal)
            raise
        except asyncio.CancelledError:
            raise  # the process ends: the intent tells that nobody knows how far this came
        except BaseException:
            with suppress(StoreUnavailable):
                await self._withdrawn(connection, claim)
            raise
        await self._committed(connection, session, claim, credentials)

    async def _driven(self, prepared: Prepared, send: SendRenewal) -> Credentials:
        """The strategy's renewal, its requests sent one after the other."""
        flow = prepared.strategy.renewal(prepared.session)
        if flow is None:
            raise RenewalRefused("the credentials of this connection cannot be renewed")
        try:
            return await driven(flow, send)
        except RenewalFailed as failure:
            message = prepared.connection.redactor(f"the credentials could not be renewed: {failure.message}")
            raise ApplicationFailure(Problem(failure.code, message, source="connection")) from None
        except RenewalRefused as refusal:
            refusal.message = prepared.connection.redactor(refusal.message)
            raise
        except TemplateError as error:
            message = prepared.connection.redactor(error.message)
            raise InvalidContent(Problem("invalid_template", f"http.auth: {message}", "http.auth")) from None

    async def _committed(
        self, connection: Connection, session: AuthSession, claim: _Claim, credentials: Credentials
    ) -> None:
        """Store the result if the intent is still ours; a store that is away is asked again as long as the intent stands."""
        until = self._clock.monotonic() + INTENT_SECONDS - RENEWAL_SECONDS
        pause = _FIRST_LOOK
        while True:
            try:
                document = await self._document(connection)
                if self._newer(connection, session, document, claim.generation):
                    return
                if not _is_ours(document, claim):
                    raise ServiceUnavailable(
                        Problem("service_unavailable", "another process took over the renewal; try again")
                    )
                runtime = written_credentials(self._box, document, credentials, claim.generation + 1)
                runtime.pop(AUTHORIZE, None)
                if await self._store.replace_runtime(document, runtime) is not None:
                    adopt(connection, session, credentials, claim.generation + 1)
                    return
            except StoreUnavailable:
                if self._clock.monotonic() >= until:
                    raise
                await self._clock.sleep(pause)
                pause = min(_LONGEST_LOOK, pause * 2)

    async def _refused(
        self, connection: Connection, claim: _Claim, refusal: RenewalRefused, *, own: bool = True
    ) -> None:
        """The connection goes offline; a refresh token that is worth nothing any more goes, if it is still the one that was sent."""
        while True:
            document = await self._document(connection)
            if generation_of(document) != claim.generation or (own and not _is_ours(document, claim)):
                return
            runtime = {name: value for name, value in document.runtime.items() if name != INTENT}
            if refusal.spent:
                current = stored_credentials(self._box, document, connection.http)
                spent = Credentials(current.token, None, current.tokens, current.expires, None, current.cookies)
                runtime = written_credentials(self._box, document, spent, claim.generation)
            runtime["offline"] = True
            if (refusal.spent or refusal.authorize) and is_authorized_in_browser(connection.http):
                runtime[AUTHORIZE] = True
            if await self._store.replace_runtime(document, runtime) is not None:
                return

    async def _withdrawn(self, connection: Connection, claim: _Claim) -> None:
        while True:
            document = await self._document(connection)
            if not _is_ours(document, claim):
                return
            runtime = {name: value for name, value in document.runtime.items() if name != INTENT}
            if await self._store.replace_runtime(document, runtime) is not None:
                return

    def _newer(self, connection: Connection, session: AuthSession, document: Document, used: int) -> bool:
        """Whether the store holds newer credentials; they are the session's then."""
        generation = generation_of(document)
        if generation <= used:
            return False
        http = http_connection(decoded(self._box.revealed(document)))
        adopt(connection, session, stored_credentials(self._box, document, http), generation)
        return True

    async def _save(self, connection: Connection, session: AuthSession) -> None:
        try:
            await self._clock.sleep(_SAVE_SECONDS)
            while session.unsaved:
                document = await self._document(connection)
                if generation_of(document) != session.generation:
                    return  # a new login has cookies of its own
                credentials = session.credentials
                runtime = written_credentials(self._box, document, credentials, session.generation)
                if INTENT in document.runtime:
                    runtime[INTENT] = document.runtime[INTENT]
                if await self._store.replace_runtime(document, runtime) is not None:
                    session.unsaved = session.credentials != credentials
        except (StoreUnavailable, NotFound):
            return  # the next answer that sets a cookie tries again
        finally:
            del self._savers[id(session)]

    async def _document(self, connection: Connection) -> Document:
        document = await self._store.get(CONNECTIONS, connection.account, connection.id)
        if document is None:
            raise not_found("connection")
        return document


async def driven(flow: RenewalFlow, send: SendRenewal) -> Credentials:
    """What a renewal returns, its requests sent one after the other. Raises what it and they raise."""
    try:
        wanted = next(flow)
        while True:
            wanted = flow.send(await send(wanted))
    except StopIteration as end:
        credentials: Credentials = end.value
        return credentials


def _is_ours(document: Document, claim: _Claim) -> bool:
    intent = document.runtime.get(INTENT) or {}
    return intent.get("owner") == claim.owner and generation_of(document) == claim.generation
