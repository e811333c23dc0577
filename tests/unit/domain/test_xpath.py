"""XPath as paths have it: what is let in, what it finds, what is refused, and what it costs."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from fairlead.domain.jsonvalue import NOTHING
from fairlead.domain.xpath import (
    MAX_LENGTH,
    MAX_PREDICATES,
    MAX_STEPS,
    MAX_WORK,
    XmlDocument,
    XPathError,
    compile_xpath,
)


def document(text: str) -> XmlDocument:
    """The document of an XML text."""
    return XmlDocument(etree.fromstring(text.encode()))


ORDERS = document(
    '<r xmlns="urn:orders" xmlns:p="urn:prefixed" id="R">'
    "<status>open</status>"
    '<order p:no="1"><p:id>A</p:id><item><sku>x</sku></item><item><sku>y</sku></item></order>'
    '<order no="2" paid="yes"><id>B</id><item><sku>z</sku></item>tail</order>'
    "<a.b>dotted</a.b><text>word</text><last>end</last>"
    "<deep><order><id>C</id></order></deep>"
    "</r>"
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/r/status", ["open"]),
        ("/*/status", ["open"]),
        ("/r/order/id", ["A", "B"]),
        ("/r/order/p:id", ["A", "B"]),
        ("/other:r/other:order/other:id", ["A", "B"]),
        ("//id", ["A", "B", "C"]),
        ("//order/id", ["A", "B", "C"]),
        ("/r/deep//id", ["C"]),
        ("/r//item/sku", ["x", "y", "z"]),
        ("/r/order/*/sku", ["x", "y", "z"]),
        ("/r/@id", ["R"]),
        ("/r/order/@no", ["1", "2"]),
        ("/r/order/@any:no", ["1", "2"]),
        ("//@paid", ["yes"]),
        ("/r/status/text()", ["open"]),
        ("/r/order/text()", ["tail"]),
        ("//sku/text()", ["x", "y", "z"]),
        ("/r/./status", ["open"]),
        ("./r/status/.", ["open"]),
        (".//status", ["open"]),
        ("/r/status/missing", []),
        ("/status", []),
        ("@id", []),
        ("text()", []),
    ],
)
def test_steps(path: str, found: list[str]) -> None:
    """connections.md 5.1: from the document, ``//`` once, names in any namespace, ``*``, ``.``, ``@name``, ``text()``."""
    assert compile_xpath(path).find(ORDERS) == found
    assert compile_xpath(path).first(ORDERS) == (found[0] if found else NOTHING)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/r/order[1]/id", ["A"]),
        ("/r/order[2]/id", ["B"]),
        ("/r/order[3]/id", []),
        ("/r/order[last()]/id", ["B"]),
        ("/r/order/item[last()]/sku", ["y", "z"]),
        ("//item[1]/sku", ["x", "z"]),
        ("/r/*[1]", ["open"]),
        ("/r/order[@paid]/id", ["B"]),
        ("/r/order[@no='1']/id", ["A"]),
        ("/r/order[@other:no = '1']/id", ["A"]),
        ('/r/order[id="B"]/@no', ["2"]),
        ("/r/order[id='b']/@no", []),
        ("/r/order[item/sku='y']/id", ["A"]),
        ("/r/order[item]/id", ["A", "B"]),
        ("/r/order[missing]/id", []),
        ("/r/order[text()]/id", ["B"]),
        ("/r/order[text()='tail']/id", ["B"]),
        ("/r/order[.//sku='z']/id", ["B"]),
        ("/r/order[item//text()='z']/id", ["B"]),
        ("//id[.='C']", ["C"]),
        ("//order[id='C']/id", ["C"]),
        ("//order[./id='A']/@no", ["1"]),
        ("//order[@paid='yes'][1]/id/text()", ["B"]),
        ("/r/order[item/sku='x'][id='A']/item[2]/sku", ["y"]),
        ("/r/order[item][2]/id", ["B"]),
        ("/r/order[2][item]/id", ["B"]),
        ("/r/*[text()='word']", ["word"]),
        ("/ r / order [ @no = '2' ] / id", ["B"]),
    ],
)
def test_predicates(path: str, found: list[str]) -> None:
    """connections.md 5.1: ``[n]``, ``[last()]``, ``[path]``, ``[path='text']``, one after the other as in XPath 1.0."""
    assert compile_xpath(path).find(ORDERS) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("status", ["open"]),
        (" status ", ["open"]),
        ("order.id", ["A", "B"]),
        ("order.item.sku", ["x", "y", "z"]),
        ("p:order.q:id", ["A", "B"]),
        ("text", ["word"]),
        ("last", ["end"]),
        ("a.b", []),
        ("r.status", []),
        ("/r/a.b", ["dotted"]),
        ("r/status", ["open"]),
        ("order[1]", []),
    ],
)
def test_plain_names_are_below_the_root(path: str, found: list[str]) -> None:
    """connections.md 5.1: ``status`` is ``/*/status``, ``a.b`` is ``/*/a/b``; whatever has a sign of XPath starts at the document."""
    assert compile_xpath(path).find(ORDERS) == found


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<v>as written </v>", "as written "),
        ("<v> a </v>", " a "),
        ("<v/>", ""),
        ("<v></v>", ""),
        ("<v>\n  \n</v>", ""),
        ("<v>\u00a0</v>", "\u00a0"),
        ("<v><![CDATA[<&]]> x</v>", "<& x"),
        ("<v>&lt;&#65;</v>", "<A"),
        ("<v>\n  <a>x</a>\n  <b>y</b>\n</v>", "x\n  y"),
        ("<v>one <b>two</b> three</v>", "one two three"),
        ("<v>\n  <a/>\n</v>", ""),
    ],
)
@pytest.mark.parametrize("path", ["v", "/r/v", "//v"])
def test_the_value_of_an_element(path: str, xml: str, value: str) -> None:
    """connections.md 5.1, 5.2: all its text, exactly; indentation is none."""
    assert compile_xpath(path).find(document(f"<r>{xml}</r>")) == [value]


