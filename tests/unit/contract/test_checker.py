"""The same field rules for messages that came over gRPC (D20)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.checker import check
from fairlead.contract.reader import read
from tests.unit.contract.samples import CREATE, REPLACE, VIRTUAL_CONNECTION, VIRTUAL_MODEL, Inner, Request, Sample


def told(message: Any, mode: int = REPLACE, **options: Any) -> list[tuple[str, str | None]]:
    """Code and field of everything that is wrong with a message."""
    return [(problem.code, problem.field) for problem in check(message, mode, **options)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "abcdef"}, "name"),
        ({"count": 0}, "count"),
        ({"count": 51}, "count"),
        ({"level": 0}, "level"),
        ({"ratio": float("nan")}, "ratio"),
        ({"ratio": float("inf")}, "ratio"),
        ({"date": "tomorrow"}, "date"),
        ({"colour": 9}, "colour"),
        ({"colours": [1, 9]}, "colours.1"),
        ({"colours": [0]}, "colours.0"),
        ({"any": {"json": b"{"}}, "any"),
        ({"any": {"json": b"\\xff"}}, "any"),
        ({"any": {"json": b"1 2"}}, "any"),
        ({"object": {"json": b"[]"}}, "object"),
        ({"array": {"json": b"{}"}}, "array"),
        ({"data": {"json": b"[1]"}}, "data.0"),
        ({"scalar": {"json": b"{}"}}, "scalar"),
        ({"text_or_array": {"json": b"1"}}, "textOrArray"),
        ({"vendor": "bar"}, "vendor"),
        ({"bag": {"json": b'"x"'}}, "bag"),
        ({"opens": [{"json": b"1"}, {"json": b"x"}]}, "opens.1"),
        ({"inners": [{}, {"self": {"self": {"note": "x"}}}], "count": 77}, "count"),
    ],
)
def test_a_wrong_value_is_told_with_its_rest_path(fields: dict[str, Any], field: str) -> None:
    """Ranges, lengths, dates, unknown enum numbers and broken JSON, by the REST name."""
    assert told(Sample(**fields)) == [("invalid_field", field)]


def test_values_are_brought_into_the_form_that_reading_gives() -> None:
    """Folds, lowered numbers, dates, bags written as text; output-only fields and unset words are cleared."""
    message: Any = Sample(
        id="x",
        upper="a",
        lower="A",
        level=99,
        date="2026-01-31T12:00:00+02:00",
        colour=0,
        bag={"json": b'"{\\"a\\":1}"'},
        any={"json": b" 1.50 "},
        array={"json": b"[]"},
        object={"json": b"null"},
        scalar={"json": b""},
        kept_any={"json": b"null"},
    )
    assert told(message) == []
    assert message == Sample(
        upper="A",
        lower="a",
        level=50,
        date="2026-01-31T10:00:00.000Z",
        bag={"json": b'{"a":1}'},
        any={"json": b"1.50"},
        kept_any={"json": b"null"},
    )


def test_an_object_left_empty_by_clearing_goes_and_a_sent_empty_one_stays() -> None:
    """The same tree over REST and gRPC (contract.md 1.10)."""
    emptied, empty = Request(sample={"inner": {"self": {}}}), Request(sample={"inner": {}})
    assert told(emptied) == told(empty) == []
    assert emptied.sample.inner.HasField("self")  # type: ignore[attr-defined]  # class made at run time
    assert empty.sample.HasField("inner")  # type: ignore[attr-defined]  # class made at run time
    output_only: Any = Request(sample={"id": "x"})
    assert told(output_only) == []
    assert not output_only.HasField("sample")


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "a", "inner": {}}, ["inner.name"]),
        ({"name": "a", "inners": [{"name": "b"}, {}]}, ["inners.1.name"]),
    ],
)
def test_required_fields_must_be_there(fields: dict[str, Any], missing: list[str]) -> None:
    """Empty text counts as missing; paths may be put below a prefix."""
    assert told(Sample(**fields), CREATE) == [("missing_required_field", path) for path in missing]
    assert told(Sample(**fields), CREATE, prefix="top")[0] == ("missing_required_field", f"top.{missing[0]}")
    assert told(Sample(**fields), REPLACE) == []


@pytest.mark.parametrize(
    "fields", [{"password": "******"}, {"bag": {"json": b'"******"'}}, {"bag": {"json": b'{"k":"******"}'}}]
)
def test_masks_follow_the_mode(fields: dict[str, Any]) -> None:
    """Refused where nothing is stored, passed elsewhere (contract.md 1.7)."""
    for mode, count in ((CREATE, 1), (VIRTUAL_CONNECTION, 1), (REPLACE, 0), (VIRTUAL_MODEL, 0)):
        assert len(told(Sample(name="a", **fields), mode)) == count


def test_a_gathered_field_is_one_problem() -> None:
    """``problems_as`` holds for gRPC as well."""
    assert told(Sample(mapped=9)) == [("invalid_mapping", "mapped")]


@pytest.mark.parametrize(
    "body",
    [
        '{"name":"a"}',
        '{"name":"a","inner":{"name":"b","tags":[],"note":null},"inners":[],"values":[["a"],[]],"row":["x"]}',
        '{"name":"a","upper":"x","level":77,"date":"2026-01-31","colour":"NAVY","bag":"{\'a\':1}","data":[{},[]],"any": 1.50,"_id":"x"}',
        '{"name":"a","state":{"done":true},"ratio":"1.5","opens":[1,null],"keptAny":null,"password":"p"}',
    ],
)
@pytest.mark.parametrize("mode", [CREATE, REPLACE])
def test_a_message_that_was_read_passes_unchanged(body: str, mode: int) -> None:
    """Reading and checking agree, so the check after the gateway changes nothing."""
    message = read(body.encode(), Sample, mode).message
    copy = Sample()
    copy.CopyFrom(message)
    assert check(message, mode) == []
    assert message == copy


def test_a_required_list_that_was_sent_empty_is_there() -> None:
    """What ``written`` names was sent; nested messages count from the document (D21)."""
    message: Any = Request(sample={"name": "a", "inner": {"name": "b"}, "written": ["inner.tags", "inners"]})
    assert told(message, CREATE) == []


def test_the_message_type_may_contain_itself() -> None:
    """A recursive type is followed as deep as the message goes."""
    assert told(Inner(name="a", self={"self": {"name": "b"}}), CREATE) == [("missing_required_field", "self.name")]


def test_a_stored_document_has_at_most_a_mebibyte() -> None:
    """The same bound as over REST (contract.md 1.15)."""
    assert told(Request(sample={"any": {"json": b'"' + b"x" * 2**20 + b'"'}})) == [("invalid_field", "sample")]
