"""What is wrong with a mapping is told when it is compiled, all at once, with the field (contract.md 1.5, exports-imports.md 12)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.errors import InvalidContent, NotSupported
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


@pytest.mark.parametrize(
    ("import_model", "field"),
    [
        ({"lookups": [{"name": "a"}, {"name": "l", "relativeURI": "/x"}]}, "lookups.1"),
        ({"http": {"lookups": [{"name": "l", "_lookupCacheId": "c"}]}}, "http.lookups.0"),
        (
            {"lookups": [{"name": "l", "map": {}}], "http": {"lookups": [{"name": "l", "relativeURI": "/x"}]}},
            "http.lookups.0",
        ),
    ],
)
def test_lookups_for_later(import_model: dict[str, Any], field: str) -> None:
    """A dynamic or cached lookup that a field uses is not supported yet, and says so once; one that no field uses is no problem."""
    using = {"extract": "a", "generate": "x", "lookupName": "l"}
    with pytest.raises(NotSupported):
        compiled(fields_of(using), **import_model)
    assert problems_of(fields_of(using, using), **import_model) == [("feature_not_supported", field)]
    assert problems_of(fields_of({"extract": "a", "generate": "x"}), **import_model) == []


def test_lookup_of_no_kind() -> None:
    """A lookup that a field uses and that has nothing to look in is a broken mapping."""
    using = {"extract": "a", "generate": "x", "lookupName": "l"}
    assert problems_of(fields_of(using), lookups=[{"name": "l"}]) == [("invalid_mapping", "lookups.0")]


def test_mapping_2() -> None:
    """Mapping 2.0 is not supported yet; an empty list of it is none."""
    assert problems_of({}, mappings=[{"generate": "a"}]) == [("feature_not_supported", "mappings")]
    assert problems_of({}, mappings=[]) == []


def test_message_names_known_lookups() -> None:
    """A wrong name is answered with the names that would do."""
    with pytest.raises(InvalidContent, match="the import has: country"):
        compiled(fields_of({"generate": "x", "lookupName": "land"}), lookups=[{"name": "country", "map": {}}])
