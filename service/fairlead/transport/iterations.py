"""What it costs to try a passphrase is written by whoever made the file; bounded here before it is tried (RFC 8018, RFC 7292, RFC 7914)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final

_MOST_ITERATIONS: Final = 2_000_000
"""Of a hash: below a second. Tools write 1 to 600,000."""
_MOST_SCRYPT: Final = 1 << 22
"""N * r * p: half a second. Tools write 2 ** 17."""
_DEEPEST: Final = 16

_INTEGER: Final = 0x02
_OCTET_STRING: Final = 0x04
_CONSTRUCTED: Final = 0x20


def costs_too_much(content: bytes) -> bool:
    """Whether a key in PEM or a PKCS#12 file asks for more work than is done for it, as far as that is written outside of what is
    encrypted. Content that is not DER costs nothing: whoever reads it next refuses it."""
    if content.startswith(b"-----"):
        body = b"".join(line for line in content.split(b"\n") if not line.startswith(b"-----"))
        try:
            content = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            return False  # with headers (RFC 1421): one iteration
    return any(_is_too_much(numbers) for numbers in _numbers_after_salts(content, 0))


def _is_too_much(numbers: list[int]) -> bool:
    """A salt is followed by iterations, and perhaps a key length; with scrypt by N, r, p, and perhaps a key length."""
    if len(numbers) >= 3:
        return numbers[0] * numbers[1] * numbers[2] > _MOST_SCRYPT
    return bool(numbers) and numbers[0] > _MOST_ITERATIONS


def _numbers_after_salts(content: bytes, depth: int) -> Iterator[list[int]]:
    """The integers that stand right behind each OCTET STRING, here and in what octet strings hold."""
    numbers: list[int] | None = None
    for tag, value in _elements(content):
        if tag == _INTEGER and numbers is not None:
            numbers.append(int.from_bytes(value[:16], "big"))
            continue
        if numbers:
            yield numbers
        numbers = [] if tag == _OCTET_STRING else None
        if tag == _OCTET_STRING and value[:1] == b"\x30" and depth < _DEEPEST:
            yield from _numbers_after_salts(value, depth + 1)
    if numbers:
        yield numbers


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of all elements in the order of the file; constructed ones come without value, before what they hold. Ends where the
    content is not BER."""
    place = 0
    while place + 2 <= len(content):
        tag, length = content[place], content[place + 1]
        place += 2
        if length > 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[place : place + size], "big")
            place += size
        if tag & _CONSTRUCTED:
            yield tag, b""
        else:
            yield tag, content[place : place + length]
            place += length
