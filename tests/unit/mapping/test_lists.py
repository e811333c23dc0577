"""Lists of mapping 1.0: exports-imports.md 10.4 and its fine points (14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mapping.support import mapped

ORDERS = '{"o":[{"id":1,"l":[{"s":"A"},{"s":"B"}],"t":["x"]},{"id":2,"l":[],"t":["y"]},{"id":3,"l":[{"s":"C"}]}],"m":[7,8,9,10]}'


def rows(*fields: tuple[str | None, str], **members: Any) -> dict[str, Any]:
    """A mapping of one list."""
    made = [
        {"generate": generate} | ({"extract": extract} if extract else {"hardCodedValue": "c"})
        for extract, generate in fields
    ]
    return {"lists": [{"generate": "x", "fields": made, **members}]}


@pytest.mark.parametrize(
    ("mapping", "record", "out"),
    [
        (rows(("o[*].id", "i"), ("o[*].l[*].s", "s")), ORDERS, '[{"i":1,"s":"A"},{"i":1,"s":"B"},{"i":3,"s":"C"}]'),
        (rows(("o[*].l[*].s", "s"), ("o[*].t[*]", "t")), ORDERS, '[{"s":"A","t":"x"},{"s":"B"},{"s":"C"}]'),
        (rows(("o[*].t[*]", "t"), ("o[*].l[*].s", "s")), ORDERS, '[{"t":"x","s":"A"},{"t":"y"}]'),
        (
            rows(("o[*].l[*].s", "s"), ("m[*]", "m")),
            ORDERS,
            '[{"s":"A","m":7},{"s":"B","m":8},{"s":"C","m":9},{"m":10}]',
        ),
        (rows(("a", "a"), (None, "c")), '{"a":1}', '[{"a":1,"c":"c"}]'),
        (rows(("a", "a")), "{}", None),
        (rows(("l[*].k", "k"), (None, "c")), '{"l":[]}', None),
        (rows(("l[*].k", "k")), '{"l":{"k":1}}', '[{"k":1}]'),
        (rows(("l[*].k", "k"), ("{{n}}", "n")), '{"l":[{"k":1},{"k":2}],"n":5}', '[{"k":1,"n":"5"},{"k":2,"n":"5"}]'),
        (rows(("*.k", "k")), '[{"k":1},{"z":1},{"k":2}]', '[{"k":1},{"k":2}]'),
        (rows(("k", "k"), ("p", "p"), jsonPath="l"), '{"l":[{"k":1},{"k":2}],"p":9}', '[{"k":1},{"k":2}]'),
        (rows(("k", "k"), jsonPath="o[*].l[*]"), '{"o":[{"l":[{"k":1}]},{"l":[{"k":2}]}]}', '[{"k":1},{"k":2}]'),
        (rows(("k", "k"), ("{{p}}", "p"), jsonPath="l"), '{"l":[{"k":1}],"p":9}', '[{"k":1,"p":"9"}]'),
        (rows(("l[*].k", "y.k"), ("p.q", "y.q")), '{"l":[{"k":1}],"p":{"q":2}}', '[{"y":{"k":1,"q":2}}]'),
    ],
)
def test_rows(mapping: dict[str, Any], record: str, out: str | None) -> None:
    """Groups, unwinding, alignment, repetition, empty rows (10.4)."""
    assert mapped(record, mapping) == ("{}" if out is None else f'{{"x":{out}}}')


def test_constant_with_a_starred_extract() -> None:
    """The extract makes the rows, the constant fills them (14)."""
    field = {"extract": "l[*].k", "hardCodedValue": "c", "generate": "k"}
    assert (
        mapped('{"l":[{"k":1},{}]}', {"lists": [{"generate": "x", "fields": [field]}]}) == '{"x":[{"k":"c"},{"k":"c"}]}'
    )


def test_conditions_hold_per_row() -> None:
    """Steps of a field are taken for each row, ignore_if_set looks at the row (10.3)."""
    fields = [
        {"extract": "l[*].a", "generate": "v", "dataType": "number"},
        {"extract": "l[*].b", "generate": "v", "conditional": {"when": "ignore_if_set"}},
    ]
    out = mapped('{"l":[{"a":"1","b":2},{"b":3}]}', {"lists": [{"generate": "x", "fields": fields}]})
    assert out == '{"x":[{"v":1},{"v":3}]}'


def test_lists_after_fields() -> None:
    """Fields run first, then lists; a later one overwrites (10.3)."""
    mapping = {
        "lists": [{"generate": "x", "fields": [{"extract": "l[*]", "generate": "v"}]}],
        "fields": [{"extract": "l", "generate": "x"}, {"extract": "l", "generate": "y"}],
    }
    assert mapped('{"l":[1]}', mapping) == '{"x":[{"v":1}],"y":[1]}'
