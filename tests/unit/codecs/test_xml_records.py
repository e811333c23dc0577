"""XML: elements to records (exports-imports.md 2.3), whole or piece by piece, and records to elements (9.3)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fairlead.codecs import xml, xml_records
from fairlead.codecs.registry import codecs
from fairlead.codecs.xml import XmlCodec
from fairlead.domain import jsonvalue
from fairlead.domain.errors import InvalidContent
from fairlead.domain.paths import PathError
from fairlead.engine.ports import BatchWriter, ReadOptions, UnreadableBody
from tests.unit.codecs.reading import read


@pytest.fixture(params=["tree", "pieces"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small answers are read as a tree, large ones piece by piece; the records are the same."""
    monkeypatch.setattr(xml, "STREAMED_FROM", 0 if request.param == "pieces" else 1 << 40)


ELEMENTS: list[tuple[str, Any]] = [
    ("<e/>", {"value": ""}),
    ("<e></e>", {"value": ""}),
    ("<e> \n\t</e>", {"value": ""}),
    ("<e>x</e>", {"value": "x"}),
    ("<e> x </e>", {"value": " x "}),
    ("<e>007</e>", {"value": "007"}),
    ("<e><a>1</a><b/></e>", {"a": "1", "b": ""}),
    ("<e>\n <a> 1 </a>\n <b>\n </b>\n</e>", {"a": " 1 ", "b": ""}),
    ("<e><a>1</a><b>2</b><a>3</a><a/></e>", {"a": ["1", "3", ""], "b": "2"}),
    ("<e><a><b>1</b></a><a>2</a></e>", {"a": [{"b": "1"}, "2"]}),
    ('<e k="v"/>', {"@k": "v"}),
    ('<e k="">x</e>', {"@k": "", "#text": "x"}),
    ('<e k="v"> </e>', {"@k": "v"}),
    ('<e><a k="v">x</a></e>', {"a": {"@k": "v", "#text": "x"}}),
    ("<e>x<a>1</a> y <b/>z</e>", {"a": "1", "b": "", "#text": "x y z"}),
    ("<e> x <a/> </e>", {"a": "", "#text": "x"}),
    ('<e xmlns="u" xmlns:p="v" p:k="1"><p:a>x</p:a><a>y</a></e>', {"@k": "1", "a": ["x", "y"]}),
    ("<e><!-- c --><a>1<!-- c -->2</a><?p i?></e>", {"a": "12"}),
    ("<e><![CDATA[<a>&]]></e>", {"value": "<a>&"}),
    ("<e>&lt;&#233;\u00a0</e>", {"value": "<é\u00a0"}),
    ("<e><__proto__>1</__proto__><a.b>2</a.b></e>", {"__proto__": "1", "a.b": "2"}),
]


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(("element", "record"), ELEMENTS)
def test_an_element_becomes_an_object(element: str, record: Any) -> None:
    """The rules of 2.3, 14 (local names) and 2.2 (a text is ``{"value":...}``)."""
    assert read("xml", f"<r>{element}</r>", "/r/e") == [record]


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("count", [200, 201, 50_000])
def test_many_attributes(count: int) -> None:
    """2.3: as many as there are, in their order, by local name, and in a time that grows with their number and not its square."""
    attributes = " ".join(f'a{number}="&lt;{number}"' for number in range(count))
    began = time.thread_time()
    records = read("xml", f'<r xmlns:p="u"><e {attributes} p:b="2">x</e></r>', "/r/e")
    assert time.thread_time() - began < 3.0
    assert records is not None
    assert [*records[0].items()] == [
        *((f"@a{number}", f"<{number}") for number in range(count)),
        ("@b", "2"),
        ("#text", "x"),
    ]


def test_without_a_path_the_root_is_the_record() -> None:
    """2.3; an empty body has none."""
    assert read("xml", "<r><a>1</a></r>") == [{"a": "1"}]
    assert read("xml", b"") == []
    assert read("xml", b" \n", "/r") is None


NESTED = "<a><b i='1'><c>x</c><b i='2'><c>y</c></b></b><d><b i='3'><c/></b></d><b i='4'/></a>"


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a/b", ["1", "4"]),
        ("a/b", ["1", "4"]),
        ("/p:a/p:b", ["1", "4"]),
        ("b", ["1", "4"]),
        ("//b", ["1", "2", "3", "4"]),
        ("//b/b", ["2"]),
        ("//a/b", ["1", "4"]),
        ("//*/b", ["1", "2", "3", "4"]),
        ("/*/*", ["1", None, "4"]),
        ("/a/*/b", ["2", "3"]),
        ("d.b", ["3"]),
        ("/a/b[1]", ["1"]),
        ("/a/b[@i='4']", ["4"]),
        ("//b[c='y']", ["2"]),
        ("/b", None),
        ("/a/b/b/b", None),
        ("//none", None),
    ],
)
def test_an_xpath_says_which_elements_are_records(path: str, found: list[str | None] | None) -> None:
    """2.3, connections.md 5.1: each matching element, in order of the document; nothing there is ``None``."""
    records = read("xml", NESTED, path)
    assert (None if records is None else [record.get("@i") for record in records]) == found


