"""A fake application for imports: customers that can be looked up, created and updated, a bulk endpoint, every body echoed."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web


class Bulk:
    """Its log and its customers by e-mail address."""

    def __init__(self) -> None:
        self.customers: dict[str, dict[str, Any]] = {"ada@x.test": {"id": "c1", "email": "ada@x.test"}}
        self.lines: list[str] = []
        self.orders: list[Any] = []
        self.batches: list[int] = []
        self._at_work: set[str] = set()
        self.overlapped = False

    def app(self) -> web.Application:
        """Ready to serve."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/customers", self.find)
        app.router.add_post("/customers", self.create)
        app.router.add_put("/customers/{id}", self.update)
        app.router.add_post("/bulk", self.bulk)
        app.router.add_post("/orders", self.order)
        app.router.add_post("/locked/{key}", self.locked)
        app.router.add_post("/echo", self.echo)
        return app

    async def find(self, request: web.Request) -> web.Response:
        self.lines.append(f"GET {request.query['email']}")
        found = self.customers.get(request.query["email"])
        return web.json_response([found] if found else [])

    async def create(self, request: web.Request) -> web.Response:
        customer = {**await request.json(), "id": f"c{len(self.customers) + 1}"}
        self.customers[customer["email"]] = customer
        self.lines.append(f"POST {customer['email']}")
        return web.json_response({"customer": customer}, status=201)

    async def update(self, request: web.Request) -> web.Response:
        self.lines.append(f"PUT {request.match_info['id']}")
        return web.json_response({"customer": {**await request.json(), "id": request.match_info["id"]}})

    async def bulk(self, request: web.Request) -> web.Response:
        records = await request.json()
        self.batches.append(len(records))
        items = [{"ok": r["n"] % 3 != 2, "key": f"k{r['n']}", "why": f"{r['n']} is odd"} for r in records]
        return web.json_response({"items": items})

    async def order(self, request: web.Request) -> web.Response:
        self.orders.append(await request.json())
        return web.json_response({"id": len(self.orders)})

    async def locked(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.overlapped |= key in self._at_work
        self._at_work.add(key)
        await asyncio.sleep(0)
        self._at_work.discard(key)
        self.lines.append(f"{key}{(await request.json())['n']}")
        return web.json_response({})

    async def echo(self, request: web.Request) -> web.Response:
        kind = request.content_type
        if kind == "multipart/form-data":
            return web.json_response(
                {"kind": kind, "got": {name: str(v) for name, v in (await request.post()).items()}}
            )
        text = await request.text()
        if kind == "application/json":
            return web.json_response({"kind": kind, "got": json.loads(text)})
        got: Any = dict(parse_qsl(text)) if "urlencoded" in kind else text
        return web.json_response({"kind": kind, "got": got})
