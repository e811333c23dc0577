"""One REST request from its first line to its answer, the same for every endpoint (D20)."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import grpc
from aiohttp import web

from fairlead.contract.reader import Unknown
from fairlead.contract.routes import Match, NoMatch, Route, RouteTable
from fairlead.gateway.admission import Admission
from fairlead.gateway.answer import Answer, send
from fairlead.gateway.binding import Binder
from fairlead.gateway.body import BodyReader
from fairlead.gateway.browser import page_error, page_unread
from fairlead.gateway.dispatcher import CallFailed, Dispatcher
from fairlead.gateway.errors import Refused, error_answer, internal_error
from fairlead.gateway.load import Load
from fairlead.gateway.observation import CLIENT_GONE, NO_ROUTE, Observation
from fairlead.gateway.pages import Pages
from fairlead.gateway.peer import origin, remote_address
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.shedding import cut_off, unavailable
from fairlead.gateway.success import SuccessPrinter
from fairlead.v1 import common_pb2

_REQUEST_ID: Final = re.compile(r"[\x20-\x7e]{1,128}")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_AUTHORIZATION: Final = "Authorization"
_PASSED_ON: Final = (_AUTHORIZATION, "Traceparent", "Tracestate", "Idempotency-Key")
"""Request headers that the service sees as metadata whatever the route."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request while it is answered."""

    request: web.BaseRequest
    id: str
    path: str
    query: str
    route: str = NO_ROUTE
    is_open: bool = False
    """No bearer token is asked for."""
    is_page: bool = False
    """The answer is for a person in a browser, errors too."""
    refused: bool = False
    """The answer is an error of the gateway's own."""
    held: int = 0
    """Bytes of its body that are counted against what the process may hold."""

    def error(self, listed: common_pb2.ErrorList, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """The answer of an error list."""
        return page_error(listed, headers) if self.is_page else error_answer(listed, headers)


class Handler:
    """Answers every request of the edge."""

    def __init__(
        self,
        settings: GatewaySettings,
        routes: RouteTable,
        dispatcher: Dispatcher,
        pages: Pages,
        observation: Observation,
        load: Load,
    ) -> None:
        self._routes = routes
        self._dispatcher = dispatcher
        self._admission = Admission(dispatcher)
        self._pages = pages
        self._observation = observation
        self._load = load
        self._trusted = settings.trusted_proxies
        self._bodies = BodyReader(settings.max_body, settings.body_seconds, settings.body_pause_seconds)
        unknown = cast(Unknown, settings.unknown_fields)
        self._binders = {route: Binder(route, unknown) for route in routes}
        self._printers = {route: SuccessPrinter(route, settings.empty_lists) for route in routes}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response; every exception but cancellation becomes an answer."""
        started = time.perf_counter()
        exchange = _exchange(request)
        status = CLIENT_GONE
        try:
            answer = await self._bounded(exchange)
            response = await send(request, answer, exchange.id)
            if self._load.stopping:
                response.force_close()
            status = answer.status
            return response
        finally:
            seconds = time.perf_counter() - started
            self._observation.finished(
                exchange.id, request.method, exchange.route, status, seconds, refused=exchange.refused
            )

    async def _bounded(self, exchange: Exchange) -> Answer:
        """The answer, if the process can take the request on. Its health can always be asked for."""
        page = self._pages.find(exchange.path)
        if page is not None:
            exchange.route, exchange.is_open = page, True
            return await self._answer(exchange)
        seconds = await self._load.enter()
        if seconds:
            return exchange.error(unavailable(seconds, stopping=self._load.stopping))
        try:
            return await self._answer(exchange)
        except asyncio.CancelledError:
            if not self._load.was_ended():
                raise
            return exchange.error(cut_off())
        finally:
            self._load.release(exchange.held)
            self._load.leave()

    async def _answer(self, exchange: Exchange) -> Answer:
        try:
            try:
                return await self._served(exchange)
            except Refused as refused:
                if not exchange.is_open:
                    await self._admission.admit(self._metadata(exchange))
                exchange.refused = True
                return exchange.error(refused.error_list(), refused.headers)
        except CallFailed as failed:
            return exchange.error(failed.error_list)
        except Exception as error:
            self._observation.bug(exchange.id, exchange.route, error)
            return exchange.error(internal_error(exchange.id))

    async def _served(self, exchange: Exchange) -> Answer:
        method = exchange.request.method
        if exchange.route != NO_ROUTE:
            return await self._pages.answer(exchange.route, method)
        match = self._routes.match(method, exchange.path)
        if isinstance(match, NoMatch):
            return await self._unmatched(exchange, match)
        rules = match.route.rules
        exchange.route, exchange.is_open, exchange.is_page = match.route.path, rules.open, rules.page
        if rules.page and method == "HEAD":
            return page_unread()
        return await self._called(exchange, match)

    async def _unmatched(self, exchange: Exchange, match: NoMatch) -> Answer:
        allow = ("Allow", ", ".join(match.allowed))
        method = exchange.request.method
        if not match.allowed:
            raise Refused.because(404, "not_found", "there is no such path")
        if method != "OPTIONS":
            raise Refused.because(405, "method_not_allowed", f"use one of {', '.join(match.allowed)}", allow)
        await self._admission.admit(self._metadata(exchange))
        return Answer(204, None, [allow])

    async def _called(self, exchange: Exchange, match: Match) -> Answer:
        route, request = match.route, exchange.request
        metadata = self._metadata(exchange)
        body = await self._body(exchange, route, metadata) if route.reads_body else b""
        bound = self._binders[route].bind(match.variables, exchange.query, request.headers, body)
        del body  # the message holds its own copy
        reply = await self._dispatcher.call(route.rpc, bound.message, metadata=metadata, timeout=None)
        return self._printers[route].answer(
            reply, bound, lambda: origin(request, self._trusted) + exchange.path.removesuffix("/")
        )

    async def _body(self, exchange: Exchange, route: Route, metadata: list[tuple[str, str]]) -> bytes:
        async def check() -> None:
            if not route.rules.open:
                await self._admission.check(metadata)

        def hold(size: int) -> None:
            if size > 0 and not self._load.hold(size):
                raise CallFailed(unavailable(1, stopping=False), grpc.StatusCode.UNAVAILABLE)
            if size < 0:
                self._load.release(-size)
            exchange.held += size

        return await self._bodies.read(exchange.request, check, hold)

    def _metadata(self, exchange: Exchange) -> list[tuple[str, str]]:
        """What travels with every call. gRPC refuses other than printable ASCII: such a token is wrong anyway."""
        request = exchange.request
        metadata = [
            ("x-request-id", exchange.id),
            ("fairlead-remote", remote_address(request, self._trusted)),
            ("fairlead-route", exchange.route),
        ]
        headers = request.headers
        for name in _PASSED_ON:
            values = headers.getall(name, ())
            # Nobody knows which of two tokens is meant: the service sees none.
            if values and (name != _AUTHORIZATION or len(values) == 1):
                metadata.append((name.lower(), _UNPRINTABLE.sub("?", values[0])))
        return metadata


def _exchange(request: web.BaseRequest) -> Exchange:
    target = request.raw_path
    if not target.startswith("/"):
        # Absolute form (RFC 9112 3.2.2), which proxies send, or the asterisk of OPTIONS.
        target = request.rel_url.raw_path_qs
    path, _, query = target.partition("#")[0].partition("?")
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    return Exchange(request, request_id, path, query)
