"""Reading documents: unknown keys, required fields, modes, nulls and empties (contract.md 1.3 to 1.10)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from tests.unit.contract.reading import problems, sample
from tests.unit.contract.samples import CREATE, REPLACE, VIRTUAL_CONNECTION, VIRTUAL_MODEL, Request, Sample

MASK = "******"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('{"inner":{"passwrd":1}}', "inner.passwrd", 'Unknown field "inner.passwrd". Did you mean "password"?'),
        ('{"inners":[{},{"nome":1}]}', "inners.1.nome", 'Unknown field "inners.1.nome". Did you mean "name"?'),
        ('{"something":1}', "something", 'Unknown field "something".'),
        ('{"written":["x"]}', "written", 'Unknown field "written".'),
        ('{"ifMatch":"x"}', "ifMatch", 'Unknown field "ifMatch".'),
        ('{"base_uri":"x"}', "base_uri", 'Unknown field "base_uri".'),
        ('{"":1}', '""', 'Unknown field "".'),
        ('{"inner":{"":1}}', 'inner.""', 'Unknown field "inner.".'),
        ('{"\\ud800":1}', "\ufffd", 'Unknown field "\ufffd".'),
        ('{"inner":{"a\\uDFFFb":1}}', "inner.a\ufffdb", 'Unknown field "inner.a\ufffdb".'),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(body: str, field: str, message: str) -> None:
    """One entry per key, each with a path, whatever the key; a sibling within two edits is proposed; ``written`` and proto names
    are no REST names (contract.md 1.8)."""
    assert problems(body) == [("unknown_field", field, message)]


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


def test_an_object_with_nothing_right_in_it_is_not_missing() -> None:
    """One problem per cause: it is there, whatever its members are."""
    found = problems('{"name":"a","inner":{"nonsense":1}}', CREATE)
    assert ("missing_required_field", "inner") not in {(code, field) for code, field, _ in found}
    assert ("unknown_field", "inner.nonsense") in {(code, field) for code, field, _ in found}


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
        ('"bag":{"a":{"b":{"key":"******"}}}', "bag.a.b.key"),
        ('"bag":{"a":[1e999,{"key":"\\u002A**\\u002a**"}]}', "bag.a.1.key"),
        ("\"bag\":\"{'a':[['******']]}\"", "bag.a.0.0"),
        ('"bag":{"":{"\\ud800":"******"}}', 'bag."".\ufffd'),
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
    for bag in ('{"key":"******"}', '{"a":{"b":{"key":"******"}}}', '{"a":["*****"],"******":[7]}'):
        assert sample(f'{{"bag":{bag}}}', mode).bag.json == bag.encode()


@pytest.mark.parametrize(
    ("bag", "field"),
    [('{"a":["******"]}', "bag.a.0"), ('{"a":{"b":[0,{"key":"\\u002a*****"}]},"c":"******"}', "bag.a.b.1.key")],
)
def test_a_mask_in_a_list_names_nothing_to_keep(bag: str, field: str) -> None:
    """On PUT a key of a bag is kept by its name, which an element does not have (contract.md 1.7); a model holds no secrets."""
    assert [found[:2] for found in problems(f'{{"bag":{bag}}}', REPLACE)] == [("invalid_field", field)]
    assert sample(f'{{"bag":{bag}}}', VIRTUAL_MODEL).bag.json == bag.encode()


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
        ("invalid_field", None, f"the document must be at most 1048576 bytes long, not {len(large)}")
    ]
    with pytest.raises(ContractError) as caught:
        read(b'{"sample":' + large + b"}", Request, REPLACE)
    assert [problem.field for problem in caught.value.problems] == ["sample"]
    assert read(b'{"sample":{},"data":[' + large + b"]}", Request, REPLACE).message.HasField("sample")


def test_white_space_is_no_part_of_a_document() -> None:
    """The limit is one of the document, not of the body that brings it (contract.md 1.15)."""
    assert sample(b'{"plain":' + b" " * 2**20 + b"7}").plain == 7
