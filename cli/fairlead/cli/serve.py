"""``fairlead serve`` and ``fairlead gateway``: the long-running commands."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fairlead.bootstrap import Running, StartError, configure_logs, start_service
from fairlead.cli.environment import settings_or_stop
from fairlead.cli.exits import USAGE, Stop
from fairlead.cli.local import LocalDispatcher
from fairlead.gateway.channel import ChannelDispatcher
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.settings import Settings

console = Console(stderr=True, soft_wrap=True, highlight=False)


def serve(
    service_only: Annotated[
        bool, typer.Option("--service-only", help="gRPC alone; the REST edge runs elsewhere as `fairlead gateway`.")
    ] = False,
) -> None:
    """Run the service in the foreground: gRPC, and the REST gateway in the same process.

    Settings are the FAIRLEAD_ environment variables of the README. SIGTERM or Ctrl-C lets running calls finish.
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
    stop = _stop_signal()
    running = await start_service(settings)
    edge: Gateway | None = None
    try:
        if not service_only:
            edge = Gateway(
                gateway_settings(settings), LocalDispatcher(running.service), running.registry, ready=running.ready
            )
            await _listen(edge, settings)
            running.public_url.listens(edge.address)
        _announce(settings, running, edge)
        await stop.wait()
        console.print("stopping: running calls may finish")
    finally:
        if edge is not None:
            await edge.stop(settings.shutdown_seconds)
        await running.stop(settings.shutdown_seconds)


async def _gateway(settings: Settings, target: str) -> None:
    stop = _stop_signal()
    dispatcher = ChannelDispatcher(target)
    edge = Gateway(gateway_settings(settings), dispatcher, ready=dispatcher.ready, logs_requests=True)
    try:
        await _listen(edge, settings)
        console.print(f"REST  http://{edge.address}  ->  gRPC {target}")
        await stop.wait()
        console.print("stopping: running calls may finish")
    finally:
        await edge.stop(settings.shutdown_seconds)
        await dispatcher.close()


async def _listen(edge: Gateway, settings: Settings) -> None:
    try:
        await edge.start()
    except OSError as error:
        raise Stop(
            f"FAIRLEAD_HTTP_ADDRESS {settings.http_address}: cannot listen there: {error.strerror or error}", USAGE
        ) from None


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _announce(settings: Settings, running: Running, edge: Gateway | None) -> None:
    table = Table(show_header=False, box=None)
    if edge is not None:
        table.add_row("REST", f"http://{edge.address}/v1   (read the API at http://{edge.address}/docs)")
    table.add_row("gRPC", f"{running.grpc_address}   (health and reflection on)")
    table.add_row("store", running.store_name)
    table.add_row(
        "limit",
        f"{settings.rate_limit_size} calls at once, then {settings.rate_limit_per_second:g} a second, per account",
    )
    table.add_row("egress", f"public internet{', and ' + settings.egress_allow if settings.egress_allow else ' only'}")
    table.add_row("token", "export FAIRLEAD_TOKEN=$(fairlead token create)   (same settings, any terminal)")
    console.print("fairlead is ready")
    console.print(table)
