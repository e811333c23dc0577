"""How the effective level finds an application's limit: refusals, time and the level over time (connections.md 8.4).

``python bench/recovery.py [RECORDS] [TARGET]``: two replicas on a SQLite file, an application that takes seven requests at a time and 20 ms
for each; then the same with a fixed level of the target, and with a fixed level of seven.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from aiohttp import web

from fairlead.bootstrap import configure_logs, start_service
from fairlead.settings import Settings
from tests.e2e.client import GrpcClient
from tests.e2e.conftest import TOKEN
from tests.e2e.test_recovery import MODEL, REALLY, Strict


async def levels(client: GrpcClient, id: str, seen: list[tuple[float, int]]) -> None:
    """Note the effective level ten times a second."""
    started = time.monotonic()
    while True:
        seen.append((time.monotonic() - started, (await client.pool(id))["effectiveLevel"]))
        await asyncio.sleep(0.1)


async def run(records: int, folder: str, **block: Any) -> str:
    """One import of so many records, half of them through each replica."""
    fake = Strict()
    app = web.Application()
    app.router.add_post("/orders", fake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = Settings(
        grpc_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        database_url=f"sqlite:///{Path(folder) / 'bench.db'}",
        bootstrap_token=TOKEN,
        egress_allow="127.0.0.0/8",
        log_level="error",
    )
    configure_logs(settings)
    services = [await start_service(settings) for _ in range(2)]
    clients = [GrpcClient(service.grpc_address, TOKEN) for service in services]
    http = {"baseURI": f"http://127.0.0.1:{runner.addresses[0][1]}", "mediaType": "json", **block}
    document = {"type": "http", "name": "strict", "http": http, "autoRecoverRateLimitErrors": True}
    id = (await clients[0].create(document))["_id"]
    seen: list[tuple[float, int]] = []
    watch = asyncio.create_task(levels(clients[0], id, seen))
    started = time.monotonic()
    data = [[{"n": n} for n in range(start, records, 2)] for start in (0, 1)]
    results = await asyncio.gather(
        *(client.run_import(id, {"import": MODEL, "data": half}) for client, half in zip(clients, data, strict=True))
    )
    seconds = time.monotonic() - started
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    good = sum(result["statusCode"] == 200 for each in results for result in each)
    for client, service in zip(clients, services, strict=True):
        await client.close()
        await service.stop(0)
    await runner.cleanup()
    changes = " ".join(f"{next(group)[0]:.1f}s:{level}" for level, group in groupby(seen, lambda each: each[1]))
    early = sum(taken < 100 for taken in fake.refused)
    refused = len(fake.refused)
    return (
        f"{good} of {records} served in {seconds:.1f} s, refusals {refused} ({refused - early} after the first 100 answers)"
        f"\n  effective level {changes}"
    )


async def main(records: int, target: int) -> None:
    for name, block in (
        (f"target {target}", {"targetConcurrencyLevel": target}),
        (f"level {target}", {"concurrencyLevel": target}),
        (f"level {REALLY}", {"concurrencyLevel": REALLY}),
    ):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {await run(records, folder, **block)}")


if __name__ == "__main__":
    asyncio.run(main(*(int(each) for each in (*sys.argv[1:], *("1000", "50")[len(sys.argv) - 1 :]))))
