"""Mapping 2.0: exports-imports.md 11 and its fine points (14) that the worked examples do not show."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import MappingError
from tests.unit.mapping.support import both_ways, compiled, mapped

LOOKUP = {"name": "l", "map": {"A": "alpha", "1": 5}, "allowFailures": True}


def two(dataType: str = "string", generate: str = "x", **members: Any) -> dict[str, Any]:  # the member's own name
    """An entry."""
    return {"generate": generate, "dataType": dataType, "status": "Active", **members}


def array(kind: str, *sources: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An array of these sources."""
    return two(kind, buildArrayHelper=list(sources), **members)


def out_of(record: str, *entries: dict[str, Any]) -> str:
    """JSON text in, JSON text out."""
    return mapped(record, {}, mappings=list(entries), lookups=[LOOKUP])


@pytest.mark.parametrize(
    ("entry", "record", "out"),
    [
        (two(extract=""), "{}", '{"x":""}'),
        (two(extract="$.a"), '{"a":""}', '{"x":""}'),
        (two("number", extract="$.a"), '{"a":""}', '{"x":""}'),
        (two(extract="$.a"), '{"a":null}', '{"x":null}'),
        (two(extract="$.a"), '{"a":[]}', "{}"),
        (two(extract="$.a"), '{"a":{}}', "{}"),
        (two(extract="$.a"), '{"a":{"k":[1.0]}}', '{"x":"{\\"k\\":[1.0]}"}'),
        (two(extract="$.a", default="d"), '{"a":null}', '{"x":"d"}'),
        (two("number", extract="$.n", default="5"), "{}", '{"x":5}'),
        (two("boolean", extract="$.a"), '{"a":0}', '{"x":false}'),
        (two(extract="$"), '{"a":1}', '{"x":"{\\"a\\":1}"}'),
        (two(extract="$['a b']"), '{"a b":1}', '{"x":"1"}'),
        (two(extract="$.a.b"), '{"a.b":1}', "{}"),
        (two(extract="a.b"), '{"a":{"b":1}}', '{"x":"a.b"}'),
        (two(extract="{a}"), '{"a":1}', '{"x":"{a}"}'),
        (two(extract="{{a}}-{{record.a}}"), '{"a":1}', '{"x":"1-1"}'),
        (two(extract="$.l[*].k"), '{"l":[{},{"k":1},{"k":2}]}', '{"x":"1"}'),
        (two(extract="$.l[*].k"), '{"l":[]}', "{}"),
        (two(extract="$..k"), '{"l":[{"k":1},{"k":2}]}', '{"x":"1"}'),
        (two(extract="$.a", hardCodedValue=7), '{"a":1}', '{"x":"7"}'),
        (two("boolean", hardCodedValue="no"), "{}", '{"x":false}'),
        (two("number", hardCodedValue=b"1.50"), "{}", '{"x":1.50}'),
        (two("stringarray", hardCodedValue="c"), "{}", '{"x":["c"]}'),
        (two(extract="$.c", lookupName="l"), '{"c":"A"}', '{"x":"alpha"}'),
        (two(extract="$.c", lookupName="l"), '{"c":"?"}', "{}"),
        (two(extract="$.d", generateDateFormat="YYYY"), '{"d":"2026-01-15"}', '{"x":"2026"}'),
        (two("number", extract="$.d", generateDateFormat="YYYY"), '{"d":"2026-01-15"}', '{"x":2026}'),
        (two(extract="$[0].a"), '[{"a":1},{"a":2}]', '{"x":"1"}'),
        (array("stringarray", {"extract": "$[*].a"}), '[{"a":1},{"a":2}]', '{"x":["1","2"]}'),
        (two("object", extract="$.o"), '{"o":{"k":1}}', '{"x":{"k":1}}'),
        (two("object", extract="$.l[*]"), '{"l":[{"k":1},{"k":2}]}', '{"x":{"k":1}}'),
        (two("object", extract="{{{jsonSerialize o}}}"), '{"o":{"k":1}}', '{"x":{"k":1}}'),
        (two("object", extract="$.o"), '{"o":null}', '{"x":null}'),
        (two("object", mappings=[two(extract="$.none")]), "{}", "{}"),
    ],
)
def test_value(entry: dict[str, Any], record: str, out: str) -> None:
    """One value: extracts, empties, conversions, constants, lookups, dates (11, 14)."""
    assert out_of(record, entry) == out


