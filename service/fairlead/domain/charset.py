"""Which charset names of a ``Content-Type`` mean a charset, and text of bytes for people (exports-imports.md 2.3)."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

_PIECE: Final = 1024 * 1024
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's own notations; they are no charsets, and some take quadratic time."""


def encodable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which are legal in JSON and have no UTF-8 form: no protobuf string can hold them."""
    return text if text.isascii() else _LONE_SURROGATES.sub("\ufffd", text)


@lru_cache(maxsize=64)
def charset_name(charset: str) -> str | None:
    """The name under which Python decodes it, ``utf-8`` for any spelling of that; nothing when it is no charset."""
    try:
        if not _NAME.fullmatch(charset):
            return None
        name = codecs.lookup(charset).name
        "".encode(name)  # refuses what is no charset (zlib, hex)
    except (LookupError, UnicodeError):
        return None
    return None if name in _NO_CHARSETS else name


def undecodable_at(body: bytes, name: str) -> int | None:
    """The first byte that is no text in the charset of that (Python's) name. Looks piece by piece: as a text the body may take four times
    its bytes."""
    decoder = codecs.getincrementaldecoder(name)()
    for start in range(0, len(body), _PIECE):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(body[start : start + _PIECE], start + _PIECE >= len(body))
        except UnicodeDecodeError as error:
            return start - pending + error.start
        except UnicodeError:
            return start
    return None


def readable(body: bytes, charset: str | None) -> str:
    """The bytes as text, whatever they are: what does not decode is replaced, an unknown charset is read as UTF-8."""
    return body.decode((charset and charset_name(charset)) or "utf-8", "replace")
