"""Processes that are killed or paused, and a store that is cut off or slow (connections.md 8.2)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.counted.figures import Figure, at_most, exactly, most_at_once, told
from tests.counted.installation import WAYS, Installation, Server, Store, installation
from tests.counted.levels import LEVELS, notation_of
from tests.counted.seen import Application
from tests.integration.coordination.parts import Proxy

SETTLES = 5.0
"""Seconds of work before something happens."""
COMES_BACK = 30.0
"""Seconds after which nothing is lost any more (connections.md 8.2)."""
HAND_OVER = 1.0
"""Seconds that measuring it may add: the time for which one request is at work, and the machine's."""
STARTS_NOTHING_AFTER = 15.5
"""Seconds without the store: 15, and the time of one look at the clock."""
SURVIVED = {"200"}


class Load:
    """All levels at once, each on a connection of its own; every process has more to send than a level allows."""

    def __init__(self, application: Application, installed: Installation, which: Sequence[int], what: str) -> None:
        self.application = application
        self.installed = installed
        self.which = which
        self.what = what
        self.began = 0.0

    @staticmethod
    def ms(level: int) -> int:
        """For how long the application works on a request: about fifty requests a second at every level."""
        return max(50, 20 * level)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Push until the block ends, then finish what was begun."""
        over = asyncio.Event()
        tasks = []
        self.began = time.monotonic()
        for level in self.which:
            base = await self.application.count(f"busy-{level}", ms=self.ms(level))
            id = await self.installed.connect(base, level, notation=notation_of(level))
            for number, server in enumerate(self.installed.servers):
                for way in WAYS:
                    push = server.keep_pushing(id, str(number), max(10, 2 * level), over, way=way)
                    tasks.append(asyncio.create_task(push))
        try:
            await asyncio.sleep(SETTLES)
            yield
        finally:
            over.set()
            await asyncio.gather(*tasks)

    async def never_too_many(self) -> list[Figure]:
        """The limit, over the whole time."""
        seen = {level: await self.application.seen(f"busy-{level}") for level in self.which}
        return [
            *(
                most_at_once(f"{self.what}, level {level}: most in flight", level, each.most)
                for level, each in seen.items()
            ),
            told(f"{self.what}: requests", ", ".join(str(len(each.requests)) for each in seen.values())),
        ]

    async def back_after(self, event: float, until: float, *, others: Sequence[int]) -> list[Figure]:
        """When the whole level was in use again, and how long one of the processes that go on had to wait."""
        figures = []
        for level in self.which:
            seen = await self.application.seen(f"busy-{level}")
            full = seen.reached(level, event + self.ms(level) / 1000 + 1)
            after = float("inf") if full is None else full - event
            figures.append(
                at_most(f"{self.what}, level {level}: all in use again after", COMES_BACK + HAND_OVER, after, " s")
            )
            silent = max(seen.longest_silence(str(number), event, until) for number in others)
            limit = COMES_BACK + HAND_OVER + self.ms(level) / 1000
            figures.append(at_most(f"{self.what}, level {level}: longest wait of the others", limit, silent, " s"))
        return figures

    async def takes_part(self, number: int, since: float, within: float) -> list[Figure]:
        """A process that was away sends again."""
        figures = []
        for level in self.which:
            seen = await self.application.seen(f"busy-{level}")
            starts = [each.start - since for each in seen.requests if each.flow == str(number) and each.start > since]
            figures.append(
                at_most(
                    f"{self.what}, level {level}: takes part again after",
                    within,
                    min(starts, default=float("inf")),
                    " s",
                )
            )
        return figures

    async def last_start(self, number: int, event: float, back: float) -> Figure:
        """A process without the store goes on for 15 s at most."""
        late = []
        for level in self.which:
            seen = await self.application.seen(f"busy-{level}")
            starts = [each.start - event for each in seen.requests if each.flow == str(number)]
            late.append(max((at for at in starts if 0 < at < back - event), default=0.0))
        return at_most(f"{self.what}: process {number} starts nothing after", STARTS_NOTHING_AFTER, max(late), " s")

    def ended(self, server: Server, whose: str) -> Figure:
        """How its records ended."""
        return told(f"{self.what}: records of {whose}", str(dict(server.ends)))

    def survived(self, server: Server) -> Figure:
        """A process to which nothing happened lost nothing."""
        return exactly(f"{self.what}: records of a process to which nothing happened", SURVIVED, {*server.ends})


async def killed(
    application: Application, store: Store, processes: int, *, which: Sequence[int] = LEVELS, seconds: float = 35.0
) -> list[Figure]:
    """kill -9 in the middle: what it held comes back, and not at once."""
    async with store.installation(processes) as installed:
        load = Load(application, installed, which, f"kill -9 of one of {processes}")
        async with load.run():
            event = time.monotonic()
            installed.servers[0].signal(signal.SIGKILL)
            await asyncio.sleep(seconds)
            until = time.monotonic()
        return [
            *await load.never_too_many(),
            *await load.back_after(event, until, others=range(1, processes)),
            *(load.survived(server) for server in installed.servers[1:]),
        ]


async def stopped(
    application: Application, store: Store, processes: int, *, which: Sequence[int] = LEVELS, seconds: float = 60.0
) -> list[Figure]:
    """SIGSTOP for a minute, then SIGCONT: the others take over, and it takes part again."""
    async with store.installation(processes) as installed:
        load = Load(application, installed, which, f"SIGSTOP of one of {processes} for {seconds:.0f} s")
        async with load.run():
            event = time.monotonic()
            installed.servers[0].signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            back = time.monotonic()
            installed.servers[0].signal(signal.SIGCONT)
            await asyncio.sleep(15)
        return [
            *await load.never_too_many(),
            *await load.back_after(event, back, others=range(1, processes)),
            *await load.takes_part(0, back, within=10.0),
            *(load.survived(server) for server in installed.servers[1:]),
            load.ended(installed.servers[0], "the one that was stopped"),
        ]


@asynccontextmanager
async def _behind_a_proxy(
    store: Store, delay: float = 0.0, *, both: bool = False
) -> AsyncIterator[tuple[Installation, Proxy]]:
    """Two processes; the first, or both, reach the store only through a proxy."""
    url = store.fresh()
    proxy = Proxy(store.uri.removeprefix("mongodb://"), delay)
    await proxy.open()
    try:
        through = f"mongodb://{proxy.address}/{url.rpartition('/')[2]}?directConnection=true"
        async with installation(store.folder, [through, through if both else url]) as installed:
            yield installed, proxy
    finally:
        await proxy.close()


async def cut_off(
    application: Application, store: Store, *, which: Sequence[int] = LEVELS, seconds: float = 40.0
) -> list[Figure]:
    """One of two processes cannot reach the store, and nobody tells it: it starts nothing after 15 s."""
    async with _behind_a_proxy(store) as (installed, proxy):
        load = Load(application, installed, which, f"store cut off from one of 2 for {seconds:.0f} s")
        async with load.run():
            event = time.monotonic()
            proxy.cut()
            await asyncio.sleep(seconds)
            back = time.monotonic()
            proxy.mend()
            await asyncio.sleep(20)
        return [
            *await load.never_too_many(),
            *await load.back_after(event, back, others=[1]),
            await load.last_start(0, event, back),
            *await load.takes_part(0, back, within=15.0),
            load.survived(installed.servers[1]),
            load.ended(installed.servers[0], "the one that was cut off"),
        ]


async def store_gone(
    application: Application, store: Store, *, which: Sequence[int] = LEVELS, seconds: float = 40.0
) -> list[Figure]:
    """No process can reach the store: no new requests rather than too many, and all go on when it is back."""
    async with _behind_a_proxy(store, both=True) as (installed, proxy):
        load = Load(application, installed, which, f"store gone for {seconds:.0f} s")
        async with load.run():
            event = time.monotonic()
            proxy.cut()
            await asyncio.sleep(seconds)
            back = time.monotonic()
            proxy.mend()
            await asyncio.sleep(20)
        return [
            *await load.never_too_many(),
            *[await load.last_start(number, event, back) for number in range(2)],
            *[figure for number in range(2) for figure in await load.takes_part(number, back, within=15.0)],
            *(load.ended(server, f"process {number}") for number, server in enumerate(installed.servers)),
        ]


async def slow(
    application: Application, store: Store, *, which: Sequence[int] = LEVELS, seconds: float = 20.0
) -> list[Figure]:
    """200 ms each way between one of two processes and the store."""
    async with _behind_a_proxy(store, 0.2) as (installed, _):
        load = Load(application, installed, which, "store 200 ms away from one of 2")
        async with load.run():
            since = time.monotonic()
            await asyncio.sleep(seconds)
            until = time.monotonic()
        figures = await load.never_too_many()
        for level in which:
            seen = await application.seen(f"busy-{level}")
            silent = max(seen.longest_silence(str(number), since, until) for number in range(2))
            figures.append(at_most(f"{load.what}, level {level}: longest wait", 10.0, silent, " s"))
        return [*figures, *(load.survived(server) for server in installed.servers)]
