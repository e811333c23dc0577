"""Templates are written by strangers: every bound holds (handlebars.md 1, D15)."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.engine.ports import Place, RegexTime, TemplateError
from fairlead.templates import budget
from fairlead.templates.budget import MAX_OUTPUT, MAX_SOURCE
from fairlead.templates.compiler import TemplateCompiler
from fairlead.templates.helpers.registry import INLINE
from tests.unit.templates.conftest import Render

LONG = "x" * (1024 * 1024)


def test_source(compiler: TemplateCompiler) -> None:
    """A template may have 256 KiB."""
    assert compiler.compile("x" * MAX_SOURCE, Place.PLAIN)
    with pytest.raises(TemplateError, match="longer than 262144 bytes"):
        compiler.compile("{{x}}" + "é" * (MAX_SOURCE // 2), Place.PLAIN)
    with pytest.raises(TemplateError, match="longer than 262144 bytes"):
        compiler.compile("é" * (MAX_SOURCE // 2 + 1), Place.PLAIN)


def test_nesting_of_blocks(compiler: TemplateCompiler) -> None:
    """Blocks nest 50 deep and no deeper; else chains do not count."""
    compiler.compile("{{#if a}}" * 50 + "{{/if}}" * 50, Place.PLAIN)
    compiler.compile("{{#if a}}" + "{{else if a}}" * 5000 + "{{/if}}", Place.PLAIN)
    with pytest.raises(TemplateError, match="deeper than 50"):
        compiler.compile("{{#if a}}" * 51, Place.PLAIN)


def test_long_chains_render(render: Render) -> None:
    """The last part of a long chain is reached without deep recursion."""
    assert render("{{#if z}}" + "{{else if z}}" * 5000 + "{{else}}y{{/if}}") == "y"


def test_nesting_of_sub_expressions(compiler: TemplateCompiler) -> None:
    """Sub-expressions nest 50 deep and no deeper."""
    compiler.compile("{{add " + "(add " * 50 + ")" * 50 + "}}", Place.PLAIN)
    with pytest.raises(TemplateError, match="deeper than 50"):
        compiler.compile("{{add " + "(add " * 51 + ")" * 51 + "}}", Place.PLAIN)


@pytest.mark.parametrize(
    "template",
    [
        "{{x}}" * 11,
        "{{{x}}}" * 11,
        "{{#if x}}" + "{{x}}" * 11 + "{{/if}}",
        "{{#each many}}{{../x}}{{/each}}",
        "{{uppercase x}}" * 11,
    ],
)
def test_output(render: Render, template: str) -> None:
    """A rendering stops at 10 MiB."""
    record = {"x": LONG, "many": list(range(20))}
    with pytest.raises(TemplateError, match="output is longer"):
        render(template, record=record)


def test_output_counts_bytes(render: Render) -> None:
    """The bound is one of bytes, not of letters."""
    with pytest.raises(TemplateError, match="output is longer"):
        render("{{x}}", record={"x": "é" * (MAX_OUTPUT // 2 + 1)})


@pytest.mark.parametrize(
    "helper",
    [
        "padLeft x 1000000000",
        'padRight x "1e300"',
        'padLeft x "Infinity"',
        'random "crypto" 1000000000000',
        'replace x "x" x',
        "join x many",
        'regexReplace x "$&$&$&$&$&$&$&$&$&$&$&$&" "x" "g"',
        'dateFormat x "2026-01-15"',
    ],
)
def test_what_a_helper_makes(render: Render, helper: str) -> None:
    """No helper makes a text longer than 10 MiB, and none begins to."""
    with pytest.raises(TemplateError):
        render(f"{{{{{helper}}}}}", record={"x": LONG, "many": list(range(20))})


def test_doubling(render: Render) -> None:
    """Nested scopes cannot double a text forty times."""
    with pytest.raises(TemplateError, match="longer than"):
        render("{{#with x}}" + '{{#with (join "" this this)}}' * 40 + "{{/with}}" * 41, record={"x": "abc"})


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the processor were so fast that no template takes a second."""
    monkeypatch.setattr(budget, "MAX_SECONDS", 1000.0)


@pytest.mark.usefixtures("patient")
def test_loops(render: Render) -> None:
    """A million turns are enough, loops in loops included."""
    record = {"many": [0] * 1001}
    with pytest.raises(TemplateError, match="loops more than 1000000 times"):
        render("{{#each many}}{{#each ../many}}{{/each}}{{/each}}", record=record)


@pytest.mark.usefixtures("patient")
def test_helper_calls(render: Render) -> None:
    """A million helper calls are enough."""
    record = {"many": [0] * 1000}
    inner = "{{abs 1}}" * 1001
    with pytest.raises(TemplateError, match="calls helpers more than 1000000 times"):
        render("{{#each many}}" + inner + "{{/each}}", record=record)


@pytest.mark.usefixtures("patient")
def test_work(render: Render) -> None:
    """A long text in a long loop does not take minutes."""
    record = {"x": LONG, "many": [0] * 1000}
    with pytest.raises(TemplateError, match="too much text"):
        render('{{#each many}}{{occurrences ../x "y"}}{{/each}}', record=record)


