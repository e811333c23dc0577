"""Transforms: the examples of exports-imports.md 6, where rules stand, and what may go wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.domain.errors import FairleadError, NotSupported
from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import LookupPending, MappingError, Scope
from fairlead.mapping.compiler import MappingCompiler
from fairlead.mapping.expressions import ExpressionCompiler
from fairlead.mapping.transforms import CompiledTransform
from fairlead.templates.compiler import TemplateCompiler

TEMPLATES = TemplateCompiler()
COMPILER = ExpressionCompiler(TEMPLATES, MappingCompiler(TEMPLATES))

FIRST_VERSION = [
    (
        "example: nested members, a missing source leaves the key out",
        '{"id":5,"ship":{"no":"S1"},"x":0}',
        '[[{"extract":"id","generate":"key"},{"extract":"ship.no","generate":"shipment.number"},{"extract":"nope","generate":"n"}]]',
        '{"key":5,"shipment":{"number":"S1"}}',
    ),
    (
        "example: grouped rows",
        '[{"o":1,"s":"A"},{"o":1,"s":"B"}]',
        '[[{"extract":"o","generate":"order"},{"extract":"*.s","generate":"lines[*].sku"}]]',
        '{"order":1,"lines":[{"sku":"A"},{"sku":"B"}]}',
    ),
    (
        "example: literal names and indexes",
        '{"Internal ID":3,"list":[{"a":1},{"a":2}]}',
        '[[{"extract":"[Internal ID]","generate":"id"},{"extract":"list[0].a","generate":"first"}]]',
        '{"id":3,"first":1}',
    ),
    ("digits stay", '{"a":1.50}', '[[{"extract":"a","generate":"b"}]]', '{"b":1.50}'),
    ("null stays", '{"a":null}', '[[{"extract":"a","generate":"b"}]]', '{"b":null}'),
    ("a template", '{"a":"x"}', '[[{"extract":"{{uppercase record.a}}!","generate":"b"}]]', '{"b":"X!"}'),
    ("single braces", '{"a":"x","b":2}', '[[{"extract":"{a}-{b}","generate":"c"}]]', '{"c":"x-2"}'),
    (
        "only the first inner array counts",
        '{"a":1}',
        '[[{"extract":"a","generate":"b"}],[{"extract":"a","generate":"c"}]]',
        '{"b":1}',
    ),
    ("a literal target", '{"a":1}', """[[{"extract":"a","generate":"['x.y']"}]]""", '{"x.y":1}'),
    ("later rules below a copied object", '{"o":{"k":1}}', '[[{"extract":"o","generate":"p"},{"extract":"o.k","generate":"p.l"}]]', '{"p":{"k":1,"l":1}}'),
    ("nothing found at all", '{"a":1}', '[[{"extract":"x","generate":"b"}]]', "{}"),
]  # fmt: skip


def entry(generate: str, extract: str, **more: Any) -> dict[str, Any]:
    """An active entry of mapping 2.0."""
    return {"generate": generate, "dataType": "string", "extract": extract, "status": "Active", **more}


NAME = entry("name", "{{uppercase record.name}}")
SECOND_VERSION = [
    ("example: modify", '{"id":5,"name":"x"}', {"mode": "modify", "mappings": [NAME]}, '{"id":5,"name":"X"}'),
    ("example: create", '{"id":5,"name":"x"}', {"mode": "create", "mappings": [NAME]}, '{"name":"X"}'),
    ("create without mappings makes no members", '{"id":5}', {"mode": "create", "mappings": []}, "{}"),
    ("create without mappings, of grouped rows", '[{"id":5}]', {"mode": "create"}, "{}"),
    ("create is the default", '{"id":5,"name":"x"}', {"mappings": [NAME]}, '{"name":"X"}'),
    (
        "modify where the mapping finds nothing: the member stays",
        '{"id":5,"name":"x"}',
        {"mode": "modify", "mappings": [entry("name", "$.nope")]},
        '{"id":5,"name":"x"}',
    ),
    (
        "modify replaces whole names at the top",
        '{"o":{"a":1,"b":2},"n":1.50}',
        {"mode": "modify", "mappings": [entry("o", "", dataType="object", mappings=[entry("c", "$.o.a")])]},
        '{"o":{"c":"1"},"n":1.50}',
    ),
    (
        "modify sets the members in every row of a grouped record",
        '[{"a":1},{"a":2}]',
        {"mode": "modify", "mappings": [entry("b", "x")]},
        '[{"a":1,"b":"x"},{"a":2,"b":"x"}]',
    ),
    (
        "lookups of the rules",
        '{"c":"USA"}',
        {
            "mappings": [entry("iso", "$.c", lookupName="l")],
            "lookups": [{"name": "l", "map": {"USA": "US"}, "allowFailures": True}],
        },
        '{"iso":"US"}',
    ),
]


def scope() -> Scope:
    """What surrounds a record."""
    return Scope({"settings": {}}, datetime(2026, 1, 15, tzinfo=UTC))


def first(rules: str) -> CompiledTransform:
    """A transform of version 1."""
    return COMPILER.compile_transform({"expression": {"version": "1", "rules": rules.encode()}}, "transform")


def second(rules: dict[str, Any], lookups: Sequence[dict[str, Any]] = ()) -> CompiledTransform:
    """A transform of version 2."""
    expression = {"type": "expression", "expression": {"version": "2", "rulesTwoDotZero": rules}}
    return COMPILER.compile_transform(expression, "transform", lookups=lookups)


def problems_of(expression: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Codes, fields and messages of what compiling complains about."""
    with pytest.raises(FairleadError) as caught:
        COMPILER.compile_transform(expression, "transform")
    return [(problem.code, problem.field, problem.message) for problem in caught.value.problems]


