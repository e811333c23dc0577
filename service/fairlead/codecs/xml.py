"""XML in both directions (exports-imports.md 2.3, 9.3; connections.md 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fairlead.codecs.charset import to_utf8
from fairlead.codecs.collected import collected
from fairlead.codecs.members import members_of
from fairlead.codecs.xml_parser import in_own_thread, whole
from fairlead.codecs.xml_records import Steps, record_of, streamed
from fairlead.codecs.xml_writing import element_text
from fairlead.domain.paths import PathError
from fairlead.domain.xpath import XmlDocument, XPath, XPathError, compile_xpath
from fairlead.engine.ports import BodyTooLarge, ReadOptions

MAX_BYTES: Final = 16 * 1024 * 1024
"""Length of what is held as a tree, a document or a record; a text or attribute has 10,000,000 bytes at most (libxml2's own bound)."""
MAX_MARKS: Final = 1_000_000
"""Signs ``<`` and ``=`` of such a text: each may cost some 240 bytes of tree, so that this bounds the memory."""
MAX_DEPTH: Final = 256
"""Levels of elements (libxml2's own bound, which it checks while it reads)."""
STREAMED_FROM: Final = 1024 * 1024
"""Length from which on records at a path of plain names are read one by one: below it a whole tree is faster, and small."""

_BLANK: Final = b" \t\r\n"
_ROOT: Final = "/*"


class XmlCodec:
    """``application/xml``: answers as documents that paths look into, and as records; records as elements."""

    media_type = "xml"

    def parse(self, body: bytes, charset: str | None) -> XmlDocument | None:
        """The document; ``None`` for an empty body. ``charset`` wins over the document's own declaration (RFC 7303, 3). Raises
        ``UnreadableBody``, also for entities other than the five of XML itself, and beyond the bounds."""
        if _is_blank(body):
            return None
        text = to_utf8(body, charset)
        return in_own_thread(lambda: _document(text, "utf-8" if charset else None))

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> Sequence[bytes] | None:
        """An element at the path is a record; without a path the root is. ``None`` when the path finds nothing."""
        path = options.resource_path or _ROOT
        try:
            compiled = compile_xpath(path)
        except XPathError as error:
            raise PathError(str(error)) from None
        if _is_blank(body):
            return None if options.resource_path else []
        encoding = "utf-8" if charset or options.encoding else None
        text = to_utf8(body, charset, options.encoding)
        return in_own_thread(lambda: collected(_read(text, encoding, compiled))) or None

    def write(self, record: bytes) -> bytes:
        """``<record>`` with a child element per member. Raises ``InvalidContent``."""
        return element_text("record", members_of(record, self.media_type)).encode()

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """The same for each record, within ``<records>``."""
        return b"<records>" + b"".join(map(self.write, records)) + b"</records>"


def _is_blank(body: bytes) -> bool:
    return len(body) < 64 and not body.strip(_BLANK)


def _document(text: bytes, encoding: str | None) -> XmlDocument:
    if len(text) > MAX_BYTES or text.count(b"<") + text.count(b"=") > MAX_MARKS:
        raise BodyTooLarge(f"the body is too large to be read as a whole: {len(text)} bytes of XML")
    return XmlDocument(whole(text, encoding))


def _read(text: bytes, encoding: str | None, path: XPath) -> Iterator[bytes]:
    steps = Steps.of(path.text) if len(text) >= STREAMED_FROM else None
    if steps is not None:
        return streamed(text, encoding, steps, most_bytes=MAX_BYTES, most_marks=MAX_MARKS)
    return map(record_of, path.nodes(_document(text, encoding)))
