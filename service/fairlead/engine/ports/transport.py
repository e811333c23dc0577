"""The way to the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol

from fairlead.domain import urls
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports.time import Deadline


@dataclass(frozen=True)
class ClientIdentity:
    """TLS material of a connection as its document holds it (connections.md 9), ``""`` for what it lacks. ``repr`` shows none of it."""

    cert: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    pfx: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)

    @cached_property
    def digest(self) -> str:
        """Names the material in caches, so that no key text does."""
        found = sha256()
        for text in (self.cert, self.key, self.passphrase, self.pfx, self.ca):
            raw = text.encode("utf-8", "surrogatepass")
            found.update(len(raw).to_bytes(8, "big") + raw)
        return found.hexdigest()


def identity_of(http: Mapping[str, Any]) -> ClientIdentity | None:
    """The TLS material of a connection's ``http`` block, secrets in clear; nothing when it brings none of its own."""
    given = http.get("clientCertificates") or {}
    texts = {name: str(given.get(name) or "") for name in ("cert", "key", "passphrase", "pfx", "ca")}
    return ClientIdentity(**texts) if any(texts.values()) else None


def host_of(url: str) -> str:
    """The host that a connection's TLS settings count for: that of its rendered ``baseURI``; ``""`` when that has none."""
    try:
        return urls.origin(urls.encode(url)).host.rstrip(".")
    except urls.UrlError:
        return ""


@dataclass(frozen=True, slots=True)
class TransportProfile:
    """How to reach one connection's application. ``key`` names the connection: sockets and TLS sessions are never shared across keys.
    ``identity`` and ``strict_tls`` count at ``host`` only; other hosts get the default settings (connections.md 9)."""

    key: str
    strict_tls: bool = True
    skip_authorization_on_redirect: bool = False
    first_byte: float = 60.0
    """Seconds until the first byte of an answer (connections.md 13.5; lookups and pages: 120)."""
    host: str = ""
    identity: ClientIdentity | None = None

    def at(self, host: str) -> TransportProfile:
        """The profile for a request to ``host``: itself, or without its TLS settings when that is another one."""
        if (self.strict_tls and self.identity is None) or host.rstrip(".").lower() == self.host:
            return self
        return replace(self, strict_tls=True, identity=None)


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
