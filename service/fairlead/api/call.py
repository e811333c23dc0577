"""One call on its way through the chain (D10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from fairlead.engine.run import RunStats
from fairlead.engine.tokens import Identity


@dataclass(slots=True)
class Call:
    """Everything about a call but its request: servicers see this and never a gRPC context."""

    method: str
    """Full name: ``/fairlead.v1.ConnectionService/GetConnection``."""
    metadata: Mapping[str, str]
    remote: str
    """Address of the client, as far as it can be believed."""
    timeout: float | None = None
    """Seconds that the caller gives this call, counted from its start."""
    in_process: bool = False
    """The gateway of this process made the call: it has checked the field rules already."""
    request_id: str = ""
    identity: Identity | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Outgoing headers: REST headers, gRPC initial metadata."""
    stats: RunStats = field(default_factory=RunStats)

    @property
    def who(self) -> Identity:
        """The authenticated caller; only open methods have none."""
        if self.identity is None:
            raise RuntimeError(f"{self.method} needs an authenticated caller")
        return self.identity


Handler = Callable[[Call, Any], Awaitable[Message]]
"""A servicer's method, or the rest of the chain."""

Middleware = Callable[[Call, Any, Handler], Awaitable[Message]]
"""``async (call, request, next) -> response``."""


def chain(middlewares: list[Middleware], handler: Handler) -> Handler:
    """The handler behind all middlewares, the first one outermost."""
    for middleware in reversed(middlewares):
        handler = _bound(middleware, handler)
    return handler


def _bound(middleware: Middleware, following: Handler) -> Handler:
    async def bound(call: Call, request: Any) -> Message:
        return await middleware(call, request, following)

    return bound
