"""Functions made from a mapping: no text of a document is ever part of their source, and their size has bounds."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from typing import Any

import pytest

from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import MappingError
from fairlead.mapping.code import MAX_LINES, Code
from fairlead.mapping.compiler import FEW_RECORDS
from tests.unit.mapping.support import both_ways, compiled, fields_of, scope

HOSTILE = [
    "'",
    '"',
    '"""',
    "\\",
    "a\nimport os",
    "__import__('os').system('x')",
    "made",
    "record = None #",
    "k0",
    "N",
    "{k0}",
    "%s",
    "\u2028",
    "\ud800",
    "None",
]
WORDS = re.compile(
    r"(k|v)[0-9]+|mapped|record|operation|scope|work|made|type|dict|list|len|N|E|U|at|elements|spread|get|append|rows|take"
)


def quoted(name: str) -> str:
    """A path of that one name."""
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def two(kind: str, generate: str, **members: Any) -> dict[str, Any]:
    """An entry of mapping 2.0."""
    return {"generate": generate, "dataType": kind, "status": "Active", **members}


def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written from now on."""
    written: list[str] = []
    source = Code.source

    def noting(self: Code, rest: str, work: str) -> str:
        written.append(source(self, rest, work))
        return written[-1]

    monkeypatch.setattr(Code, "source", noting)
    return written


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_a_document_in_the_source(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a document names, compares, or sets: the source is made of generated names and our own words."""
    written = sources(monkeypatch)
    path = quoted(name)
    fields = [
        {"extract": path, "generate": path, "default": name},
        {"extract": f"a.{path}.b", "generate": f"x.{path}", "hardCodedValue": name},
        {"extract": f"l[*].{path}", "generate": f"y.{path}", "dataType": "string"},
    ]
    lists = [{"generate": f"z.{path}", "fields": [{"extract": f"l[*].{path}", "generate": path}, fields[1]]}]
    record = {name: 1, "l": [{name: 2}]}
    out = loads(both_ways(compiled({"fields": fields, "lists": lists}), record))
    assert out[name] == 1
    assert out["z"][name] == [{name: 2, "x": {name: name}}]
    inner = two("string", name, extract=f"$.l.{path}")
    entries = [
        two("string", name, extract=f"$.{path}", default=name),
        two("string", "c", extract=name),
        two("objectarray", "r", buildArrayHelper=[{"extract": "$.l[*]", "mappings": [inner]}]),
    ]
    assert loads(both_ways(compiled({}, mappings=entries), record))["r"] == [{name: "2"}]
    assert len(written) == 2
    for source in written:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            assert token.type not in (tokenize.STRING, tokenize.COMMENT)
            assert token.type != tokenize.NUMBER or token.string == "0"
            if token.type == tokenize.NAME:
                assert keyword.iskeyword(token.string) or WORDS.fullmatch(token.string)


def test_one_source_for_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents that differ in names and constants only share their source, and so its compiling."""
    written = sources(monkeypatch)
    for name in ("a", "b'"):
        compiled(fields_of({"extract": quoted(name), "generate": quoted(name + "x"), "default": name})).generated()
    assert written[0] == written[1]


def test_long_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into a function is called: lines stay in proportion, and the result is the same."""
    written = sources(monkeypatch)
    count = MAX_LINES
    fields = [{"extract": f"o{n}.a{n}", "generate": f"x{n}"} for n in range(count)]
    record = {f"o{n}": {f"a{n}": n} for n in range(count)}
    assert loads(both_ways(compiled({"fields": fields}), record)) == {f"x{n}": n for n in range(count)}
    wide = {"generate": "rows", "fields": [{"extract": f"l[*].a{n}", "generate": f"x{n}"} for n in range(count)]}
    assert loads(both_ways(compiled({"lists": [wide]}), {"l": [{"a7": 1}]})) == {"rows": [{"x7": 1}]}
    entries = [two("string", f"x{n}", extract=f"$.o{n}.a{n}") for n in range(count)]
    assert len(loads(both_ways(compiled({}, mappings=entries), record))) == count
    assert all(source.count("\n") < MAX_LINES + 2 * count + 100 for source in written)


@pytest.mark.parametrize("levels", [1, 8, 9, 30])
def test_deep_mappings(levels: int) -> None:
    """Arrays in arrays and objects in objects of many levels are mapped, whether written as code or not."""
    record: Any = 5
    entry = two("number", "v", extract="$" + ".l" * levels)
    for _ in range(levels):
        record = {"l": [record, record]} if levels < 9 else {"l": [record]}
        entry = two("object", "o", mappings=[entry])
    path = ".".join(["l[*]"] * levels)
    mapping = {"lists": [{"generate": "rows", "fields": [{"extract": path, "generate": "v"}]}]}
    rows = loads(both_ways(compiled(mapping), record))["rows"]
    assert rows == [{"v": 5}] * (2**levels if levels < 9 else 1)
    composite = {"extract": "$." + path, "mappings": [entry]}
    out = loads(both_ways(compiled({}, mappings=[two("objectarray", "r", buildArrayHelper=[composite])]), record))
    assert len(out["r"]) == len(rows)


def test_few_records_then_many() -> None:
    """The function takes over after some records; nobody sees a difference, and records that are no objects go on as before."""
    mapper = compiled(fields_of({"extract": "a", "generate": "x"}, {"extract": "*.b", "generate": "y"}))
    for number in range(FEW_RECORDS * 2):
        assert mapper.map({"a": number}, None, scope()) == {"x": number, "y": []}
        assert mapper.map([{"a": number, "b": 1}, {"b": 2}], None, scope()) == {"x": number, "y": [1, 2]}


def test_errors_name_the_target_and_the_extract() -> None:
    """The message of a failing field has its path in the target, the value, cut, and the extract; alike in both versions (10.3, 11)."""
    number = {"extract": "l[*].n", "generate": "k.n", "dataType": "number"}
    model = compiled({"lists": [{"generate": "rows", "fields": [number]}]})
    message = r"^rows\[\*\]\.k\.n: '12 pcs' is not a number \(extract l\[\*\]\.n\)$"
    with pytest.raises(MappingError, match=message) as caught:
        both_ways(model, {"l": [{"n": 1}, {"n": "12 pcs"}]})
    assert caught.value.generate == "rows[*].k.n"
    entry = two("number", "n", extract="$.l.n")
    rows = two("objectarray", "rows", buildArrayHelper=[{"extract": "$.l[*]", "mappings": [entry]}])
    mapper = compiled({}, mappings=[two("object", "top", mappings=[rows])])
    with pytest.raises(
        MappingError, match=r"^top\.rows\[\*\]\.n: 'x{100}\.\.\.' is not a number \(extract \$\.l\.n\)$"
    ):
        both_ways(mapper, {"l": [{"n": "x" * 300}]})


def test_digits_survive() -> None:
    """Numbers that no type of the language holds pass through both versions unchanged (14)."""
    record = loads('{"a":1.50,"l":[1E400,-0]}')
    one = compiled(fields_of({"extract": "a", "generate": "x", "dataType": "number"}))
    assert both_ways(one, record) == '{"x":1.50}'
    entries = [
        two("number", "n", extract="$.a"),
        two("string", "s", extract="$.a"),
        two("numberarray", "l", buildArrayHelper=[{"extract": "$.l[*]"}]),
    ]
    assert both_ways(compiled({}, mappings=entries), record) == '{"n":1.50,"s":"1.50","l":[1E400,-0]}'
    assert dumps(record) == b'{"a":1.50,"l":[1E400,-0]}'
