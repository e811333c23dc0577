"""The REST edge as one object: listens, answers, stops gracefully."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import CollectorRegistry

from fairlead.contract.routes import RouteTable
from fairlead.contract.services import services
from fairlead.gateway.dispatcher import Dispatcher
from fairlead.gateway.handler import Handler
from fairlead.gateway.load import Load, Unbounded
from fairlead.gateway.observation import Observation
from fairlead.gateway.pages import Pages, Ready
from fairlead.gateway.protocol import HttpServer
from fairlead.gateway.settings import GatewaySettings

_LINGER_SECONDS: Final = 5.0
"""How long the rest of a body that was refused is read away, so that the client sees the answer and no reset."""

_BACKLOG: Final = 1024
"""Connections that wait in the kernel to be taken."""
_ACCEPTED: Final = 32
"""Most that are taken in one turn of the event loop: each costs a tenth of a millisecond, and others wait meanwhile."""


class Gateway:
    """Serves every route of ``known`` services (by default the whole contract) through ``dispatcher``.

    ``registry`` is shown at ``/metrics``; ``ready`` decides about ``/readyz``; ``logs_requests`` is for a gateway that is a
    process of its own; ``load`` bounds what it takes on. Raises ``RouteError`` for a contract whose routes contradict each other.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        dispatcher: Dispatcher,
        registry: CollectorRegistry | None = None,
        *,
        ready: Ready | None = None,
        logs_requests: bool = False,
        known: Sequence[ServiceDescriptor] | None = None,
        load: Load | None = None,
    ) -> None:
        registry = CollectorRegistry() if registry is None else registry
        routes = RouteTable(services() if known is None else known)
        self._settings = settings
        self._load: Load = Unbounded() if load is None else load
        self._pages = Pages(routes, registry, ready, settings.public_url)
        observation = Observation(registry, logs=logs_requests)
        self._handler = Handler(settings, routes, dispatcher, self._pages, observation, self._load)
        self._server: HttpServer | None = None
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT with the port that is really bound; before the start the configured one."""
        if self._listener is None or not self._listener.sockets:
            return self._settings.address
        host, _ = self._settings.endpoint()
        port = self._listener.sockets[0].getsockname()[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the address cannot be bound."""
        host, port = self._settings.endpoint()
        # Bodies are inflated by our own reader, within bounds.
        self._server = HttpServer(
            self._handler,
            self._load,
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=self._settings.keep_alive_seconds,
            lingering_time=_LINGER_SECONDS,
        )
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._server, host, port, backlog=_ACCEPTED)
        for listening in self._listener.sockets:
            # asyncio takes as many at once as the kernel may keep; that number is set anew.
            with listening.dup() as same:
                same.listen(_BACKLOG)

    def drain(self) -> None:
        """Call the process not ready from now on; what its load refuses is answered, and other requests go on."""
        self._pages.stopping = True

    async def stop(self, grace: float) -> None:
        """Take no new connection, close idle ones, let running requests end within ``grace`` seconds, then cancel them."""
        self.drain()
        if self._listener is None or self._server is None:
            return
        self._listener.close()
        # Connections that were just accepted get to read their request before idle ones are closed.
        await asyncio.sleep(0)
        self._server.pre_shutdown()
        await self._server.shutdown(grace)
