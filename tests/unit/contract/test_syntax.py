"""One JSON document, or 400 (contract.md 1.3)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from fairlead.contract.syntax import MAX_DEPTH, SyntaxProblem, checked
from tests.unit.contract.samples import REPLACE, Sample


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a':1}",
        b'{"a":1,}',
        b"{} {}",
        b"{}x",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":01}',
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\x"}',
        b'{"a":[{"deep":tru}]}',
        b'{"any":[' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":"\\ud800",}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_what_is_not_one_json_document_is_400(body: bytes) -> None:
    """Syntax, encoding, a second document, NaN and depth, also inside values that nobody looks into."""
    with pytest.raises(ContractError) as caught:
        read(body, Sample, REPLACE)
    assert caught.value.status == 400
    assert [problem.code for problem in caught.value.problems] == ["invalid_json"]


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf {}", b" {} "])
def test_white_space_and_a_byte_order_mark_are_skipped(body: bytes) -> None:
    """An empty body is an empty object to the reader."""
    assert read(body, Sample, REPLACE).message == Sample()


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
@pytest.mark.parametrize("noise", [b'"]]]"', b'"\\"[[["', b'"\\\\"', b'"{","}"', b"{}"])
def test_the_hundredth_level_is_the_last(depth: int, noise: bytes) -> None:
    """Brackets inside strings do not count, however they are quoted."""
    body = b"[" * depth + b",".join([noise] * 150 if depth < MAX_DEPTH or noise != b"{}" else [b"1"]) + b"]" * depth
    if depth > MAX_DEPTH:
        with pytest.raises(SyntaxProblem, match="deeper"):
            checked(body)
    else:
        assert checked(body).text == body


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_every_document_is_accepted_and_comes_back_as_it_was(value: object) -> None:
    """Whatever strings hold, half surrogates and private characters included, the text is returned unchanged."""
    text = json.dumps({"value": value, "more": [[]] * 60}).encode()
    document = checked(text)
    assert document.original(document.text) == text


def test_half_surrogates_are_kept_beside_every_other_escape() -> None:
    """Stand-ins are escapes that occur nowhere else, so that putting them back is exact."""
    text = b'["\\ud800","\\uD800","\\udfff\\ud83d\\ude00","\\\\ud800","\\ue000","\\uE001"]'
    document = checked(text)
    assert document.stand_ins
    assert document.original(document.text) == text
    assert document.has_half(document.text)
    assert not document.has_half(b'"\\ue000"')
    assert document.shown("\ue000\ue001a\ue002") == "\ue000\ue001a\ufffd"
