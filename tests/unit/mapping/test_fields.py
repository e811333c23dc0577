"""Fields of mapping 1.0: the fine points of exports-imports.md 10.1 to 10.3, 12 and 14 that the worked examples do not show."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import MappingError, Operation
from tests.unit.mapping.support import compiled, fields_of, mapped, scope

UPDATE = Operation.UPDATE
ONLY_US = {"name": "l", "map": {"USA": "US", "n": 5, "e": "", "o": {"k": 1}, "z": None, "1.50": "digits"}}
ALLOWED = {**ONLY_US, "allowFailures": True}


def one(extract: str | None = None, generate: str = "x", **members: Any) -> dict[str, Any]:
    """A mapping of one field."""
    field: dict[str, Any] = {"generate": generate, **members}
    return fields_of(field if extract is None else {"extract": extract, **field})


@pytest.mark.parametrize(
    ("extract", "record", "out"),
    [
        ("l[*].k", '{"l":[]}', '{"x":[]}'),
        ("l[*].k", '{"l":[{"a":1}]}', '{"x":[]}'),
        ("l[*].k", '{"l":{"k":1}}', '{"x":[1]}'),
        ("l[*]", '{"l":5}', '{"x":[5]}'),
        ("l[*]", '{"l":null}', "{}"),
        ("l[*].k", "{}", "{}"),
        ("l[*].k", '{"l":[{"k":null},{"k":1}]}', '{"x":[null,1]}'),
        ("o[*].l[*].k", '{"o":[{"l":[{"k":1},{"k":2}]},{"l":[]},{},{"l":[{"k":3}]}]}', '{"x":[1,2,3]}'),
        ("l.*.k", '{"l":[{"k":1},{"k":2}]}', '{"x":[1,2]}'),
        ("Sales Rep", '{"Sales Rep":"Ada"}', '{"x":"Ada"}'),
        ("a.b.c", '{"a":{"b":{}},"a.b.c":1}', '{"x":1}'),
        ("o.1", '{"o":{"1":"member"}}', '{"x":"member"}'),
        ("['{first}']", '{"{first}":1}', '{"x":1}'),
        ("{a.b}-{none}-{n}", '{"a":{"b":1.50},"n":null}', '{"x":"1.50--"}'),
        ("{{record.a}}", '{"a":1.50}', '{"x":"1.50"}'),
        ("{{a}}", "{}", '{"x":""}'),
        ("", '{"":1}', "{}"),
        ("['']", '{"":1}', '{"x":1}'),
        ("$where", '{"$where":1}', '{"x":1}'),
        ("__proto__", '{"__proto__":1}', '{"x":1}'),
        ("__class__", '{"a":1}', "{}"),
        ("@odata.etag", '{"@odata.etag":"e"}', '{"x":"e"}'),
        ("a.length", '{"a":[1]}', "{}"),
        ("Order No.", '{"Order No.":1}', '{"x":1}'),
        ("{Order No.}/{a}", '{"Order No.":1}', '{"x":"1/"}'),
    ],
)
def test_extract(extract: str, record: str, out: str) -> None:
    """What an extract reads (10.1)."""
    assert mapped(record, one(extract)) == out


@pytest.mark.parametrize(
    ("extract", "record", "out"),
    [
        ("a", '[{"a":1},{"a":2}]', '{"x":1}'),
        ("1.a", '[{"a":1},{"a":2}]', '{"x":2}'),
        ("[1].a", '[{"a":1},{"a":2}]', '{"x":2}'),
        ("*.a", '[{"a":1},{"a":2}]', '{"x":[1,2]}'),
        ("l[*]", '[{"l":[3]},{"l":[4]}]', '{"x":[3]}'),
        ("{{a}}", '[{"a":1},{"a":2}]', '{"x":"1"}'),
        ("a", "[]", "{}"),
    ],
)
def test_grouped_rows(extract: str, record: str, out: str) -> None:
    """A record that is an array: plain paths read the first row, numbers one row, a star all rows (10.1)."""
    assert mapped(record, one(extract)) == out


@pytest.mark.parametrize(
    ("fields", "record", "out"),
    [
        ([("a", "l.0.n"), ("b", "l.2.n")], '{"a":1,"b":2}', '{"l":[{"n":1},null,{"n":2}]}'),
        ([("a[*]", "to[*].x"), ("b[*]", "to[*].y")], '{"a":[1,2],"b":[3]}', '{"to":[{"x":1,"y":3},{"x":2}]}'),
        ([("a", "o"), ("b", "o.x")], '{"a":1,"b":2}', '{"o":{"x":2}}'),
        ([("a", "o.x"), ("b", "o")], '{"a":1,"b":2}', '{"o":2}'),
        ([("a", "l[0]"), ("b", "l.x")], '{"a":1,"b":2}', '{"l":{"x":2}}'),
        ([("a", "o.x"), ("b", "o[1]")], '{"a":1,"b":2}', '{"o":{"x":1,"1":2}}'),
        ([("a", "['a.b']"), ("b", "[c d].e")], '{"a":1,"b":2}', '{"a.b":1,"c d":{"e":2}}'),
        ([("a", "__proto__.x"), ("b", "constructor")], '{"a":1,"b":2}', '{"__proto__":{"x":1},"constructor":2}'),
        ([("b", "z"), ("a", "y"), ("b", "x")], '{"a":1,"b":2}', '{"z":2,"y":1,"x":2}'),
        ([("a[*]", "l[*]")], '{"a":[1,2]}', '{"l":[1,2]}'),
        ([("a[*]", "l[*].x")], '{"a":[]}', '{"l":[]}'),
        ([("a", "0")], '{"a":1}', '{"0":1}'),
        ([("a", "Order No.")], '{"a":1}', '{"Order No.":1}'),
    ],
)
def test_generate(fields: list[tuple[str, str]], record: str, out: str) -> None:
    """Where values go, in the order of the fields (10.1, 10.3, 14)."""
    mapping = fields_of(*({"extract": extract, "generate": generate} for extract, generate in fields))
    assert mapped(record, mapping) == out


@pytest.mark.parametrize(
    ("kind", "value", "out"),
    [
        ("number", "1.50", "1.50"),
        ("number", "1E400", "1E400"),
        ("number", '"7.0"', "7"),
        ("number", '" 1e3 "', "1000"),
        ("number", '"1e21"', "1e+21"),
        ("number", '"-0"', "0"),
        ("number", f'"{"9" * 400}"', "9" * 400),
        ("number", f'"{"9" * 5000}"', "9" * 5000),
        ("number", "false", "0"),
        ("string", "1.50", '"1.50"'),
        ("string", "false", '"false"'),
        ("string", '{"ü":[1.0, 1E2]}', '"{\\"ü\\":[1.0,1E2]}"'),
        ("boolean", '"Y"', "true"),
        ("boolean", '"tRuE"', "true"),
        ("boolean", "1", "true"),
        ("boolean", '"f"', "false"),
        ("json", '"null"', "null"),
        ("json", '{"a":1.0}', '{"a":1.0}'),
        ("json", '"[1.50]"', "[1.50]"),
        ("colour", "1.50", "1.50"),
        ("Number", '"1.50"', "1.5"),
        ("number", "null", "null"),
        ("number", "[]", "[]"),
    ],
)
def test_data_type(kind: str, value: str, out: str) -> None:
    """Conversions (10.2, 14): digits of numbers are kept, numeric text prints as JavaScript would, empty values stay as they are."""
    assert mapped(f'{{"a":{value}}}', one("a", dataType=kind)) == f'{{"x":{out}}}'


@pytest.mark.parametrize(
    ("members", "value"),
    [
        ({"dataType": "number"}, '"0x10"'),
        ({"dataType": "number"}, '"1,000"'),
        ({"dataType": "number"}, '"1e999"'),
        ({"dataType": "number"}, '" "'),
        ({"dataType": "number"}, '"01"'),
        ({"dataType": "number"}, '{"a":1}'),
        ({"dataType": "boolean"}, '"maybe"'),
        ({"dataType": "boolean"}, "2"),
        ({"dataType": "json"}, '"{"'),
        ({"dataType": "date"}, '"soon"'),
        ({"dataType": "date"}, "true"),
        ({"extractDateFormat": "MM/DD/YYYY"}, '"13/45/2026"'),
        ({"extractDateFormat": "X"}, "[1]"),
        ({"extractDateFormat": "x"}, '{"a":1}'),
        ({"extractDateFormat": "X"}, "1768469400123"),
        ({"extractDateFormat": "x"}, '"1768469400123000"'),
        ({"default": "n/a", "dataType": "number"}, "null"),
    ],
)
def test_data_type_refuses(members: dict[str, Any], value: str) -> None:
    """What cannot be converted fails the record, named by its target (10.3 step 6)."""
    with pytest.raises(MappingError, match=r"^x: ") as caught:
        mapped(f'{{"a":{value}}}', one("a", **members))
    assert (caught.value.code, caught.value.source) == ("mapping_error", "mapping")


@pytest.mark.parametrize(
    ("members", "value", "out"),
    [
        ({"dataType": "date"}, "2026-01-15T09:30:00+02:00", "2026-01-15T07:30:00.000Z"),
        ({"dataType": "date"}, "2026-01-15", "2026-01-15T00:00:00.000Z"),
        ({"generateDateTimezone": "Europe/Berlin"}, "2026-01-15T09:30:00Z", "2026-01-15T10:30:00.000+01:00"),
        ({"extractDateTimezone": "America/New_York"}, "2026-07-15T09:30:00", "2026-07-15T13:30:00.000Z"),
        ({"extractDateTimezone": "America/New_York"}, "2026-07-15T09:30:00Z", "2026-07-15T09:30:00.000Z"),
        ({"generateDateFormat": "YYYY"}, "2026-07-15T09:30:00Z", "2026"),
    ],
)
def test_dates(members: dict[str, Any], value: str, out: str) -> None:
    """Date members (10.3, 14): an offset in the text wins; a time zone without a format prints the offset."""
    assert mapped(f'{{"a":"{value}"}}', one("a", **members)) == f'{{"x":"{out}"}}'


def test_date_then_data_type() -> None:
    """The date conversion runs first, then dataType (10.3 step 6)."""
    assert mapped('{"a":"2026-07-15"}', one("a", generateDateFormat="YYYY", dataType="number")) == '{"x":2026}'


@pytest.mark.parametrize(
    ("members", "operation", "out"),
    [
        ({"conditional": {"when": "record_created"}}, None, '{"x":1}'),
        ({"conditional": {"when": "record_updated"}}, None, "{}"),
        ({"immutable": True, "conditional": {"when": "extract_not_empty"}}, UPDATE, "{}"),
        ({"conditional": {"when": "record_updated"}}, UPDATE, '{"x":1}'),
    ],
)
def test_operation(members: dict[str, Any], operation: Operation | None, out: str) -> None:
    """What depends on the operation; a record without a known one counts as new (10.3 step 1)."""
    mapping = compiled(one("a", **members))
    assert dumps(mapping.map({"a": 1}, operation, scope())).decode() == out


@pytest.mark.parametrize(
    ("members", "value", "out"),
    [
        ({"lookupName": "l"}, '"USA"', '{"x":"US"}'),
        ({"lookupName": "l"}, '"n"', '{"x":5}'),
        ({"lookupName": "l"}, '"o"', '{"x":{"k":1}}'),
        ({"lookupName": "l"}, '"z"', '{"x":null}'),
        ({"lookupName": "l"}, "1.50", '{"x":"digits"}'),
        ({"lookupName": "l"}, '"usa"', "{}"),
        ({"lookupName": "l", "discardIfEmpty": True}, '"e"', "{}"),
        ({"lookupName": "l"}, '"e"', '{"x":""}'),
        ({"lookupName": "l", "default": "d"}, '"?"', '{"x":"d"}'),
        ({"conditional": {"when": "lookup_empty", "lookupName": "l"}}, '"?"', '{"x":"?"}'),
        ({"conditional": {"when": "lookup_empty", "lookupName": "l"}}, '"USA"', "{}"),
        ({"lookupName": "l", "conditional": {"when": "lookup_not_empty"}}, '"USA"', '{"x":"US"}'),
    ],
)
def test_lookups(members: dict[str, Any], value: str, out: str) -> None:
    """Static lookups where failures are allowed; a condition may run another lookup than the field's own (12, 14)."""
    assert mapped(f'{{"a":{value}}}', one("a", **members), lookups=[ALLOWED]) == out


