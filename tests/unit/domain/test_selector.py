"""One path text in two languages."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from fairlead.domain.jsonvalue import NOTHING
from fairlead.domain.paths import PathError
from fairlead.domain.selector import Selector, answer_media_types, check_selector
from fairlead.domain.xpath import XmlDocument

XML = XmlDocument(etree.fromstring('<r k="K"><a><b>1</b><b>2</b></a><s>ok</s></r>'))
JSON = {"a": {"b": [1, 2]}, "s": "ok", "r": {"s": "inner"}}


@pytest.mark.parametrize(
    ("path", "in_json", "in_xml"),
    [
        ("s", ["ok"], ["ok"]),
        ("a.b", [[1, 2]], ["1", "2"]),
        ("$.a.b[*]", [1, 2], []),
        ("a.b[1]", [2], []),
        ("r.s", ["inner"], []),
        ("/r/s", [], ["ok"]),
        ("/r/@k", [], ["K"]),
        ("/r/a[b='2']/b[last()]", [], ["2"]),
        ("//b/text()", [], ["1", "2"]),
        ("$", [JSON], []),
        ("$..b", [[1, 2]], []),
    ],
)
def test_an_answer_is_searched_in_its_own_language(path: str, in_json: list[Any], in_xml: list[str]) -> None:
    """connections.md 5.1: a text that is a path in one language only has no value in the other."""
    selector = Selector.of(path)
    assert selector.find(JSON) == in_json
    assert selector.find(XML) == in_xml
    assert selector.first(JSON) == (in_json[0] if in_json else NOTHING)
    assert selector.first(XML) == (in_xml[0] if in_xml else NOTHING)


@pytest.mark.parametrize("path", ["", "a[", "a]b", "x" * 1001])
def test_a_text_that_is_no_path_at_all_is_refused(path: str) -> None:
    """connections.md 5.1."""
    with pytest.raises(PathError):
        Selector.of(path)


def test_compiling_twice_is_free() -> None:
    """The same text is the same selector."""
    assert Selector.of("/r/s") is Selector.of("/r/s")


BOTH = ("json", "xml")


@pytest.mark.parametrize(
    ("path", "media_types", "fits"),
    [
        ("a.b", ("json",), True),
        ("a.b", ("xml",), True),
        ("a[0].b", ("json",), True),
        ("a[0].b", ("plaintext", "csv"), True),
        ("a[0].b", ("xml",), False),
        ("a[0].b", BOTH, True),
        ("//a[b='c']/text()", ("json",), False),
        ("//a[b='c']/text()", ("xml",), True),
        ("//a[b='c']/text()", BOTH, True),
        ("//a[b or c]", ("xml",), False),
        ("//a[b or c]", BOTH, False),
        (" /a | /b", BOTH, False),
        ("a[", BOTH, False),
        ("$", ("xml",), False),
        ("$", ("plaintext", "xml"), True),
    ],
)
def test_a_path_fits_the_answers_that_can_come(path: str, media_types: tuple[str, ...], fits: bool) -> None:
    """connections.md 5.1: 422 on save; with both kinds of answers one language is enough, a slash begins an XPath."""
    if fits:
        check_selector(path, media_types)
    else:
        with pytest.raises(PathError):
            check_selector(path, media_types)


@pytest.mark.parametrize(
    ("http", "resource", "words"),
    [
        ({}, None, {"json", "xml"}),
        ({"mediaType": "xml"}, None, {"json", "xml"}),
        ({"mediaType": "plaintext", "errorMediaType": "plaintext"}, None, {"json", "xml", "plaintext"}),
        ({"mediaType": "urlencoded", "successMediaType": "xml"}, None, {"xml"}),
        ({"mediaType": "xml", "successMediaType": "json"}, None, {"json"}),
        ({"mediaType": "json", "errorMediaType": "xml"}, None, {"json", "xml"}),
        ({"successMediaType": "json", "errorMediaType": "xml"}, None, {"json", "xml"}),
        ({"mediaType": "json"}, {"successMediaType": "xml"}, {"xml"}),
        ({"mediaType": "json", "errorMediaType": "plaintext"}, {"successMediaType": "xml"}, {"xml", "plaintext"}),
        ({"successMediaType": "xml", "errorMediaType": "xml"}, {"errorMediaType": "json"}, {"xml", "json"}),
    ],
)
def test_what_answers_can_be(http: dict[str, str], resource: dict[str, str] | None, words: set[str]) -> None:
    """connections.md 1.2: success word, else ``Content-Type`` decides; error word, else as success; the resource's own words first."""
    assert answer_media_types(http, resource) == words
