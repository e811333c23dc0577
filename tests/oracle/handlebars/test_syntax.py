"""Our syntax against Handlebars.js 4.7 (D15). Needs Node.js and the package beside this file: `npm install` in this folder."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairlead.engine.ports import Place, Scope, TemplateError
from fairlead.templates.template import CompiledTemplate

HERE = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules" / "handlebars").is_dir(),
    reason="Node.js and `npm install` in tests/oracle/handlebars are needed; the continuous integration has both",
)

CONTEXT = {
    "a": "1",
    "e": "",
    "no": False,
    "tags": ["x", "y"],
    "items": [{"s": "A"}, {"s": "B"}],
    "o": {"k": "v", "x y": "z"},
}

FORMS = [
    "{{a}}{{ a }}{{{a}}}{{& a}}",
    "\\{{a}} {{a}} \\\\{{a}} \\{{a}}\\{{e}} {{a}}",
    "{{! c }}{{!-- {{a}} --}}{{!~ c}} x {{~! c ~}} y",
    "{{o.k}}{{o/k}}{{o.[k]}}{{o.[x y]}}{{[a]}}{{this.a}}{{./a}}{{@root.a}}{{tags.[1]}}{{tags.[0]}}{{tags.length}}",
    "{{#each items as |i n|}}{{n}}{{i.s}}{{s}}{{../a}}{{@index}}{{@first}}{{@last}}{{@key}};{{/each}}",
    "{{#each o}}{{@key}}={{this}};{{/each}}{{#each e}}{{else}}none{{/each}}",
    "{{#each items}}{{#each ../tags}}{{@../index}}-{{@index}}-{{../s}}{{../../a}}{{this}} {{/each}}{{/each}}",
    "{{#with o}}{{k}}{{../a}}{{#if k}}{{k}}{{../a}}{{/if}}{{/with}}{{#with no}}y{{else}}n{{/with}}",
    "{{#with o as |p|}}{{p.k}}{{#with p}}{{k}}{{../a}}{{/with}}{{/with}}",
    "{{#if e}}1{{else if no}}2{{else if a}}3{{else}}4{{/if}}{{#unless a}}1{{else}}2{{/unless}}",
    "{{#if e}}1{{^}}2{{/if}}{{^if a}}1{{else}}2{{/if}}{{^e}}1{{/e}}{{^a}}1{{else}}2{{/a}}",
    "{{#tags}}{{this}}{{/tags}}{{#o}}{{k}}{{/o}}{{#no}}1{{else}}2{{/no}}{{^tags}}1{{/tags}}",
    "{{join '-' \"a\\\"b\" 'c\\'d' 'it\"s' 5 true (uppercase (join '' tags))}}",
    "{{uppercase\n  a }}{{join\t\"|\" tags}}",
    "{{true}}{{\"a\"}}{{12}}{{null}}",
    "{{a}", "{{a}}}", "{{#if a}}", "{{/if}}", "{{#if a}}{{/each}}", "{{else}}", "{{}}", "{{a/../b}}", "{{a b=1 2}}",
    "{{#each items as |}}{{/each}}", "{{join 'a}}", "{{(a}}", "{{a.}}", "{{.a}}", "{{a..b}}", "{{#if a}}{{else}}{{else}}{{/if}}",
]  # fmt: skip

TEXTS = ["x", " ", "\n", "  ", "\n\n", "\r\n", "\t", " x ", "x\n", "\n  "]
TAGS = ["{{a}}", "{{~a}}", "{{a~}}", "{{! c }}", "{{!-- c --}}", "{{~! c ~}}", "{{e}}", "\\{{a}}"]
HEADS = [
    ("#if a", "if"),
    ("#if e", "if"),
    ("#each tags", "each"),
    ("#with o", "with"),
    ("^no", "no"),
    ("#unless a", "unless"),
]
ELSES = ["else", "^", "else if a", "else if e"]


def oracle(templates: list[str]) -> list[str | None]:
    """What Handlebars.js makes of each template; nothing for what it refuses."""
    assert NODE
    ran = subprocess.run(
        [NODE, str(HERE / "render.js")],
        input=json.dumps({"context": CONTEXT, "templates": templates}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    outputs: list[str | None] = json.loads(ran.stdout)
    return outputs


def ours(template: str) -> str | None:
    """What we make of it."""
    try:
        return CompiledTemplate(template, Place.PLAIN).render(Scope(CONTEXT, datetime(2026, 1, 15, tzinfo=UTC)))
    except TemplateError:
        return None


def differences(templates: list[str]) -> list[tuple[str, str | None, str | None]]:
    """The templates that come out differently."""
    pairs = zip(templates, oracle(templates), map(ours, templates), strict=True)
    return [(template, theirs, mine) for template, theirs, mine in pairs if theirs != mine]


def decided(template: str) -> bool:
    """Where handlebars.md differs on purpose: three closing braces after two opening ones are `}}` and a brace of the JSON around."""
    return template == "{{a}}}"


def test_forms() -> None:
    """Every form of chapter 1 prints, or is refused, as by Handlebars.js."""
    assert [row for row in differences(FORMS) if not decided(row[0])] == []


def tag(source: random.Random, inside: str) -> str:
    """A tag that trims white space on neither, either or both sides."""
    before, after = source.choice(["", "", "", "~"]), source.choice(["", "", "", "~"])
    return f"{{{{{before}{inside}{after}}}}}"


def sequence(source: random.Random, depth: int) -> str:
    """A random well-formed piece of a template."""
    parts = []
    for _ in range(source.randint(0, 4)):
        kind = source.random()
        if kind < 0.5:
            parts.append(source.choice(TEXTS))
        elif kind < 0.7 or depth == 0:
            parts.append(source.choice(TAGS))
        else:
            head, name = source.choice(HEADS)
            parts += [tag(source, head), sequence(source, depth - 1)]
            # an inverted block with an {{else}} is trimmed as if its parts were exchanged by Handlebars.js 4.7; ours is not
            if source.random() < 0.5 and head != "^no":
                parts += [tag(source, source.choice(ELSES)), sequence(source, depth - 1)]
            parts.append(tag(source, f"/{name}"))
    return "".join(parts)


def chain(source: random.Random) -> str:
    """An ``{{#if}}`` with up to four ``{{else if}}`` and perhaps an ``{{else}}``."""
    heads = ["#if no", *(f"else if {source.choice(['a', 'e', 'no'])}" for _ in range(source.randint(0, 4)))]
    heads += source.choice([["else"], []])
    parts = [piece for head in heads for piece in (tag(source, head), source.choice(TEXTS))]
    return source.choice(TEXTS) + "".join(parts) + tag(source, "/if") + source.choice(TEXTS)


def generated() -> list[str]:
    """Blocks in every arrangement of white space, and random templates."""
    gaps = ["", " ", "\n", " \n ", "x"]
    shapes = [
        "{0}{{{{#if a}}}}{1}y{2}{{{{else}}}}{1}n{3}{{{{/if}}}}{4}",
        "{0}{{{{! c }}}}{1}{{{{#each tags}}}}{2}{{{{this}}}}{3}{{{{/each}}}}{4}",
    ]
    chosen = [shape.format(*spaces) for shape in shapes for spaces in itertools.product(gaps, repeat=5)]
    source = random.Random(17)
    chains = [chain(source) for _ in range(5_000)]
    return chosen + chains + [sequence(source, 3) for _ in range(10_000)]


def test_white_space() -> None:
    """Standalone lines and `~` trim what Handlebars.js trims."""
    assert differences(generated()) == []