SKU = two(generate="s", extract="$.l.s")
ITEMS = '{"l":[{"s":"A","t":["p"]},{"t":[]},{"s":"B","t":["q","r"]}],"m":[[1],[2,3]],"n":5,"e":"","j":"[1]"}'


@pytest.mark.parametrize(
    ("entry", "out"),
    [
        (array("stringarray", {"extract": "$.n"}), '["5"]'),
        (array("stringarray", {"extract": "$.l[0].t"}), '["p"]'),
        (array("stringarray", {"extract": "$.l[*].t"}), '["p","q","r"]'),
        (two("stringarray", extract="$.l[*].s"), '["A","B"]'),
        (array("stringarray", {"extract": "$.none"}), None),
        (array("stringarray", {"extract": "$.none", "default": "d"}), '["d"]'),
        (array("stringarray", {"extract": "$.none"}, default="d"), '["d"]'),
        (
            array("stringarray", {"extract": "$.l[*].z", "default": "d", "conditional": {"when": "extract_not_empty"}}),
            None,
        ),
        (array("stringarray", {"extract": "EUR"}, {"extract": "{{n}}"}), '["EUR","5"]'),
        (array("stringarray", {"extract": "$.l[*].s"}, lookupName="l"), '["alpha"]'),
        (array("arrayarray", {"extract": "$.m"}), "[[1],[2,3]]"),
        (array("arrayarray", {"extract": "$.m[*]"}), "[[1],[2,3]]"),
        (array("arrayarray", {"extract": "$.l[0].t"}), '[["p"]]'),
        (array("arrayarray", {"extract": "$.n"}), "[[5]]"),
        (
            array("arrayarray", {"extract": "$.j"}, {"extract": "$.e"}, {"extract": "$.none", "default": "d"}),
            '[["[1]"],[""],["d"]]',
        ),
        (array("objectarray", {"extract": "$.l[0]"}), '[{"s":"A","t":["p"]}]'),
        (array("objectarray", {"extract": "$.l[*]", "mappings": [SKU]}), '[{"s":"A"},{"s":"B"}]'),
        (array("objectarray", {"extract": "$.l[2]", "mappings": [SKU]}), '[{"s":"B"}]'),
        (
            array("objectarray", {"extract": "$.l[*]", "mappings": [two(extract="$.n")]}),
            '[{"x":"5"},{"x":"5"},{"x":"5"}]',
        ),
        (array("objectarray", {"extract": "", "mappings": [two(extract="$.n")]}), '[{"x":"5"}]'),
        (array("objectarray", {"extract": "$.none[*]", "mappings": [two(extract="c")]}), None),
        (
            array("objectarray", {"extract": "$.l[*]", "mappings": [two("object", extract="$.l")]}),
            '[{"x":{"s":"A","t":["p"]}},{"x":{"t":[]}},{"x":{"s":"B","t":["q","r"]}}]',
        ),
        (
            array("objectarray", {"extract": "$.l[*].t[*]", "mappings": [SKU, two(generate="t", extract="$.l.t")]}),
            '[{"s":"A","t":"p"},{"s":"B","t":"q"},{"s":"B","t":"r"}]',
        ),
        (
            array("objectarray", {"extract": "$.l[*]", "mappings": [two(extract="{{record.l.s}}{{l.s}}")]}),
            '[{"x":"AA"},{"x":""},{"x":"BB"}]',
        ),
        (
            array(
                "objectarray",
                {"extract": "$.l[*]", "mappings": [SKU, array("stringarray", {"extract": "$.l.t[*]"})]},
            ),
            '[{"s":"A","x":["p"]},{"s":"B","x":["q","r"]}]',
        ),
        (
            array("objectarray", {"extract": "$.l[*].t[*]", "mappings": [two("object", extract="$.l")]}),
            '[{"x":{"s":"A","t":"p"}},{"x":{"s":"B","t":"q"}},{"x":{"s":"B","t":"r"}}]',
        ),
        (
            array("objectarray", {"extract": "$.l[*].t[*]", "mappings": [two(extract="$.l[*].t")]}),
            '[{"x":"p"},{"x":"q"},{"x":"r"}]',
        ),
        (
            array(
                "objectarray",
                {"extract": "$.l[*].t[*]", "mappings": [array("stringarray", {"extract": "$.l[*].t"})]},
            ),
            '[{"x":["p"]},{"x":["q"]},{"x":["r"]}]',
        ),
        (
            array("objectarray", {"extract": "$.none[*]", "default": '{"k":1}', "mappings": [two(extract="c")]}),
            '[{"k":1}]',
        ),
        (
            array("objectarray", {"extract": "$.none", "default": '{"k":1}', "mappings": [two(extract="c")]}),
            '[{"k":1}]',
        ),
        (
            array(
                "objectarray",
                {"extract": "$.e", "conditional": {"when": "extract_not_empty"}, "mappings": [two(extract="c")]},
            ),
            None,
        ),
        (array("objectarray", {"extract": "$.e", "mappings": [two(extract="c")]}), '[{"x":"c"}]'),
        (two("object", extract="$.l[2]", mappings=[SKU]), '{"s":"B"}'),
        (two("object", extract="$.l[9]", mappings=[two(extract="c")]), None),
    ],
)
def test_array(entry: dict[str, Any], out: str | None) -> None:
    """Arrays and composite objects: sources, defaults, what is opened, what is left out (11, 14)."""
    assert out_of(ITEMS, entry) == ("{}" if out is None else f'{{"x":{out}}}')


