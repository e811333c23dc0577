"""TLS contexts (connections.md 9)."""

from __future__ import annotations

import asyncio
import ssl


def build(*, strict: bool) -> ssl.SSLContext:
    """TLS 1.2 and newer with the system's certificates; not ``strict``: neither chain nor host name is checked. Takes about 30 ms."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not strict:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TlsContexts:
    """The contexts in use, each built once, in a thread."""

    def __init__(self) -> None:
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._building = asyncio.Lock()

    async def get(self, *, strict: bool) -> ssl.SSLContext:
        """The context for strict or unchecked TLS."""
        context = self._contexts.get(strict)
        if context is None:
            async with self._building:
                context = self._contexts.get(strict)
                if context is None:
                    context = self._contexts[strict] = await asyncio.to_thread(build, strict=strict)
        return context
