"""Where browsers and clients reach the REST edge."""

from __future__ import annotations

from typing import Final

_WILDCARDS: Final = frozenset({"0.0.0.0", "[::]"})  # noqa: S104  # nothing is bound here


class PublicUrl:
    """``FAIRLEAD_PUBLIC_URL``; without it the HTTP address: the configured one until the edge says which it really listens on."""

    def __init__(self, configured: str | None, http_address: str) -> None:
        self._configured = configured
        self._address = http_address

    def listens(self, address: str) -> None:
        """The edge of this process listens on ``address``, HOST:PORT."""
        self._address = address

    def __call__(self) -> str:
        """The URL without a slash at its end. Listening on all addresses, the edge is reached as ``localhost`` here."""
        if self._configured:
            return self._configured
        host, _, port = self._address.rpartition(":")
        return f"http://{'localhost' if host in _WILDCARDS else host}:{port}"
