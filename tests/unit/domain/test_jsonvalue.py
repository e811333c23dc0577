"""JSON without loss (D1; contract.md 1.3, 1.15; connections.md 5.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fairlead.domain.jsondepth import exceeds_depth
from fairlead.domain.jsonvalue import (
    NOTHING,
    JsonError,
    canonical,
    checked,
    dumps,
    elements,
    is_empty,
    join_array,
    loads,
    member,
    number_of,
    number_text,
    split_array,
    text_of,
    well_formed,
)

LONE = '"\\ud800"'
BIG = "9" * 400
HUGE = "9" * 5000

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
)


@pytest.mark.parametrize(
    "text",
    [
        "140891.90",
        "1e2",
        "1E400",
        "-0",
        "-0.0",
        "9007199254740993",
        "-18446744073709551617",
        BIG,
        HUGE,
        f"[1.50,{LONE},{HUGE},-0]",
        '{"b":1.0,"a":{"__proto__":-0,"":null}}',
        '"\\u0000"',
        '{"date":"2026-01-05","n":-0}',
    ],
)
def test_digits_and_order_survive(text: str) -> None:
    """Decoding and encoding gives back the digits and the key order as they were written."""
    assert dumps(loads(text)).decode() == text
    assert dumps(loads(text.encode())).decode() == text


@given(values)
def test_round_trip(value: Any) -> None:
    """What is encoded decodes to the same value, lone surrogates included."""
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value


@given(values)
def test_canonical(value: Any) -> None:
    """Canonical text is the same whatever the order of keys, and sorts them by code point."""
    text = canonical(value).decode()
    assert json.loads(text) == value

    def sorts(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        assert keys == sorted(keys)

    json.loads(text, object_pairs_hook=sorts)


def test_duplicate_keys() -> None:
    """The last of two equal keys counts."""
    assert loads('{"a":1,"a":2}') == {"a": 2}
    assert member(b'{"a":1,"a": 2}', "a") == b"2"


def test_byte_order_mark() -> None:
    """A leading byte order mark is skipped, positions count from behind it."""
    assert loads(b"\xef\xbb\xbf[1]") == [1]
    assert loads("\ufeff[1]") == [1]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (b"", 0),
        (b"[", 1),
        (b"[1,]", 3),
        (b"NaN", 0),
        (b"[Infinity]", 1),
        (b"[1] 2", 4),
        (b"01", 1),
        (b'"\xff"', 1),
        (b'"\xed\xa0\x80"', 1),
        (b'["\\ud800" x]', 10),
        (b'["\xc3\xa9\\ud800" x]', 12),
        (b'["\\ud800",-]', 10),
        (b'{"a":tru}', None),
        (b'[NaN,"\\ud800"]', None),
    ],
)
def test_no_json(text: bytes, position: int | None) -> None:
    """What is no JSON is refused with the byte where it goes wrong, and the message shows no content."""
    with pytest.raises(JsonError) as caught:
        loads(text)
    if position is not None:
        assert caught.value.position == position
        assert f"byte {position}" in str(caught.value)
    with pytest.raises(JsonError):
        well_formed(checked(text))


@pytest.mark.parametrize("lone", ["", LONE])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"[\\"]":[', "]}")])
def test_depth(opening: str, closing: str, lone: str) -> None:
    """500 levels pass and 501 do not, whichever brackets they are; 100,000 are a clean error too (contract.md 1.15)."""
    levels = 2 if closing == "]}" else 1
    deep = opening * (500 // levels) + (lone or "1") + closing * (500 // levels)
    assert dumps(loads(deep)).decode() == deep
    for text in (f"[{deep}]", f"[[],{{}},{deep}]", opening * 100_000 + closing * 100_000, opening * 100_000):
        with pytest.raises(JsonError, match="deeper than 500 levels"):
            loads(text)
    with pytest.raises(JsonError, match="deeper than 2 levels"):
        loads("[[[]]]", max_depth=2)


@given(values, st.integers(0, 6))
def test_depth_of_any_value(value: Any, bound: int) -> None:
    """Brackets inside strings and escaped quotes do not count as levels."""

    def depth(node: Any) -> int:
        if isinstance(node, dict | list):
            return 1 + max(map(depth, node.values() if isinstance(node, dict) else node), default=0)
        return 0

    assert exceeds_depth(dumps(value), bound) is (depth(value) > bound)
    assert exceeds_depth(json.dumps(value, indent=1).encode(), bound) is (depth(value) > bound)


def test_encoding_a_deep_value() -> None:
    """A value that nests too deeply to be encoded is a clean error."""
    value: Any = "\ud800"
    for _ in range(100_000):
        value = [value]
    for write in (dumps, canonical):
        with pytest.raises(JsonError, match="nested too deeply"):
            write(value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b" [ ] ", []),
        (b'[1 , {"a" : 1.50} ,[2, 3]]', [b"1", b'{"a" : 1.50}', b"[2, 3]"]),
        (
            b'\xef\xbb\xbf[{"a" : "\\ud800" , "b":[1 ,2]} , -0, "\xc3\xa9"]',
            [b'{"a" : "\\ud800" , "b":[1 ,2]}', b"-0", b'"\xc3\xa9"'],
        ),
    ],
)
def test_split_array(text: bytes, parts: list[bytes]) -> None:
    """Elements come back byte for byte, and joined they are an array of the same values."""
    assert split_array(text) == parts
    assert loads(join_array(parts)) == loads(text)


@pytest.mark.parametrize("text", [b"{}", b"1", b'{"a":"\\ud800"}', b"[1", b"[1,]", b'["\\ud800",]', b"[1] 2"])
def test_split_array_refuses(text: bytes) -> None:
    """What is no array is refused, also by its reader of checked text."""
    with pytest.raises(JsonError):
        split_array(text)
    with pytest.raises(JsonError):
        elements(text)


@pytest.mark.parametrize(
    ("key", "value"), [("a", b"[1 ,2]"), ("\ud800", b'"\\ud801"'), ("", b"{}"), ("none", None), ("b", b"1.50")]
)
def test_member(key: str, value: bytes | None) -> None:
    """A member comes back byte for byte, also beside lone surrogates."""
    assert member(b'{"a" : [1 ,2] , "\\ud800":"\\ud801", "": {}, "b":1.50 }', key) == value


@pytest.mark.parametrize("text", [b"[]", b'["\\ud800"]', b'{"a":1', b'{"a":"\\ud800",}'])
def test_member_refuses(text: bytes) -> None:
    """What is no object is refused."""
    with pytest.raises(JsonError):
        member(text, "a")


@pytest.mark.parametrize(
    ("json_text", "text"),
    [
        ('"a b"', "a b"),
        ("1.50", "1.50"),
        ("1E400", "1E400"),
        ("7", "7"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ('{"a" : [1.0, "ü"]}', '{"a":[1.0,"ü"]}'),
        ("[]", "[]"),
    ],
)
def test_text_of(json_text: str, text: str) -> None:
    """Texts for comparison (connections.md 5.2)."""
    assert text_of(loads(json_text)) == text


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        (None, True),
        (NOTHING, True),
        ("", True),
        ([], True),
        ({}, True),
        (0, False),
        (False, False),
        (" ", False),
        (Raw(b"0.0"), False),
    ],
)
def test_is_empty(value: Any, empty: bool) -> None:
    """0 and false are values (exports-imports.md 9.4)."""
    assert is_empty(value) is empty


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (Raw(b"1.50"), 1.5),
        (Raw(b"1E400"), float("inf")),
        (True, None),
        ("5", None),
        (None, None),
        (Raw(b"{}"), None),
    ],
)
def test_number_of(value: Any, number: float | None) -> None:
    """JSON numbers only: text and booleans are none."""
    assert number_of(value) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (-7.0, "-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e21, "1.5e+21"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (0.1 + 0.2, "0.30000000000000004"),
        (123456.789, "123456.789"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_number_text(number: float, text: str) -> None:
    """Doubles print as JavaScript prints them."""
    assert number_text(number) == text
