"""Signing in, and the verdict on an answer that every strategy receives."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports.codecs import Codec
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


AuthFlow = Generator[HttpRequest, Answer, None]
"""A strategy at work: yields a request, receives its answer, yields the next; the last answer received is the result. No socket,
no await; every request it yields goes through the attempt loop (D8)."""


class AuthStrategy(Protocol):
    """One authentication type (connections.md 3)."""

    name: str

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Texts computed from the credentials that logs must mask too (the Base64 of basic)."""

    def flow(self, request: HttpRequest, http: Mapping[str, Json]) -> AuthFlow:
        """Sign ``request`` with the credentials of ``http`` (the connection's block in the ``http`` dialect, secrets in clear,
        templates rendered)."""
