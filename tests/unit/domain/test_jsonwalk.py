"""Large JSON texts cut piece by piece, with the same result as all at once."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain import jsondepth, jsonwalk
from fairlead.domain.charset import undecodable_at
from fairlead.domain.jsondepth import exceeds_depth
from fairlead.domain.jsonvalue import JsonError, dumps, elements, loads, member
from fairlead.domain.jsonwalk import loads_by_turns, walked_elements, walked_member

texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "Cc"]), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
indents = st.sampled_from([None, 0, 2])


@given(st.lists(values, max_size=6), indents, st.booleans())
def test_elements(value: list[Any], indent: int | None, escaped: bool) -> None:
    """Verbatim, whatever they are and whatever stands between them."""
    text = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    assert list(walked_elements(text)) == elements(text)


@given(st.dictionaries(texts, values, max_size=6), texts, indents, st.booleans())
def test_members(value: dict[str, Any], other: str, indent: int | None, escaped: bool) -> None:
    """By the key that is meant, however it is written."""
    text = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    for key in (*value, other):
        assert walked_member(text, key) == member(text, key)


ODD: dict[str, tuple[bytes, list[bytes]]] = {
    "half a pair": (b'["\\ud800" , {"\\udc00":"\\uDFFF"}]', [b'"\\ud800"', b'{"\\udc00":"\\uDFFF"}']),
    "an escaped backslash before it": (b'["\\\\ud800","\\\\\\ud800"]', [b'"\\\\ud800"', b'"\\\\\\ud800"']),
    "digits": (b"[" + b"9" * 5000 + b",1E400,-0]", [b"9" * 5000, b"1E400", b"-0"]),
    "blanks": (b" [ 1 ,\t[ ] ,\r\n{ } ] ", [b"1", b"[ ]", b"{ }"]),
    "nothing": (b"[ ]", []),
}


@pytest.mark.parametrize(("text", "found"), ODD.values(), ids=ODD.keys())
def test_odd_elements(text: bytes, found: list[bytes]) -> None:
    """Taken as they are (issue 5, Bad input)."""
    assert list(walked_elements(text)) == found


@pytest.mark.parametrize("text", [b"[1,]", b"[1 2]", b"[1", b"[1]]", b"[NaN]", b'["\\ud8zz"]', b"{}", b"1", b""])
def test_what_is_no_array(text: bytes) -> None:
    """Told before the first element."""
    with pytest.raises(JsonError):
        walked_elements(text)


SMALL: tuple[tuple[str, int], ...] = (("WALKED_FROM", 0), ("_SPLIT_FROM", 2))


@given(values, indents, st.booleans())
def test_by_turns(value: Any, indent: int | None, escaped: bool) -> None:
    """The value of the whole text, wherever it is split."""
    text = json.dumps([value, {"-0": value}], indent=indent, ensure_ascii=escaped).encode()
    with pytest.MonkeyPatch.context() as patch:
        for name, size in SMALL:
            patch.setattr(jsonwalk, name, size)
        assert loads_by_turns(text) == loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":[-0, 1.50, 1E400, %b],"a":["\\ud800",{"b":{"c":{"d":{"e":[1,[2]]}}}}]}' % (b"9" * 5000),
        b"\xef\xbb\xbf \n[ -0 , 1.50 ] ",
        b'[["\\ud800"]]',
        b"[" * 500 + b"]" * 500,
    ],
)
def test_odd_values_by_turns(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits and halves of surrogate pairs are kept, the last of two equal keys counts, 500 levels are JSON."""
    for name, size in SMALL:
        monkeypatch.setattr(jsonwalk, name, size)
    assert dumps(loads_by_turns(text)) == dumps(loads(text))


@pytest.mark.parametrize(
    "text",
    [b'{"a":[1,{"b":01}]}', b'{"a":[1,2}', b'[[1],[NaN]]', b'[["\\x"]]', b"[[1]] 2", b'["\xff"]', b"[" * 501 + b"]" * 501],
)  # fmt: skip
def test_errors_by_turns(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the whole text, with their byte."""
    for name, size in SMALL:
        monkeypatch.setattr(jsonwalk, name, size)
    told = []
    for read in (loads, loads_by_turns):
        with pytest.raises(JsonError) as error:
            read(text)
        told.append(str(error.value))
    assert told[0] == told[1]


def test_a_large_text_is_decoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two of them other threads may go on; a text of too many values is not split, because its pieces would take memory."""
    text = b'{"items":[' + b",".join([b'{"a":"%b"}' % (b"x" * 50_000)] * 200) + b"]}"
    pieces: list[int] = []

    def counted(piece: bytes) -> Any:
        pieces.append(len(piece))
        return loads(piece)

    monkeypatch.setattr(jsonwalk, "loads", counted)
    assert len(loads_by_turns(text)["items"]) == 200
    assert len(pieces) == 200
    monkeypatch.setattr(jsonwalk, "MOST_BY_TURNS", 100)
    pieces.clear()
    assert len(loads_by_turns(text)["items"]) == 200
    assert pieces == [len(text)]


def test_the_last_of_equal_keys_counts() -> None:
    """exports-imports.md 2.2, in any spelling of the key."""
    text = '{"é":1,"b":2,"\\u00e9":3}'.encode()
    assert walked_member(text, "é") == b"3"


def test_pieces_are_not_held() -> None:
    """Memory for a million numbers is that of one of them."""
    text = b"[" + b"1," * 300_000 + b"1]"
    tracemalloc.start()
    try:
        assert sum(1 for _ in walked_elements(text)) == 300_001
        assert tracemalloc.get_traced_memory()[1] < len(text) + 500_000
    finally:
        tracemalloc.stop()


@given(values, st.integers(0, 6), st.sampled_from([1, 2, 3, 7]), indents)
def test_depth_piece_by_piece(value: Any, bound: int, piece: int, indent: int | None) -> None:
    """jsondepth looks at pieces: wherever one ends, in a string or an escape, the depth is the same."""
    text = json.dumps({'"\\': [value, '[{"\\\\']}, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        whole = exceeds_depth(text, bound)
        patch.setattr(jsondepth, "_PIECE", piece)
        assert exceeds_depth(text, bound) is whole

    def depth(node: Any) -> int:
        if isinstance(node, dict | list):
            return 1 + max(map(depth, node.values() if isinstance(node, dict) else node), default=0)
        return 0

    assert whole is (depth(loads(text)) > bound)


@given(st.binary(max_size=20), st.sampled_from(["utf-8", "utf-16-le", "shift_jis"]), st.integers(1, 5))
def test_the_first_byte_that_is_no_text(body: bytes, name: str, piece: int) -> None:
    """exports-imports.md 2.3: the same byte as of the whole, wherever a piece ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fairlead.domain.charset._PIECE", piece)
        at = undecodable_at(body, name)
    wrong = None
    try:
        body.decode(name)
    except UnicodeDecodeError as error:
        wrong = error.start
    assert at == wrong
