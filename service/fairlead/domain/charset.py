"""Which charset names of a ``Content-Type`` mean a charset, and text of bytes for people (exports-imports.md 2.3)."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's own notations; they are no charsets, and some take quadratic time."""


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


def readable(body: bytes, charset: str | None) -> str:
    """The bytes as text, whatever they are: what does not decode is replaced, an unknown charset is read as UTF-8."""
    return body.decode((charset and charset_name(charset)) or "utf-8", "replace")