def test_the_whole_document_has_a_value() -> None:
    """A dot is the document: all of its text."""
    for path in (".", "/.", "./.", "/*"):
        assert compile_xpath(path).find(document("<r> <a>x</a><b>y</b></r>")) == ["xy"]


REFUSED = [
    ("", "must not be empty"),
    ("  ", "must not be empty"),
    ("/", "needs a name at its end"),
    ("//", "needs a name at its end"),
    ("/r/", "needs a name at its end"),
    ("///a", "instead of '/'"),
    ("//a//b", "// may stand in it once"),
    ("//a[.//b]", "// may stand in it once"),
    ("//.", "needs a name after //"),
    ("/r/..", "uses '..'"),
    ("..", "uses '..'"),
    ("child::a", "uses 'child::'"),
    ("/r/ancestor::a", "uses 'ancestor::'"),
    ("/r/node()", "uses 'node('"),
    ("comment()", "uses 'comment('"),
    ("id('x')", "uses 'id('"),
    ("document('file:///etc/passwd')", "uses 'document('"),
    ("/r/text(1)", "uses 'text('"),
    ("last()", "needs a name"),
    ("/r/@*", "an attribute's name"),
    ("/r/p:*", "where a step should end"),
    ("/r/@a/b", "goes on after an attribute"),
    ("/r/text()/b", "goes on after an attribute or text()"),
    ("/r/a | /r/b", "has '|'"),
    ("a b", "has 'b'"),
    ("$.a", "instead of '$'"),
    ("/r/$x", "instead of '$'"),
    ("/r/1a", "instead of"),
    ("a[", "needs a name at its end"),
    ("a]", "has ']'"),
    ("/r/.[1]", "a predicate after a dot"),
    ("/r/[1]", "instead of '['"),
    ("/r/a[]", "instead of ']'"),
    ("/r/a[0]", "XPath counts from 1"),
    ("items[0].id", "XPath counts from 1"),
    ("/r/a[-1]", "instead of '-'"),
    ("/r/a[1.5]", "instead of"),
    ("/r/a[b[c]]", "within a predicate"),
    ("/r/a[/r/b]", "starts at the document"),
    ("/r/a[//b]", "starts at the document"),
    ("/r/a['x']", "instead of"),
    ("/r/a[b=5]", "no text in quotes"),
    ("/r/a[b=c]", "no text in quotes"),
    ("/r/a[b='x]", "no text in quotes"),
    ("/r/a[b!='x']", "other than"),
    ("/r/a[b>'x']", "other than"),
    ("/r/a[b='x' or c]", "other than"),
    ("/r/a[last()-1]", "other than"),
    ("/r/a[position()=1]", "uses 'position('"),
    ("/r/a[count(b)>1]", "uses 'count('"),
    ("/r/a[not(b)]", "uses 'not('"),
    ("/r/a[b='x'", "other than"),
    ("/r/a[b='\x01']", "characters that XML does not have"),
    ("/r/a[b='\ud800']", "characters that XML does not have"),
    ("/r" + "/a" * MAX_STEPS, f"more than {MAX_STEPS} steps"),
    ("/r" + "[a]" * (MAX_PREDICATES + 1), f"more than {MAX_PREDICATES} predicates"),
    ("/" + "a" * MAX_LENGTH, f"at most {MAX_LENGTH} characters"),
]


