"""Reading REST JSON: every field rule, each once (contract.md 1.3 to 1.10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fairlead.contract import openvalue, reader
from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from tests.unit.contract.samples import CREATE, REPLACE, VIRTUAL_CONNECTION, VIRTUAL_MODEL, Request, Sample

MASK = "******"


def sample(body: str | bytes, mode: int = REPLACE, **options: Any) -> Any:
    """The sample message that a body reads as."""
    return read(body.encode() if isinstance(body, str) else body, Sample, mode, **options).message


def problems(body: str | bytes, mode: int = REPLACE, **options: Any) -> list[tuple[str, str | None, str]]:
    """Code, field and message of everything that is wrong with a body."""
    with pytest.raises(ContractError) as caught:
        sample(body, mode, **options)
    assert caught.value.status == 422
    return [(problem.code, problem.field, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ('{"name":"a"}', "name", "a"),
        ('{"upper":"aß"}', "upper", "ASS"),
        ('{"lower":"AbC"}', "lower", "abc"),
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
        ('{"name":"\\ud800"}', "name", "name must not contain half of a surrogate pair"),
    ],
)
def test_a_wrong_value_is_told_with_its_path(body: str, field: str, message: str) -> None:
    """``invalid_field`` names the field from the top of the body and what it must be (contract.md 1.5)."""
    assert problems(body) == [("invalid_field", field, message)]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('{"inner":{"passwrd":1}}', "inner.passwrd", 'Unknown field "inner.passwrd". Did you mean "password"?'),
        ('{"inners":[{},{"nome":1}]}', "inners.1.nome", 'Unknown field "inners.1.nome". Did you mean "name"?'),
        ('{"something":1}', "something", 'Unknown field "something".'),
        ('{"written":["x"]}', "written", 'Unknown field "written".'),
        ('{"ifMatch":"x"}', "ifMatch", 'Unknown field "ifMatch".'),
        ('{"base_uri":"x"}', "base_uri", 'Unknown field "base_uri".'),
        ('{"":1}', "", 'Unknown field "".'),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(body: str, field: str, message: str) -> None:
    """One entry per key; a sibling within two edits is proposed; ``written`` and proto names are no REST names (contract.md 1.8)."""
    assert problems(body) == [("unknown_field", field or None, message)]


def test_unknown_keys_are_dropped_and_listed_when_the_operator_says_so() -> None:
    """With ``ignore`` the paths are answered instead of refused (contract.md 1.8)."""
    result = read(b'{"x":1,"inner":{"y":{"z":1},"name":"a"}}', Sample, REPLACE, unknown="ignore")
    assert result.ignored == ["x", "inner.y"]
    assert result.message.inner.name == "a"  # type: ignore[attr-defined]  # class made at run time


def test_all_problems_of_the_five_kinds_come_at_once() -> None:
    """Unknown keys, types, enumerations, ranges and required fields are one answer (contract.md 1.5)."""
    found = problems('{"nam":1,"flag":"x","colour":"green","count":99,"inner":{"tags":[{}]}}', CREATE)
    assert {(code, field) for code, field, _ in found} == {
        ("unknown_field", "nam"),
        ("invalid_field", "flag"),
        ("invalid_field", "colour"),
        ("invalid_field", "count"),
        ("invalid_field", "inner.tags.0"),
        ("missing_required_field", "inner.name"),
        ("missing_required_field", "name"),
    }


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("", ["name"]),
        ("{}", ["name"]),
        ('{"name":null}', ["name"]),
        ('{"name":""}', ["name"]),
        ('{"name":"a","inner":{}}', ["inner.name"]),
        ('{"name":"","inner":{"name":""}}', ["name", "inner.name"]),
        ('{"name":"a","inner":{"name":""}}', ["inner.name"]),
        ('{"name":"a","inners":[{"name":"b"},{"name":null}]}', ["inners.1.name"]),
    ],
)
def test_a_required_field_must_have_a_value(body: str, missing: list[str]) -> None:
    """Null and, for text, empty text count as missing; an empty body reads as an empty object (contract.md 1.3)."""
    assert [(code, field) for code, field, _ in problems(body, CREATE)] == [
        ("missing_required_field", path) for path in missing
    ]


def test_a_field_that_is_wrong_is_not_missing_as_well() -> None:
    """One problem per cause."""
    assert [code for code, _, _ in problems('{"name":7}', CREATE)] == ["invalid_field"]


def test_required_depends_on_the_mode() -> None:
    """``required`` lists modes; elsewhere the field may be absent."""
    assert not sample("{}", REPLACE).HasField("name")


def test_output_only_members_are_ignored_whatever_they_hold() -> None:
    """GET, edit, PUT works (contract.md 1.9)."""
    assert not sample('{"_id":{"not":"a string"}}', REPLACE).HasField("id")
    assert sample('{"_id":"x"}', VIRTUAL_MODEL).id == "x"


@pytest.mark.parametrize("mode", [CREATE, VIRTUAL_CONNECTION])
@pytest.mark.parametrize(
    ("member", "field"),
    [
        ('"password":"******"', "password"),
        ('"password":"\\u002a*****"', "password"),
        ('"bag":"******"', "bag"),
        ('"bag":{"a":"x","key":"******"}', "bag.key"),
        ('"bag":"{\\"key\\":\\"******\\"}"', "bag.key"),
    ],
)
def test_a_mask_is_refused_where_nothing_is_stored(mode: int, member: str, field: str) -> None:
    """POST and virtual ping have nothing to keep (contract.md 1.7)."""
    assert [found[:2] for found in problems(f'{{"name":"a",{member}}}', mode)] == [("invalid_field", field)]


@pytest.mark.parametrize("mode", [REPLACE, VIRTUAL_MODEL])
def test_a_mask_passes_where_it_means_keep_or_is_plain_text(mode: int) -> None:
    """PUT keeps the stored value; models of virtual calls hold no secrets (contract.md 1.7)."""
    read_sample = sample('{"password":"******","bag":"******"}', mode)
    assert read_sample.password == MASK
    assert read_sample.bag.json == b'"******"'
    assert sample('{"bag":{"key":"******"}}', mode).bag.json == b'{"key":"******"}'


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
    for name in ("_MEMBERS", "_ELEMENTS", "_TEXT"):
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


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        ('{"inner":{"name":null,"tags":null}}', []),
        ('{"inner":{"self":{"name":null}}}', []),
        ('{"inner":{}}', ["inner"]),
        ('{"inner":{"note":null}}', ["inner.note"]),
        ('{"keptDate":null}', ["keptDate"]),
        ('{"inner":{"tags":[]}}', ["inner.tags"]),
        ('{"inners":[]}', ["inners"]),
        ('{"inners":[{"name":"x","tags":[]}]}', ["inners.0.tags"]),
        ('{"dropped":[],"array":[],"any":null}', []),
        ('{"values":[[]]}', []),
    ],
)
def test_nulls_and_empties_that_are_kept_are_written_down(body: str, printed: list[str]) -> None:
    """Null members go, objects that are left without members go with them, empties that were sent stay (contract.md 1.10)."""
    assert list(sample(body).written) == printed


def test_an_object_left_without_members_is_gone() -> None:
    """It had members and all of them were null (contract.md 1.10)."""
    assert not sample('{"inner":{"name":null,"self":{"name":null}}}').HasField("inner")
    assert sample('{"inner":{}}').HasField("inner")


def test_a_null_of_an_open_value_stays_where_the_field_keeps_nulls() -> None:
    """``keep_null`` of open values is the JSON null itself."""
    assert sample('{"keptAny":null}').kept_any.json == b"null"
    assert not sample('{"any":null}').HasField("any")


@pytest.mark.parametrize("state", ['"x"', "[]", '{"pageIndex":"2"}', '{"pageIndx":2}', '{"done":1,"pageIndex":-1}'])
def test_whatever_is_wrong_with_a_gathered_field_is_one_problem(state: str) -> None:
    """``problems_as``: one code, no detail, nothing lenient, also where unknown keys are ignored (exports-imports.md 5.5)."""
    assert problems(f'{{"state":{state}}}', unknown="ignore") == [("invalid_state", "state", "state is malformed")]


def test_a_gathered_word_still_names_the_words() -> None:
    """A single value keeps its message under the other code."""
    assert problems('{"mapped":"x"}') == [("invalid_mapping", "mapped", "mapped must be one of red, Dark-Blue")]


@pytest.mark.parametrize("body", ["[]", "null", "7", '"x"', "true"])
def test_a_body_of_the_wrong_kind_is_invalid_content(body: str) -> None:
    """Valid JSON that is no object: 422, not 400 (contract.md 1.3)."""
    assert problems(body)[0][0] == "invalid_field"
    with pytest.raises(ContractError) as caught:
        read(body.encode(), Request, CREATE, body_field="sample")
    assert (caught.value.status, caught.value.problems[0].code) == (422, "invalid_field")


def test_the_body_may_be_one_field_of_the_request() -> None:
    """``body: "sample"``: paths start at the top of the body, ``written`` belongs to the document (D21)."""
    request: Any = read(b'{"name":"a","inner":{"name":"b","tags":[]}}', Request, CREATE, body_field="sample").message
    assert request.sample.name == "a"
    assert list(request.sample.written) == ["inner.tags"]
    with pytest.raises(ContractError) as caught:
        read(b'{"inner":{}}', Request, CREATE, body_field="sample")
    assert [problem.field for problem in caught.value.problems] == ["inner.name", "name"]
    assert read(b"", Request, REPLACE, body_field="sample").message.HasField("sample")


def test_a_body_may_be_a_list_or_an_open_value() -> None:
    """A bare array as body: problems carry the index alone."""
    request: Any = read(b'[{"name":"a"}]', Request, CREATE, body_field="operations").message
    assert request.operations[0].name == "a"
    assert read(b" [{}, []] ", Request, CREATE, body_field="data").message.data.json == b"[{}, []]"  # type: ignore[attr-defined]  # class made at run time
    for body, field in ((b'[{"name":1}]', "0.name"), (b"[7]", "0"), (b"{}", None)):
        with pytest.raises(ContractError) as caught:
            read(body, Request, CREATE, body_field="operations")
        assert caught.value.problems[0].field == field


def test_fields_that_the_path_fills_are_unknown_to_the_body() -> None:
    """``outside`` names them by their proto names; nested documents keep their paths and their own ``written``."""
    body = b'{"sample":{"name":"a","inner":{"name":"b","note":null}}}'
    message: Any = read(body, Request, CREATE, outside={"connection_id"}, prefix="top").message
    assert list(message.sample.written) == ["inner.note"]
    with pytest.raises(ContractError) as caught:
        read(b'{"connectionId":"x"}', Request, CREATE, outside={"connection_id"}, prefix="top")
    assert caught.value.problems[0].field == "top.connectionId"


def test_millions_of_wrong_values_are_counted_not_kept() -> None:
    """What is remembered of one body is bounded; the rest is a number."""
    with pytest.raises(ContractError) as caught:
        sample('{"data":[' + ",".join("1" * 2500) + "]}")
    assert len(caught.value.problems) == 1000
    assert caught.value.dropped == 1500


def test_the_last_of_duplicate_keys_counts() -> None:
    """Also when an earlier one was wrong (contract.md 1.3)."""
    assert sample('{"plain":"x","plain":2}').plain == 2


def test_a_stored_document_has_at_most_a_mebibyte() -> None:
    """422 at the document, before anything inside is looked at (contract.md 1.15); records beside it do not count."""
    large = b'{"any":"' + b"x" * 2**20 + b'"}'
    assert problems(large) == [
        ("invalid_field", None, f"the body must be at most 1048576 bytes long, not {len(large)}")
    ]
    with pytest.raises(ContractError) as caught:
        read(b'{"sample":' + large + b"}", Request, REPLACE)
    assert [problem.field for problem in caught.value.problems] == ["sample"]
    assert read(b'{"sample":{},"data":[' + large + b"]}", Request, REPLACE).message.HasField("sample")


def test_wrong_records_among_very_many_are_told_once() -> None:
    """A hostile array of millions of scalars costs one problem, rows of anything are fine."""
    with pytest.raises(ContractError) as caught:
        read(b'{"data":[1' + b",1" * 1_000_001 + b"]}", Request, REPLACE)
    assert [problem.field for problem in caught.value.problems] == ["data"]
    assert read(b'{"data":[[1,"a",[]],{}]}', Request, REPLACE).message.HasField("data")
