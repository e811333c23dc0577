"""Reads a request body: media type, size, encoding and time within bounds (contract.md 1.3, 1.15)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from fairlead.contract.problems import INVALID_JSON
from fairlead.gateway.errors import Refused

UNASKED_BYTES: Final = 64 * 1024
"""A body above this is not read before the caller is known to be allowed in (D20)."""

_MEMBERS: Final = 100
"""Most gzip members in one body: each costs 300 KB of scratch memory to open."""

Check = Callable[[], Awaitable[None]]
Hold = Callable[[int], None]


class BodyReader:
    """Reads bodies of at most ``limit`` bytes, decompressed, that arrive within ``seconds`` without a ``pause`` in between."""

    def __init__(self, limit: int, seconds: float, pause: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._pause = pause

    async def read(self, request: web.BaseRequest, check: Check, hold: Hold) -> bytes:
        """The body, empty when there is none; ``check`` is awaited before more than 64 KiB are read, ``hold`` is told of bytes before they
        are kept, and of bytes (negative) that are not.

        Raises ``Refused``: 415 for another media type or encoding than ours, 413 over the limit, 400 for gzip that is broken
        and for a body that does not arrive.
        """
        if not request.can_read_body:
            return b""
        compressed = _is_compressed(request.headers.get("Content-Encoding", ""))
        length = request.content_length
        media_type = request.headers.get("Content-Type")
        if media_type is not None and not _is_json(media_type):
            # Without a length only the first bytes tell whether there is a body at all.
            if length is None and not await self._next(request):
                return b""
            raise Refused.because(
                415, "unsupported_media_type", "Content-Type must be application/json or end with +json"
            )
        if length is not None and length > self._limit:
            raise self._too_large()
        body = await self._all(request, length, check, hold)
        if not compressed:
            return body
        hold(self._limit)
        inflated = await asyncio.to_thread(self._inflated, body)
        hold(len(inflated) - self._limit - len(body))
        return inflated

    async def _all(self, request: web.BaseRequest, length: int | None, check: Check, hold: Hold) -> bytes:
        content = request.content
        asked = False
        if length is not None:
            if length > UNASKED_BYTES:
                await check()
                asked = True
            hold(length)
            if content.is_eof():
                return await content.read()
        await _expected(request)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                while part := await self._next(request):
                    size += len(part)
                    if size > self._limit:
                        raise self._too_large()
                    if length is None:
                        hold(len(part))
                    if size > UNASKED_BYTES and not asked:
                        await check()
                        asked = True
                    parts.append(part)
        except TimeoutError:
            raise Refused.because(
                400, INVALID_JSON, f"the request body did not arrive within {self._seconds:g} seconds"
            ) from None
        return b"".join(parts)

    async def _next(self, request: web.BaseRequest) -> bytes:
        try:
            async with asyncio.timeout(self._pause):
                return await request.content.readany()
        except web.RequestPayloadError:
            raise Refused.because(400, INVALID_JSON, "the request body is not framed as HTTP/1.1 wants it") from None

    def _inflated(self, body: bytes) -> bytes:
        parts: list[bytes] = []
        room = self._limit + 1
        for _ in range(_MEMBERS):
            member = zlib.decompressobj(wbits=31)
            try:
                parts.append(member.decompress(body, room))
            except zlib.error:
                break
            room -= len(parts[-1])
            if room <= 0:
                raise self._too_large()
            body = member.unused_data
            if member.eof and not body:
                return b"".join(parts)
            if not member.eof:
                break
        raise Refused.because(400, INVALID_JSON, "the body is not valid gzip, as Content-Encoding says")

    def _too_large(self) -> Refused:
        return Refused.because(413, "payload_too_large", f"the body is over the limit of {self._limit} bytes")


async def _expected(request: web.BaseRequest) -> None:
    """Invite a body that waits for ``100 Continue`` (RFC 9110 10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        writer = request.writer
        await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim answer is not part of the answer whose bytes aiohttp counts.
        writer.output_size = 0


def _is_json(media_type: str) -> bool:
    name = media_type.partition(";")[0].strip().lower()
    return name == "application/json" or (name.endswith("+json") and 0 < name.find("/") < len(name) - 6)


def _is_compressed(encoding: str) -> bool:
    word = encoding.strip().lower()
    if word in ("gzip", "x-gzip"):
        return True
    if word in ("", "identity"):
        return False
    raise Refused.because(415, "unsupported_media_type", "Content-Encoding must be gzip or identity")
