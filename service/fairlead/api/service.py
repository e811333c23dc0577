"""The whole chain as one object: both edges, gRPC and the gateway of this process, call the same methods of it (D10)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf.message import DecodeError, Message

from fairlead.api.admission import Admission
from fairlead.api.call import Call, Middleware, chain
from fairlead.api.methods import Method, methods_of
from fairlead.api.metrics import Metrics
from fairlead.api.middlewares import field_rules, observed
from fairlead.contract.services import services
from fairlead.domain.errors import ApplicationFailure, InvalidRequest, NotFound, Problem
from fairlead.engine.ports import RateLimiter
from fairlead.engine.tokens import Tokens

_MARGIN: Final = 0.05
"""Seconds after which a call that outlived its caller's deadline is ended from here, should a part not watch it."""


class Service:
    """Admits, checks and runs calls."""

    def __init__(
        self,
        servicers: Mapping[str, object],
        tokens: Tokens,
        limiter: RateLimiter,
        metrics: Metrics,
        middlewares: Sequence[Middleware] = (),
    ) -> None:
        """``servicers`` by the name of their service; one that is missing stops the start with ``KeyError``."""
        self.service_names: tuple[str, ...] = tuple(service.full_name for service in services())
        self.methods: dict[str, Method] = {
            method.name: method for service in services() for method in methods_of(service, servicers[service.name])
        }
        self._admission = Admission(tokens, limiter, frozenset(m.name for m in self.methods.values() if m.open))
        around = [*middlewares, field_rules(self.methods)]
        self._chains = {name: chain(around, method.handler) for name, method in self.methods.items()}
        self._metrics = metrics

    async def handle(self, call: Call, request: bytes | Message) -> Message:
        """Admit the call, read its request (bytes are deserialised only after that), run it. Raises domain errors only."""
        async with observed(call, self._metrics):
            await self._admission.admit(call)
            method = self._method(call.method)
            message = self._parse(method, request) if isinstance(request, bytes) else request
            following = self._chains[call.method]
            if call.timeout is None:
                return await following(call, message)
            try:
                async with asyncio.timeout(call.timeout + _MARGIN):
                    return await following(call, message)
            except TimeoutError:
                raise out_of_time() from None

    @staticmethod
    def _parse(method: Method, body: bytes) -> Message:
        try:
            return method.request.FromString(body)
        except DecodeError:
            raise InvalidRequest(Problem("invalid_json", f"the body is not a message of {method.name}")) from None

    def _method(self, name: str) -> Method:
        method = self.methods.get(name)
        if method is None:
            raise NotFound(Problem("not_found", f"no such method: {name}"))
        return method


def out_of_time() -> ApplicationFailure:
    """The caller's own deadline ended the call."""
    problem = Problem("connection_timeout", "the deadline of the call is over", source="connection")
    return ApplicationFailure(problem, deadline=True)