def test_attributes_and_texts_are_values() -> None:
    """What is no element is a text."""
    assert read("xml", NESTED, "/a/b/@i") == [{"value": "1"}, {"value": "4"}]
    assert read("xml", NESTED, "/a/b/c/text()") == [{"value": "x"}]


_NAMES = st.sampled_from(["a", "b", "c"])
_TREES = st.recursive(
    st.builds(lambda name, text: f"<{name}>{text}</{name}>", _NAMES, st.sampled_from(["", "x", " ", "&amp;"])),
    lambda inner: st.builds(
        lambda name, children, attribute: f"<{name}{attribute}>{''.join(children)}</{name}>",
        _NAMES,
        st.lists(inner, max_size=4),
        st.sampled_from(["", " k='v'"]),
    ),
    max_leaves=20,
)


@given(_TREES, st.sampled_from(["/a/b", "//b", "//a/b", "/*/*", "//*", "b.c", "//*/c"]))
def test_pieces_and_tree_give_the_same_records(document: str, path: str) -> None:
    """Property: how large an answer is does not change its records."""
    whole = read("xml", document, path)
    before = xml.STREAMED_FROM
    xml.STREAMED_FROM = 0  # type: ignore[misc]  # a fixture would be shared by all examples
    try:
        assert read("xml", document, path) == whole
    finally:
        xml.STREAMED_FROM = before  # type: ignore[misc]  # as above


def large(records: int, *, tail: str = "</list></r>") -> bytes:
    """An answer of more than one piece."""
    return ("<r><list>" + "".join(f"<o><n>{n}</n>" + "x" * 90 + "</o>" for n in range(records)) + tail).encode()


def test_a_large_answer_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far beyond what a tree may have; what was read is dropped."""
    monkeypatch.setattr(xml, "MAX_BYTES", 300_000)
    monkeypatch.setattr(xml, "MAX_MARKS", 20_000)
    records = read("xml", large(20_000), "/r/list/o")
    assert records is not None
    assert [record["n"] for record in records] == [str(number) for number in range(20_000)]


def test_what_became_a_record_is_no_longer_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end the tree holds the last record's element and those around it."""
    left: list[int] = []
    monkeypatch.setattr(xml_records, "refuse_entities", lambda root: left.append(sum(1 for _ in root.iter())))
    read("xml", large(20_000), "/r/list/o")
    assert left[-1] == 3


