"""The counting application, and what it tells."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import aiohttp

SERVER = Path(__file__).parents[1] / "servers" / "counting.py"


@dataclass(frozen=True)
class Request:
    """One request; times are seconds of the machine's monotonic clock."""

    start: float
    end: float
    flow: str
    number: int
    refused: bool


@dataclass(frozen=True)
class Refusal:
    """One time that the application refused: ``until`` when it named, or by the back-off of connections.md 7.2."""

    at: float
    until: float
    named: bool
    following: float | None
    early: list[float]


@dataclass(frozen=True)
class Seen:
    """Everything that one counter saw. ``requests`` are those that have ended, in the order of their arrival."""

    in_flight: int
    most: int
    requests: list[Request]
    refusals: list[Refusal]

    @property
    def gaps(self) -> list[float]:
        """Milliseconds from each answer to the next request, at level 1."""
        return [(after.start - before.end) * 1e3 for before, after in pairwise(self.requests)]

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max(each.end for each in self.requests) - self.requests[0].start

    @property
    def served(self) -> int:
        """Requests that were not refused."""
        return sum(not each.refused for each in self.requests)

    @property
    def early(self) -> list[float]:
        """Requests that came although the application had said that it is too early: seconds after that."""
        return [after for refusal in self.refusals for after in refusal.early]

    def numbers(self, flow: str) -> list[int]:
        """The order in which the records of a flow came."""
        return [each.number for each in self.requests if each.flow == flow]

    def reached(self, level: int, since: float) -> float | None:
        """When so many were first in flight at once, from that time on."""
        now = 0
        for at, step in sorted(
            [*((each.start, 1) for each in self.requests), *((each.end, -1) for each in self.requests)]
        ):
            now += step
            if now >= level and at >= since:
                return at
        return None

    def longest_silence(self, flow: str, since: float, until: float) -> float:
        """The longest time in which a flow sent nothing."""
        starts = [each.start for each in self.requests if each.flow == flow and since < each.start < until]
        points = [since, *starts, until]
        return max(after - before for before, after in pairwise(points))

    def idle(self) -> float:
        """How much longer than asked nobody asked again, as a part of what was asked; a back-off may be a fifth longer than its step."""
        asked = sum(each.until - each.at for each in self.refusals if each.following is not None)
        beyond = 0.0
        for each in self.refusals:
            if each.following is not None:
                step = each.until - each.at
                beyond += max(0.0, each.following - each.at - step * (1.0 if each.named else 1.2))
        return beyond / asked if asked else 0.0


class Application:
    """A running counting application."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def count(self, counter: str, **behaviour: Any) -> str:
        """Begin to count; the address of the counter."""
        async with self._session.put(f"{self.url}/-/{counter}", json=behaviour) as answer:
            answer.raise_for_status()
        return f"{self.url}/{counter}"

    async def requests(self, counter: str) -> int:
        """How many have come so far."""
        async with self._session.get(f"{self.url}/-/{counter}?brief") as answer:
            return int((await answer.json())["requests"])

    async def has_seen(self, counter: str, requests: int) -> None:
        """Wait until so many have come."""
        while await self.requests(counter) < requests:  # noqa: ASYNC110  another process counts
            await asyncio.sleep(0.02)

    async def seen(self, counter: str) -> Seen:
        """Everything so far."""
        async with self._session.get(f"{self.url}/-/{counter}") as answer:
            told = await answer.json()
        requests = [
            Request(start, end, flow, int(number), refused) for start, end, flow, number, refused in told["log"] if end
        ]
        return Seen(told["inFlight"], told["most"], requests, [Refusal(**each) for each in told["refusals"]])

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[Self]:
        """Run one until the block ends."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, str(SERVER), stdin=pipe, stdout=pipe)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
            async with aiohttp.ClientSession() as session:
                yield cls(url, session)
        finally:
            process.stdin.close()
            await process.wait()
