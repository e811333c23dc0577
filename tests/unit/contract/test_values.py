"""Reading single values: lenient where the contract is, exact elsewhere, open values untouched (contract.md 1.5 to 1.7)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fairlead.contract import openvalue, reader
from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from tests.unit.contract.reading import problems, sample
from tests.unit.contract.samples import REPLACE, VIRTUAL_MODEL, Request


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ('{"name":"a"}', "name", "a"),
        ('{"upper":"aß"}', "upper", "ASS"),
        ('{"lower":"AbC"}', "lower", "abc"),
        ('{"vendor":"FOObar"}', "vendor", "FOObar"),
        ('{"baseURI":"x"}', "base_uri", "x"),
        ('{"baseUri":"x"}', "base_uri", "x"),
        ('{"baseURI":"right","baseUri":"alias"}', "base_uri", "right"),
        ('{"plain":7}', "plain", 7),
        ('{"plain":"7"}', "plain", 7),
        ('{"plain":" -7 "}', "plain", -7),
        ('{"plain":7.0}', "plain", 7),
        ('{"plain":"7e1"}', "plain", 70),
        ('{"ratio":1}', "ratio", 1.0),
        ('{"ratio":"0.25"}', "ratio", 0.25),
        ('{"level":51}', "level", 50),
        ('{"level":5000000000}', "level", 50),
        ('{"flag":false}', "flag", False),
        ('{"colour":"RED"}', "colour", 1),
        ('{"colour":"dark-blue"}', "colour", 2),
        ('{"colour":"NAVY"}', "colour", 2),
        ('{"adaptor":"HTTPImport"}', "adaptor", 1),
        ('{"colours":["red","navy"]}', "colours", [1, 2]),
        ('{"colours":"red"}', "colours", [1]),
        ('{"texts":["a","b"]}', "texts", ["a", "b"]),
        ('{"texts":[200, true, 1.50, 1E400, null]}', "texts", ["200", "true", "1.50", "1E400", ""]),
        ('{"texts":"a"}', "texts", ["a"]),
        ('{"texts":200}', "texts", ["200"]),
        ('{"texts":false}', "texts", ["false"]),
        ('{"numbers":[1,"2"]}', "numbers", [1, 2]),
        ('{"bodies":[{"a": [1.0, "b c"]}, "{{x}}"]}', "bodies", ['{"a":[1.0,"b c"]}', "{{x}}"]),
        ('{"bodies":{"a" : 1}}', "bodies", ['{"a":1}']),
        ('{"body":{"a" : 9007199254740993}}', "body", '{"a":9007199254740993}'),
        ('{"mapped":"red"}', "mapped", 1),
    ],
)
def test_a_value_is_read_as_its_field_wants_it(body: str, name: str, value: Any) -> None:
    """Lenient where contract.md 1.5 says so: numeric text, scalars for lists of strings, words without case, aliases."""
    read_value = getattr(sample(body), name)
    assert (list(read_value) if isinstance(value, list) else read_value) == value


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('{"values":[["a","b"],["c"]]}', [["a", "b"], ["c"]]),
        ('{"values":["a","b"]}', [["a", "b"]]),
        ('{"values":"a"}', [["a"]]),
        ('{"values":7}', [["7"]]),
        ('{"values":[["a"],"b",null,[]]}', [["a"], ["b"], [], []]),
        ('{"values":[[200,true,null]]}', [["200", "true", ""]]),
        ('{"values":[]}', []),
    ],
)
def test_a_plain_list_is_the_list_of_lists_with_that_one_element(body: str, rows: list[list[str]]) -> None:
    """Array-valued fields of imports take a single string or list (exports-imports.md 9.2)."""
    assert [list(row.values) for row in sample(body).values] == rows


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T12:00:00-0530", "2026-01-31T17:30:00.000Z"),
        ("2026-01-31T12:00", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31 12:00:00.1239Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("0999-12-31T23:00:00-02:00", "1000-01-01T01:00:00.000Z"),
    ],
)
def test_a_date_is_kept_in_utc_with_milliseconds(text: str, kept: str) -> None:
    """ISO 8601 with offset or Z, without zone UTC (contract.md 1.6)."""
    assert sample(f'{{"date":"{text}"}}').date == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        "20260131",
        "2026-W05-1",
        "1769860800",
        "0001-01-01T00:00+05:00",
        "2026-01-31T25:00Z",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    """A date that nobody can mean is a problem of its field."""
    assert problems(f'{{"date":"{text}"}}')[0][:2] == ("invalid_field", "date")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('{"name":1}', "name", "name must be a string"),
        ('{"name":true}', "name", "name must be a string"),
        ('{"name":{}}', "name", "name must be a string"),
        ('{"name":["a"]}', "name", "name must be a string"),
        ('{"name":"abcdef"}', "name", "name must have at most 5 characters, not 6"),
        ('{"count":0}', "count", "count must be between 1 and 50, not 0"),
        ('{"count":"51"}', "count", "count must be between 1 and 50, not 51"),
        ('{"level":0}', "level", "level must be between 1 and 50, not 0"),
        ('{"plain":2147483648}', "plain", "plain must be between -2147483648 and 2147483647, not 2147483648"),
        (
            '{"plain":' + "9" * 400 + "}",
            "plain",
            "plain must be between -2147483648 and 2147483647, not a number of that size",
        ),
        ('{"plain":1.5}', "plain", "plain must be a whole number"),
        ('{"plain":"x"}', "plain", "plain must be a whole number"),
        ('{"plain":""}', "plain", "plain must be a whole number"),
        ('{"plain":true}', "plain", "plain must be a whole number"),
        ('{"ratio":1e999}', "ratio", "ratio must be a number"),
        ('{"ratio":"NaN"}', "ratio", "ratio must be a number"),
        ('{"ratio":"1e999"}', "ratio", "ratio must be a number, not inf"),
        ('{"flag":"true"}', "flag", "flag must be true or false"),
        ('{"flag":1}', "flag", "flag must be true or false"),
        ('{"colour":"green"}', "colour", "colour must be one of red, Dark-Blue"),
        ('{"colour":1}', "colour", "colour must be one of red, Dark-Blue"),
        ('{"colour":""}', "colour", "colour must be one of red, Dark-Blue"),
        ('{"adaptor":"httpimport"}', "adaptor", "adaptor must be one of HTTPImport"),
        ('{"colours":["red","x"]}', "colours.1", "colours.1 must be one of red, Dark-Blue"),
        ('{"colours":[null]}', "colours.0", "colours.0 must be one of red, Dark-Blue"),
        ('{"texts":[]}', "texts", "texts must have at least 1 entry"),
        ('{"texts":["a",{}]}', "texts.1", "texts.1 must be a string"),
        ('{"texts":{}}', "texts", "texts must be an array"),
        ('{"bodies":[["a"]]}', "bodies.0", "bodies.0 must be a string"),
        ('{"numbers":7}', "numbers", "numbers must be an array"),
        ('{"numbers":[1,null]}', "numbers.1", "numbers.1 must be a whole number"),
        ('{"values":{}}', "values", "values must be an array"),
        ('{"values":[["a",{}]]}', "values.0.1", "values.0.1 must be a string"),
        ('{"inner":[]}', "inner", "inner must be an object"),
        ('{"inner":{"self":{"self":7}}}', "inner.self.self", "inner.self.self must be an object"),
        ('{"inners":{}}', "inners", "inners must be an array"),
        ('{"inners":[{},7]}', "inners.1", "inners.1 must be an object"),
        ('{"inners":[null]}', "inners.0", "inners.0 must be an object"),
        ('{"object":[]}', "object", "object must be an object"),
        ('{"object":"{}"}', "object", "object must be an object"),
        ('{"array":{}}', "array", "array must be an array"),
        ('{"data":{}}', "data", "data must be an array of records"),
        ('{"data":[{},[],3]}', "data.2", "data.2 must be an object or an array of rows"),
        ('{"data":[null]}', "data.0", "data.0 must be an object or an array of rows"),
        ('{"scalar":[]}', "scalar", "scalar must be a string, a number, true, false or null"),
        ('{"textOrArray":{}}', "textOrArray", "textOrArray must be a string or an array"),
        ('{"vendor":"bar"}', "vendor", "vendor must be one of acme, fooBar"),
        ('{"vendor":""}', "vendor", "vendor must be one of acme, fooBar"),
        ('{"name":"\\ud800"}', "name", "name must not contain half of a surrogate pair"),
    ],
)
def test_a_wrong_value_is_told_with_its_path(body: str, field: str, message: str) -> None:
    """``invalid_field`` names the field from the top of the body and what it must be (contract.md 1.5)."""
    assert problems(body) == [("invalid_field", field, message)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('{"a": 1.50}', '{"a": 1.50}'),
        ('" {\\"a\\":1.50} "', '{"a":1.50}'),
        ("\"{'password': 'ayTb53Img!do'}\"", '{"password": "ayTb53Img!do"}'),
        ("\"{'a':'it\\\\'s','b':'say \\\"x\\\"','c':\\\"it's\\\"}\"", '{"a":"it\'s","b":"say \\"x\\"","c":"it\'s"}'),
    ],
)
def test_a_bag_may_be_written_as_text(written: str, kept: str) -> None:
    """An object, JSON text, or text with single quotes as the specification prints it; stored as the object (contract.md 1.7)."""
    assert sample(f'{{"bag":{written}}}').bag.json == kept.encode()


@pytest.mark.parametrize("written", ['"secret words"', '"[1]"', '"{\\"a\\":}"', '""', "[]", "7", "\"{'a':'\\ud800'}\""])
def test_a_bag_that_is_no_object_is_refused_without_its_content(written: str) -> None:
    """The message never contains the value of a secret field."""
    [(code, field, message)] = problems(f'{{"bag":{written}}}')
    assert (code, field) == ("invalid_field", "bag")
    assert "secret" not in message


@pytest.mark.parametrize(
    "value", ["1.50", "1E400", "9007199254740993", '{"b": 1 ,"a":[ ]}', '"\\ud800\\ue000"', "false", '"\\\\ud800"']
)
def test_open_values_are_taken_byte_for_byte(value: str) -> None:
    """Digits, spaces, key order and lone surrogates reach the message as they were sent (D1, contract.md 1.6)."""
    assert sample(f'{{"any": {value} }}').any.json == value.encode()
    assert [one.json for one in sample(f'{{"opens":[{value}, 1]}}').opens] == [value.encode(), b"1"]


def test_records_are_spliced_and_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand records reach the message as one slice of the body; no decoder that builds values ever sees them."""
    records = b"[" + b",".join(b'{"n":%d, "x":1.50,"deep":[{"y":[]}]}' % index for index in range(10_000)) + b"]"
    for name in ("json", "_ELEMENTS", "_TEXT"):
        monkeypatch.setattr(openvalue, name, None)
    levels: list[msgspec.Raw] = []
    members = reader._MEMBERS

    def counted(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
        levels.append(raw)
        return members(raw)

    monkeypatch.setattr(reader, "_MEMBERS", counted)
    message: Any = read(b'{"data":' + records + b"}", Request, VIRTUAL_MODEL).message
    assert message.data.json == records
    assert len(levels) == 1  # the members of the body itself


def test_wrong_records_among_very_many_are_told_once() -> None:
    """A hostile array of millions of scalars costs one problem, rows of anything are fine."""
    with pytest.raises(ContractError) as caught:
        read(b'{"data":[1' + b",1" * 1_000_001 + b"]}", Request, REPLACE)
    assert [problem.field for problem in caught.value.problems] == ["data"]
    assert read(b'{"data":[[1,"a",[]],{}]}', Request, REPLACE).message.HasField("data")
