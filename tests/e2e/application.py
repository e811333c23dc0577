"""A fake application with one path per behaviour; it counts what it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

ORDERS = [{"id": n} for n in range(1, 8)]
EXACT = (
    b'{"orders":[{"big":9007199254740993,"price":140891.90,"z":1,"a":"\\u00e9"},{"e":1e2,"huge":1E400}],"next":null}'
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Application:
    """The application's log and store."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.stored: list[Any] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.hold = asyncio.Event()
        self.asked = asyncio.Event()
        self.dropped = asyncio.Event()
        self.redirect = ""
        self.barrier = asyncio.Barrier(3)
        self._throttled = 0

    def app(self) -> web.Application:
        """Ready to serve."""
        app = web.Application(middlewares=[self._count], client_max_size=64 << 20)
        for path, handler in {
            "/ok": self.ok,
            "/basic": self.basic,
            "/bearer": self.bearer,
            "/key": self.key,
            "/query": self.query,
            "/body": self.body_token,
            "/custom": self.custom,
            "/auth-in-body": self.auth_in_body,
            "/pages": self.pages,
            "/by-header": self.by_header,
            "/skip": self.skip,
            "/token": self.token,
            "/url": self.url,
            "/link": self.link,
            "/search": self.search,
            "/after": self.after,
            "/loop": self.loop,
            "/alternate": self.alternate,
            "/exact": self.exact,
            "/away": self.away,
            "/many": self.many,
            "/records": self.records,
            "/sometimes": self.sometimes,
            "/throttle": self.throttle,
            "/hang": self.hang,
            "/reset": self.reset,
            "/rubbish": self.rubbish,
            "/status/{code}": self.status,
            "/echo": self.echo,
            "/redirect": self.redirected,
            "/together": self.together,
        }.items():
            app.router.add_route("*", path, handler)
        return app

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await handler(request)
        except asyncio.CancelledError:
            self.dropped.set()
            raise
        finally:
            self.in_flight -= 1

    async def ok(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "ok": True})

    async def basic(self, request: web.Request) -> web.Response:
        # user svc_orders, password S3cr3t:pässword: the vector of connections.md 3.1
        return self._if(request.headers.get("Authorization") == "Basic c3ZjX29yZGVyczpTM2NyM3Q6cMOkc3N3b3Jk")

    async def bearer(self, request: web.Request) -> web.Response:
        return self._if(request.headers.get("Authorization") == "Bearer t0k3n-value")

    async def key(self, request: web.Request) -> web.Response:
        return self._if(request.headers.get("X-Api-Key") == "t0k3n-value" and "Authorization" not in request.headers)

    async def query(self, request: web.Request) -> web.Response:
        return self._if(request.query.getall("token", []) == ["t0k3n-value"])

    async def body_token(self, request: web.Request) -> web.Response:
        return self._if(json.loads(self.bodies[-1]).get("auth") == "t0k3n-value")

    async def custom(self, request: web.Request) -> web.Response:
        right = request.headers.get("X-Custom") == "s3cr3t-key" and request.query.get("account") == "5765432"
        return self._if(right)

    async def auth_in_body(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == "Bearer t0k3n-value":
            return web.json_response({"status": "success"})
        return web.json_response({"status": "failed", "reason": "Authentication"})

    def _if(self, right: bool) -> web.Response:
        if right:
            return web.json_response({"status": "success"})
        return web.json_response({"error": {"text": "wrong credentials"}}, status=401)

    async def pages(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        size = int(request.query.get("size", "3"))
        part = ORDERS[(page - 1) * size : page * size]
        if not part:
            return web.json_response({"error": "no such page"}, status=404)
        return web.json_response({"orders": part, "pages": -(-len(ORDERS) // size), "total": len(ORDERS)})

    async def by_header(self, request: web.Request) -> web.Response:
        page = int(request.headers["X-Page"])
        return web.json_response({"orders": ORDERS[(page - 1) * 3 : page * 3]})

    async def skip(self, request: web.Request) -> web.Response:
        offset, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "3"))
        return web.json_response({"orders": ORDERS[offset : offset + limit], "total": len(ORDERS)})

    async def token(self, request: web.Request) -> web.Response:
        cursor = request.query.get("cursor", "")
        start = {"": 0, "a+b": 3, "c": 6}[cursor]
        following = {"": "a+b", "a+b": "c", "c": None}[cursor]
        headers = {"X-Next-Token": following} if following else {}
        body = {"orders": ORDERS[start : start + 3], "meta": {"next": following}}
        return web.json_response(body, headers=headers)

    async def url(self, request: web.Request) -> web.Response:
        start = int(request.query.get("after", "0"))
        links = {"next": f"/url?after={start + 3}"} if start + 3 < len(ORDERS) else {}
        return web.json_response({"orders": ORDERS[start : start + 3], "links": links})

    async def link(self, request: web.Request) -> web.Response:
        start = int(request.query.get("after", "0"))
        more = start + 3 < len(ORDERS)
        headers = {"Link": f'</link?after={start + 3}>; rel="next", </link>; rel="first"'} if more else {}
        return web.json_response(ORDERS[start : start + 3], headers=headers)

    async def search(self, request: web.Request) -> web.Response:
        start = json.loads(self.bodies[-1]).get("after", 0)
        end = start + 3
        body = {"orders": ORDERS[start:end], "next": end, "more": end < len(ORDERS)}
        return web.json_response(body)

    async def after(self, request: web.Request) -> web.Response:
        start = int(request.query.get("after", "0"))
        return web.json_response({"orders": ORDERS[start : start + 3]})

    async def loop(self, request: web.Request) -> web.Response:
        return web.json_response({"orders": [{"id": 1}], "next": "same"})

    async def alternate(self, request: web.Request) -> web.Response:
        cursor = request.query.get("cursor", "")
        return web.json_response({"orders": [{"id": 1}], "next": "b" if cursor == "a" else "a"})

    async def exact(self, request: web.Request) -> web.Response:
        return web.Response(body=EXACT, content_type="application/json")

    async def away(self, request: web.Request) -> web.Response:
        return web.json_response({"orders": [{"id": 1}], "links": {"next": "http://elsewhere.test/x"}})

    async def many(self, request: web.Request) -> web.Response:
        count = int(request.query.get("count", "1000"))
        return web.json_response([{"id": n} for n in range(count)])

    async def records(self, request: web.Request) -> web.Response:
        body = json.loads(self.bodies[-1])
        self.stored.append(body)
        return web.json_response({"_id": f"r{len(self.stored)}", "stored": body}, status=201)

    async def sometimes(self, request: web.Request) -> web.Response:
        body = json.loads(self.bodies[-1])
        if body.get("sku") == "bad":
            return web.json_response({"error": {"text": "sku is unknown"}}, status=400)
        self.stored.append(body)
        return web.json_response({"id": 981, "state": "new"})

    async def throttle(self, request: web.Request) -> web.Response:
        self._throttled += 1
        if self._throttled == 1:
            return web.json_response({"status": "Throttled"}, status=400, headers={"try-after": "1000"})
        return web.json_response({"status": "ok"})

    async def hang(self, request: web.Request) -> web.Response:
        self.asked.set()
        await self.hold.wait()
        return web.json_response({})

    async def reset(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        transport.abort()
        raise ConnectionResetError

    async def rubbish(self, request: web.Request) -> web.Response:
        return web.Response(body=b'{"orders":[{"id":1},', content_type="application/json")

    async def status(self, request: web.Request) -> web.Response:
        return web.json_response({"error": {"text": "as you wished"}}, status=int(request.match_info["code"]))

    async def redirected(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": self.redirect})

    async def together(self, request: web.Request) -> web.Response:
        """Answers when three requests are in flight, so that a level of three is reached for certain."""
        await self.barrier.wait()
        return web.json_response({})

    async def echo(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "method": request.method,
                "path": request.path_qs,
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "body": self.bodies[-1].decode(),
            }
        )
