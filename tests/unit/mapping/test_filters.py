"""The filter language by the table of exports-imports.md 7.2 and the fine points of 7.1 and 14; adding a case is adding a row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.domain.errors import InvalidContent, NotSupported
from fairlead.domain.jsonvalue import loads
from fairlead.engine.ports import MappingError, RegexTime, Scope
from fairlead.mapping.filters import CompiledFilter, compile_filter
from fairlead.templates.compiler import TemplateCompiler

TEMPLATES = TemplateCompiler()
SETTINGS = {"flow": {"min": 10, "trantype": "invoice"}}
RECORD = """{"status":"Open","qty":"12","price":9.5,"name":"NetSuite Connector","tags":["a","b"],
"created":"2026-01-15T09:30:00Z","flag":true,"empty":"","nul":null,"list":[],"customer":{"mail":"x@y.test"},
"recurrence":{"pattern":{"type":"daily"}}}"""

EXAMPLES = """
["equals",["extract","status"],"Open"] | passes
["equals",["extract","status"],"open"] | does not
["equals",["lowercase",["string",["extract","status"]]],"open"] | passes
["equals",["string",["extract","missing"]],""] | passes
["equals",["extract","missing"],""] | does not
["equals",["extract","qty"],12] | passes
["equals",["number",["extract","qty"]],12] | passes
["notequals",["extract","status"],"cancelled"] | passes
["greaterthan",["extract","qty"],"9"] | does not
["greaterthan",["number",["extract","qty"]],9] | passes
["lessthanequals",["extract","price"],9.5] | passes
["greaterthan",["number",["extract","name"]],0] | does not
["greaterthan",["extract","created"],"2026-01-01T00:00:00Z"] | passes
["greaterthan",["epochtime",["extract","created"]],1768469399999] | passes
["contains",["extract","name"],"Suite"] | passes
["contains",["extract","tags"],"b"] | passes
["doesnotcontain",["extract","tags"],"c"] | passes
["startswith",["extract","name"],"Net"] | passes
["endswith",["extract","name"],"tor"] | passes
["matches",["lowercase",["string",["extract","name"]]],"netsuite"] | passes
["matches",["extract","name"],"^Net.*tor$"] | passes
["empty",["extract","empty"]] | passes
["empty",["extract","nul"]] | passes
["empty",["extract","missing"]] | passes
["empty",["extract","list"]] | passes
["notempty",["extract","customer.mail"]] | passes
["equals",["boolean",["extract","flag"]],true] | passes
["and",["notempty",["extract","customer.mail"]],["greaterthan",["number",["extract","qty"]],["settings","flow.min"]]] | passes
["or",["equals",["extract","status"],"x"],["not",["empty",["extract","name"]]]] | passes
["equals",["floor",["extract","price"]],9] | passes
["equals",["abs",-3],3] | passes
["anyof",["extract","status"],["Open","Held"]] | passes
["and"] | passes
["or"] | does not
"""

FINE_POINTS = """
equals: null and null               | {"a":null}            | ["equals",["extract","a"],["extract","b"]] | passes
equals: null and the literal null   | {}                    | ["equals",["extract","a"],null] | passes
equals: null and 0                  | {"a":null}            | ["equals",["extract","a"],0] | does not
equals: null and false              | {"a":null}            | ["equals",["extract","a"],false] | does not
equals: true is not 1               | {"a":true}            | ["equals",["extract","a"],1] | does not
equals: 1 is not true               | {"a":1}               | ["equals",["extract","a"],true] | does not
equals: true is the text true       | {"a":true}            | ["equals",["extract","a"],"true"] | passes
equals: true is not the text TRUE   | {"a":true}            | ["equals",["extract","a"],"TRUE"] | does not
equals: numeric, blanks trimmed     | {"a":" 12 "}          | ["equals",["extract","a"],12] | passes
equals: two texts are no numbers    | {"a":"12.0"}          | ["equals",["extract","a"],"12"] | does not
equals: number and numeric text     | {"a":12.0}            | ["equals",["extract","a"],"12"] | passes
equals: no grammar of JSON          | {"a":"012"}           | ["equals",["extract","a"],12] | does not
equals: empty text is no 0          | {"a":""}              | ["equals",["extract","a"],0] | does not
equals: exponents                   | {"a":1.2e1}           | ["equals",["extract","a"],12] | passes
equals: integers exact at any size  | {"a":9007199254740993} | ["equals",["extract","a"],9007199254740992] | does not
equals: integers exact as text too  | {"a":"9007199254740993"} | ["equals",["extract","a"],9007199254740992] | does not
equals: beyond doubles              | {"a":1e400}           | ["equals",["extract","a"],1e401] | does not
equals: beyond doubles, the same    | {"a":1e400}           | ["equals",["extract","a"],10e399] | passes
equals: an array as JSON text       | {"a":[1, 2.50]}       | ["equals",["extract","a"],"[1,2.50]"] | passes
equals: two objects                 | {"a":{"k":1},"b":{"k":1}} | ["equals",["extract","a"],["extract","b"]] | passes
equals: an array is no number       | {"a":[1]}             | ["equals",["extract","a"],1] | does not
notequals: with null on a side      | {}                    | ["notequals",["extract","a"],"x"] | passes
notequals: both null                | {}                    | ["notequals",["extract","a"],null] | does not
string: digits as in the source     | {"a":9.50}            | ["equals",["string",["extract","a"]],"9.50"] | passes
string: words of booleans           | {"a":false}           | ["equals",["string",["extract","a"]],"false"] | passes
string: JSON text                   | {"a":{"k":[1, "é"]}}  | ["equals",["string",["extract","a"]],"{\\"k\\":[1,\\"é\\"]}"] | passes
string: of a number read from text  | {"a":"1.50"}          | ["equals",["string",["number",["extract","a"]]],"1.5"] | passes
number: true is 1                   | {"a":true}            | ["equals",["number",["extract","a"]],1] | passes
number: of text that is none        | {"a":"x"}             | ["equals",["number",["extract","a"]],null] | passes
number: of an array                 | {"a":[1]}             | ["empty",["number",["extract","a"]]] | passes
boolean: TRUE                       | {"a":"TRUE"}          | ["boolean",["extract","a"]] | passes
boolean: yes is false               | {"a":"yes"}           | ["boolean",["extract","a"]] | does not
boolean: the text 1                 | {"a":"1"}             | ["boolean",["extract","a"]] | passes
boolean: the text 2                 | {"a":"2"}             | ["boolean",["extract","a"]] | does not
boolean: 2                          | {"a":2}               | ["boolean",["extract","a"]] | passes
boolean: 0.0                        | {"a":0.0}             | ["boolean",["extract","a"]] | does not
boolean: null                       | {}                    | ["equals",["boolean",["extract","a"]],false] | passes
epochtime: a day                    | {"a":"1970-01-02"}    | ["equals",["epochtime",["extract","a"]],86400000] | passes
epochtime: an offset                | {"a":"1970-01-01T01:00:00+01:00"} | ["equals",["epochtime",["extract","a"]],0] | passes
epochtime: no zone is UTC           | {"a":"1970-01-01T00:00:01.5"} | ["equals",["epochtime",["extract","a"]],1500] | passes
epochtime: before 1970              | {"a":"1969-12-31T23:59:59.999Z"} | ["equals",["epochtime",["extract","a"]],-1] | passes
epochtime: a number                 | {"a":5}               | ["equals",["epochtime",["extract","a"]],5] | passes
epochtime: numeric text             | {"a":"1768469399"}    | ["equals",["epochtime",["extract","a"]],null] | passes
epochtime: no date                  | {"a":"2026-13-01"}    | ["equals",["epochtime",["extract","a"]],null] | passes
epochtime: RFC 2822 is no ISO date  | {"a":"Thu, 01 Jan 1970 00:00:00 GMT"} | ["empty",["epochtime",["extract","a"]]] | passes
lowercase: null                     | {}                    | ["equals",["lowercase",["extract","a"]],null] | passes
uppercase: of a number              | {"a":12}              | ["equals",["uppercase",["extract","a"]],"12"] | passes
uppercase: of a boolean             | {"a":true}            | ["equals",["uppercase",["extract","a"]],"TRUE"] | passes
floor: below zero                   | {"a":-1.5}            | ["equals",["floor",["extract","a"]],-2] | passes
ceiling: numeric text               | {"a":"1.2"}           | ["equals",["ceiling",["extract","a"]],2] | passes
floor: null                         | {}                    | ["equals",["floor",["extract","a"]],null] | passes
floor: all digits                   | {"a":12345678901234567890.5} | ["equals",["floor",["extract","a"]],12345678901234567890] | passes
abs: text that is no number         | {"a":"x"}             | ["empty",["abs",["extract","a"]]] | passes
abs: a decimal                      | {"a":-1.50}           | ["equals",["string",["abs",["extract","a"]]],"1.5"] | passes
order: null                         | {}                    | ["lessthan",["extract","a"],1] | does not
order: null with null               | {}                    | ["lessthanequals",["extract","a"],["extract","a"]] | does not
order: text that is no number       | {"a":"x"}             | ["greaterthan",["extract","a"],1] | does not
order: numeric text and a number    | {"a":"12"}            | ["greaterthan",["extract","a"],9] | passes
order: a literal first              | {"a":"12"}            | ["lessthan",9,["extract","a"]] | passes
order: by code point                | {"a":"\U0001f600"}    | ["greaterthan",["extract","a"],"\ufb01"] | passes
order: a boolean is a number        | {"a":true}            | ["greaterthan",["extract","a"],0] | passes
order: arrays                       | {"a":[2]}             | ["greaterthan",["extract","a"],1] | does not
order: equal at the edge            | {"a":9}               | ["greaterthanequals",["extract","a"],9] | passes
contains: a number in an array      | {"a":[1,2]}           | ["contains",["extract","a"],"2"] | passes
contains: no part of an element     | {"a":["ab"]}          | ["contains",["extract","a"],"a"] | does not
contains: null in an array          | {"a":[null]}          | ["contains",["extract","a"],null] | does not
contains: null                      | {}                    | ["contains",["extract","a"],"x"] | does not
contains: digits                    | {"a":123}             | ["contains",["extract","a"],"2"] | passes
doesnotcontain: null                | {}                    | ["doesnotcontain",["extract","a"],"x"] | passes
startswith: null                    | {}                    | ["startswith",["extract","a"],""] | does not
startswith: digits                  | {"a":120}             | ["startswith",["extract","a"],12] | passes
endswith: null on the right         | {"a":"x"}             | ["endswith",["extract","a"],null] | does not
matches: null                       | {}                    | ["matches",["extract","a"],""] | does not
matches: digits                     | {"a":120}             | ["matches",["extract","a"],"^\\\\d+$"] | passes
matches: a pattern of the record    | {"a":"abc","p":"^a.c$"} | ["matches",["extract","a"],["extract","p"]] | passes
matches: look-behind                | {"a":"xb"}            | ["matches",["extract","a"],"(?<=x)b"] | passes
empty: 0                            | {"a":0}               | ["empty",["extract","a"]] | does not
empty: false                        | {"a":false}           | ["empty",["extract","a"]] | does not
empty: an object                    | {"a":{}}              | ["isempty",["extract","a"]] | passes
empty: the other name               | {"a":"x"}             | ["isnotempty",["extract","a"]] | passes
anyof: as equals does               | {"a":"12"}            | ["anyof",["extract","a"],["x",12]] | passes
anyof: null                         | {}                    | ["anyof",["extract","a"],["x",null]] | passes
anyof: a number and texts           | {"a":12}              | ["anyof",["extract","a"],["x","12.0"]] | passes
anyof: words of the language are texts | {"a":"b"}          | ["anyof",["extract","a"],["extract","b"]] | passes
anyof: nothing                      | {"a":12}              | ["anyof",["extract","a"],[]] | does not
truth: 0                            | {"a":0}               | ["and",["extract","a"]] | does not
truth: 0.0                          | {"a":0.0}             | ["or",["extract","a"]] | does not
truth: the text 0                   | {"a":"0"}             | ["and",["extract","a"]] | passes
truth: the text false               | {"a":"false"}         | ["and",["extract","a"]] | passes
truth: an empty array               | {"a":[]}              | ["and",["extract","a"]] | passes
truth: an empty object              | {"a":{}}              | ["not",["extract","a"]] | does not
truth: null                         | {}                    | ["not",["extract","a"]] | passes
truth: an expression that compares nothing | {"a":"x"}      | ["extract","a"] | passes
and: a literal                      | {}                    | ["and",true,"x",1] | passes
and: the value is a boolean         | {"a":"x"}             | ["equals",["and",["extract","a"]],true] | passes
path: a literal name                | {"a.b":1}             | ["equals",["extract","a.b"],1] | passes
path: nested wins                   | {"a":{"b":null},"a.b":1} | ["empty",["extract","a.b"]] | passes
path: brackets                      | {"a b":{"c.d":1}}     | ["equals",["extract","[a b]['c.d']"],1] | passes
path: an index                      | {"a":[{"b":1}]}       | ["equals",["extract","a[0].b"],1] | passes
path: every element                 | {"a":[{"b":1},{"b":2}]} | ["contains",["extract","a[*].b"],2] | passes
path: the first row                 | [{"a":1},{"a":2}]     | ["equals",["extract","a"],1] | passes
path: another row                   | [{"a":1},{"a":2}]     | ["equals",["extract","1.a"],2] | passes
path: a template                    | {"a":"x"}             | ["equals",["extract","{{uppercase record.a}}"],"X"] | passes
path: single braces                 | {"a":"x","b":1}       | ["equals",["extract","{a}-{b}"],"x-1"] | passes
path: no object                     | {"a":"x"}             | ["empty",["extract","a.b"]] | passes
path: odd keys                      | {"__proto__":1,"$where":2} | ["equals",["extract","__proto__"],1] | passes
path: an empty record               | []                    | ["empty",["extract","a"]] | passes
settings: a scope without the name  | {}                    | ["equals",["settings","flow.nope"],null] | passes
settings: text                      | {"t":"invoice"}       | ["equals",["extract","t"],["settings","flow.trantype"]] | passes
settings: an index                  | {}                    | ["empty",["settings","flow.list[0]"]] | passes
context: a name                     | {}                    | ["equals",["context","testMode"],true] | passes
context: a path                     | {}                    | ["equals",["context","job.ids[1]"],7] | passes
"""


def table(text: str) -> list[list[str]]:
    """The rows of a table, its cells trimmed."""
    return [[cell.strip() for cell in line.split(" | ")] for line in text.strip().splitlines()]


def scope(**changes: Any) -> Scope:
    """What surrounds a record."""
    context = {"settings": SETTINGS, "testMode": True, "job": {"ids": [5, 7]}}
    return Scope(context, datetime(2026, 1, 15, tzinfo=UTC), **changes)


def compiled(rules: Any) -> CompiledFilter:
    """The filter of these rules, JSON text or decoded."""
    text = rules if isinstance(rules, str) else json.dumps(rules)
    return compile_filter(
        {"type": "expression", "expression": {"version": "1", "rules": text.encode()}}, "filter", TEMPLATES
    )


def problems_of(expression: dict[str, Any]) -> list[str]:
    """The messages of what compiling complains about."""
    with pytest.raises(InvalidContent) as caught:
        compile_filter(expression, "filter", TEMPLATES)
    assert all(problem.code == "invalid_filter" for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


def test_the_table_is_complete() -> None:
    """The table holds all 34 examples of 7.2."""
    assert len(table(EXAMPLES)) == 34


@pytest.mark.parametrize(("rules", "result"), table(EXAMPLES))
def test_example(rules: str, result: str) -> None:
    """The record passes or does not, as the reference says."""
    assert compiled(rules).passes(loads(RECORD), scope()) is (result == "passes")


@pytest.mark.parametrize(
    ("case", "record", "rules", "result"), table(FINE_POINTS), ids=[r[0] for r in table(FINE_POINTS)]
)
def test_fine_point(case: str, record: str, rules: str, result: str) -> None:
    """What 7.1 and 14 say about the edges of each operator."""
    assert compiled(rules).passes(loads(record), scope()) is (result == "passes"), case


@pytest.mark.parametrize(
    "expression",
    [None, {}, {"expression": {}}, {"expression": {"rules": []}}, {"rules": b"[]"}, {"expression": {"rules": b"null"}}],
)
def test_without_rules_every_record_passes(expression: dict[str, Any] | None) -> None:
    """No rules or ``[]``: all pass, and nobody needs to decode a record."""
    made = compile_filter(expression, "filter", TEMPLATES)
    assert made.passes_all
    assert made.passes(None, scope())


def test_older_documents_carry_the_rules_beside_the_version() -> None:
    """``expression`` is read first, then ``rules``; problems name the place that was read."""
    older = {"version": "1", "rules": b'["or"]'}
    assert not compile_filter(older, "filter", TEMPLATES).passes({}, scope())
    both = {**older, "expression": {"rules": b'["and"]'}}
    assert compile_filter(both, "filter", TEMPLATES).passes({}, scope())
    assert compile_filter({**older, "expression": {"rules": []}}, "filter", TEMPLATES).passes_all
    with pytest.raises(InvalidContent) as caught:
        compile_filter({"rules": b'["nope"]'}, "inputFilter", TEMPLATES)
    assert caught.value.problems[0].field == "inputFilter.rules"


@pytest.mark.parametrize(
    "expression", [{"type": "script"}, {"type": "script", "rules": b'["and"]'}, {"script": {"_scriptId": "5f7a"}}]
)
def test_a_script_is_never_skipped(expression: dict[str, Any]) -> None:
    """A filter that a script would have to decide is refused with its field."""
    with pytest.raises(NotSupported) as caught:
        compile_filter(expression, "filter", TEMPLATES)
    assert [(p.code, p.field) for p in caught.value.problems] == [("script_runtime_unavailable", "filter")]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ('["equal",["extract","a"],1]', "[0]: unknown operator 'equal'; did you mean 'equals'?"),
        ('["Equals",1,1]', "[0]: unknown operator 'Equals'; did you mean 'equals'?"),
        ('["equals",["extract","a"]]', ": equals takes 2 operands, not 1"),
        ('["empty"]', ": empty takes 1 operand, not 0"),
        ('["not",true,false]', ": not takes 1 operand, not 2"),
        ('["and",["empty",["extract"]]]', "[1][1]: extract takes 1 operand, not 0"),
        ('["empty",["extract",5]]', "[1][1]: the operand of extract is a path"),
        ('["empty",["extract",""]]', "[1][1]: the operand of extract is a path"),
        ('["empty",["extract",["string","a"]]]', "[1][1]: the operand of extract is a path"),
        ('["empty",["settings","{{a}}"]]', "[1][1]: the operand of settings is a path, no template"),
        ('["anyof",["extract","a"],"x"]', "[2]: the second operand of anyof is a list of values"),
        ('["anyof",["extract","a"],"x","y"]', ": anyof takes 2 operands, not 3"),
        ('["anyof",["extract","a"],["x",["extract","b"]]]', "[2][1]: the list of anyof holds values as they are"),
        ('["anyof",["extract","a"],[{"b":1}]]', "[2][0]: the list of anyof holds values as they are"),
        (
            '["empty",["settings","nope.x"]]',
            "[1][1]: unknown settings 'nope'; known: flow, export, import, integration",
        ),
        ('["empty",["settings","[0].x"]]', "[1][1]: unknown settings '0'; known: flow"),
        ('["equals",{"a":1},1]', "[1]: an object is no operand"),
        ('["and",[]]', "[1]: an expression is an array that begins with the name of an operator"),
        ("[[]]", ": an expression is an array that begins with the name of an operator"),
        ('[["equals",1,1]]', ": an expression is an array that begins with the name of an operator"),
        ('{"a":1}', ": rules are an array [operator, operand, ...]"),
    ],
)
def test_bad_rules_are_told_with_their_position(rules: str, message: str) -> None:
    """Unknown operators, wrong numbers of operands and bad expressions are 422 ``invalid_filter``, at their place in the rules."""
    (told,) = problems_of({"expression": {"rules": rules.encode()}})
    assert told.startswith(f"filter.expression.rules{message}")


def test_bad_paths_templates_and_patterns_are_told_on_save() -> None:
    """Everything that is wrong is told at once."""
    rules = [
        "and",
        ["empty", ["extract", "a["]],
        ["empty", ["extract", "{{#if}}"]],
        ["matches", ["extract", "a"], "("],
        ["nope"],
    ]
    told = problems_of({"expression": {"rules": json.dumps(rules).encode()}})
    places = [message.partition(":")[0].removeprefix("filter.expression.rules") for message in told]
    assert places == ["[1][1][1]", "[2][1][1]", "[3][2]", "[4][0]"]


def nested(operator: str, depth: int, *more: Any) -> list[Any]:
    """So many levels of one operator."""
    rules: list[Any] = ["extract", "a.b.c.d.e.f.g.h"]
    for _ in range(depth - 1):
        rules = [operator, rules, *more]
    return rules


@pytest.mark.parametrize(
    ("operator", "more"),
    [
        ("not", []),
        ("string", []),
        ("number", []),
        ("uppercase", []),
        ("empty", []),
        ("equals", [1]),
        ("notequals", [["extract", "a"]]),
        ("lessthan", [["extract", "a"]]),
        ("contains", ["a"]),
        ("anyof", [["a"]]),
        ("matches", ["a"]),
        ("and", [["extract", "a"], True]),
    ],
)
def test_operators_nest_as_deep_as_the_bound_says(operator: str, more: list[Any]) -> None:
    """50 levels of any operator work, 51 are refused."""
    compiled(nested(operator, 50, *more)).passes({"a": {"b": 1}}, scope())
    told = problems_of({"expression": {"rules": nested(operator, 51, *more)}})
    assert told[0].endswith("operators nest at most 50 levels deep")


def test_a_filter_has_so_many_operators() -> None:
    """1,000 operators work, one more is refused, once."""
    assert compiled(["and", *[["and"]] * 999]).passes({}, scope())
    (told,) = problems_of({"expression": {"rules": ["and", *[["and"]] * 1002]}})
    assert told.endswith("a filter has at most 1000 operators")


def test_a_pattern_that_backtracks_for_ever_fails_its_record() -> None:
    """A regular expression that goes over its time fails this record and no other."""
    made = compiled(["matches", ["extract", "a"], "^(a+)+$"])
    with pytest.raises(MappingError) as caught:
        made.passes({"a": "a" * 40 + "!"}, scope())
    assert (caught.value.code, caught.value.source) == ("invalid_filter", "filter")
    assert caught.value.message.startswith("filter.expression.rules: a regular expression took longer")
    assert made.passes({"a": "aaa"}, scope())


def test_patterns_share_the_time_of_the_call() -> None:
    """The time of all regular expressions of one call is bounded."""
    with pytest.raises(MappingError, match="2 s together"):
        compiled(["matches", ["extract", "a"], "^x"]).passes({"a": "x"}, scope(regex_time=RegexTime(0)))


def test_a_bad_pattern_of_a_record_fails_that_record() -> None:
    """A pattern that is no literal is judged when it is known."""
    with pytest.raises(MappingError, match="bad regular expression") as caught:
        compiled(["matches", "x", ["extract", "p"]]).passes({"p": "("}, scope())
    assert caught.value.source == "filter"


def test_and_and_or_stop_at_the_first_answer() -> None:
    """What stands behind the operand that decides is not evaluated."""
    slow = ["matches", "x", ["extract", "p"]]
    assert not compiled(["and", False, slow]).passes({"p": "("}, scope())
    assert compiled(["or", True, slow]).passes({"p": "("}, scope())


def test_names_and_constants_never_become_source_text() -> None:
    """Texts that would be Python are compared as texts."""
    hostile = "\"]) or __import__('os').system('false') #"
    made = compiled(["equals", ["extract", hostile.replace("[", "").replace("]", "")], hostile])
    assert not made.passes({"a": 1}, scope())
    assert compiled(["equals", ["extract", f"['{'a)' * 3}']"], hostile]).passes({"a)a)a)": hostile}, scope())
