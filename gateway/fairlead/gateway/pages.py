"""What the edge answers about itself, without a token: health, metrics, the API document and its reading page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import resources
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from fairlead.contract.comments import comments
from fairlead.contract.openapi import openapi
from fairlead.contract.routes import RouteTable
from fairlead.gateway.answer import JSON, Answer
from fairlead.gateway.errors import Refused

Ready = Callable[[], Awaitable[bool]]
Page = Callable[[], Awaitable[Answer]]

_ALLOW: Final = "GET, HEAD, OPTIONS"
_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Pages:
    """The pages by path. ``ready`` tells whether the service behind would answer."""

    def __init__(
        self, routes: RouteTable, registry: CollectorRegistry, ready: Ready | None, public_url: str | None
    ) -> None:
        self._routes = routes
        self._registry = registry
        self._ready = ready
        self._public_url = public_url
        self._document: bytes | None = None
        self.stopping = False
        """Set while the gateway drains: not ready, still alive."""
        self._pages: Final[Mapping[str, Page]] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }

    def find(self, path: str) -> str | None:
        """The page of a path, one trailing slash ignored."""
        name = path[:-1] if len(path) > 1 and path.endswith("/") else path
        return name if name in self._pages else None

    async def answer(self, page: str, method: str) -> Answer:
        """Raises ``Refused`` (405) for methods that only write."""
        if method == "OPTIONS":
            return Answer(204, None, [("Allow", _ALLOW)])
        if method not in ("GET", "HEAD"):
            raise Refused.because(405, "method_not_allowed", f"{page} can only be read", ("Allow", _ALLOW))
        return await self._pages[page]()

    async def _livez(self) -> Answer:
        return Answer(200, b'{"status":"alive"}', [JSON])

    async def _readyz(self) -> Answer:
        if not self.stopping and (self._ready is None or await self._ready()):
            return Answer(200, b'{"status":"ready"}', [JSON])
        return Answer(503, b'{"status":"not ready"}', [JSON, ("Retry-After", "1")])

    async def _metrics(self) -> Answer:
        return Answer(200, generate_latest(self._registry), [("Content-Type", CONTENT_TYPE_LATEST)])

    async def _openapi(self) -> Answer:
        if self._document is None:
            self._document = msgspec.json.encode(openapi(self._routes, comments(), self._public_url))
        return Answer(200, self._document, [JSON])

    async def _docs(self) -> Answer:
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _POLICY)]
        return Answer(200, _reading_page(), headers)


@cache
def _reading_page() -> bytes:
    return resources.files("fairlead.gateway").joinpath("docs.html").read_bytes()
