"""Messages as REST JSON (D2, D3, contract.md 1.6)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.printer import print_json
from fairlead.contract.reader import read
from tests.unit.contract.samples import REPLACE, Answer, Request, Sample


@pytest.mark.parametrize(
    ("fields", "json"),
    [
        ({}, "{}"),
        ({"plain": 0, "name": "", "flag": False}, '{"name":"","plain":0,"flag":false}'),
        ({"base_uri": 'ü\n"\\'}, '{"baseURI":"ü\\n\\"\\\\"}'),
        ({"id": "x", "colour": 2, "adaptor": 1}, '{"_id":"x","colour":"Dark-Blue","adaptor":"HTTPImport"}'),
        ({"colours": [1, 2]}, '{"colours":["red","Dark-Blue"]}'),
        ({"ratio": 2.0}, '{"ratio":2}'),
        ({"ratio": 0.1}, '{"ratio":0.1}'),
        ({"ratio": 1e300}, '{"ratio":1e300}'),
        ({"level": 2**32 - 1}, '{"level":4294967295}'),
        ({"values": [{"values": ["a"]}, {}], "row": {"values": ["b"]}}, '{"values":[["a"],[]],"row":["b"]}'),
        ({"any": {"json": b'{"b": 1.50, "a":[ ]}'}}, '{"any":{"b": 1.50, "a":[ ]}}'),
        ({"opens": [{"json": b"9007199254740993"}, {"json": b'"\\ud800"'}]}, '{"opens":[9007199254740993,"\\ud800"]}'),
        ({"inner": {}}, '{"inner":{}}'),
        ({"inners": [{"tags": ["x"]}, {}]}, '{"inners":[{"tags":["x"]},{}]}'),
        ({"colour": 0}, "{}"),
        ({"colour": 9}, '{"colour":null}'),
    ],
)
def test_a_field_is_printed_by_its_kind(fields: dict[str, Any], json: str) -> None:
    """REST names, words, bare lists, presence, open values byte for byte, numbers as numbers."""
    assert print_json(Sample(**fields)).decode() == json


@pytest.mark.parametrize(
    "body",
    [
        '{"keptDate":null,"inner":{"note":null,"tags":[]},"inners":[{"tags":[]},{"note":null}]}',
        '{"inner":{},"inners":[],"keptAny":null}',
        '{"values":[[],["a"]],"data":[]}',
        '{"_id":"x","name":"a","plain":1,"inner":{"name":"b"},"any":{"z": 1}}',
    ],
)
def test_what_was_kept_comes_back(body: str) -> None:
    """``written`` is obeyed and never printed; members stand in the order of the contract (contract.md 1.10)."""
    message = read(body.encode(), Sample, 0).message
    assert print_json(message).decode() == body


def test_a_path_that_no_rule_keeps_prints_nothing() -> None:
    """A client cannot make an answer say null by naming a path."""
    assert print_json(Sample(written=["name", "password", "inner.name", "dropped", "nothing.at.all"])) == b"{}"


def test_some_fields_are_always_printed_and_headers_never() -> None:
    """``always_printed``, ``empty_is_null``, ``header``."""
    assert print_json(Answer(etag="x")) == b'{"data":[],"dataURIs":[],"code":0,"ignored":false,"list":[]}'
    assert print_json(Answer(data_uris=["", "u"], code=2, data={"json": b"[{}]"})) == (
        b'{"data":[{}],"dataURIs":[null,"u"],"code":2,"ignored":false,"list":[]}'
    )


def test_an_answer_may_be_one_field() -> None:
    """``response_body``: an object, a bare array, or the bytes of an open value."""
    answer = Answer(samples=[{"name": "a"}, {"written": ["inners"]}], sample={"name": "b"}, data={"json": b"[ {} ]"})
    assert print_json(answer, field="samples") == b'[{"name":"a"},{"inners":[]}]'
    assert print_json(answer, field="sample") == b'{"name":"b"}'
    assert print_json(answer, field="data") == b"[ {} ]"
    assert print_json(Answer(), field="data") == b"[]"
    assert print_json(Answer(), field="samples") == b"[]"
    with pytest.raises(TypeError, match="code"):
        print_json(answer, field="code")


def test_written_belongs_to_the_document_that_holds_it() -> None:
    """A document inside a request keeps its own paths."""
    request = read(b'{"sample":{"inner":{"name":"b","note":null}}}', Request, REPLACE).message
    assert print_json(request) == b'{"sample":{"inner":{"name":"b","note":null}}}'