@pytest.mark.parametrize("value", ['"Mars"', '""', "null", '"usa"', "[]"])
def test_lookup_without_match(value: str) -> None:
    """No match, an empty value included, fails the record unless failures are allowed (12)."""
    with pytest.raises(MappingError) as caught:
        mapped(f'{{"a":{value}}}', one("a", lookupName="l"), lookups=[ONLY_US])
    assert (caught.value.code, caught.value.source) == ("lookup_no_match", "lookup")


def test_lookup_of_each_value() -> None:
    """A starred extract is looked up and converted value by value; what has no match is left out."""
    mapping = one("l[*].c", "to[*].iso", lookupName="l")
    assert (
        mapped('{"l":[{"c":"USA"},{"c":"?"},{"c":"n"}]}', mapping, lookups=[ALLOWED])
        == '{"to":[{"iso":"US"},{"iso":5}]}'
    )
    assert mapped('{"l":["1","2"]}', one("l[*]", dataType="number")) == '{"x":[1,2]}'


def test_inner_lookup_wins() -> None:
    """Lookups of the document and of http are joined, the inner one wins on equal names (12)."""
    outer, inner = {"name": "l", "map": {"a": "outer"}}, {"name": "l", "map": {"a": "inner"}}
    other = {"name": "m", "map": {"a": "other"}}
    mapping = fields_of(
        {"extract": "v", "generate": "x", "lookupName": "l"}, {"extract": "v", "generate": "y", "lookupName": "m"}
    )
    assert (
        mapped('{"v":"a"}', mapping, lookups=[outer, other], http={"lookups": [inner]}) == '{"x":"inner","y":"other"}'
    )


