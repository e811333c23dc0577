"""The body of an answer: read within its limits, complete or an error (contract.md 1.15, connections.md 13.5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from aiohttp import ClientResponse

from fairlead.domain.http import TransportFailure
from fairlead.transport.inflate import Inflater

_TURN: Final = 1 << 20  # decompressed bytes after which other tasks get their turn


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes as received, and bytes after decompression."""

    raw: int = 50 << 20
    inflated: int = 200 << 20


async def read_body(answer: ClientResponse, limits: BodyLimits, between_bytes: float) -> bytes:
    """The whole body, decompressed. Raises ``TransportFailure`` beyond a limit, ``TimeoutError`` when no byte comes for
    ``between_bytes`` seconds, ``BrokenEncoding``, and aiohttp's errors for a body that ends before its announced end."""
    announced = answer.content_length
    if announced is not None and announced > limits.raw and answer.method != "HEAD":
        raise _too_large(answer, limits.raw, "")
    inflater: Inflater | None = None
    received = kept = since_turn = 0
    body = BytesIO()  # gives its bytes without another copy, which pieces that are joined would cost
    content = answer.content
    while not content.at_eof():
        async with asyncio.timeout(between_bytes):
            data = await content.readany()
        if not data:
            continue
        if not received:
            inflater = Inflater.of(answer.headers.get("Content-Encoding"))
        received += len(data)
        if received > limits.raw:
            raise _too_large(answer, limits.raw, "")
        if inflater is None:
            body.write(data)
            continue
        for piece in inflater.feed(data):
            kept += len(piece)
            if kept > limits.inflated:
                raise _too_large(answer, limits.inflated, " decompressed")
            body.write(piece)
            since_turn += len(piece)
            if since_turn >= _TURN:
                since_turn = 0
                await asyncio.sleep(0)
    if inflater is not None:
        inflater.finish()
    return body.getvalue()


def _too_large(answer: ClientResponse, limit: int, how: str) -> TransportFailure:
    return TransportFailure("response_too_large", f"the answer of {answer.url.raw_host} is over {limit} bytes{how}")