@pytest.mark.parametrize(
    "template",
    [
        '{{#each many}}{{#contains ../many "zzz"}}{{/contains}}{{/each}}',
        "{{#each many}}{{#if (camelcase ../x)}}{{/if}}{{/each}}",
        "{{#each few}}{{#each ../few}}{{#each ../../few}}{{#if a.b.c}}{{/if}}{{/each}}{{/each}}{{/each}}",
        "{{#each many}}{{#filter ../many 1 'a'}}{{/filter}}{{/each}}",
        "{{#each many}}{{#each ../many}}{{abs this}}{{/each}}{{/each}}",
    ],
)
def test_time(render: Render, template: str) -> None:
    """Whatever is slow ends after about two seconds of the processor, and what it cost is not counted for the next rendering."""
    record = {"many": [*range(20_000)], "few": [0] * 98, "x": "a b" * 16_000}
    began = time.thread_time()
    with pytest.raises(TemplateError, match="computes for more than 2 s"):
        render(template, record=record)
    assert time.thread_time() - began < 4
    assert render("{{#each few}}{{abs 1}}{{/each}}", record=record) == "1" * 98


@pytest.mark.parametrize("template", ["{{v}}", "{{{v}}}", "{{jsonSerialize v}}", '{{join "" v}}'])
def test_deep_values(render: Render, template: str) -> None:
    """A value nested too deeply for the stack is an error, not a crash."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TemplateError, match="nested too deeply"):
        render(template, record={"v": value})


@pytest.mark.parametrize(
    "text",
    ["<" * 300_000, "a" * 300_000 + "://", " " * 300_000 + "x", "a.b" * 100_000, "&" * 300_000, "9" * 300_000 + "x"],
)
@pytest.mark.parametrize(
    "name", sorted({*INLINE.names()} - {"aws4", "jsonParse", "lookup", "regexMatch", "regexReplace", "regexSearch"})
)
def test_linear(render: Render, name: str, text: str) -> None:
    """No helper takes more than linear time in a hostile text: the whole table runs in a moment."""
    with suppress(TemplateError):
        assert render(f"{{{{{name} x x x}}}}", record={"x": text}) is not None


@pytest.mark.parametrize(
    "source",
    [
        "{{" * 100_000,
        "{{a " * 60_000,
        "\n" * 200_000 + "{{a}}x",
        "{{! " * 60_000,
        "\\{{" * 80_000,
        "{{{{a}}}}" * 20_000,
        '{{a "' * 50_000,
        "{{#a}}\n" * 30_000,
        "{{a " + "[" * 200_000,
    ],
)
def test_compiling_is_linear(compiler: TemplateCompiler, source: str) -> None:
    """No template takes long to compile or to refuse."""
    with suppress(TemplateError):
        assert compiler.compile(source, Place.PLAIN)


@pytest.mark.parametrize(
    "template", ['{{regexMatch x "(a+)+$"}}', '{{regexSearch x "(a|a)*b"}}', '{{regexReplace x "" "(a*)*c" "g"}}']
)
def test_runaway_pattern(render: Render, template: str) -> None:
    """A match is stopped after 100 ms, and the next one works again."""
    with pytest.raises(TemplateError, match="longer than 100 ms"):
        render(template, record={"x": "a" * 40 + "!"})
    assert render('{{regexMatch "ab" "b"}}') == "b"


def test_regex_time_of_a_call(render: Render) -> None:
    """All matches of one call share their time; when it is used up, the next one is refused."""
    shared = RegexTime(left=0.05)
    with pytest.raises(TemplateError):
        render('{{regexMatch x "(a+)+$"}}', record={"x": "a" * 40 + "!"}, regex_time=shared)
    with pytest.raises(TemplateError, match="2 s together"):
        render('{{regexMatch "a" "a"}}', regex_time=shared)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["2026-01-15", "1e400", "-1", "[", "%", "\ud800", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=2),
    max_leaves=6,
)


@given(
    helper=st.sampled_from(sorted(set(INLINE.names()) - {"lookup"})),
    record=st.fixed_dictionaries(dict.fromkeys("abcd", VALUES)),
    count=st.integers(0, 4),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_argument(render: Render, helper: str, record: dict[str, Any], count: int) -> None:
    """Whatever the arguments are, a helper answers or refuses; nothing else is raised, and the output can be sent."""
    arguments = " ".join("abcd"[:count])
    for place in (Place.JSON, Place.URI, Place.PLAIN):
        with suppress(TemplateError):
            render(f"{{{{{helper} {arguments}}}}}{{{{{{{helper} {arguments}}}}}}}", place, record=record).encode()


PIECES = ["{{", "}}", "{{{", "}}}", "#if ", "/if", "else", "^", "~", "a", ".", "/", "..", "[", "]", "(", ")", '"', "'", " ", "\n", "@", "=", "|", " as |", "\\", "!", "--", "5", "&", "each ", "{{{{", "}}}}"]  # fmt: skip


@given(source=st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_source(render: Render, source: str) -> None:
    """Whatever the template is, it compiles and renders or is refused with a position."""
    with suppress(TemplateError):
        assert isinstance(render(source), str)