@pytest.mark.parametrize(("path", "words"), REFUSED)
def test_anything_else_is_refused_with_a_sentence(path: str, words: str) -> None:
    """connections.md 5.1: 422 on save, and the message says what is wrong."""
    with pytest.raises(XPathError) as error:
        compile_xpath(path)
    assert words in str(error.value)


def test_a_text_in_quotes_is_no_way_out() -> None:
    """Quotes of the other kind are letters: no expression can be built from a value."""
    quoted = document("<r><a>') or (1='1</a><a>b\"c</a></r>")
    assert compile_xpath("/r/a[.=\"') or (1='1\"]").find(quoted) == ["') or (1='1"]
    assert compile_xpath("/r/a[.='b\"c']").find(quoted) == ['b"c']


def test_a_search_compares_elements_with_at_most_one_level_below() -> None:
    """Whole branches within each other are not compared with a text (the bound on time): without ``//`` they are."""
    nested = document("<r><a>o<b>k</b></a><c><d>o<e>k<f/></e></d></c></r>")
    assert compile_xpath("//*[.='ok']").find(nested) == ["ok"]
    assert compile_xpath("/r/c/d[.='ok']").find(nested) == ["ok"]


def test_matches_within_matches_are_bounded() -> None:
    """``//*`` over 200 levels above a long text gives the first, and stops when it has read enough."""
    nested = document("<a>" * 200 + "x" * (MAX_WORK // 2) + "</a>" * 200)
    found = compile_xpath("//*").find(nested)
    assert 1 < len(found) < 5


def seconds(path: str, target: XmlDocument) -> float:
    """The processor time of one search, the best of three."""
    compiled = compile_xpath(path)
    taken = []
    for _ in range(3):
        started = time.process_time()
        compiled.find(target)
        taken.append(time.process_time() - started)
    return min(taken)


def test_costs_grow_with_the_answer_only() -> None:
    """D16: a predicate over 3,000 elements takes milliseconds; comparing texts over 250 levels takes no longer than walking them."""
    flat = document("<r>" + "<item><status>ok</status><id>7</id></item>" * 3000 + "</r>")
    assert seconds("/r/item[status='no']", flat) < 0.1
    assert seconds("//item[status='ok'][last()]", flat) < 0.1
    deep = document("<a>" * 250 + "<b/>" * 250_000 + "</a>" * 250)
    walked = seconds("//a[b]/b[last()]", deep)
    for path in ("//*[.='xx']", "//a[.='xx']", "//*[*='xx'][*='y'][*='z'][*='q']"):
        assert seconds(path, deep) < 2 * walked, path


def test_a_document_shows_nothing_of_itself() -> None:
    """Values of answers do not reach logs by accident."""
    assert repr(document("<secret/>")) == "XmlDocument()"
