"""Where to look in an XML answer: the part of XPath 1.0 of connections.md 5.1.

Expressions come from tenants and cannot be interrupted (D16), so only shapes whose cost grows with the answer are let in: one ``//``,
predicates that look below their own element and are not nested, no functions but ``last`` and no axes. What is let in is compiled to
``local-name()`` tests: prefixes say nothing, elements and attributes match by local name in any namespace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple, NoReturn

from lxml import etree

from fairlead.domain.jsonvalue import NOTHING, Nothing

MAX_LENGTH: Final = 1000
"""Characters of an expression."""
MAX_STEPS: Final = 64
"""Steps of an expression, those of its predicates included."""
MAX_PREDICATES: Final = 4
"""Predicates of an expression: each may read the whole text of every element that it is asked about."""
MAX_WORK: Final = 4_000_000
"""Characters and elements that ``//`` reads for the values of its matches, which may lie within each other (``//*``)."""


class XPathError(ValueError):
    """An expression cannot be compiled or is refused; the message is for the user."""


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """A decoded XML body: no comments, no processing instructions, no entities. ``repr`` shows none of it."""

    root: etree._Element = field(repr=False)


@dataclass(frozen=True, slots=True)
class XmlElement:
    """One element of a document: expressions that do not begin with a slash start at it, the others find nothing in it."""

    node: etree._Element = field(repr=False)


class XPath:
    """A compiled expression; has the manners of ``fairlead.domain.paths.Path``, its values are texts."""

    __slots__ = ("_evaluate", "_searching", "_within", "text")

    def __init__(self, text: str, compiled: str, within: str | None, *, searching: bool) -> None:
        """``within``: the same, read from an element."""
        self.text = text
        self._searching = searching
        self._evaluate = etree.XPath(compiled, regexp=False, smart_strings=False)
        self._within = None if within is None else etree.XPath(within, regexp=False, smart_strings=False)

    def find(self, document: XmlDocument | XmlElement) -> list[str]:
        """The values of all matching nodes, in order of the document. A search (``//``) leaves out what is beyond ``MAX_WORK``, but never
        the first."""
        nodes = self.nodes(document)
        if not self._searching:
            return [_value(node) for node in nodes]
        found: list[str] = []
        left = MAX_WORK
        for node in nodes:
            if left < 0:
                break
            text = _value(node)
            found.append(text)
            left -= len(text)
            if not isinstance(node, str) and len(node):
                left -= _size(node)
        return found

    def first(self, document: XmlDocument | XmlElement) -> str | Nothing:
        """The value of the first matching node, or ``NOTHING``."""
        nodes = self.nodes(document)
        return _value(nodes[0]) if nodes else NOTHING

    def nodes(self, document: XmlDocument | XmlElement) -> list[etree._Element | str]:
        """All matching elements and texts themselves, in order of the document."""
        nodes: Any = []  # a path always gives a list
        if isinstance(document, XmlDocument):
            nodes = self._evaluate(document.root)
        elif self._within is not None:
            nodes = self._within(document.node)
        return list(nodes)


def _size(element: etree._Element) -> int:
    count: Any = _descendants(element)
    return int(count)


def _value(node: etree._Element | str) -> str:
    return node if isinstance(node, str) else text_of_element(node)


_whole_text: Final = etree.XPath("string()", regexp=False, smart_strings=False)
_descendants: Final = etree.XPath("count(descendant::*)", regexp=False)
_BLANKS: Final = " \t\r\n"


def text_of_element(element: etree._Element) -> str:
    """All text below the element, as written. Indentation is no text: blanks around the text of an element that has children are
    dropped, and an element that holds nothing but blanks has the value ``""``."""
    if len(element):
        return str(_whole_text(element)).strip(_BLANKS)
    text = element.text or ""
    return "" if text.isspace() and not text.strip(_BLANKS) else text


@lru_cache(maxsize=4096)
def compile_xpath(text: str) -> XPath:
    """Compile an expression, read from the document; a plain name or dotted path ``a.b`` is ``/*/a/b``. In an element of a batch's answer
    what does not begin with a slash is read from there. Raises ``XPathError``."""
    if len(text) > MAX_LENGTH:
        raise XPathError(f"an XPath has at most {MAX_LENGTH} characters, this one has {len(text)}")
    if not text.strip():
        raise XPathError("an XPath must not be empty; write /* for the root element")
    dotted = _DOTTED.fullmatch(text.strip())
    written = "/*/" + text.strip().replace(".", "/") if dotted else text
    compiler = _Compiler(text, written)
    compiled = compiler.compiled()
    try:
        return XPath(text, compiled, _within(text, compiled, dotted=bool(dotted)), searching=compiler.searching)
    except (etree.XPathError, ValueError):
        raise XPathError(f"XPath {text!r} holds characters that XML does not have") from None


def _within(text: str, compiled: str, *, dotted: bool) -> str | None:
    if text.lstrip().startswith("/"):
        return None
    if not text.strip(" ./"):
        return "."
    return "." + (compiled.removeprefix("/*") if dotted else compiled)


