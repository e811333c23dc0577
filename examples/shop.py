"""A small application to integrate with: bearer sign-in, 822 licences in pages, and a store for customers.

    GET  /api/ping               {"status":"ok"}
    GET  /api/licenses?page=N    100 a page, pages count from 1; {"licenses":[...],"pages":9,"total":822}
    PUT  /api/customers          stores a customer by its "key", answers the stored document
    GET  /api/customers          all customers

Every path asks for `Authorization: Bearer <token>` and answers 401 without it.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

RECORDS = 822
PAGE = 100


def licence(number: int) -> dict[str, Any]:
    """Licence ``number``; the same on every call."""
    ends = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number % 365)
    return {
        "id": number,
        "customer": f"Customer {number:04d}",
        "seats": number * 7 % 50 + 1,
        "price": round(number * 1.35 + 9.9, 2),
        "ends": ends.date().isoformat(),
    }


class Shop:
    """The application's state: what it holds and what it was asked."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.customers: dict[str, dict[str, Any]] = {}
        self.requests = 0

    def app(self) -> web.Application:
        """The application, ready to serve."""
        app = web.Application(middlewares=[self._sign_in])
        app.router.add_get("/api/ping", self._ping)
        app.router.add_get("/api/licenses", self._licenses)
        app.router.add_put("/api/customers", self._put_customer)
        app.router.add_get("/api/customers", self._customers)
        return app

    @web.middleware
    async def _sign_in(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return web.json_response({"error": "who are you?"}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _ping(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _licenses(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        numbers = range((page - 1) * PAGE + 1, min(page * PAGE, RECORDS) + 1)
        pages = -(-RECORDS // PAGE)
        return web.json_response({"licenses": [licence(n) for n in numbers], "pages": pages, "total": RECORDS})

    async def _put_customer(self, request: web.Request) -> web.Response:
        try:
            customer = await request.json()
            key = str(customer["key"])
        except (json.JSONDecodeError, KeyError, TypeError):
            return web.json_response({"error": "a customer needs a key"}, status=400)
        stored = self.customers.setdefault(key, {"id": f"c{len(self.customers) + 1:03d}"})
        stored.update(customer, updatedAt=datetime.now(UTC).isoformat(timespec="milliseconds"))
        return web.json_response(stored)

    async def _customers(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.customers.values()))


async def start(shop: Shop, port: int = 0) -> tuple[web.AppRunner, int]:
    """Serve on 127.0.0.1; the runner and the port."""
    runner = web.AppRunner(shop.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, runner.addresses[0][1]


async def _main() -> None:
    parser = argparse.ArgumentParser(description="A small application to integrate with.")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--token", default="s3cr3t-shop-token")
    options = parser.parse_args()
    runner, port = await start(Shop(options.token), options.port)
    print(f"shop on http://127.0.0.1:{port}/api, bearer token {options.token}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main())
