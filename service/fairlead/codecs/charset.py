"""Text to UTF-8 (exports-imports.md 2.3: charset of ``Content-Type``, else UTF-8)."""

from __future__ import annotations

from fairlead.domain.charset import charset_name
from fairlead.engine.ports import UnreadableBody


def to_utf8(body: bytes, charset: str | None) -> bytes:
    """``body`` in UTF-8. A text in UTF-8 comes back as it is, unchecked: its reader checks it. Raises ``UnreadableBody``, which names
    the byte."""
    if charset is None:
        return body
    name = charset_name(charset)
    if name is None:
        raise UnreadableBody(f"the charset {charset[:40]!r} of the body is not known")
    if name == "utf-8":
        return body
    try:
        return body.decode(name).encode()
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"the body is not valid {charset} at byte {error.start}") from None
    except UnicodeError:
        raise UnreadableBody(f"the body is not valid {charset}") from None
