"""Reading XML of others: nothing outside the answer is ever read, no entities, and its cost is bounded by its size."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final, TypeVar

from lxml import etree

from fairlead.domain.charset import charset_name, undecodable_at
from fairlead.engine.ports import BodyTooLarge, UnreadableBody

T = TypeVar("T")

_SETTINGS: Final[dict[str, Any]] = {
    # collect_ids stays as it is: switched off, libxml2 loads external DTDs.
    "resolve_entities": False,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "no_network": True,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}
_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")

_DECLARES_ENTITIES: Final = re.compile(rb"<!DOCTYPE[^>]*<!ENTITY\s")


class _NothingElse(etree.Resolver):
    """Whatever an answer refers to is empty: no file, no network."""

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # the stubs lack the context
        return self.resolve_empty(context)  # type: ignore[attr-defined]  # the stubs lack it


def whole(text: bytes, encoding: str | None) -> etree._Element:
    """The root element. Raises ``UnreadableBody``."""
    parser = etree.XMLParser(encoding=encoding, **_SETTINGS)
    parser.resolvers.add(_NothingElse())
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise malformed(error, text, encoding) from None
    refuse_entities(root)
    return root


def piecewise(encoding: str | None, tag: str) -> etree.XMLPullParser:
    """A parser that is fed piece by piece and tells the ends of elements of that name. It must stay in one thread: libxml2 crashes when
    it is fed from another one."""
    parser = etree.XMLPullParser(("end",), tag=tag, encoding=encoding, **_SETTINGS)
    parser.resolvers.add(_NothingElse())
    return parser


def in_own_thread(work: Callable[[], T]) -> T:
    """The result of ``work``, done in a thread of its own (some 0.06 ms): lxml keeps every name of every document for as long as the
    thread lives that parses it, and an application may answer with new names for ever."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # raised again below, in the caller's thread
            outcome.set_exception(error)

    thread = Thread(target=run, name="fairlead-xml", daemon=True)
    thread.start()
    thread.join()
    return outcome.result()


def malformed(error: etree.XMLSyntaxError, text: bytes, encoding: str | None) -> UnreadableBody:
    """In our own words: those of the library show what the answer holds."""
    line, column = error.position
    place = (
        f" at line {line}, column {column}" if line else ""
    )  # of an entity that is not declared, read by pieces, it is not known
    if _DECLARES_ENTITIES.search(text):  # a bomb is refused by libxml2 itself, in other words
        return entities_used()
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:  # type: ignore[attr-defined]  # the stubs lack the code
        if "depth" in str(error.msg):
            return UnreadableBody(f"the XML is nested deeper than 256 levels{place}")
        return BodyTooLarge(f"the XML is beyond the bounds of this service{place}")
    declared = _ENCODING.match(text)
    name = charset_name(encoding or (declared[1].decode() if declared else "utf-8"))
    wrong = undecodable_at(text, name) if name is not None else None
    if wrong is not None:
        return UnreadableBody(f"the body is not valid {name} at byte {wrong}: not well-formed XML{place}")
    return UnreadableBody(f"the body is not well-formed XML{place}")


def refuse_entities(root: etree._Element) -> None:
    """Raises ``UnreadableBody`` when the document declares entities, or uses others than the five of XML."""
    declared = root.getroottree().docinfo.internalDTD
    if declared is None:
        return
    entities: Any = declared
    if any(True for _ in entities.iterentities()) or next(root.iter(etree.Entity), None) is not None:
        raise entities_used()


def entities_used() -> UnreadableBody:
    """The error of a document with entities."""
    return UnreadableBody("the XML declares or uses entities of its own, which are not read")
