"""Signing in, and the verdict on an answer that every strategy receives."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from fairlead.domain.cookies import Cookie
from fairlead.domain.document import Tree
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports.codecs import Codec
from fairlead.engine.ports.templates import Place
from fairlead.engine.ports.time import Clock
from fairlead.engine.ports.values import Json


class Verdict(Enum):
    """What an answer means: exactly one (D7, connections.md 5.3)."""

    SUCCESS = "success"
    RATE_LIMITED = "rate_limited"
    AUTHENTICATION_FAILED = "authentication_failed"
    END_OF_PAGES = "end_of_pages"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its verdict. ``code`` and ``message`` are those of contract.md 1.16 when the verdict is no success."""

    response: HttpResponse
    verdict: Verdict
    value: Callable[[], Json]
    """The decoded body, by the media type of the resource and connection; decoded once, on demand. Raises ``UnreadableBody``."""
    codec: Codec | None = None
    """What reads this answer: by the configured media type, else ``Content-Type``; ``None`` when no codec of this build does."""
    charset: str | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a renewal brings and the store keeps, encrypted, between runs. ``repr`` shows none of it."""

    token: str | None = None
    refresh_token: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Further tokens of the last renewal, for templates (connections.md 3.2, ``tokenPaths``)."""
    expires: datetime | None = None
    """When the token ends, as far as anybody said so."""
    renew_from: datetime | None = None
    """From when on it is renewed before it is used (connections.md 3.3); not set when the end is not known."""
    cookies: tuple[Cookie, ...] = ()

    def __repr__(self) -> str:
        return f"Credentials(expires={self.expires})"


@dataclass(slots=True)
class AuthSession:
    """What a strategy knows while it signs for one connection; shared by every request of that connection in the process.

    ``http`` is the connection's block in the ``http`` dialect: secrets in clear, the current token in ``auth.token``. ``memory`` holds
    what lives in the process only (nonces of digest, a JSON web token that was made), under keys of the strategy's own. ``render``
    renders a template of the connection with what it may see (``connection``, ``iClient``, ``settings.connection``); raises
    ``TemplateError``.
    """

    http: Tree = field(repr=False)
    clock: Clock
    random: Callable[[int], bytes]
    """So many random bytes."""
    render: Callable[[str, Place], str]
    credentials: Credentials = field(default_factory=Credentials)
    generation: int = 0
    """Grows with every renewal that is stored; tells which credentials a request was signed with."""
    memory: dict[str, Any] = field(default_factory=dict, repr=False)
    unsaved: bool = False
    """The credentials changed outside of a renewal (a cookie that an answer set) and are not stored yet."""

    refused: int | None = None
    """The generation whose renewal was refused: nothing is sent with it, and nobody asks again, until a ping does."""
    refusal: str = ""
    """What the application said to that."""

    def keep(self, credentials: Credentials) -> None:
        """Use these from now on; the store follows soon (connections.md 3, cookies)."""
        if credentials != self.credentials:
            self.credentials = credentials
            self.unsaved = True


AuthFlow = Generator[HttpRequest, Answer, None]
"""A strategy at work on one request: yields it signed, receives its answer, may yield it once more (a digest challenge); the last answer
received is the result. No socket, no await; every request it yields goes through the attempt loop (D8). It is advanced when the slot is
free, so a signature is never older than the request."""


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """One request of a renewal, and how a good answer to it is read: a media type, or by ``Content-Type`` and then as JSON."""

    request: HttpRequest
    media_type: str | None = None
    follow: bool = True
    """Whether redirects lead on (connections.md 13.4); otherwise a 3xx is the answer: that of a login sets the cookies (3.4)."""


RenewalFlow = Generator[RenewalRequest, Answer, Credentials]
"""A renewal at work: yields a token or login request, receives its answer, returns the new credentials. Raises ``RenewalRefused``,
``RenewalFailed`` and ``TemplateError``. Rate-limited answers never reach it; redirects are followed for it
unless it says otherwise."""


class RenewalRefused(Exception):
    """The application refused to renew: status 4xx but 408 and 429, or a good status without a token (connections.md 3). ``status`` is that
    of its answer, nothing when it was not even asked. ``spent``: the refresh token is worth nothing any more (``invalid_grant``).
    ``authorize``: only a person in a browser can help."""

    def __init__(
        self, message: str, *, status: int | None = None, spent: bool = False, authorize: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.spent = spent
        self.authorize = authorize


class RenewalFailed(Exception):
    """The renewal has no result and says nothing about the credentials: a 5xx, a redirect to somewhere else. ``code`` is a word or status of
    contract.md 1.16."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AuthStrategy(Protocol):
    """One authentication type (connections.md 3). Strategies hold no state: what they remember is the session's."""

    name: str

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Texts computed from the credentials that logs must mask too (the Base64 of basic)."""

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """Sign ``request`` with the session's current credentials; ``request`` itself stays as it is."""

    def is_due(self, session: AuthSession) -> bool:
        """Whether nothing should be sent before a renewal: there are no credentials yet, or their end is known and near."""

    def renewal(self, session: AuthSession) -> RenewalFlow | None:
        """Get new credentials with what the session has; nothing when this connection has nothing to renew."""


class CodeGrant(Protocol):
    """The authorisation code grant of OAuth 2.0, for which a person is sent to the application (connections.md 3.3)."""

    def pkce(self, method: str, random: bytes) -> tuple[str, str]:
        """Verifier (43 characters) and challenge from 32 random bytes; ``method`` is ``plain`` or ``s256`` (RFC 7636 4.1, 4.2)."""

    def authorization_url(self, http: Mapping[str, Json], redirect_uri: str, state: str, challenge: str | None) -> str:
        """Where the person goes (RFC 6749 4.1.1)."""

    def exchange(self, session: AuthSession, code: str, redirect_uri: str, verifier: str | None) -> RenewalFlow:
        """The tokens for the code that came back (RFC 6749 4.1.3)."""
