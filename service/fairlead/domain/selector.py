"""Where to look in an answer, whatever it is: one text, read as a JSON path in JSON and as an XPath in XML (connections.md 5.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fairlead.domain.jsonvalue import NOTHING, Json
from fairlead.domain.paths import Path, PathError, compile_path
from fairlead.domain.xpath import XmlDocument, XmlElement, XPath, XPathError, compile_xpath

XML: Final = "xml"
"""The media type whose answers are searched with XPath; those of all others have the values of JSON."""
_EITHER: Final = frozenset(("json", XML))


@dataclass(frozen=True, slots=True)
class Selector:
    """A path text, compiled in the languages that it can be read in; in an answer of the other one it has no value."""

    text: str
    json: Path | None
    xml: XPath | None

    @staticmethod
    def of(text: str) -> Selector:
        """Compile it; compiling the same text twice is free. Raises ``PathError`` when it is a path in neither language."""
        return _compiled(text)

    def find(self, value: Json | XmlDocument | XmlElement) -> list[Json]:
        """All matches, in order of the document."""
        if isinstance(value, (XmlDocument, XmlElement)):
            return [] if self.xml is None else list(self.xml.find(value))
        return [] if self.json is None else self.json.find(value)

    def first(self, value: Json | XmlDocument | XmlElement) -> Json:
        """The first match, or ``NOTHING``."""
        if isinstance(value, (XmlDocument, XmlElement)):
            return NOTHING if self.xml is None else self.xml.first(value)
        return NOTHING if self.json is None else self.json.first(value)

    def shown(self, value: Json | XmlDocument | XmlElement) -> Json:
        """What to tell a person: the match, of several in JSON the list, of several nodes of XML the first (connections.md 5.1);
        ``NOTHING`` for none."""
        if self.json is None or not self.json.spreads or isinstance(value, (XmlDocument, XmlElement)):
            return self.first(value)
        found = self.json.find(value)
        return NOTHING if not found else found[0] if len(found) == 1 else found


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Selector:
    json = xml = None
    try:
        json = compile_path(text)
    except PathError as error:
        refusal = error
    try:
        xml = compile_xpath(text)
    except XPathError:
        if json is None:
            raise refusal from None
    return Selector(text, json, xml)


def check_selector(text: str, media_types: Collection[str]) -> None:
    """Raises ``PathError`` when no answer of these media types could be searched with ``text``. With XML and others among them one
    language is enough, but what begins with a slash is meant as an XPath."""
    if XML not in media_types:
        compile_path(text)
    elif set(media_types) == {XML} or text.lstrip().startswith("/"):
        try:
            compile_xpath(text)
        except XPathError as error:
            raise PathError(str(error)) from None
    else:
        Selector.of(text)


def good_media_types(http: Mapping[str, Json], resource: Mapping[str, Json] | None = None) -> frozenset[str]:
    """What good answers can be read as by the connection's block and the resource's: their word, else whatever ``Content-Type`` says, XML
    and JSON alike (connections.md 1.2)."""
    good = (resource or {}).get("successMediaType") or http.get("successMediaType")
    return frozenset((good,)) if good else _EITHER


def answer_media_types(http: Mapping[str, Json], resource: Mapping[str, Json] | None = None) -> frozenset[str]:
    """What good and bad answers can be read as; bad ones without a word of their own as good ones (connections.md 1.2)."""
    good = good_media_types(http, resource)
    error = (resource or {}).get("errorMediaType") or http.get("errorMediaType")
    return good | {error} if error else good
