"""The XML codec: answers to documents, and nothing but the answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from lxml import etree

from fairlead.codecs.registry import codecs
from fairlead.codecs.xml import MAX_BYTES, MAX_DEPTH, MAX_MARKS
from fairlead.domain.xpath import XmlDocument, compile_xpath
from fairlead.engine.ports import UnreadableBody
from tests.unit.codecs.reading import read

CODEC = codecs["xml"]


def value(body: bytes, path: str = "/*", charset: str | None = None) -> object:
    """The first value at a path."""
    document = CODEC.parse(body, charset)
    assert isinstance(document, XmlDocument)
    return compile_xpath(path).first(document)


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("<a>é</a>".encode(), None, "é"),
        ("\ufeff<a>é</a>".encode(), None, "é"),
        ("\ufeff<a>é</a>".encode(), "utf-8", "é"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", None, "é"),
        (b"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>", None, "€"),
        ("<?xml version='1.0' encoding='utf-16'?><a>é</a>".encode("utf-16"), None, "é"),
        ("<a>é</a>".encode("utf-16"), None, "é"),
        ("<a>é</a>".encode("utf-16"), "utf-16", "é"),
        (b"<a>\xe9</a>", "iso-8859-1", "é"),
        (b"<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>", "iso-8859-1", "é"),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa9</a>", "UTF8", "é"),
        (b"\r\n <a>x</a> \n", None, "x"),
        (b"<a>x<!-- c -->y<?p i?>z</a>", None, "xyz"),
        (b"<a>&lt;&amp;&gt;&quot;&apos;&#233;&#x41;</a>", None, "<&>\"'éA"),
        (b"<!DOCTYPE a><a>x</a>", None, "x"),
    ],
)
def test_text_is_decoded_by_the_header_then_by_the_document(body: bytes, charset: str | None, text: str) -> None:
    """exports-imports.md 2.3, RFC 7303: charset of ``Content-Type``, else byte order mark or declaration, else UTF-8."""
    assert value(body, charset=charset) == text


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_body_has_no_document(body: bytes) -> None:
    """As with JSON: nothing is there, and that is no error."""
    assert CODEC.parse(body, None) is None


@pytest.mark.parametrize(
    ("body", "charset", "words"),
    [
        (b'{"status":"ok"}', None, "not well-formed XML at line 1, column 1"),
        (b"<secret><b></secret>", None, "not well-formed XML at line 1"),
        (b"<a/>\n<b/>", None, "line 2, column 1"),
        (b"<a>", None, "not well-formed"),
        (b"<a>\xe9</a>", None, "not well-formed XML at line 1, column 4"),
        (b"<a>\xe9</a>", "utf-8", "not well-formed XML at line 1, column 4"),
        (b"<a>\x00</a>", None, "not well-formed"),
        (b"<a>&nbsp;</a>", None, "not well-formed"),
        (b"<a x='1' x='2'/>", None, "not well-formed"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", None, "not well-formed"),
        (b"<a/>", "klingon", "the charset 'klingon' of the body is not known"),
        (b"<a>\xff</a>", "ascii", "not valid ascii at byte 3"),
    ],
)
def test_what_is_no_xml_is_told_with_its_place_and_without_its_content(
    body: bytes, charset: str | None, words: str
) -> None:
    """The message names the position, never what stands there."""
    with pytest.raises(UnreadableBody) as error:
        CODEC.parse(body, charset)
    assert words in error.value.message
    assert "secret" not in error.value.message


LAUGHS = b'<!DOCTYPE l [<!ENTITY a0 "ha">%s]>' % b"".join(
    b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10)
)
QUADRATIC = b'<!DOCTYPE l [<!ENTITY a "%s">]>' % (b"x" * 100_000)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS + b"<r>&a9;</r>",
        LAUGHS + b"<r k='&a9;'/>",
        LAUGHS + b"<r/>",
        QUADRATIC + b"<r>" + b"&a;" * 10_000 + b"</r>",
        QUADRATIC + b"<r k='" + b"&a;" * 10_000 + b"'/>",
        b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>',
        b'<!DOCTYPE r [<!ENTITY a "b">]><r/>',
        b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><r>&a;</r>',
    ],
    ids=["laughs", "in an attribute", "unused", "quadratic", "quadratic attribute", "one", "one unused", "elsewhere"],
)
def test_entities_are_refused(body: bytes) -> None:
    """No entities but the five of XML: not declared, not used, not expanded."""
    with pytest.raises(UnreadableBody):
        CODEC.parse(body, None)


def test_nothing_outside_the_answer_is_read(tmp_path: Path) -> None:
    """No file and no network: entities, parameter entities, external DTDs, XInclude, stylesheets."""
    outside = tmp_path / "outside"
    outside.write_text("<!ENTITY leaked 'leaked'>")
    dtd = tmp_path / "r.dtd"
    dtd.write_text("<!ATTLIST r k CDATA 'leaked'>")
    for place in (outside.as_uri(), str(outside)):
        for declared in (
            f'<!ENTITY a SYSTEM "{place}">]><r>&a;</r>',
            f'<!ENTITY % a SYSTEM "{place}"> %a;]><r>&leaked;</r>',
            f'<!ENTITY % a SYSTEM "{place}"> %a;]><r/>',
        ):
            with pytest.raises(UnreadableBody):
                CODEC.parse(f"<!DOCTYPE r [{declared}".encode(), None)
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{outside.as_uri()}" parse="text"/>'
    assert value(f"<r>{include}z</r>".encode()) == "z"
    for body in (
        f'<!DOCTYPE r SYSTEM "{dtd.as_uri()}"><r/>',
        f'<!DOCTYPE r PUBLIC "-//x" "{dtd}"><r/>',
        f'<?xml-stylesheet href="{dtd.as_uri()}"?><r/>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><r/>',
    ):
        document = CODEC.parse(body.encode(), None)
        assert isinstance(document, XmlDocument)
        assert not len(document.root.attrib)


def test_depth_is_bounded() -> None:
    """As many levels as are allowed, not one more, and 100,000 cost nothing."""
    assert value(b"<a>" * MAX_DEPTH + b"x" + b"</a>" * MAX_DEPTH) == "x"
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(UnreadableBody, match="nested deeper than 256 levels"):
            CODEC.parse(b"<a>" * levels + b"</a>" * levels, None)


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" + b" " * MAX_BYTES + b"</a>",
        b"<a>" + b"<b/>" * MAX_MARKS + b"</a>",
        b"<a " + b" ".join(b"k%d=''" % n for n in range(MAX_MARKS)) + b"/>",
        b"<a>" + b"x" * 11_000_000 + b"</a>",
    ],
    ids=["bytes", "elements", "attributes", "one text"],
)
def test_size_is_bounded(body: bytes) -> None:
    """A body that would need hundreds of megabytes as a tree is refused before it is one."""
    with pytest.raises(UnreadableBody):
        CODEC.parse(body, None)


def test_a_document_of_5_mb_is_read() -> None:
    """Large answers are answers."""
    body = b"<r>" + b"<item k='1'><status>ok</status><name>some name</name></item>" * 84_000 + b"<s>last</s></r>"
    assert len(body) > 5_000_000
    assert value(body, "s") == "last"


def test_names_of_answers_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """lxml keeps the names that a thread met for as long as it lives: each document has a thread that ends."""
    threads = []
    parse = etree.fromstring

    def watched(text: bytes, parser: etree.XMLParser) -> etree._Element:
        threads.append(threading.current_thread())
        return parse(text, parser)

    monkeypatch.setattr(etree, "fromstring", watched)
    for _ in range(2):
        assert value(b"<a>x</a>") == "x"
        assert read("xml", b"<a>x</a>") == [{"value": "x"}]
    assert len({id(thread) for thread in threads}) == 4
    assert not any(thread.is_alive() for thread in threads)
