"""The application: three resources behind every way of signing in, each request judged before it is served."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from urllib.parse import parse_qs

from aiohttp import web

from tests.e2e.sign_in.way import Asked, Refused, Vault, Way

ORDERS = [{"id": n} for n in range(1, 8)]
PAGE = 3
Scripted = Callable[[Asked], Awaitable[web.Response]]


class SignInApplication:
    """Below ``/<way>/``: ``ping``, ``orders`` (pages), ``records`` (takes one), and the way's own endpoints."""

    def __init__(self, ways: list[type[Way]]) -> None:
        self.vault = Vault()
        self.ways = {way.name: way(self.vault) for way in ways}
        self.url = ""
        self.admitted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.served: list[str] = []
        """Paths of the requests that were served, in order; nothing is served unauthenticated."""
        self.reasons: list[str] = []
        """Why requests were refused."""
        self.last: Asked | None = None
        """The request that was admitted last."""
        self.stored: list[object] = []
        self.echo = False
        """Whether refusals of reads quote everything that was sent."""
        self.scripted: dict[str, Scripted] = {}
        """Endpoints (``<way>/<name>``) that answer something else."""

    def base(self, way: str) -> str:
        """The base URI of a way."""
        return f"{self.url}/{way}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Every request comes here."""
        asked = Asked(
            request.method, request.raw_path, request.headers, await request.read(), tuple(request.headers.items())
        )
        way = self.ways.get(request.match_info["way"])
        name = request.match_info["name"]
        if way is None:
            return web.json_response({"error": {"text": "no such way"}}, status=404)
        scripted = self.scripted.get(f"{way.name}/{name}")
        if scripted is not None:
            return await scripted(asked)
        if name not in ("ping", "orders", "records"):
            return way.endpoint(name, asked)
        try:
            way.admit(asked)
        except Refused as refused:
            self.refused[way.name] += 1
            self.reasons.append(f"{way.name}: {refused.why}")
            why = refused.why
            if self.echo and name != "records":
                fields = "; ".join(f"{name}: {value}" for name, value in asked.every)
                why += f" {asked.target} {asked.body.decode(errors='replace')} {fields}"
            answer = way.told(refused, why)
            answer.headers["Date"] = formatdate(self.vault.now(), usegmt=True)
            return answer
        self.admitted[way.name] += 1
        self.last = asked
        self.served.append(asked.path)
        return self._served(name, asked)

    def _served(self, name: str, asked: Asked) -> web.Response:
        if name == "ping":
            return web.json_response({"status": "success"})
        if name == "orders":
            start = int(parse_qs(asked.target.partition("?")[2])["offset"][0])
            return web.json_response({"orders": ORDERS[start : start + PAGE], "total": len(ORDERS)})
        form = dict(asked.form())
        self.stored.append(form or json.loads(asked.body))
        return web.json_response({"id": f"r{len(self.stored)}"}, status=201)


@asynccontextmanager
async def serving(ways: list[type[Way]]) -> AsyncIterator[SignInApplication]:
    """The application on a free port."""
    application = SignInApplication(ways)
    app = web.Application(client_max_size=8 << 20)
    app.router.add_route("*", "/{way}/{name}", application.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield application
    finally:
        # A client that still waits for an answer gets none.
        await asyncio.wait_for(runner.cleanup(), 10)
