"""What the operator decides about the REST edge."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Read by the caller from wherever settings come; the gateway itself reads no environment."""

    address: str = "127.0.0.1:8080"
    """HOST:PORT to listen on; port 0 takes any free one, an IPv6 host stands in brackets."""
    max_body: int = 20 * 1024 * 1024
    """Bytes of a request body, decompressed (contract.md 1.15)."""
    unknown_fields: str = "refuse"
    """``refuse`` or ``ignore`` (contract.md 1.8)."""
    empty_lists: int = 200
    """Status of an empty list: 200 with ``[]``, or 204 (contract.md 1.11)."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose ``X-Forwarded-*`` counts."""
    public_url: str | None = None
    """Where clients reach this edge, for the OpenAPI document."""
    body_seconds: float = 300
    """Longest time in which a request body must arrive."""
    body_pause_seconds: float = 30
    """Longest pause between two parts of a request body."""
    keep_alive_seconds: float = 75
    """Longest silence of a connection between requests, and before the first one."""

    def __post_init__(self) -> None:
        if self.unknown_fields not in ("refuse", "ignore"):
            raise ValueError(f"unknown_fields must be refuse or ignore, not {self.unknown_fields!r}")
        if self.empty_lists not in (200, 204):
            raise ValueError(f"empty_lists must be 200 or 204, not {self.empty_lists!r}")
        self.endpoint()

    def endpoint(self) -> tuple[str, int]:
        """Host and port of ``address``; raises ``ValueError`` when it is not HOST:PORT."""
        host, colon, port = self.address.rpartition(":")
        if not colon or not host or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{self.address!r} is not HOST:PORT")
        return host.strip("[]"), int(port)
