"""Names to addresses: what is checked here is what the connector dials (D12)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver, ResolveResult

from fairlead.transport.egress import EgressPolicy

Lookup = Callable[[str, int, socket.AddressFamily], Awaitable[list[tuple[socket.AddressFamily, str]]]]
"""Host, port, family -> family and numeric address of every answer. Raises ``OSError`` when there is none."""


async def system_lookup(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, str]]:
    """The machine's resolver, in a thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
    return [
        (kind, f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] else str(address[0]))
        for kind, _, _, _, address in found
    ]


class PinnedResolver(AbstractResolver):
    """Resolves, then lets the egress policy judge every answer. The connector gets numeric addresses and dials exactly these: no
    second look-up stands between check and connection."""

    def __init__(self, policy: EgressPolicy, lookup: Lookup = system_lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of ``host``. Raises ``TransportFailure`` (``egress_denied``) or ``OSError``."""
        found = await self._lookup(host, port, family)
        self._policy.check_resolved(host, [address for _, address in found])
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""