def applied(made: CompiledTransform, record: str) -> str:
    """The new record; the one given stays as it was."""
    given = loads(record)
    out = dumps(made.apply(given, scope())).decode()
    assert dumps(given) == dumps(loads(record))
    return out


@pytest.mark.parametrize(("case", "record", "rules", "out"), FIRST_VERSION, ids=[row[0] for row in FIRST_VERSION])
def test_first_version(case: str, record: str, rules: str, out: str) -> None:
    """A new record is built from the rules alone; the one given is not changed."""
    assert applied(first(rules), record) == out, case


@pytest.mark.parametrize(("case", "record", "rules", "out"), SECOND_VERSION, ids=[row[0] for row in SECOND_VERSION])
def test_second_version(case: str, record: str, rules: dict[str, Any], out: str) -> None:
    """``create`` gives mapped members only, ``modify`` sets them in the record, which is not changed itself."""
    assert applied(second(rules), record) == out, case


@pytest.mark.parametrize(
    "expression",
    [
        None,
        {},
        {"type": "expression"},
        {"expression": {"version": "1"}},
        {"expression": {"version": "1", "rules": b"[]"}},
        {"expression": {"version": "1", "rules": b"[[]]"}},
        {"expression": {"version": "2"}},
        {"expression": {"version": "2", "rulesTwoDotZero": {"mappings": []}}},
        {"expression": {"version": "2", "rulesTwoDotZero": {"mode": "modify", "mappings": []}}},
    ],
)
def test_without_rules_records_stay(expression: dict[str, Any] | None) -> None:
    """Where nothing would happen nobody needs to decode a record."""
    made = COMPILER.compile_transform(expression, "transform")
    assert made.is_identity
    record = {"a": 1}
    assert made.apply(record, scope()) is record


def test_older_documents_carry_the_rules_beside_the_version() -> None:
    """``expression`` is read first, then ``rules``; problems name the place that was read."""
    older = {"version": "1", "rules": b'[[{"extract":"a","generate":"older"}]]'}
    assert applied(COMPILER.compile_transform(older, "transform"), '{"a":1}') == '{"older":1}'
    both = {**older, "expression": {"rules": b'[[{"extract":"a","generate":"newer"}]]'}}
    assert applied(COMPILER.compile_transform(both, "transform"), '{"a":1}') == '{"newer":1}'
    ((_, field, message),) = problems_of({"version": "1", "rules": b'[[{"extract":"a"}]]'})
    assert field == "transform.rules.0.0.generate"
    assert message.startswith(field)


def test_the_version_says_which_rules_count() -> None:
    """Both kinds of rules may be stored; without a version those of 1 count, or those of 2 when they are alone."""
    rules = {"rules": b'[[{"extract":"a","generate":"one"}]]', "rulesTwoDotZero": {"mappings": [entry("two", "$.a")]}}
    made = {
        version: applied(
            COMPILER.compile_transform({"expression": {**rules, "version": version}}, "transform"), '{"a":1}'
        )
        for version in ("1", "2", None)
    }
    assert made == {"1": '{"one":1}', "2": '{"two":"1"}', None: '{"one":1}'}
    alone = COMPILER.compile_transform({"expression": {"rulesTwoDotZero": rules["rulesTwoDotZero"]}}, "transform")
    assert applied(alone, '{"a":1}') == '{"two":"1"}'


@pytest.mark.parametrize(
    "expression", [{"type": "script", "script": {"_scriptId": "5f7a"}}, {"script": {"_scriptId": "5f7a"}}]
)
def test_a_script_is_never_skipped(expression: dict[str, Any]) -> None:
    """A transform that a script would have to do is refused with its field."""
    with pytest.raises(NotSupported) as caught:
        COMPILER.compile_transform(expression, "responseTransform")
    assert [(p.code, p.field) for p in caught.value.problems] == [("script_runtime_unavailable", "responseTransform")]


