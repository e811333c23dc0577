"""The path language of connections.md 5.1 and its bounds (D16)."""

from __future__ import annotations

import pytest

from fairlead.domain.jsonvalue import dumps, loads
from fairlead.domain.paths import MAX_LENGTH, MAX_STEPS, NOTHING, PathError, compile_path, texts_of

BODY = loads(
    r"""{"a":{"b":[{"c":1.50},{"c":2,"d":null},{"d":0}],"0":"zero"},"@odata.nextLink":"u","a.b":"dotted","a b":{"c.d":1},
    "it's":3,"l":[[1,2],[3]],"n":null,"o":{"c":9},"":"empty","__proto__":"p","$where":"w","next-link":"x","s":"text"}"""
)


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("o", '[{"c":9}]'),
        ("$.o.c", "[9]"),
        ("$['o']['c']", "[9]"),
        ("a.b[0].c", "[1.50]"),
        ("$.a.b.1.c", "[2]"),
        ("a.b[-1].d", "[0]"),
        ("a.b[9].c", "[]"),
        ("a.b[*].c", "[1.50,2]"),
        ("a.b.*.d", "[null,0]"),
        ("a.b.c", "[]"),
        ("a.0", '["zero"]'),
        ("a[0]", '["zero"]'),
        ("a.b", '[[{"c":1.50},{"c":2,"d":null},{"d":0}]]'),
        ("['a.b']", '["dotted"]'),
        ('["@odata.nextLink"]', '["u"]'),
        ("$['@odata.nextLink']", '["u"]'),
        ("@odata.nextLink", '["u"]'),
        ("a.b.x", "[]"),
        ("[a b]['c.d']", "[1]"),
        ("[a b].[c.d]", "[1]"),
        ("a b['c.d']", "[1]"),
        (r"['it\'s']", "[3]"),
        ('["it\'s"]', "[3]"),
        ("it's", "[3]"),
        ("['']", '["empty"]'),
        ("__proto__", '["p"]'),
        ("__class__", "[]"),
        ("$where", '["w"]'),
        ("next-link", '["x"]'),
        ("l[*]", "[[1,2],[3]]"),
        ("l[*][*]", "[1,2,3]"),
        ("l[1][0]", "[3]"),
        ("o[*].c", "[9]"),
        ("s[*]", '["text"]'),
        ("n[*]", "[]"),
        ("n", "[null]"),
        ("n.x", "[]"),
        ("s.x", "[]"),
        ("s[0]", "[]"),
        ("none", "[]"),
        ("$..c", "[1.50,2,9]"),
        ("a.b[0:2].c", "[1.50,2]"),
        ("a.b[0,1].c", "[1.50,2]"),
        ("$['s','n']", '["text",null]'),
        ("a.b[?(@.c > 1.2)].c", "[1.50,2]"),
        ("a.b[?(@.c > 1.5)].c", "[2]"),
        ("a.b[?(@.c == 2)].d", "[null]"),
        ("a.b[?(@.c)]", '[{"c":1.50},{"c":2,"d":null}]'),
    ],
)
def test_find(path: str, matches: str) -> None:
    """All matches, in order, digits as in the body; the first one is the first of them."""
    compiled = compile_path(path)
    assert dumps(compiled.find(BODY)).decode() == matches
    expected = loads(matches)
    assert compiled.first(BODY) == (expected[0] if expected else NOTHING)


def test_whole_body() -> None:
    """$ is the whole body, whatever it is."""
    assert compile_path("$").find(BODY) == [BODY]
    assert compile_path("$").first(None) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "  ",
        ".",
        ".a",
        "$.",
        "a.",
        "a..",
        "a[",
        "a[]",
        "a]",
        "a]b",
        "a[0]b",
        "a['x'",
        "a[?(@.b =~ '(a+)+$')]",
        "$..a..b",
        "a.`sub(/(a+)+/, b)`",
        "a.`split(x, 0, -1)`",
        "a[?(@..x > 1)]",
        "a[?($.b == 1)]",
        "a[?(@.x & @.y)]",
        r"a[?(@.x)][\b]",
        "$..a[?(@.b * 100000000 == 1)]",
        "a." * MAX_STEPS + "a",
        "a" * (MAX_LENGTH + 1),
        "$..a[?(" + " && ".join("@.x == 1" for _ in range(40)) + ")]",
        "$.." + "(" * 400,
    ],
)
def test_refused(path: str) -> None:
    """Broken paths, regular expressions, arithmetic, functions and costly shapes do not compile."""
    with pytest.raises(PathError):
        compile_path(path)


def test_compiled_once() -> None:
    """The same text compiles to the same object."""
    assert compile_path("a.b[0].c") is compile_path("a.b[0].c")
    assert compile_path("$..c") is compile_path("$..c")


def test_hostile_value() -> None:
    """A search through 500 levels ends without an error of the interpreter."""
    deep = loads('{"x":' * 500 + "1" + "}" * 500)
    assert len(compile_path("$..x").find(deep)) in (0, 500)
    assert compile_path("x.x.x").first(deep) is not NOTHING


def test_plain_paths_know_their_steps() -> None:
    """A codec walks plain paths without decoding; the rest of JSONPath has no steps."""
    assert compile_path("a[0].*.b").spreads
    assert not compile_path("a[0].b").spreads
    assert compile_path("$.a[0].b").steps == ("a", 0, "b")
    assert compile_path("$..a").steps is None


def test_texts_of() -> None:
    """Matches as texts for comparison (5.2)."""
    assert texts_of(compile_path("a.b[*].c").find(BODY)) == ["1.50", "2"]
