"""``fairlead serve`` and ``fairlead gateway``: the long-running commands."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Annotated, Final

import typer
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from fairlead.bootstrap import Running, StartError, configure_logs, new_load, start_service
from fairlead.cli.environment import settings_or_stop
from fairlead.cli.exits import FAILED, USAGE, Stop
from fairlead.cli.local import LocalDispatcher
from fairlead.gateway.channel import ChannelDispatcher
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.settings import Settings

_STOPPING: Final = "stopping: running calls may finish for {:g} s; a second signal ends them at once"
_LAST_SECONDS: Final = 1.0
"""How long answers may take to leave once all calls are over."""
_COLLECTIONS: Final = (3_000, 10, 500)
"""How many more objects are made than freed until the garbage collector comes, and how often it goes deeper (``gc.set_threshold``)."""

_BUSY_SECONDS: Final = 2.0
"""How long the event loop may take to hear of the second signal; the process does not wait for it any longer."""
_TOO_BUSY: Final = b"fairlead: ended at once; calls that were running got no answer\n"

console = Console(stderr=True, soft_wrap=True, highlight=False)


def serve(
    service_only: Annotated[
        bool, typer.Option("--service-only", help="gRPC alone; the REST edge runs elsewhere as `fairlead gateway`.")
    ] = False,
) -> None:
    """Run the service in the foreground: gRPC, and the REST gateway in the same process.

    Settings are the FAIRLEAD_ environment variables of the README. SIGTERM or Ctrl-C lets running calls finish, a
    second one ends them.
    """
    settings = settings_or_stop()
    configure_logs(settings)
    try:
        asyncio.run(_serve(settings, service_only))
    except (StartError, OSError) as error:
        raise Stop(str(error), USAGE) from None


def gateway(
    target: Annotated[str, typer.Option("--target", help="HOST:PORT of a fairlead service's gRPC port.")],
) -> None:
    """Run the REST edge alone, over a gRPC channel to a service (`fairlead serve --service-only`)."""
    settings = settings_or_stop()
    configure_logs(settings)
    try:
        asyncio.run(_gateway(settings, target))
    except OSError as error:
        raise Stop(str(error), USAGE) from None


def gateway_settings(settings: Settings) -> GatewaySettings:
    """The part of the settings that the REST edge uses."""
    return GatewaySettings(
        address=settings.http_address,
        max_body=settings.max_body_bytes,
        unknown_fields=settings.unknown_fields,
        empty_lists=settings.empty_lists,
        trusted_proxies=settings.trusted_proxies,
        public_url=settings.public_url,
    )


async def _serve(settings: Settings, service_only: bool) -> None:
    signals = _Signals()
    running = await start_service(settings)
    edge: Gateway | None = None
    grace = _LAST_SECONDS
    try:
        if not service_only:
            edge = Gateway(
                gateway_settings(settings),
                LocalDispatcher(running.service),
                running.registry,
                ready=running.ready,
                load=running.load,
            )
            await _listen(edge, settings)
            running.public_url.listens(edge.address)
        _announce(settings, running, edge)
        _freeze()
        await signals.stop.wait()
        console.print(_STOPPING.format(settings.shutdown_seconds))
        if edge is not None:
            edge.drain()
        await running.grpc.drain()
        grace += await running.load.wind_down(settings.shutdown_seconds, signals.hurry)
    finally:
        # Calls are over; what is left is answers that their readers have not taken yet.
        if edge is not None:
            await edge.stop(grace)
        await running.stop(_LAST_SECONDS)


async def _gateway(settings: Settings, target: str) -> None:
    signals = _Signals()
    dispatcher = ChannelDispatcher(target)
    registry = CollectorRegistry()
    load = new_load(settings, registry)
    edge = Gateway(
        gateway_settings(settings), dispatcher, registry, ready=dispatcher.ready, logs_requests=True, load=load
    )
    grace = _LAST_SECONDS
    try:
        await _listen(edge, settings)
        console.print(f"REST  http://{edge.address}  ->  gRPC {target}")
        _freeze()
        await signals.stop.wait()
        console.print(_STOPPING.format(settings.shutdown_seconds))
        edge.drain()
        grace += await load.wind_down(settings.shutdown_seconds, signals.hurry)
    finally:
        await edge.stop(grace)
        await dispatcher.close()


async def _listen(edge: Gateway, settings: Settings) -> None:
    try:
        await edge.start()
    except OSError as error:
        raise Stop(
            f"FAIRLEAD_HTTP_ADDRESS {settings.http_address}: cannot listen there: {error.strerror or error}", USAGE
        ) from None


class _Signals:
    """SIGTERM and SIGINT: the first stops, the second does not wait for calls, a third for nothing.

    The handlers are the interpreter's, which come between two steps of whatever runs: those of the event loop would wait until it is free.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._seen = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._arrived)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        self._seen += 1
        if self._seen == 1:
            self._tell(self.stop.set)
        elif self._seen == 2:
            end = threading.Timer(_BUSY_SECONDS, _end_at_once)
            end.daemon = True
            end.start()
            self._tell(lambda: self._hurry(end))
        else:
            _end_at_once()

    def _hurry(self, end: threading.Timer) -> None:
        end.cancel()
        self.hurry.set()

    def _tell(self, step: Callable[[], None]) -> None:
        """The event loop, once it is free; after its end there is nothing to tell."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(step)


def _end_at_once() -> None:
    with suppress(OSError):
        os.write(2, _TOO_BUSY)
    os._exit(FAILED)


def _freeze() -> None:
    """What the start has made stays: the collector need not look at it again, which would stop the process for a tenth of a second each
    time. It comes seldom: with thousands of calls in progress it would take a sixth of all time, and find next to nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)


def _limits(settings: Settings, others: int) -> Iterator[tuple[str, str]]:
    """What is in force, in words."""
    own = f"{settings.rate_limit_size:,} calls at once, then {settings.rate_limit_per_second:,g} a second, per account"
    yield "limit", own
    yield "calls", f"{settings.max_calls:,} at a time in this process, more are refused with 503"
    yield "outbound", f"{settings.max_outbound:,} requests to applications at a time from this process"
    if not others:
        seen = "no other process on this store yet"
    elif others == 1:
        seen = "1 other process on this store: limits hold over both"
    else:
        seen = f"{others} other processes on this store: limits hold over all of them"
    yield "shared", seen


def _announce(settings: Settings, running: Running, edge: Gateway | None) -> None:
    table = Table(show_header=False, box=None)
    if edge is not None:
        table.add_row("REST", f"http://{edge.address}/v1   (read the API at http://{edge.address}/docs)")
    table.add_row("gRPC", f"{running.grpc_address}   (health and reflection on)")
    table.add_row("store", running.store_name)
    for row in _limits(settings, len(running.replica.heartbeat.alive) - 1):
        table.add_row(*row)
    table.add_row("egress", f"public internet{', and ' + settings.egress_allow if settings.egress_allow else ' only'}")
    table.add_row("token", "export FAIRLEAD_TOKEN=$(fairlead token create)   (same settings, any terminal)")
    console.print("fairlead is ready")
    console.print(table)
