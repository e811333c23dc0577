"""GET of a connection by id over REST with 10 and with 10,000 stored, interleaved in one run: the ratio should be 1.

python -m bench.connections [--rounds 7] [--calls 400]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
import structlog
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.bootstrap import Running, start_service
from fairlead.cli.local import LocalDispatcher
from fairlead.domain.document import Document
from fairlead.domain.ids import new_id
from fairlead.engine.accounts import Accounts
from fairlead.engine.pooling import CONNECTIONS
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.settings import Settings
from fairlead.transport.clock import SystemClock

TOKEN = "0123456789abcdef" * 4
console = Console()


class Installation:
    """A service with a number of stored connections."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self.settings = Settings(
            grpc_address="127.0.0.1:0",
            database_url=f"sqlite:///{folder / f'{count}.db'}",
            bootstrap_token=TOKEN,
            rate_limit_size=10**9,
            rate_limit_per_second=1e8,
        )
        self.ids: list[str] = []
        self.micros: list[float] = []

    async def start(self) -> None:
        """Start the service and fill its store."""
        self.running: Running = await start_service(self.settings)
        clock = SystemClock()
        account = await Accounts(self.running.store, clock).ensure_default()
        block = {"baseURI": "https://api.example.test", "mediaType": "json", "ping": {"relativeURI": "/ping"}}
        for start in track(range(0, self.count, 500), f"storing {self.count}", console=console):
            now = clock.now()
            documents = [
                Document(
                    CONNECTIONS, new_id(now), account.id, now, now, {"type": "http", "name": f"c{n}", "http": block}
                )
                for n in range(start, min(start + 500, self.count))
            ]
            await asyncio.gather(*(self.running.store.insert(document) for document in documents))
            self.ids += [document.id for document in documents]
        address = GatewaySettings(address="127.0.0.1:0")
        self.gateway = Gateway(address, LocalDispatcher(self.running.service), self.running.registry)
        await self.gateway.start()

    async def measure(self, session: aiohttp.ClientSession, calls: int) -> None:
        """Microseconds a GET, one after the other."""
        # Ten different ones a round in both cases: the client's and the server's caches of parsed URLs are not what is measured.
        wanted = random.choices(random.sample(self.ids, 10), k=calls)
        started = time.perf_counter()
        for id in wanted:
            async with session.get(f"http://{self.gateway.address}/v1/connections/{id}") as answer:
                assert answer.status == 200
                await answer.read()
        self.micros.append((time.perf_counter() - started) / calls * 1e6)

    async def stop(self) -> None:
        """Stop everything."""
        await self.gateway.stop(0)
        await self.running.stop(0)


async def main(rounds: int, calls: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (Installation(count, Path(folder)) for count in (10, 10_000))
        for installation in (few, many):
            await installation.start()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            for _ in track(range(rounds), "measuring", console=console):
                for installation in random.sample((few, many), 2):
                    await installation.measure(session, calls)
        table = Table("stored connections", "microseconds a GET, median", "least", "most")
        for installation in (few, many):
            figures = [statistics.median(installation.micros), min(installation.micros), max(installation.micros)]
            table.add_row(str(installation.count), *(f"{figure:.0f}" for figure in figures))
        console.print(table)
        console.print(f"ratio of the medians: {statistics.median(many.micros) / statistics.median(few.micros):.2f}")
        for installation in (few, many):
            await installation.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=400)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    asyncio.run(main(options.rounds, options.calls))