@pytest.mark.parametrize("path", ["/r/list/none", "/r/list"])
def test_what_holds_too_much_between_records_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no record ends cannot be dropped."""
    monkeypatch.setattr(xml, "MAX_BYTES", 300_000)
    with pytest.raises(UnreadableBody, match="too large to read"):
        read("xml", large(20_000), path)


@pytest.mark.parametrize(
    ("tail", "place"),
    [
        ("", " at line 1, column"),
        ("</list>", " at line 1, column"),
        ("</r></list>", " at line 1, column"),
        ("<o>\x01</o></list></r>", " at line 1, column"),
        ("&secret;</list></r>", "$"),
    ],
)
def test_a_large_answer_that_is_cut_or_wrong_is_no_answer(tail: str, place: str) -> None:
    """All records or none, and the place of the mistake without what stands there."""
    with pytest.raises(UnreadableBody, match=f"not well-formed XML{place}") as error:
        read("xml", large(20_000, tail=tail), "/r/list/o")
    assert "secret" not in error.value.message


def test_what_does_not_decode_is_told_by_its_byte() -> None:
    """In both ways of reading, whether or not the document says what it is written in."""
    small = b"<r><o>\xe9</o></r>"
    for body in (
        small,
        b"<?xml version='1.0' encoding=\"UTF-8\"?>" + small,
        large(20_000, tail="<o>") + b"\xe9</o></list></r>",
    ):
        at = body.index(b"\xe9")
        with pytest.raises(UnreadableBody, match=f"not valid utf-8 at byte {at}:"):
            read("xml", body, "/r/list/o")


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(
    "declared",
    ['<!ENTITY a "x">', '<!ENTITY a SYSTEM "{0}">', '<!ENTITY % a SYSTEM "{0}"> %a;'],
)
def test_entities_are_refused_in_records_too(declared: str, tmp_path: Path) -> None:
    """No entities, no file, whatever way the answer is read; in attributes too, and unused."""
    outside = tmp_path / "outside"
    outside.write_text("<!ENTITY a 'leaked'>")
    for content in ("<o>&a;</o>", "<o k='&a;'/>", "<o/>"):
        with pytest.raises(UnreadableBody):
            read("xml", f"<!DOCTYPE r [{declared.format(outside.as_uri())}]><r>{content}</r>", "/r/o")


@pytest.mark.usefixtures("_both_ways")
def test_nothing_is_included(tmp_path: Path) -> None:
    """XInclude is an element like any other, and a DTD elsewhere is not read."""
    outside = tmp_path / "outside"
    outside.write_text("leaked")
    body = f"<r><i:include xmlns:i='http://www.w3.org/2001/XInclude' href='{outside.as_uri()}' parse='text'/></r>"
    assert read("xml", body, "/r/include") == [{"@href": outside.as_uri(), "@parse": "text"}]
    dtd = tmp_path / "r.dtd"
    dtd.write_text("<!ATTLIST o k CDATA 'leaked'>")
    assert read("xml", f'<!DOCTYPE r SYSTEM "{dtd.as_uri()}"><r><o>x</o></r>', "/r/o") == [{"value": "x"}]


@pytest.mark.usefixtures("_both_ways")
def test_depth_is_bounded_in_records_too() -> None:
    """100,000 levels cost nothing."""
    with pytest.raises(UnreadableBody, match="nested deeper than 256 levels"):
        read("xml", b"<a>" * 100_000 + b"</a>" * 100_000, "//a")


def test_a_path_that_is_no_xpath_is_an_error_of_the_export() -> None:
    """``PathError``, as for JSON."""
    with pytest.raises(PathError):
        XmlCodec().records(b"<a/>", None, ReadOptions("/a["))


@pytest.mark.parametrize(
    ("record", "element"),
    [
        ("{}", "<record/>"),
        ('{"a":"x","b":1.50,"c":true,"d":null,"e":""}', "<record><a>x</a><b>1.50</b><c>true</c><d/><e/></record>"),
        ('{"a":["x",{"b":1}],"c":[]}', "<record><a>x</a><a><b>1</b></a></record>"),
        ('{"a":{"@k":"v","#text":"x","b":{"c":1}}}', '<record><a k="v">x<b><c>1</c></b></a></record>'),
        ('{"@k":1,"#text":"x"}', '<record k="1">x</record>'),
        ('{"a":{"b":1,"@late":"v"}}', '<record><a late="v"><b>1</b></a></record>'),
        ('{"a":"<&>\\"\\r\\n","b":{"@k":"<&\\"\\n\\t\'"}}', None),
        ('{"s:Body":{"@xmlns:s":"u","x":1}}', '<record><s:Body xmlns:s="u"><x>1</x></s:Body></record>'),
    ],
)
def test_a_record_becomes_an_element(record: str, element: str | None) -> None:
    """9.3: child elements by member name, arrays as repeated elements, ``@name`` attributes, ``#text``; a parser reads them back."""
    codec = codecs["xml"]
    assert isinstance(codec, BatchWriter)
    body = codec.write(record.encode())
    if element is None:
        assert read("xml", body) == [jsonvalue.loads(record)]
    else:
        assert body.decode() == element
        etree.fromstring(body)
    assert codec.write_batch([record.encode()] * 2) == b"<records>" + body * 2 + b"</records>"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ('{"a b":1}', "'a b' is no name"),
        ('{"":1}', "'' is no name"),
        ('{"$where":1}', "'\\$where' is no name"),
        ('{"a><b":1}', "is no name"),
        ('{"a":{"@x y":1}}', "'x y' is no name"),
        ('{"1":1}', "'1' is no name"),
        ('{"a":"x\\u0001secret"}', "the text at 'a' holds U\\+0001"),
        ('{"a":"\\ud800"}', "the text at 'a' holds U\\+D800"),
        ("[1]", "it is no object"),
        ('{"a":' * 300 + "1" + "}" * 300, "more than 256 levels"),
    ],
)
def test_what_xml_cannot_hold_is_told_by_its_member(record: str, words: str) -> None:
    """One record fails with a name, and no element is made up."""
    with pytest.raises(InvalidContent, match=words) as error:
        XmlCodec().write(record.encode())
    assert "secret" not in error.value.problems[0].message
