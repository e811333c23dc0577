"""A gateway on a free port before a service that is played by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
from google.protobuf.message import Message

from fairlead.gateway.dispatcher import CallFailed, Reply
from fairlead.gateway.server import Gateway
from fairlead.gateway.settings import GatewaySettings
from fairlead.v1 import common_pb2, edge_service_pb2

ADMIT = "/fairlead.v1.EdgeService/Admit"
SERVICE = "/fairlead.v1.ConnectionService/"
TOKEN = {"Authorization": "Bearer good"}

Responder = Callable[[Any], Message | Reply]


def failure(status: int, code: str, message: str, *, retry_after: int = 0) -> CallFailed:
    """What the service raises."""
    listed = common_pb2.ErrorList(http_status=status, retry_after=retry_after)
    listed.errors.add(code=code, message=message)
    return CallFailed(listed, grpc.StatusCode.UNKNOWN)


@dataclass
class Called:
    """One call that reached the service."""

    method: str
    request: Any
    metadata: dict[str, str]


@dataclass
class PlayedService:
    """A dispatcher that knows one good token and answers by rpc name; remembers every call."""

    answers: dict[str, Responder] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event | None = None

    async def call(
        self, method: str, request: Message, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Reply:
        """Answer like the service: 401 first."""
        called = Called(method, request, dict(metadata))
        self.calls.append(called)
        self.arrived.set()
        if called.metadata.get("authorization") != "Bearer good":
            raise failure(401, "unauthenticated", "Unauthorized")
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if method == ADMIT and ADMIT not in self.answers:
            return Reply(edge_service_pb2.AdmitResponse())
        answer = self.answers[method.removeprefix(SERVICE)](request)
        return answer if isinstance(answer, Reply) else Reply(answer)

    def methods(self) -> list[str]:
        """Names of the calls, without the package."""
        return [called.method.removeprefix(SERVICE) for called in self.calls]


@dataclass
class Edge:
    """A running gateway with its played service and a client."""

    gateway: Gateway
    service: PlayedService
    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> Asked:
        """One request with the good token; ``token=None`` without any."""
        headers = dict(options.pop("headers", {}))
        token = options.pop("token", "Bearer good")
        if token is not None:
            headers.setdefault("Authorization", token)
        if options.get("data") is not None and "skip_auto_headers" not in options:
            headers.setdefault("Content-Type", "application/json")
        url = f"http://{self.gateway.address}{path}"
        async with self.client.request(method, url, headers=headers, allow_redirects=False, **options) as answer:
            return Asked(answer.status, answer.headers, await answer.read())


@dataclass
class Asked:
    """An answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def errors(self) -> list[dict[str, str]]:
        """The entries of the envelope."""
        listed: list[dict[str, str]] = json.loads(self.body)["errors"]
        return listed

    @property
    def codes(self) -> list[str]:
        """Code words of the envelope."""
        return [error["code"] for error in self.errors]


@asynccontextmanager
async def running(
    service: PlayedService | None = None, *, decompress: bool = True, **settings: Any
) -> AsyncIterator[Edge]:
    """A gateway for the length of a test; ``settings`` are those of ``GatewaySettings`` and of ``Gateway``."""
    service = service or PlayedService()
    options = {name: settings.pop(name) for name in ("registry", "ready", "logs_requests", "load") if name in settings}
    gateway = Gateway(GatewaySettings(address="127.0.0.1:0", **settings), service, **options)
    await gateway.start()
    try:
        async with aiohttp.ClientSession(auto_decompress=decompress) as client:
            yield Edge(gateway, service, client)
    finally:
        await gateway.stop(1)
