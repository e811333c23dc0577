"""What happens at three times the capacity: good answers, refusals and how long they take, memory, and the way back to normal.

``python bench/overload.py [KIND...] [--offer OFFER...] [--seconds N] [--unpinned]`` starts ``fairlead serve`` on a SQLite file of its own
and an application in another process. For each kind of load it measures the peak rate with a closed loop of a few clients, then makes each
offer, then asks once every 50 ms until answers are as quick as before. Offers: ``open3`` is 3 times the peak for ``seconds`` seconds at
fixed instants (who is slow gets no fewer requests), ``closed1500`` as many clients that each ask again at once, refused or not,
``burst6000`` so many requests at one moment. ``per cpu`` is the ratio of good answers per second of the server's processor time: the one
to look at where other programs share the machine. Latencies of the open loop count from the instant at which a request was due.
Figures to compare are of one run. The server has a processor of its own where there are two, unless it is ``unpinned``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc.aio

from bench.wire import GONE, LATE, MOST_CONNECTIONS, Rest
from fairlead.v1 import common_pb2, import_http_pb2, import_model_pb2, virtual_run_pb2, words_pb2
from fairlead.v1 import connection_service_pb2 as pb
from fairlead.v1.connection_service_pb2_grpc import ConnectionServiceStub
from tests.e2e.processes import Place

PEAK_SECONDS: Final = 5.0
NORMAL_WAIT: Final = 60.0
CHANNELS: Final = 4

Ask = Callable[[], Awaitable[int]]


@dataclass
class Seen:
    """What one phase saw."""

    seconds: float
    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)
    good_times: list[float] = field(default_factory=list)

    def count(self, status: int, latency: float) -> None:
        """One answer."""
        if 200 <= status < 300:
            self.good.append(latency)
        elif status == 503:
            self.refused.append(latency)
        else:
            self.others[status] += 1

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.good) / self.seconds


async def closed_loop(ask: Ask, clients: int, seconds: float) -> Seen:
    """Each client asks again when it has its answer."""
    seen = Seen(seconds)
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (started := time.perf_counter()) < end:
            status = await ask()
            if (done := time.perf_counter()) < end:
                seen.count(status, done - started)

    await asyncio.gather(*(client() for _ in range(clients)))
    return seen


async def open_loop(ask: Ask, rate: float, seconds: float, told: Callable[[Seen], None]) -> Seen:
    """``rate`` requests a second, whatever happens to them. Answers that come after the end are not waited for."""
    seen = Seen(seconds)
    tasks: set[asyncio.Task[None]] = set()
    started = time.perf_counter()

    async def one(due: float) -> None:
        status = await ask()
        seen.count(status, time.perf_counter() - due)

    sent, shown = 0, 0.0
    while (passed := time.perf_counter() - started) < seconds:
        for number in range(sent, int(passed * rate)):
            task = asyncio.create_task(one(started + number / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        sent = int(passed * rate)
        if passed - shown >= 1:
            shown = passed
            told(seen)
        await asyncio.sleep(0.002)
    seen.others[LATE] += 0
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def normal_again(ask: Ask, usual: float) -> float:
    """Seconds until five probes in a row were good and took at most 3 x ``usual`` (and 20 ms)."""
    started = time.perf_counter()
    row: list[float] = []
    while len(row) < 5 and time.perf_counter() - started < NORMAL_WAIT:
        asked = time.perf_counter()
        try:
            status = await asyncio.wait_for(ask(), NORMAL_WAIT)
        except TimeoutError:
            break
        good = 200 <= status < 300 and time.perf_counter() - asked <= max(3 * usual, 0.02)
        row = [*row, asked] if good else []
        await asyncio.sleep(0.05)
    return row[0] - started if row else NORMAL_WAIT


class Server:
    """What the server takes: resident memory in MiB, looked at ten times a second, and seconds of processor time."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/statm")
        self._stat = Path(f"/proc/{pid}/stat")
        self.most = 0.0

    def cpu(self) -> float:
        words = self._stat.read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def now(self) -> float:
        return int(self._path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.most = max(self.most, self.now())
            await asyncio.sleep(0.1)


class Load:
    """One kind of load: how it asks, and with how many clients its peak is found."""

    def __init__(self, name: str, ask: Ask, probe: Ask, clients: int) -> None:
        self.name, self.ask, self.probe, self.clients = name, ask, probe, clients


def request(place: Place, method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of one REST request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {place.http}", f"Authorization: {place.headers['Authorization']}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def burst(ask: Ask, count: int) -> Seen:
    """So many at one moment, until the last has its answer."""
    started = time.perf_counter()
    seen = Seen(1)

    async def one() -> None:
        status = await ask()
        seen.count(status, time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(count)))
    seen.seconds = time.perf_counter() - started
    return seen


async def offered(offer: str, load: Load, peak: float, seconds: float, told: Callable[[Seen], None]) -> Seen:
    """What is seen while one of the offers is made."""
    kind, number = offer.rstrip("0123456789."), float(offer.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if kind == "open":
        return await open_loop(load.ask, number * peak, seconds, told)
    if kind == "closed":
        return await closed_loop(load.ask, int(number), seconds)
    if kind == "burst":
        return await burst(load.ask, int(number))
    raise SystemExit(f"{offer} is none of openTIMES, closedCLIENTS, burstCALLS")


async def measure(load: Load, offer: str, pid: int, seconds: float) -> list[str]:
    """One row of the table."""
    server = Server(pid)
    before = server.now()
    usual = statistics.median((await closed_loop(load.probe, 1, 1.0)).good or [0.01])
    used = server.cpu()
    peak = await closed_loop(load.ask, load.clients, PEAK_SECONDS)
    peak_cpu = server.cpu() - used
    print(f"  {load.name}: peak {peak.rate:.0f}/s, {dict(peak.others)} {len(peak.refused)} refused", flush=True)
    watching = asyncio.create_task(server.watch())

    def told(seen: Seen) -> None:
        good, refused = len(seen.good), len(seen.refused)
        print(f"  {load.name}: good {good}, refused {refused}, {dict(seen.others)}, {server.now():.0f} MiB", flush=True)

    used, started = server.cpu(), time.perf_counter()
    seen = await offered(offer, load, peak.rate, seconds, told)
    # The last answers of a closed loop come after its end.
    seen_cpu = (server.cpu() - used) * seen.seconds / (time.perf_counter() - started)
    per_cpu = (len(seen.good) / max(seen_cpu, 0.01)) / max(len(peak.good) / max(peak_cpu, 0.01), 1e-9)
    back = await normal_again(load.probe, usual)
    watching.cancel()
    others = ", ".join(
        f"{ {GONE: 'broken', LATE: 'no connection'}.get(s, s) } {n}" for s, n in seen.others.items() if n
    )
    return [
        load.name,
        offer,
        f"{peak.rate:.0f}",
        f"{seen.rate:.0f}",
        f"{seen.rate / max(peak.rate, 1e-9):.2f}",
        f"{per_cpu:.2f}",
        quantiles(seen.good),
        quantiles(seen.refused),
        others or "-",
        f"{before:.0f} / {server.most:.0f}",
        f"{back:.1f}",
    ]


def quantiles(latencies: list[float]) -> str:
    """Median, 95th and 99th percentile and most, in milliseconds."""
    if len(latencies) < 2:
        return "-"
    cuts = statistics.quantiles(latencies, n=100)
    return f"{cuts[49] * 1000:.0f} / {cuts[94] * 1000:.0f} / {cuts[98] * 1000:.0f} / {max(latencies) * 1000:.0f} ({len(latencies)})"


HEADER: Final = [
    "load",
    "offer",
    "peak/s",
    "good/s",
    "ratio",
    "per cpu",
    "good ms p50/p95/p99/max",
    "refusal ms p50/p95/p99/max",
    "others",
    "MiB before/most",
    "normal s",
]


async def loads(place: Place, url: str, stack: AsyncExitStack) -> dict[str, Load]:
    """Every kind, on connections of its own."""

    async def connection(name: str, **more: Any) -> str:
        block = {"baseURI": url, "mediaType": "json", **more}
        status, stored = await place.post("/v1/connections", {"type": "http", "name": name, "http": block})
        assert status == 201, stored
        assert isinstance(stored, dict)
        return str(stored["_id"])

    def rest(method: str, path: str, body: bytes = b"") -> Ask:
        asker = Rest(place.http, request(place, method, path, body))
        stack.push_async_callback(asker.close)
        return asker.ask

    fast, slow = await connection("fast"), await connection("slow", concurrencyLevel=10)
    get = rest("GET", f"/v1/connections/{fast}")

    def imported(wait: float, data: Any) -> bytes:
        model = {"http": {"relativeURI": [f"/{wait}"], "method": ["POST"]}}
        return json.dumps({"import": model, "data": data}).encode()

    few = [{"id": 1}]
    ten = [{"id": number, "name": "x" * 40} for number in range(10)]
    hundred = ten * 10
    large = imported(0, [{"text": "x" * (8 << 20)}])
    local = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own each
    channels = [await stack.enter_async_context(grpc.aio.insecure_channel(place.grpc, local)) for _ in range(CHANNELS)]
    stubs: Any = itertools.cycle([ConnectionServiceStub(channel) for channel in channels])
    metadata = [("authorization", place.headers["Authorization"])]

    def called(rpc: str, message: Any) -> Ask:
        open_calls = 0

        async def call() -> int:
            nonlocal open_calls
            if open_calls >= MOST_CONNECTIONS:
                return LATE
            open_calls += 1
            try:
                await getattr(next(stubs), rpc)(message, metadata=metadata, timeout=60)
            except grpc.aio.AioRpcError as error:
                return 503 if error.code() is grpc.StatusCode.UNAVAILABLE else error.code().value[0]
            finally:
                open_calls -= 1
            return 200

        return call

    model = import_model_pb2.Import(
        http=import_http_pb2.HttpImport(relative_uri=["/0"], method=[words_pb2.HTTP_METHOD_POST])
    )
    data = common_pb2.JsonValue(json=json.dumps(ten).encode())
    run = virtual_run_pb2.ExecuteImportRequest(connection_id=fast, import_model=model, data=data)
    call = called("GetConnection", pb.GetConnectionRequest(id=fast))

    return {
        "get": Load("get", get, get, 32),
        "grpc": Load("grpc", call, call, 32),
        "grpc-import": Load("grpc-import", called("ExecuteImport", run), call, 16),
        "import": Load("import", rest("POST", f"/v1/connections/{fast}/import", imported(0, ten)), get, 16),
        "import-1": Load("import-1", rest("POST", f"/v1/connections/{fast}/import", imported(0, few)), get, 16),
        "import-100": Load("import-100", rest("POST", f"/v1/connections/{fast}/import", imported(0, hundred)), get, 8),
        "slow": Load("slow", rest("POST", f"/v1/connections/{slow}/import", imported(0.05, ten)), get, 16),
        "large": Load("large", rest("POST", f"/v1/connections/{fast}/import", large), get, 4),
    }


@contextmanager
def on(cpus: Collection[int]) -> Iterator[None]:
    """What is started meanwhile runs on these processors alone: who offers the load takes nothing from who carries it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    yield
    os.sched_setaffinity(0, before)


async def main(kinds: list[str], offers: list[str], seconds: float, *, pinned: bool) -> None:
    """Measure and print the table."""
    everything = os.sched_getaffinity(0)
    mine, *others = sorted(everything)
    if others and pinned:
        os.sched_setaffinity(0, others)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        settings = {"FAIRLEAD_RATE_LIMIT_SIZE": "1000000", "FAIRLEAD_RATE_LIMIT_PER_SECOND": "100000"}
        place = Place(Path(folder), FAIRLEAD_LOG_LEVEL="warning", **settings)
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, str(Path(__file__).with_name("wire.py")))
        applied = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert applied.stdin is not None
        assert applied.stdout is not None
        stack.callback(applied.stdin.close)
        url = f"http://127.0.0.1:{int(await applied.stdout.readline())}"
        rows = []
        for kind, offer in itertools.product(
            kinds, offers
        ):  # a server of its own each, so that memory tells of one kind only
            async with AsyncExitStack() as inner:
                with on({mine} if pinned else everything):
                    server = await inner.enter_async_context(place.serve("serve", ready="fairlead is ready"))
                load = (await loads(place, url, inner))[kind]
                rows.append(await measure(load, offer, server.pid, seconds))
        widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
        for row in [HEADER, *rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "kinds", nargs="*", default=["get", "grpc", "import-1", "import", "import-100", "slow", "large"]
    )
    parser.add_argument("--offer", nargs="+", default=["open3"])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--unpinned", action="store_true")
    given = parser.parse_args()
    asyncio.run(main(given.kinds, given.offer, given.seconds, pinned=not given.unpinned))