# -- reading the expression ---------------------------------------------------------------------------------------

_WORD: Final = r"[^\W\d][\w\-]*"
_DOTTED: Final = re.compile(rf"{_WORD}(?::{_WORD})?(?:\.{_WORD}(?::{_WORD})?)*")
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<slash>//?)
      | (?P<call>(?:text|last)\s*\(\s*\))
      | (?P<foreign>[\w.\-]+\s*(?:::|\()|\.\.)
      | (?P<name>[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?)
      | (?P<number>[0-9]+(?![\w.]))
      | (?P<literal>'[^']*'|"[^"]*")
      | (?P<sign>[.*@=\[\]])
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_END: Final = ("", "", -1)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Compiler:
    """One walk over the tokens of an expression, from left to right."""

    def __init__(self, source: str, written: str) -> None:
        self._source = source
        found = _TOKEN.finditer(written.rstrip())
        self._tokens = [_Token(kind, token[kind], token.start(kind)) for token in found if (kind := token.lastgroup)]
        self._at = 0
        self.searching = any(token.text == "//" for token in self._tokens if token.kind == "slash")
        self._searches = self._steps = self._predicates = 0

    def compiled(self) -> str:
        """The whole expression in libxml2's words."""
        path = self._path(self._take_slash() or "/", inside=False)
        if self._token.kind:
            self._refuse(f"has {self._token.text!r} where a step should end")
        return "/*" if set(path) <= {"/", "."} else path

    # -- tokens --

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token(*_END)

    def _take(self, text: str) -> bool:
        if self._token.text == text and self._token.kind == "sign":
            self._at += 1
            return True
        return False

    def _take_slash(self) -> str:
        if self._token.kind != "slash":
            return ""
        slash = self._token.text
        self._at += 1
        if slash == "//":
            self._searches += 1
            if self._searches > 1:
                self._refuse("is too costly: // may stand in it once")
        return slash

    # -- grammar --

    def _path(self, slash: str, *, inside: bool) -> str:
        """Steps joined by slashes; the first one follows ``slash``."""
        written = ""
        while True:
            step, last = self._step(slash, inside=inside)
            written += slash + step
            slash = self._take_slash()
            if not slash:
                return written
            if last:
                self._refuse("goes on after an attribute or text(), which have nothing below them")

    def _step(self, slash: str, *, inside: bool) -> tuple[str, bool]:
        """One step with its predicates, and whether nothing can follow it."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._refuse(f"has more than {MAX_STEPS} steps")
        token = self._token
        last = False
        if self._take("."):
            if slash == "//":
                self._refuse("needs a name after //")
            if self._token.text == "[":
                self._refuse("has a predicate after a dot; it belongs to a name")
            return ".", False
        if self._take("*"):
            step = "*"
        elif self._take("@"):
            step, last = "@" + self._name("an attribute's name after @"), True
        elif token.kind == "call" and token.text.startswith("text"):
            self._at += 1
            step, last = "text()", True
        else:
            step = self._name("a name")
        while self._take("["):
            if inside:
                self._refuse("has a predicate within a predicate")
            step += self._predicate()
        return step, last

    def _name(self, wanted: str) -> str:
        token = self._token
        if token.kind == "foreign":
            self._refuse(f"uses {token.text!r}, which paths of this service do not have")
        if token.kind != "name":
            self._refuse(f"needs {wanted} " + (f"instead of {token.text!r}" if token.kind else "at its end"))
        self._at += 1
        return f"*[local-name()='{token.text.rpartition(':')[2]}']"

    def _predicate(self) -> str:
        self._predicates += 1
        if self._predicates > MAX_PREDICATES:
            self._refuse(f"is too costly: it has more than {MAX_PREDICATES} predicates")
        token = self._token
        if token.kind == "number":
            if int(token.text) < 1:
                self._refuse("counts from 0, XPath counts from 1")
            self._at += 1
            inner = str(int(token.text))
        elif token.kind == "call" and token.text.startswith("last"):
            self._at += 1
            inner = "last()"
        elif token.kind == "slash":
            self._refuse("has a predicate that starts at the document; it may look below its own element only")
        else:
            inner = self._path("", inside=True)
            if self._take("="):
                if self.searching:
                    inner = _shallow(inner)
                if self._token.kind != "literal":
                    self._refuse("has a predicate that compares with something that is no text in quotes")
                inner += f"={self._token.text}"
                self._at += 1
        if not self._take("]"):
            self._refuse("has a predicate other than [n], [last()], [path] and [path='text']")
        return f"[{inner}]"

    def _refuse(self, what: str) -> NoReturn:
        place = f" (position {self._token.at})" if self._token.kind else ""
        raise XPathError(f"XPath {self._source!r} {what}{place}")


def _shallow(path: str) -> str:
    """The path with elements only that have no elements below their children. What ``//`` finds lies within each other: comparing the
    whole text of each of 250 levels above a million elements took 13 s."""
    if path.endswith("text()") or re.search(r"@\*\[[^\]]*\]$", path):
        return path
    return (path[:-1] + "self::*" if path.endswith(".") else path) + "[not(*/*)]"