def test_lookups_of_templates() -> None:
    """Static lookups are there for templates, in an extract too; no match is nothing where that is allowed (12)."""
    assert mapped('{"c":"USA"}', one('{{lookup "l" c}}'), lookups=[ALLOWED]) == '{"x":"US"}'
    assert compiled({}, lookups=[ALLOWED]).static_lookups["l"]("?") is None


def test_constants_keep_digits() -> None:
    """Open values arrive as raw JSON text; their digits reach the target (14)."""
    mapping = fields_of(
        {"generate": "a", "hardCodedValue": b"140891.90"},
        {"generate": "b", "hardCodedValue": b"9007199254740993"},
        {"generate": "c", "default": b'{"k":1.0}'},
        {"generate": "d", "hardCodedValue": b"null", "extract": "v"},
    )
    assert mapped('{"v":1}', mapping) == '{"a":140891.90,"b":9007199254740993,"c":{"k":1.0},"d":1}'


def test_record_is_not_changed() -> None:
    """A field that writes below a copied object changes the copy, neither the record nor a constant (map is called per record)."""
    record = loads('{"o":{"k":1},"l":[{"n":1}]}')
    mapping = compiled(
        fields_of(
            {"extract": "o", "generate": "x"},
            {"generate": "x.added", "hardCodedValue": True},
            {"extract": "l", "generate": "y"},
            {"generate": "y[0].n", "hardCodedValue": 2},
            {"generate": "z", "hardCodedValue": {"a": 1}},
            {"extract": "o.k", "generate": "z.b"},
        )
    )
    expected = b'{"x":{"k":1,"added":true},"y":[{"n":2}],"z":{"a":1,"b":1}}'
    assert dumps(mapping.map(record, None, scope())) == expected
    assert dumps(mapping.map(record, None, scope())) == expected
    assert dumps(record) == b'{"o":{"k":1},"l":[{"n":1}]}'


