"""Who may come in: request id, bearer token, our own rate limit (contract.md 1.1, 1.2, 1.14). Needs no request, so it runs
before the body is deserialised."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from fairlead.api.call import Call
from fairlead.domain.errors import Problem, RateLimited, Unauthenticated
from fairlead.engine.ports import RateLimiter
from fairlead.engine.tokens import Tokens, bearer

REQUEST_ID: Final = "x-request-id"
AUTHORIZATION: Final = "authorization"
ADMIT: Final = "fairlead-admit"
"""Metadata ``check`` of the rpc ``Admit``, and of no other: authenticate, refuse when the bucket is empty, count nothing (a gateway asks
before it reads a large body)."""
ADMIT_METHOD: Final = "/fairlead.v1.EdgeService/Admit"


class Admission:
    """Admits a call or raises ``Unauthenticated`` or ``RateLimited``."""

    def __init__(self, tokens: Tokens, limiter: RateLimiter, open_methods: frozenset[str]) -> None:
        self._tokens = tokens
        self._limiter = limiter
        self._open = open_methods

    async def admit(self, call: Call) -> None:
        """Fill in request id and identity; take one token of the account's bucket. Whoever needs no token draws from the bucket of their
        remote address, as whoever has none that is valid."""
        call.request_id = request_id(call.metadata)
        if call.method in self._open:
            _check(self._limiter.take(call.remote, anonymous=True))
            return
        try:
            call.identity = await self._tokens.authenticate(bearer(call.metadata.get(AUTHORIZATION)))
        except Unauthenticated:
            _check(self._limiter.take(call.remote, anonymous=True))
            raise
        only_checked = call.method == ADMIT_METHOD and call.metadata.get(ADMIT) == "check"
        account = call.identity.account
        if self._limiter.take(account):
            _check(await self._limiter.take_elsewhere(account))
        if only_checked:
            self._limiter.put_back(account)


def _check(seconds: int) -> None:
    """Raise ``RateLimited`` when there is time to wait."""
    if seconds:
        message = f"Too many requests. Retry after {seconds} seconds."
        raise RateLimited(Problem("rate_limited", message), retry_after=seconds)


def request_id(metadata: Mapping[str, str]) -> str:
    """The client's own id when it is printable and short enough, else a new one."""
    given = metadata.get(REQUEST_ID, "")
    if 0 < len(given) <= 128 and given.isascii() and given.isprintable():
        return given
    return secrets.token_hex(16)
