"""What double and triple braces print at each place (handlebars.md 3)."""

from __future__ import annotations

import pytest

from fairlead.domain.jsonvalue import loads
from fairlead.engine.ports import Place, TemplateError
from tests.unit.templates.conftest import Render


@pytest.mark.parametrize(
    ("place", "template", "value", "double", "triple"),
    [
        (Place.JSON, '{{"n":"%s"}}', '"a\\"b"', '{"n":"a\\"b"}', '{"n":"a"b"}'),
        (Place.JSON, '{{"n":%s}}', "5", '{"n":5}', '{"n":5}'),
        (Place.JSON, '{{"n":%s}}', '{"k":1}', '{"n":{"k":1}}', '{"n":[object Object]}'),
        (Place.URI, "/c/%s", '"a b/c"', "/c/a%20b%2Fc", "/c/a b/c"),
        (Place.XML, "<n>%s</n>", '"a&b"', "<n>a&amp;b</n>", "<n>a&b</n>"),
    ],
)
def test_example(render: Render, place: Place, template: str, value: str, double: str, triple: str) -> None:
    """The example rows of chapter 3."""
    template = template.replace("{{", "{").replace("}}", "}")
    record = {"n": loads(value)}
    assert render(template % "{{record.n}}", place, record=record) == double
    assert render(template % "{{{record.n}}}", place, record=record) == triple


TEXT = "é \"<&'>+/~*\n"
TREE = '{"k":[1.50,"a b"]}'


@pytest.mark.parametrize(
    ("place", "text", "tree"),
    [
        (Place.URI, "%C3%A9%20%22%3C%26'%3E%2B%2F~*%0A", "%7B%22k%22%3A%5B1.50%2C%22a%20b%22%5D%7D"),
        (Place.JSON, "é \\\"<&'>+/~*\\n", TREE),
        (Place.XML, "é &quot;&lt;&amp;&#39;&gt;+/~*\n", "{&quot;k&quot;:[1.50,&quot;a b&quot;]}"),
        (Place.FORM, "%C3%A9+%22%3C%26%27%3E%2B%2F%7E*%0A", "%7B%22k%22%3A%5B1.50%2C%22a+b%22%5D%7D"),
        (Place.PLAIN, TEXT, TREE),
    ],
)
def test_table(render: Render, place: Place, text: str, tree: str) -> None:
    """Text, numbers, booleans, trees: one row a place; literal text is never touched."""
    record = {"t": TEXT, "j": loads(TREE), "i": 5, "d": loads("1.50"), "y": True, "n": None}
    assert render("<&{{t}}", place, record=record) == "<&" + text
    assert render("{{j}}", place, record=record) == tree
    assert render("{{i}} {{d}} {{y}} {{n}}{{none}}", place, record=record) == "5 1.50 true "
    assert render("{{{j}}}|{{{j.k}}}|{{{t}}}", place, record=record) == f"[object Object]|1.50,a b|{TEXT}"


@pytest.mark.parametrize(
    ("place", "helper", "made"),
    [
        (Place.URI, "encodeURI t", "a%26%22"),
        (Place.XML, "htmlEncode t", "a&amp;&quot;"),
        (Place.JSON, "jsonEncode t", 'a&\\"'),
        (Place.JSON, "jsonSerialize t", '"a&\\""'),
        (Place.JSON, "jsonStringify t", '"a&\\""'),
    ],
)
def test_made_for_the_place(render: Render, place: Place, helper: str, made: str) -> None:
    """A result that was made for the place is printed as it is in both forms, and encoded like text anywhere else."""
    record = {"t": 'a&"'}
    assert render(f"{{{{{helper}}}}}", place, record=record) == made
    assert render(f"{{{{{{{helper}}}}}}}", place, record=record) == made
    other = Place.FORM if place is Place.URI else Place.URI
    assert render(f"{{{{{helper}}}}}", other, record=record) != made
    assert render(f"{{{{uppercase ({helper})}}}}", place, record=record) != made.upper()


@pytest.mark.parametrize("letter", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe"])
def test_what_xml_does_not_have(render: Render, letter: str) -> None:
    """XML 1.0, 2.2: a text in an XML body has no control characters but tab and line ends, so that a record fails instead of the body."""
    with pytest.raises(TemplateError, match=f"U\\+{ord(letter):04X}"):
        render("<n>{{t}}</n>", Place.XML, record={"t": f"a{letter}b"})
    assert render("{{t}}", Place.XML, record={"t": "a\t\r\n\x7f\ufffd"}) == "a\t\r\n\x7f\ufffd"
    assert letter in render("{{t}}", Place.PLAIN, record={"t": f"a{letter}b"})


def test_base64_in_a_uri(render: Render) -> None:
    """Base64 text in a URI is percent-encoded by double braces and not by triple braces."""
    assert render('{{base64Encode "a?>"}}|{{{base64Encode "a?>"}}}', Place.URI) == "YT8%2B|YT8+"


def test_digits_of_the_source(render: Render) -> None:
    """Numbers keep their digits when they come unchanged from a record; results of arithmetic are doubles."""
    assert render("{{price}} {{big}} {{{price}}} {{add price 0}}") == "140891.90 9007199254740993 140891.90 140891.9"


@pytest.mark.parametrize("place", list(Place))
def test_output_has_a_utf8_form(render: Render, place: Place) -> None:
    """Lone surrogates are replaced (escaped inside of JSON text): whatever is rendered can be sent."""
    output = render("{{t}}|{{{t}}}|{{j}}", place, record={"t": "a\ud800", "j": ["\ud800"]})
    assert output.encode().count(b"\xef\xbf\xbd") >= 1


def test_sorted_arrays(render: Render) -> None:
    """What `sort` gives prints joined with commas, and as an array where JSON is written."""
    assert render("{{sort list reverse=true}}") == "c,b,a"
    assert render("{{sort list reverse=true}}", Place.JSON) == '["c","b","a"]'