def test_deep_values() -> None:
    """A value of as many levels as a record may have is copied, set and printed like any other."""
    deep = '{"k":' * 400 + "1.50" + "}" * 400
    mapping = fields_of(
        {"extract": "a", "generate": "x"}, {"extract": "b", "generate": "x.b"}, {"extract": "{a}", "generate": "t"}
    )
    out = mapped(f'{{"a":{deep},"b":-0}}', mapping)
    assert out == '{"x":' + deep[:-1] + ',"b":-0},"t":' + dumps(deep).decode() + "}"


def test_identity() -> None:
    """Without rules the record itself comes back and need not be decoded (10.5, 38)."""
    record = {"a": 1}
    mappings: list[dict[str, Any]] = [{}, {"fields": [], "lists": []}]
    for mapping in mappings:
        assert compiled(mapping).is_identity
        assert compiled(mapping).map(record, None, scope()) is record
    assert not compiled(one("a")).is_identity


def test_strict_templates() -> None:
    """With strictHandlebarEvaluation a path that finds nothing fails the record (handlebars.md 4)."""
    with pytest.raises(MappingError) as caught:
        mapped("{}", one("{{record.a}}"), http={"strictHandlebarEvaluation": True})
    assert (caught.value.code, caught.value.source) == ("invalid_template", "mapping")
