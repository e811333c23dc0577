"""Text to UTF-8 (exports-imports.md 2.3: charset of ``Content-Type``, else ``file.encoding``, else UTF-8)."""

from __future__ import annotations

from typing import Final

from fairlead.domain.charset import charset_name, undecodable_at
from fairlead.engine.ports import UnreadableBody

_FILE_ENCODINGS: Final = {
    "win1252": "windows-1252",
    "macroman": "mac-roman",
    "iso88591": "iso-8859-1",
    "shiftjis": "shift_jis",
}
"""Words of ``file.encoding`` that are no names of charsets (fields.md, Export: file)."""


def codec_name(charset: str | None, encoding: str | None = None) -> str:
    """Python's name of the charset of a body. Raises ``UnreadableBody`` for one that is not known."""
    given = charset or _FILE_ENCODINGS.get(encoding or "", encoding) or "utf-8"
    name = charset_name(given)
    if name is None:
        raise UnreadableBody(f"the charset {given[:40]!r} of the body is not known")
    return name


def to_utf8(body: bytes, charset: str | None, encoding: str | None = None) -> bytes:
    """``body`` in UTF-8. A text in UTF-8 comes back as it is, unchecked: its reader checks it. Raises ``UnreadableBody``, which names
    the byte."""
    if charset is None and encoding is None:
        return body
    name = codec_name(charset, encoding)
    return body if name == "utf-8" else _decoded(body, name).encode("utf-8", "surrogatepass")


def to_text(body: bytes, charset: str | None, encoding: str | None = None) -> str:
    """``body`` as text without a byte order mark. Raises ``UnreadableBody``, which names the byte."""
    return _decoded(body, codec_name(charset, encoding)).removeprefix("\ufeff")


def undecodable(body: bytes, name: str) -> UnreadableBody:
    """What is wrong with a body that does not decode."""
    at = undecodable_at(body, name)
    place = "" if at is None else f" at byte {at}"
    return UnreadableBody(f"the body is not valid {name}{place}")


def _decoded(body: bytes, name: str) -> str:
    try:
        return body.decode(name)
    except UnicodeError:
        raise undecodable(body, name) from None
