"""An answer as a value, and its way onto the wire: request id, length, gzip (contract.md 1.1, 1.3)."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

JSON: Final = ("Content-Type", "application/json; charset=utf-8")

SMALLEST_GZIP: Final = 1024
"""Bodies above this many bytes are compressed for clients that ask for it."""

_THREAD_BYTES: Final = 64 * 1024
"""From here on compressing takes longer than a millisecond and moves to a thread."""
_LEVEL: Final = 5


@dataclass(slots=True)
class Answer:
    """Status, body (``None``: none, and no ``Content-Type``) and header fields."""

    status: int
    body: bytes | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)


async def send(request: web.BaseRequest, answer: Answer, request_id: str) -> web.Response:
    """The response to hand to aiohttp, compressed when the client takes gzip and the body is worth it."""
    headers = CIMultiDict(answer.headers)
    headers["X-Request-Id"] = request_id
    headers["Server"] = "fairlead"
    body = answer.body
    if body is not None and len(body) > SMALLEST_GZIP:
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = await _compressed(body)
    return web.Response(status=answer.status, body=body, headers=headers)


async def _compressed(body: bytes) -> bytes:
    if len(body) < _THREAD_BYTES:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)


@lru_cache(maxsize=64)
def _takes_gzip(accepted: str) -> bool:
    """Whether ``Accept-Encoding`` names gzip with a weight above 0 (RFC 9110 12.5.3)."""
    for item in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        if coding in ("gzip", "x-gzip"):
            return not any(_is_zero(parameter) for parameter in parameters)
    return False


def _is_zero(parameter: str) -> bool:
    name, _, weight = parameter.partition("=")
    try:
        return name.strip() == "q" and float(weight) == 0
    except ValueError:
        return False
