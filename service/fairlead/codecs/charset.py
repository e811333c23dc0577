"""Text to UTF-8 (exports-imports.md 2.3: charset of ``Content-Type``, else UTF-8)."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

from fairlead.engine.ports import UnreadableBody

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's own notations; they are no charsets, and some take quadratic time."""


def to_utf8(body: bytes, charset: str | None) -> bytes:
    """``body`` in UTF-8. A text in UTF-8 comes back as it is, unchecked: its reader checks it. Raises ``UnreadableBody``, which names
    the byte."""
    if charset is None:
        return body
    name = _python_name(charset)
    if name == "utf-8":
        return body
    try:
        return body.decode(name).encode()
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"the body is not valid {charset} at byte {error.start}") from None
    except UnicodeError:
        raise UnreadableBody(f"the body is not valid {charset}") from None


@lru_cache(maxsize=64)
def _python_name(charset: str) -> str:
    try:
        if not _NAME.fullmatch(charset):
            raise LookupError(charset)
        name = codecs.lookup(charset).name
        "".encode(name)  # refuses what is no charset (zlib, hex)
    except (LookupError, UnicodeError):
        raise UnreadableBody(f"the charset {charset[:40]!r} of the body is not known") from None
    if name in _NO_CHARSETS:
        raise UnreadableBody(f"the charset {charset!r} of the body is not known")
    return name
