"""The way to the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports.time import Deadline


@dataclass(frozen=True, slots=True)
class TransportProfile:
    """How to reach one connection's application. ``key`` names the connection: sockets and TLS sessions are never shared across keys."""

    key: str
    strict_tls: bool = True
    skip_authorization_on_redirect: bool = False
    first_byte: float = 60.0
    """Seconds until the first byte of an answer (connections.md 13.5; lookups and pages: 120)."""


class Transport(Protocol):
    """The only outbound sockets (D12)."""

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        """One request and its answer, the body bounded and decompressed. Raises ``TransportFailure``. Follows no redirect and sends
        nothing twice: that is the attempt loop's (connections.md 13.4, 13.5)."""

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        """Connect (and shake hands for https) without sending a request: a ping with nothing else to try. Raises
        ``TransportFailure``."""

    async def close(self) -> None:
        """Close every socket."""
