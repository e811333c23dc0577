"""Dynamic lookups of a mapping (exports-imports.md 12): asked through the scope, by name, and mapped again when the answer is there."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.jsonvalue import dumps
from fairlead.engine.ports import Json, LookupPending, MappingError, Scope
from tests.unit.mapping.support import NOW, both_ways, compiled, fields_of, problems_of, scope

ASKED = {"name": "l", "relativeURI": "/x"}
ALLOWED = {**ASKED, "allowFailures": True}
USING = {"extract": "a", "generate": "x", "lookupName": "l"}


def answering(result: Json) -> Scope:
    """A scope in which every dynamic lookup has this result."""
    return Scope({}, NOW, dynamic=lambda _: result)


def pending(name: str) -> Json:
    """A scope's answer as long as the request is not made."""
    raise LookupPending(name)


@pytest.mark.parametrize(
    ("field", "lookup", "result", "out"),
    [
        (USING, ASKED, "c9", '{"x":"c9"}'),
        (USING, ASKED, "", '{"x":""}'),
        (USING, ASKED, {"k": 1}, '{"x":{"k":1}}'),
        (USING, ALLOWED, None, "{}"),
        (USING, {**ALLOWED, "default": "d"}, None, '{"x":"d"}'),
        ({**USING, "default": "f"}, ALLOWED, None, '{"x":"f"}'),
        ({"generate": "x", "lookupName": "l"}, ASKED, 5, '{"x":5}'),
        ({**USING, "conditional": {"when": "lookup_empty"}}, ALLOWED, "c9", "{}"),
        (
            {"extract": "a", "generate": "x", "conditional": {"when": "lookup_empty", "lookupName": "l"}},
            ALLOWED,
            None,
            '{"x":1}',
        ),
    ],
)
def test_result(field: dict[str, Any], lookup: dict[str, Any], result: Json, out: str) -> None:
    """The result takes the place of the value, whatever that is; nothing found is no match (12)."""
    mapper = compiled(fields_of(field), lookups=[lookup])
    assert both_ways(mapper, {"a": 1}, seen=answering(result)) == out
    assert mapper.dynamic_names == {"l"}


def test_no_match() -> None:
    """No match fails the record unless failures are allowed; the field is named (12)."""
    with pytest.raises(MappingError, match=r"^x: the lookup 'l' has no match for '1' \(extract a\)$") as caught:
        both_ways(compiled(fields_of(USING), lookups=[ASKED]), {"a": 1}, seen=answering(None))
    assert (caught.value.code, caught.value.source) == ("lookup_no_match", "lookup")
    assert caught.value.generate == "x"


def test_pending_leaves_nothing_changed() -> None:
    """A result that is not there yet ends the mapping as it is; record and mapper are as before, and the next attempt succeeds."""
    mapper = compiled(
        fields_of({"extract": "o", "generate": "y"}, {"extract": "a", "generate": "y.z"}, USING), lookups=[ASKED]
    )
    record = {"a": 1, "o": {"k": 2}}
    for apply in (mapper.map, mapper.by_rules, mapper.generated()):
        with pytest.raises(LookupPending) as caught:
            apply(record, None, Scope({}, NOW, dynamic=pending))
        assert caught.value.name == "l"
        assert record == {"a": 1, "o": {"k": 2}}
        assert dumps(apply(record, None, answering("r"))) == b'{"y":{"k":2,"z":1},"x":"r"}'


def test_mapping_2() -> None:
    """The same in mapping 2.0, for values, for elements and inside composite objects."""
    field = {"dataType": "string", "status": "Active", "lookupName": "l"}
    source = {"extract": "$.a[*]", "mappings": [{**field, "generate": "i", "extract": "$.a"}]}
    mappings = [
        {**field, "generate": "v", "extract": "$.a[0]"},
        {**field, "generate": "s", "dataType": "stringarray", "buildArrayHelper": [{"extract": "$.a[*]"}]},
        {"generate": "o", "dataType": "objectarray", "status": "Active", "buildArrayHelper": [source]},
    ]
    mapper = compiled({}, mappings=mappings, lookups=[ASKED])
    out = both_ways(mapper, {"a": [1, 2]}, seen=answering("r"))
    assert out == '{"v":"r","s":["r","r"],"o":[{"i":"r"},{"i":"r"}]}'
    with pytest.raises(LookupPending):
        mapper.map({"a": [1]}, None, Scope({}, NOW, dynamic=pending))


def test_skipped_fields_ask_for_nothing() -> None:
    """What is left out before its value is looked at makes no request (10.3 steps 1 and 3)."""
    fields = fields_of(
        {**USING, "conditional": {"when": "record_updated"}},
        {**USING, "extract": "none", "conditional": {"when": "extract_not_empty"}},
        {"extract": "{{lookup.l}}", "generate": "z", "conditional": {"when": "record_updated"}},
    )
    assert both_ways(compiled(fields, lookups=[ASKED]), {"a": 1}, seen=Scope({}, NOW, dynamic=pending)) == "{}"


@pytest.mark.parametrize("extract", ["{{lookup.l}}", "{{record.a}}-{{@root.lookup.l.name}}", "{{lookup.[l].name}}"])
def test_templates_ask_too(extract: str) -> None:
    """A template that reads a dynamic lookup is one that asks for it (handlebars.md 6.3)."""
    mapper = compiled(fields_of({"extract": extract, "generate": "x"}), lookups=[ASKED])
    assert mapper.dynamic_names == {"l"}
    with pytest.raises(LookupPending):
        mapper.map({"a": 1}, None, Scope({}, NOW, dynamic=pending))


def test_nobody_to_ask() -> None:
    """Where no application is asked, a field that needs one fails by name."""
    with pytest.raises(MappingError, match="asks an application") as caught:
        both_ways(compiled(fields_of(USING), lookups=[ASKED]), {"a": 1}, seen=scope())
    assert (caught.value.code, caught.value.source) == ("mapping_error", "lookup")


def test_unused_lookups_are_not_named() -> None:
    """A dynamic lookup that no field uses costs no request."""
    assert compiled(fields_of({"extract": "a", "generate": "x"}), lookups=[ASKED]).dynamic_names == frozenset()


@pytest.mark.parametrize(
    ("import_model", "field"),
    [
        ({"lookups": [{"name": "a"}, {"name": "l", "_lookupCacheId": "c"}]}, "lookups.1._lookupCacheId"),
        ({"http": {"lookups": [{"name": "l", "_lookupCacheId": "c"}]}}, "http.lookups.0._lookupCacheId"),
        (
            {"lookups": [ASKED], "http": {"lookups": [{"name": "l", "_lookupCacheId": "c"}]}},
            "http.lookups.0._lookupCacheId",
        ),
    ],
)
def test_cached_lookups(import_model: dict[str, Any], field: str) -> None:
    """A cached lookup that a field uses is not supported yet, and says so once; one that no field uses is no problem."""
    assert problems_of(fields_of(USING, USING), **import_model) == [("feature_not_supported", field)]
    assert problems_of(fields_of({"extract": "{{lookup.l}}", "generate": "x"}), **import_model) == [
        ("feature_not_supported", field)
    ]
    assert problems_of(fields_of({"extract": "a", "generate": "x"}), **import_model) == []
