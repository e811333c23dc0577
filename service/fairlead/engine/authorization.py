"""Signing in to an OAuth 2.0 application in a browser (contract.md 2.9, RFC 6749 4.1, RFC 7636)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from fairlead.domain.connection import Connection
from fairlead.domain.document import AccountId
from fairlead.domain.errors import ApplicationFailure, FairleadError, InvalidContent, Problem, RetryLater
from fairlead.domain.urls import UrlError
from fairlead.engine.attempt import Attempts
from fairlead.engine.authorization_states import Begun, Progress, States, Status
from fairlead.engine.credentials import AUTHORIZE, generation_of, is_authorized_in_browser, written_credentials
from fairlead.engine.model import as_written
from fairlead.engine.pooling import CONNECTIONS
from fairlead.engine.ports import (
    CodeGrant,
    Credentials,
    Place,
    RenewalFailed,
    RenewalRefused,
    Store,
    StoreUnavailable,
    TemplateError,
)
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.run import RunStats
from fairlead.engine.secrets import SecretBox

CALLBACK_PATH: Final = "/connection/oauth2callback"

_REDIRECT_URL: Final = "http.auth.oauth.oauth2RedirectUrl"
_LONGEST_MESSAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the person, and the id under which somebody else may watch."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an authorisation ended: the status and sentence for the browser. ``connection`` is known once the state was good."""

    status: int
    message: str
    connection: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the tokens are stored."""
        return self.status == 200


class Authorization:
    """Sends a person to the application and takes the tokens that come of it."""

    def __init__(
        self,
        store: Store,
        box: SecretBox,
        states: States,
        preparer: Preparer,
        attempts: Attempts,
        grant: CodeGrant,
        public_url: Callable[[], str],
    ) -> None:
        self._store = store
        self._box = box
        self._states = states
        self._preparer = preparer
        self._attempts = attempts
        self._grant = grant
        self._public_url = public_url
        self._finishing: set[asyncio.Task[Outcome]] = set()

    async def start(self, account: AccountId, id: str) -> Started:
        """The URL at which a person authorises the connection; good for ten minutes and one answer. Raises 404, ``InvalidContent`` for a
        connection that is not authorised in a browser."""
        prepared = await self._preparer.stored(account, id)
        connection, http = prepared.connection, prepared.connection.http
        if not is_authorized_in_browser(http):
            message = "only connections with OAuth 2.0 and the grant authorizecode are authorised in a browser"
            raise _invalid(connection, "invalid_field", message, "http.auth.type")
        oauth = http["auth"].get("oauth") or {}
        try:
            redirect_uri = prepared.session.render(oauth.get("oauth2RedirectUrl") or "", Place.PLAIN)
        except TemplateError as error:
            message = connection.redactor(error.message)
            raise _invalid(connection, "invalid_template", message, _REDIRECT_URL) from None
        redirect_uri = redirect_uri or self._public_url().rstrip("/") + CALLBACK_PATH
        method = oauth.get("pkceCodeChallengeMethod")
        verifier, challenge = self._grant.pkce(method, token_bytes(32)) if method else (None, None)
        started, state = await self._states.begin(account, id, redirect_uri, verifier)
        try:
            return Started(started, self._grant.authorization_url(http, redirect_uri, state, challenge))
        except UrlError as error:
            raise _invalid(connection, "invalid_field", str(error), "http.auth.oauth.authURI") from None

    async def progress(self, account: AccountId, id: str, started: str) -> Progress:
        """How an authorisation of this connection stands. Raises ``NotFound``, also ten minutes after its start."""
        return await self._states.progress(account, id, started)

    async def finish(self, state: str, code: str, error: str, error_description: str) -> Outcome:
        """What the browser brought back: exchange the code and store the tokens. Nothing is stored on failure; a good state is used up
        whatever comes of it."""
        task = asyncio.create_task(self._finished(state, code, error, error_description))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        # A browser that is closed takes no exchange with it: the code is spent.
        return await asyncio.shield(task)

    async def close(self, grace: float) -> None:
        """Let exchanges that are under way end within ``grace`` seconds."""
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=grace)

    async def _finished(self, state: str, code: str, error: str, error_description: str) -> Outcome:
        begun = await self._states.take(state)
        if begun is None:
            return Outcome(400, "This link is over ten minutes old, was used already, or is not ours. Start again.")
        if error:
            text = ": ".join(part for part in (error, error_description) if part)
            status, message = 400, f"The application did not authorise the connection. It said: {text[:300]}"
        elif not code:
            status, message = 400, "The application sent no code. Start again."
        else:
            status, message = await self._tried(begun, code)
        outcome = Outcome(status, _shown(message), begun.connection)
        ended = Status.SUCCEEDED if outcome.succeeded else Status.FAILED
        await self._states.settle(begun, Progress(ended, outcome.message))
        return outcome

    async def _tried(self, begun: Begun, code: str) -> tuple[int, str]:
        """Status and sentence of an exchange."""
        try:
            prepared = await self._preparer.stored(begun.account, begun.connection)
            try:
                await self._stored(prepared, await self._exchanged(prepared, begun, code))
            except ApplicationFailure as failure:
                redact = prepared.connection.redactor.with_secrets((code,))
                return 502, f"The application gave no token. {redact(failure.problems[0].message)}"
        except RetryLater as failure:
            return 503, f"The connection could not be authorised: {failure.problems[0].message}. Start again."
        except FairleadError as failure:
            return 400, f"The connection cannot be authorised. {failure.problems[0].message}"
        except StoreUnavailable:
            return 503, "The connection could not be authorised: the store is away. Start again."
        return 200, f"The connection {prepared.connection.name} is authorised."

    async def _exchanged(self, prepared: Prepared, begun: Begun, code: str) -> Credentials:
        flow = self._grant.exchange(prepared.session, code, begun.redirect_uri, begun.verifier)
        try:
            return await self._attempts.drive(prepared, flow, RunStats(), None)
        except (RenewalRefused, RenewalFailed) as refusal:
            raise ApplicationFailure(Problem("401", refusal.message, source="connection")) from None
        except TemplateError as error:
            message = prepared.connection.redactor(error.message)
            raise InvalidContent(Problem("invalid_template", message, "http.auth.oauth")) from None

    async def _stored(self, prepared: Prepared, credentials: Credentials) -> None:
        connection = prepared.connection
        while True:
            document = await self._store.get(CONNECTIONS, connection.account, connection.id)
            if document is None:
                raise InvalidContent(Problem("not_found", "It was deleted meanwhile."))
            runtime = written_credentials(self._box, document, credentials, generation_of(document) + 1)
            for name in (AUTHORIZE, "offline"):
                runtime.pop(name, None)
            if await self._store.replace_runtime(document, runtime) is not None:
                return


def _invalid(connection: Connection, code: str, message: str, field: str) -> InvalidContent:
    return InvalidContent(as_written(Problem(code, message, field), connection.notation, "connection"))


def _shown(message: str) -> str:
    """The sentence without what moves a terminal's cursor or turns the direction of writing: parts of it are the application's."""
    return "".join(letter if letter.isprintable() else " " for letter in message[:_LONGEST_MESSAGE])