@pytest.mark.parametrize(
    ("rules", "code", "field"),
    [
        ('{"extract":"a"}', "invalid_mapping", ""),
        ('[{"extract":"a","generate":"b"}]', "invalid_mapping", ""),
        ('[["a"]]', "invalid_mapping", ".0.0"),
        ('[[{"extract":5,"generate":"b"}]]', "invalid_mapping", ".0.0.extract"),
        ('[[{"extract":"a","generate":"b","hardCodedValue":"c"}]]', "unknown_field", ".0.0.hardCodedValue"),
        ('[[{"extract":"a","generate":"b"},{"extract":"a"}]]', "missing_required_field", ".0.1.generate"),
        ('[[{"extract":"a[","generate":"b"}]]', "invalid_mapping", ".0.0.extract"),
        ('[[{"extract":"a","generate":"b["}]]', "invalid_mapping", ".0.0.generate"),
        ('[[{"extract":"{{#if}}","generate":"b"}]]', "invalid_template", ".0.0.extract"),
    ],
)
def test_bad_rules_are_told_where_they_stand(rules: str, code: str, field: str) -> None:
    """What cannot be compiled is 422 with the field inside the transform, and the message names it."""
    ((found, place, message),) = problems_of({"expression": {"version": "1", "rules": rules.encode()}})
    assert (found, place) == (code, f"transform.expression.rules{field}")
    assert message.startswith(place or "?")


def test_all_problems_are_told_at_once() -> None:
    """Nobody fixes rules one error at a time."""
    rules = json.dumps([[{"extract": "a["}, {"extract": "{{#if}}", "generate": "b"}]]).encode()
    assert len(problems_of({"expression": {"version": "1", "rules": rules}})) == 3


def test_problems_of_the_second_version_name_their_place() -> None:
    """Fields of entries and lookups stand below ``rulesTwoDotZero``."""
    rules = {"mappings": [entry("a", "$.a", dataType="nope"), entry("b", "$.b", lookupName="l")]}
    told = problems_of({"expression": {"version": "2", "rulesTwoDotZero": rules}})
    place = "transform.expression.rulesTwoDotZero.mappings"
    assert [(code, field) for code, field, _ in told] == [
        ("invalid_mapping", f"{place}.0.dataType"),
        ("invalid_ref", f"{place}.1.lookupName"),
    ]


def test_lookups_of_the_document_are_known_and_the_inner_one_wins() -> None:
    """Section 12: lookups of the document and of the transform are joined; on equal names the transform's counts."""
    outer = [{"name": "l", "map": {"a": "outer"}}, {"name": "m", "map": {"a": "outer"}}]
    rules = {
        "mappings": [entry("l", "$.a", lookupName="l"), entry("m", "$.a", lookupName="m")],
        "lookups": [{"name": "l", "map": {"a": "inner"}}],
    }
    assert applied(second(rules, outer), '{"a":"a"}') == '{"l":"inner","m":"outer"}'


@pytest.mark.parametrize(
    ("mapping", "code", "source"),
    [
        (entry("n", "$.a", dataType="number"), "mapping_error", "transformation"),
        (entry("n", "$.a", lookupName="l"), "lookup_no_match", "lookup"),
    ],
)
def test_a_record_that_fails_says_so(mapping: dict[str, Any], code: str, source: str) -> None:
    """A transform error has the source ``transformation``; that of a lookup stays ``lookup``."""
    made = second({"mode": "modify", "mappings": [mapping], "lookups": [{"name": "l", "map": {}}]})
    with pytest.raises(MappingError) as caught:
        made.apply({"a": "x"}, scope())
    assert (caught.value.code, caught.value.source) == (code, source)


def test_templates_of_the_first_version_use_lookups_of_the_document() -> None:
    """Section 12: ``{{lookup "name" value}}`` is a static lookup wherever a record is at hand."""
    rules = b'[[{"extract":"{{lookup \\"l\\" record.a}}","generate":"b"}]]'
    lookups = [{"name": "l", "map": {"x": "found"}}]
    made = COMPILER.compile_transform({"expression": {"version": "1", "rules": rules}}, "transform", lookups=lookups)
    assert applied(made, '{"a":"x"}') == '{"b":"found"}'


def test_a_dynamic_lookup_is_asked_of_the_run() -> None:
    """A dynamic lookup is named beforehand; what asking for it raises comes through, its result is used."""
    lookups = [{"name": "d", "relativeURI": "/c?x={{record.a}}"}]
    made = second({"mappings": [entry("b", "$.a", lookupName="d")], "lookups": lookups})
    assert made.dynamic_names == {"d"}
    around = scope()

    def pending(name: str) -> str:
        raise LookupPending(name)

    around.dynamic = pending
    with pytest.raises(LookupPending):
        made.apply({"a": "x"}, around)
    around.dynamic = lambda name: f"{name}-result"
    assert made.apply({"a": "x"}, around) == {"b": "d-result"}
