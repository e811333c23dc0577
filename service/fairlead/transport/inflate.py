"""Bodies decompressed piece by piece, never further than a bound, and whole or not at all (D12, RFC 9110 8.4.1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

_PIECE: Final = 256 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"
_IDENTITY: Final = frozenset(("", "identity"))
_KNOWN: Final = frozenset(("gzip", "x-gzip", "deflate"))


class BrokenEncoding(Exception):
    """A compressed body is cut short, damaged or written in a way that was not asked for."""


class Inflater:
    """Decompresses one body."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: zlib._Decompress | None = None
        self._begun = b""
        self._complete = False

    @classmethod
    def of(cls, content_encoding: str | None) -> Inflater | None:
        """What reads this ``Content-Encoding``; nothing when the body is plain. Raises ``BrokenEncoding`` for other codings."""
        coding = (content_encoding or "").strip().lower()
        if coding in _IDENTITY:
            return None
        if coding not in _KNOWN:
            raise BrokenEncoding(f"Content-Encoding {coding[:40]!r} was not asked for")
        return cls(coding)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of at most 256 KiB. Raises ``BrokenEncoding``."""
        while data:
            stream = self._stream
            if stream is None:
                stream = self._open(data)
                if stream is None:
                    return
                data, self._begun = self._begun + data, b""
            try:
                piece = stream.decompress(data, _PIECE)
            except zlib.error:
                raise BrokenEncoding(f"the {self._coding} body is damaged") from None
            if piece:
                yield piece
            if stream.eof:
                data = stream.unused_data
                self._stream = None
                self._complete = True
            else:
                data = stream.unconsumed_tail

    def finish(self) -> None:
        """Say that the body ended. Raises ``BrokenEncoding`` when its end mark is missing; a body of no bytes is whole."""
        if self._stream is not None or self._begun:
            raise BrokenEncoding(f"the {self._coding} body ends before its end mark")

    def _open(self, data: bytes) -> zlib._Decompress | None:
        """A stream for the next member, once two bytes tell its kind."""
        if self._complete:
            data = data.lstrip(b"\0")  # padding after the last member
            if not data:
                return None
            if self._coding == "deflate":
                raise BrokenEncoding("bytes follow the end of the deflate body")
        head = (self._begun + data)[:2]
        if len(head) < 2:
            self._begun = head
            return None
        if self._coding != "deflate":
            if head != _GZIP_MAGIC:
                raise BrokenEncoding("the body is not gzip, as announced")
            self._stream = zlib.decompressobj(_GZIP)
        elif head[0] & 0x0F == 8 and int.from_bytes(head, "big") % 31 == 0:
            self._stream = zlib.decompressobj()
        else:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # what many servers send under this name
        return self._stream