@pytest.mark.parametrize(
    ("entry", "record"),
    [
        (two("number", extract="$.a"), '{"a":"12 pcs"}'),
        (two("number", extract="$.a"), '{"a":[1]}'),
        (two("boolean", extract="$.a"), '{"a":"maybe"}'),
        (two("object", extract="$.a"), '{"a":"text"}'),
        (array("numberarray", {"extract": "$.a[*]"}), '{"a":[1,"x"]}'),
        (array("objectarray", {"extract": "$.a[*]"}), '{"a":[1]}'),
        (two(extract="$.a", dataType="string", generateDateFormat="YYYY"), '{"a":"soon"}'),
    ],
)
def test_refused(entry: dict[str, Any], record: str) -> None:
    """What cannot be converted fails the record, named by its target (10.3, 11)."""
    with pytest.raises(MappingError, match=r"^x: ") as caught:
        out_of(record, entry)
    assert (caught.value.code, caught.value.source) == ("mapping_error", "mapping")


def test_later_wins() -> None:
    """Of two entries with one name the later one wins, if it gives a value (14)."""
    entries = [two(extract="one"), two(generate="y", extract="y"), two(extract="two"), two(extract="$.none")]
    assert out_of("{}", *entries) == '{"x":"two","y":"y"}'


def test_record_is_not_changed() -> None:
    """What composite objects show is a copy."""
    record = loads(ITEMS)
    nested = array("objectarray", {"extract": "$.l.t[*]", "mappings": [two(extract="$.l.t")]}, generate="t")
    mapper = compiled({}, mappings=[array("objectarray", {"extract": "$.l[*]", "mappings": [SKU, nested]})])
    both_ways(mapper, record)
    assert dumps(record).decode() == ITEMS
