"""What is wrong with a mapping is told when it is compiled, all at once, with the field (contract.md 1.5, exports-imports.md 12)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.errors import InvalidContent
from fairlead.mapping.target import MAX_INDEX
from tests.unit.mapping.support import compiled, fields_of, mapped, problems_of

PLACE = "mapping.fields.0"


@pytest.mark.parametrize(
    ("field", "code", "where"),
    [
        ({"extract": "a"}, "missing_required_field", "generate"),
        ({"extract": "a", "generate": ""}, "missing_required_field", "generate"),
        ({"extract": "a[", "generate": "x"}, "invalid_mapping", "extract"),
        ({"extract": "a..b", "generate": "x"}, "invalid_mapping", "extract"),
        ({"extract": "a[?(@.b =~ '(a+)+$')]", "generate": "x"}, "invalid_mapping", "extract"),
        ({"extract": "a." * 600 + "a", "generate": "x"}, "invalid_mapping", "extract"),
        ({"extract": "{{#if a}}", "generate": "x"}, "invalid_template", "extract"),
        ({"extract": "{{nope a}}", "generate": "x"}, "invalid_template", "extract"),
        ({"generate": "{{a}}"}, "invalid_mapping", "generate"),
        ({"generate": "{a}"}, "invalid_mapping", "generate"),
        ({"generate": "$"}, "invalid_mapping", "generate"),
        ({"generate": "[*].a"}, "invalid_mapping", "generate"),
        ({"generate": "a[99999999]"}, "invalid_mapping", "generate"),
        ({"generate": "a[-1]"}, "invalid_mapping", "generate"),
        ({"generate": f"a[{MAX_INDEX + 1}]"}, "invalid_mapping", "generate"),
        ({"generate": ".".join("a" * 33)}, "invalid_mapping", "generate"),
        ({"generate": "x", "lookupName": "none"}, "invalid_ref", "lookupName"),
        (
            {"generate": "x", "conditional": {"when": "lookup_empty", "lookupName": "none"}},
            "invalid_ref",
            "conditional.lookupName",
        ),
        ({"generate": "x", "conditional": {"when": "lookup_empty"}}, "invalid_mapping", "conditional.when"),
        ({"generate": "x", "extractDateTimezone": "Mars/Base"}, "invalid_mapping", "extractDateTimezone"),
        ({"generate": "x", "generateDateTimezone": "../../etc/passwd"}, "invalid_mapping", "generateDateTimezone"),
    ],
)
def test_broken_field(field: dict[str, Any], code: str, where: str) -> None:
    """One broken field, one problem with its place relative to the import."""
    assert problems_of(fields_of(field)) == [(code, f"{PLACE}.{where}")]


def test_highest_index() -> None:
    """The bound of a target's index is one that works; the gap before it is null."""
    out = mapped('{"a":1}', fields_of({"extract": "a", "generate": f"l[{MAX_INDEX}]"}))
    assert out == '{"l":[' + "null," * MAX_INDEX + "1]}"


def test_everything_at_once() -> None:
    """All problems of fields and lists come in one error."""
    mapping = {
        "fields": [{"extract": "a[", "generate": "x["}, {"extract": "ok", "generate": "ok"}],
        "lists": [{"fields": [{"extract": "{{", "generate": "y"}], "jsonPath": "l["}],
    }
    assert problems_of(mapping) == [
        ("invalid_mapping", "mapping.fields.0.generate"),
        ("invalid_mapping", "mapping.fields.0.extract"),
        ("missing_required_field", "mapping.lists.0.generate"),
        ("invalid_mapping", "mapping.lists.0.jsonPath"),
        ("invalid_template", "mapping.lists.0.fields.0.extract"),
    ]


def test_lookup_of_no_kind() -> None:
    """A lookup that a field uses and that has nothing to look in is a broken mapping."""
    using = {"extract": "a", "generate": "x", "lookupName": "l"}
    assert problems_of(fields_of(using), lookups=[{"name": "l"}]) == [("invalid_mapping", "lookups.0")]


def active(**members: Any) -> dict[str, Any]:
    """An entry of mapping 2.0."""
    return {"generate": "x", "dataType": "string", "status": "Active", **members}


def source(**members: Any) -> dict[str, Any]:
    """An array of one source."""
    return active(dataType="objectarray", buildArrayHelper=[members])


def nested(levels: int) -> dict[str, Any]:
    """Objects within objects."""
    entry = active(extract="$.a")
    for _ in range(levels - 1):
        entry = active(dataType="object", mappings=[entry])
    return entry


@pytest.mark.parametrize(
    ("entry", "code", "where"),
    [
        (active(status=None), "invalid_mapping", "status"),
        (active(status="Inactive"), "invalid_mapping", "status"),
        (active(dataType=None), "invalid_mapping", "dataType"),
        (active(dataType="text"), "invalid_mapping", "dataType"),
        (active(generate=""), "invalid_mapping", "generate"),
        (active(extract="$.a["), "invalid_mapping", "extract"),
        (active(extract="$.a[?(@.b =~ '(a+)+$')]"), "invalid_mapping", "extract"),
        (active(extract="{{#if a}}"), "invalid_template", "extract"),
        (active(lookupName="none"), "invalid_ref", "lookupName"),
        (active(extractDateTimezone="Mars/Base"), "invalid_mapping", "extractDateTimezone"),
        (source(extract="$.a["), "invalid_mapping", "buildArrayHelper.0.extract"),
        (source(extract="$..a", mappings=[active()]), "invalid_mapping", "buildArrayHelper.0.extract"),
        (source(mappings=[active(generate=None)]), "invalid_mapping", "buildArrayHelper.0.mappings.0.generate"),
        (active(dataType="object", mappings=[active(status="")]), "invalid_mapping", "mappings.0.status"),
        (nested(51), "invalid_mapping", ".".join(["mappings.0"] * 49 + ["mappings"])),
    ],
)
def test_broken_entry(entry: dict[str, Any], code: str, where: str) -> None:
    """One broken entry of mapping 2.0, one problem with its place relative to the import (11)."""
    assert problems_of({}, mappings=[entry]) == [(code, f"mappings.0.{where}")]


def test_status_has_its_message() -> None:
    """The message of a missing status is the published one, alone."""
    with pytest.raises(InvalidContent) as caught:
        compiled({}, mappings=[{"generate": "x", "dataType": "string"}])
    assert caught.value.problems[0].message == "Mapping object must have status field present"


def test_which_mapping_counts() -> None:
    """Mapping 2.0 counts when there is any; an empty list of it is none."""
    one = fields_of({"extract": "a", "generate": "one"})
    assert mapped('{"a":1}', one, mappings=[active(generate="two", extract="$.a")]) == '{"two":"1"}'
    assert mapped('{"a":1}', one, mappings=[]) == '{"one":1}'
    assert problems_of({"fields": [{"generate": ""}]}, mappings=[active()]) == []


def test_message_names_known_lookups() -> None:
    """A wrong name is answered with the names that would do."""
    with pytest.raises(InvalidContent, match="the lookups are: country"):
        compiled(fields_of({"generate": "x", "lookupName": "land"}), lookups=[{"name": "country", "map": {}}])
