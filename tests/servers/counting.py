"""An application that counts, in a process of its own: ``python tests/servers/counting.py`` prints its address and serves until its stdin ends.

Every request to ``/COUNTER/FLOW/NUMBER`` is written down; ``PUT /-/COUNTER`` says how a counter behaves, ``GET /-/COUNTER`` tells what it saw.
It works on each request to the end, also when its client has gone. Times are seconds of the machine's monotonic clock, so that whoever
starts it can compare them with its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from aiohttp import web

LONGEST_STEP: Final = 60.0


@dataclass
class Refusals:
    """When a counter refuses, and what it says. After every ``every`` requests that it took it takes none for ``seconds``."""

    every: int
    seconds: float
    status: int = 429
    says: str = ""
    """How the header is written: ``seconds``, ``milliseconds``, ``date``, or the word itself; empty: there is none."""
    header: str = "Retry-After"
    body: Any = None


@dataclass
class Refusal:
    """One of them: ``until`` when nobody may ask again, by what was said or, without a word, by the back-off of connections.md 7.2."""

    at: float
    until: float
    named: bool
    following: float | None = None
    """When the next request came."""
    early: list[float] = field(default_factory=list)
    """Requests that came before ``until``: seconds after the refusal."""


class Counter:
    """What one connection, or several that share a limit, did."""

    def __init__(self, ms: float = 0.0, refusals: dict[str, Any] | None = None) -> None:
        self.ms = ms
        self.rule = Refusals(**refusals) if refusals else None
        self.in_flight = 0
        self.most = 0
        self.log: list[list[Any]] = []
        """Arrival, end (nothing while it is at work), flow, number, whether it was refused."""
        self.refusals: list[Refusal] = []
        self._taken = 0
        self._shut_until = -math.inf
        self._row = 0

    def arrives(self, flow: str, number: str) -> list[Any]:
        """One more request is here."""
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        entry = [time.monotonic(), None, flow, number, False]
        self.log.append(entry)
        return entry

    def ends(self, entry: list[Any]) -> None:
        """Its answer goes out."""
        entry[1] = time.monotonic()
        self.in_flight -= 1

    def refuses(self, entry: list[Any]) -> web.Response | None:
        """The answer to a request that comes too early or once too often."""
        rule, now = self.rule, entry[0]
        if rule is None:
            return None
        last = self.refusals[-1] if self.refusals else None
        if last is not None and now < last.until:
            last.early.append(now - last.at)
            entry[4] = True
            return self._answer(rule, last.until - now)
        if last is not None and last.following is None:
            last.following = now
        if now >= self._shut_until and self._taken < rule.every:
            self._taken += 1
            self._row = 0
            return None
        entry[4] = True
        if now >= self._shut_until:
            self._taken = 0
            self._shut_until = now + rule.seconds
        wait = self._shut_until - now
        named = rule.says in ("seconds", "milliseconds", "date")
        if rule.says == "date":
            wait += -(time.time() + wait) % 1  # to the next whole second: a date knows no others
            self._shut_until = now + wait
        elif rule.says == "seconds":
            wait = float(math.ceil(wait))
        self._row += 1
        until = now + (wait if named else min(2.0 ** (self._row - 1), LONGEST_STEP))
        self.refusals.append(Refusal(now, until, named))
        return self._answer(rule, wait)

    @staticmethod
    def _answer(rule: Refusals, wait: float) -> web.Response:
        writers: dict[str, Callable[[], str]] = {
            "seconds": lambda: str(math.ceil(wait)),
            "milliseconds": lambda: str(max(1000, math.ceil(wait * 1000))),  # less would be read as seconds
            "date": lambda: format_datetime(datetime.fromtimestamp(round(time.time() + wait), UTC), usegmt=True),
        }
        headers = {rule.header: writers.get(rule.says, lambda: rule.says)()} if rule.says else {}
        return web.json_response(
            {"error": "too many"} if rule.body is None else rule.body, status=rule.status, headers=headers
        )


class Counting:
    """All counters."""

    def __init__(self) -> None:
        self.counters: dict[str, Counter] = {}

    def app(self) -> web.Application:
        """Ready to serve."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_put("/-/{counter}", self.begin)
        app.router.add_get("/-/{counter}", self.tell)
        app.router.add_route("*", "/{counter}/{flow}/{number}", self.serve)
        return app

    async def begin(self, request: web.Request) -> web.Response:
        """A counter begins anew; the body is ``ms``, for how long it works on a request, and ``refusals``."""
        self.counters[request.match_info["counter"]] = Counter(**await request.json())
        return web.json_response({})

    async def tell(self, request: web.Request) -> web.Response:
        """Everything it saw, or with ``?brief`` how much that is."""
        counter = self.counters[request.match_info["counter"]]
        told: dict[str, Any] = {"inFlight": counter.in_flight, "most": counter.most, "requests": len(counter.log)}
        if "brief" not in request.query:
            told |= {"log": counter.log, "refusals": [asdict(refusal) for refusal in counter.refusals]}
        return web.json_response(told)

    async def serve(self, request: web.Request) -> web.Response:
        """One request of those that are counted."""
        counter = self.counters[request.match_info["counter"]]
        number = request.match_info["number"]
        entry = counter.arrives(request.match_info["flow"], number)
        try:
            refused = counter.refuses(entry)
            await request.read()
            if refused is not None:
                return refused
            await asyncio.sleep(counter.ms / 1000)
            return web.Response(body=json.dumps({"id": number}).encode(), content_type="application/json")
        finally:
            counter.ends(entry)


async def main() -> None:
    """Serve until nobody holds the other end of stdin."""
    runner = web.AppRunner(Counting().app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
