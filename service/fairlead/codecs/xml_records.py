"""Elements to records (exports-imports.md 2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from fairlead.codecs.xml_parser import entities_used, malformed, piecewise, refuse_entities
from fairlead.domain import jsonvalue
from fairlead.domain.jsonvalue import Json
from fairlead.engine.ports import BodyTooLarge

_BLANKS: Final = " \t\r\n"
_CHUNK: Final = 64 * 1024
_MANY: Final = 200
"""Attributes of one element."""
_EVERY_ATTRIBUTE: Final = etree.XPath("@*")
_NAME: Final = r"(?:\*|[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?)"
_STEPS: Final = re.compile(rf"(//?)?({_NAME}(?:/{_NAME})*)")
_DOTTED: Final = re.compile(r"[^\W\d][\w:\-]*(?:\.[^\W\d][\w:\-]*)*")


def value_of(element: etree._Element) -> Json:
    """An element as a value: ``""`` when it is empty, a text when it has nothing else, else an object of attributes (``@name``), child
    elements (arrays of repeated ones) and ``#text``, all by local name. Blanks around text between elements are indentation."""
    value: dict[str, Json] = {"@" + _local(name): text for name, text in _attributes(element)}
    text = element.text or ""
    if not len(element):
        if text.isspace() and not text.strip(_BLANKS):
            text = ""
        if not value:
            return text
        if text:
            value["#text"] = text
        return value
    pieces = [text] if text and not text.isspace() else []
    for child in element:
        name = child.tag
        if type(name) is not str:
            raise entities_used()
        if name[0] == "{":
            name = name.rpartition("}")[2]
        inner: Json
        if len(child) or child.keys():
            inner = value_of(child)
        else:
            inner = child.text or ""
            if inner.isspace() and not inner.strip(_BLANKS):
                inner = ""
        if name in value:
            known = value[name]
            if type(known) is list:
                known.append(inner)
            else:
                value[name] = [known, inner]
        else:
            value[name] = inner
        tail = child.tail
        if tail is not None and not tail.isspace():
            pieces.append(tail)
    if pieces and (text := "".join(pieces).strip(_BLANKS)):
        value["#text"] = text
    return value


def record_of(node: etree._Element | str) -> bytes:
    """An element, or the text of an attribute, as a record: a text is ``{"value":...}`` (exports-imports.md 2.2)."""
    value = node if isinstance(node, str) else value_of(node)
    return jsonvalue.dumps(value if isinstance(value, dict) else {"value": value})


def _attributes(element: etree._Element) -> Iterable[tuple[Any, Any]]:
    """Names and texts. The library looks each text up by its name, which takes the square of their number: an XPath does not."""
    if len(element.keys()) <= _MANY:
        return element.items()
    found: Any = _EVERY_ATTRIBUTE(element)
    return [(each.attrname, str(each)) for each in found]


def _local(name: Any) -> str:
    return str(name).rpartition("}")[2]


@dataclass(frozen=True, slots=True)
class Steps:
    """A path of plain names, for reading record by record."""

    names: tuple[str, ...]
    anywhere: bool
    """It began with ``//``."""

    @classmethod
    def of(cls, path: str) -> Steps | None:
        """Nothing for a path of any other shape; it is an XPath that compiles."""
        text = path.strip()
        if _DOTTED.fullmatch(text):
            return cls(("*", *map(_prefixless, text.split("."))), False)
        found = _STEPS.fullmatch(text)
        return cls(tuple(map(_prefixless, found[2].split("/"))), found[1] == "//") if found else None

    def match(self, element: etree._Element) -> bool:
        """Whether the path leads to this element, whose name is that of the last step."""
        at: etree._Element | None = element
        for name in reversed(self.names):
            if at is None or (name != "*" and _local(at.tag) != name):
                return False
            at = at.getparent()
        return self.anywhere or at is None


def _prefixless(name: str) -> str:
    return name.rpartition(":")[2]


def streamed(text: bytes, encoding: str | None, steps: Steps, *, most_bytes: int, most_marks: int) -> Iterator[bytes]:
    """The records at ``steps``, read piece by piece: what was read is dropped after each record. Raises ``UnreadableBody``, also when
    more than ``most_bytes``, or signs ``<`` and ``=``, lie between the ends of two records."""
    name = steps.names[-1]
    tag = name if name == "*" else "{*}" + name
    held = marks = 0
    checked = False
    try:
        parser = piecewise(encoding, tag)
        for start in range(0, len(text), _CHUNK):
            piece = text[start : start + _CHUNK]
            held += len(piece)
            marks += piece.count(b"<") + piece.count(b"=")
            if held > most_bytes or marks > most_marks:
                raise BodyTooLarge(f"a piece of the XML is too large to read: no record ends within {held} bytes")
            parser.feed(piece)
            events: Iterator[tuple[str, Any]] = parser.read_events()
            for _, element in events:
                if not checked:
                    refuse_entities(element)
                    checked = True
                if not steps.match(element) or (steps.anywhere and any(map(steps.match, element.iterancestors()))):
                    continue  # what lies within another match comes after it, as in the document
                yield record_of(element)
                if steps.anywhere:
                    yield from (record_of(inner) for inner in element.iterdescendants(tag) if steps.match(inner))
                _drop(element)
                held = marks = 0
        refuse_entities(parser.close())
    except etree.XMLSyntaxError as error:
        raise malformed(error, text, encoding) from None


def _drop(element: etree._Element) -> None:
    """Frees an element's content and everything before it."""
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # the stubs lack the argument
    at: etree._Element | None = element
    while at is not None:
        above = at.getparent()
        while above is not None and (before := at.getprevious()) is not None:
            above.remove(before)
        at = above
