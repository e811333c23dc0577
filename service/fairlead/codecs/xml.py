"""XML answers, for paths into them (connections.md 5.1): nothing outside the answer is ever read, and its cost is bounded by its size."""

from __future__ import annotations

from threading import Thread
from typing import Any, Final

from lxml import etree

from fairlead.codecs.charset import to_utf8
from fairlead.domain.xpath import XmlDocument
from fairlead.engine.ports import UnreadableBody

MAX_BYTES: Final = 16 * 1024 * 1024
"""Length of a body that is held as a tree; a text or attribute has 10,000,000 bytes at most (libxml2's own bound)."""
MAX_MARKS: Final = 1_000_000
"""Signs ``<`` and ``=`` of such a body: each may cost some 240 bytes of tree, so that this bounds the memory."""
MAX_DEPTH: Final = 256
"""Levels of elements (libxml2's own bound, which it checks while it reads)."""

_BLANK: Final = b" \t\r\n"


class XmlCodec:
    """``application/xml``: answers only, as documents that paths look into."""

    media_type = "xml"

    def parse(self, body: bytes, charset: str | None) -> XmlDocument | None:
        """The document; ``None`` for an empty body. ``charset`` wins over the document's own declaration (RFC 7303, 3). Raises
        ``UnreadableBody``, also for entities other than the five of XML itself, and beyond the bounds."""
        if len(body) < 64 and not body.strip(_BLANK):
            return None
        text = to_utf8(body, charset)
        if len(text) > MAX_BYTES or text.count(b"<") + text.count(b"=") > MAX_MARKS:
            raise UnreadableBody(f"the body is too large for a look into it: {len(text)} bytes of XML")
        return XmlDocument(_parsed(text, "utf-8" if charset else None))


class _NothingElse(etree.Resolver):
    """Whatever an answer refers to is empty: no file, no network."""

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # the stubs lack the context
        return self.resolve_empty(context)  # type: ignore[attr-defined]  # the stubs lack it


def _parser(encoding: str | None) -> etree.XMLParser:
    # collect_ids stays as it is: switched off, libxml2 loads external DTDs.
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    parser.resolvers.add(_NothingElse())
    return parser


def _parsed(text: bytes, encoding: str | None) -> etree._Element:
    """The root element. parsed in a thread of its own (some 0.06 ms): lxml keeps every name of every document for as long as the thread
    lives that met it, and an application may answer with new names for ever."""
    outcome: list[etree._Element | etree.XMLSyntaxError] = []

    def run() -> None:
        try:
            outcome.append(etree.fromstring(text, _parser(encoding)))
        except etree.XMLSyntaxError as error:
            outcome.append(error)

    thread = Thread(target=run, name="fairlead-xml", daemon=True)
    thread.start()
    thread.join()
    (result,) = outcome
    if isinstance(result, etree.XMLSyntaxError):
        raise _malformed(result)
    _refuse_entities(result)
    return result


def _malformed(error: etree.XMLSyntaxError) -> UnreadableBody:
    """In our own words: those of the library show what the answer holds."""
    line, column = error.position
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:  # type: ignore[attr-defined]  # the stubs lack the code
        return UnreadableBody(f"the XML is beyond the bounds of this service at line {line}, column {column}")
    return UnreadableBody(f"the body is not well-formed XML at line {line}, column {column}")


def _refuse_entities(root: etree._Element) -> None:
    declared = root.getroottree().docinfo.internalDTD
    if declared is None:
        return
    entities: Any = declared
    if any(True for _ in entities.iterentities()) or next(root.iter(etree.Entity), None) is not None:
        raise UnreadableBody("the XML declares or uses entities of its own, which are not read")
