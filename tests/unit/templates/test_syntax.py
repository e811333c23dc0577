"""Syntax of handlebars.md 1: braces, literals, paths, blocks, white space, and what is refused."""

from __future__ import annotations

import pytest

from fairlead.engine.ports import Place, TemplateError
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.templates.conftest import Render


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("", ""),
        ("no braces { } }}", "no braces { } }}"),
        ("{{ a }}{{{ a }}}{{& a}}{{&a }}", "1111"),
        ('{"n":{{a}}}', '{"n":1}'),
        ('{"n":{{{a}}}}', '{"n":1}'),
        ("a{{! note }}b{{!-- {{note}} --}}c{{!}}d", "abcd"),
        ("a{{!--}}b{{!---}}c{{!----}}d--}}", "abcd--}}"),
        ("\\{{a}} {{a}}", "{{a}} 1"),
        ("\\\\{{a}}", "\\1"),
        ("\\{{a}}\\{{a}}", "{{a}}{{a}}"),
        ("{{{{raw}}}} {{a}} {{#if {{{{/raw}}}}", " {{a}} {{#if "),
        ("{{{{x}}}}1{{{{y}}}}2{{{{/y}}}}3{{{{/x}}}}", "1{{{{y}}}}2{{{{/y}}}}3"),
        ('{{join "" \'it"s\' "it\'s"}}', "it\"sit's"),
        ('{{join "" "a\\"b" \'c\\\'d\' "e\\nf"}}', "a\"bc'de\\nf"),
        ('{{join "" "line\nend"}}', "line\nend"),
        ("{{join '|' 5 -5 1.50 true false null undefined}}", "5|-5|1.5|true|false||"),
        ("{{uppercase (join '-' (first list) (last (after list 1)))}}", "A-C"),
        ("{{items.[0].sku}}{{items.0.sku}}{{items/1/sku}}{{[items].[1].[sku]}}", "AABB"),
        ("{{this.a}}{{./a}}{{this/a}}", "111"),
        ("{{tags.length}}{{n.length}}{{o.length}}", "22"),
        ("{{^}}", None),
        ("{{#if z}}a{{^}}b{{/if}}", "b"),
        ("{{^if z}}a{{else}}b{{/if}}", "a"),
        ("{{^if a}}a{{else}}b{{/if}}", "b"),
        ("{{^if a}}a{{else if z}}b{{else}}c{{/if}}", "c"),
        ("{{^nothing}}none{{/nothing}}", "none"),
        ("{{#if z}}a{{else if e}}b{{else if a}}c{{else}}d{{/if}}", "c"),
        ('{{#compare a "==" 2}}two{{else compare a "==" 1}}one{{else}}?{{/compare}}', "one"),
        ("{{#if z}}a{{else each tags}}{{this}}{{/if}}", "xy"),
        ("{{#each items as |item i|}}{{i}}{{item.sku}}{{/each}}", "0A1B"),
        ("{{#with o as |p|}}{{p.k}}{{#if p as |q|}}{{p.k}}{{q}}{{/if}}{{/with}}", "vv"),
        ("{{#each items as |x|}}{{#each ../tags as |y|}}{{x.sku}}{{y}} {{/each}}{{/each}}", "Ax Ay Bx By "),
        ("{{#each tags as |first|}}{{first}}{{this.first}}{{/each}}", "xy"),
        ("{{#each items}}{{@index}}{{@key}}{{@first}}{{@last}} {{/each}}", "00truefalse 11falsetrue "),
        ("{{#each o}}{{@key}}={{this}}{{@index}}{{/each}}", "k=v0"),
        (
            "{{#each items}}{{#each ../tags}}{{@../index}}{{@index}}{{../sku}}{{../../a}} {{/each}}{{/each}}",
            "00A1 01A1 10B1 11B1 ",
        ),
        ("{{#each items}}{{#if q}}{{sku}}{{../a}}{{@root.a}}{{/if}}{{/each}}", "A11B11"),
        ("{{#each items}}{{#with ../o}}{{k}}{{@index}}{{/with}}{{/each}}", "v0v1"),
        ("{{#with this}}{{a}}{{../a}}{{/with}}", "1"),
        ("{{#each e}}x{{else}}none{{/each}}{{#each empty}}x{{else}}none{{/each}}", "nonenone"),
        ("{{#tags}}{{this}}{{/tags}}{{#o}}{{k}}{{/o}}{{#yes}}{{a}}{{/yes}}{{#nil}}x{{else}}y{{/nil}}", "xyv1y"),
        ("{{../a}}{{../../a}}{{@index}}{{@nothing}}", ""),
        ("{{[a]}}{{@root/a}}", "11"),
        ('{{true}}{{null}}{{"a"}}', "1"),
    ],
)
def test_form(render: Render, template: str, output: str | None) -> None:
    """Each form prints what the table of chapter 1 says."""
    if output is None:
        with pytest.raises(TemplateError):
            render(template)
    else:
        assert render(template) == output


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("a {{~a}} b", "a1 b"),
        ("a {{a~}} b", "a 1b"),
        ("a {{~{a}~}} b", "a1b"),
        ("a {{~! note ~}} b", "ab"),
        ("a {{~!-- note --~}} b", "ab"),
        (" {{~#if a~}} y {{~else~}} n {{~/if~}} ", "y"),
        (" {{~#if z~}} y {{~else~}} n {{~/if~}} ", "n"),
        ("{{#if z}} a {{~else if a~}} b {{~else~}} c {{~/if}}", "b"),
        ("{{#if a}}\nyes\n{{else}}\nno\n{{/if}}\nend", "yes\nend"),
        ("{{#if z}}\nyes\n{{else}}\nno\n{{/if}}\nend", "no\nend"),
        ("  {{#if a}}\n  yes\n  {{/if}}\nend", "  yes\nend"),
        ("a\n  {{! note }}\nb", "a\nb"),
        ("a\n x {{! note }}\nb", "a\n x \nb"),
        ("a\n{{a}}\nb", "a\n1\nb"),
        ("{{#each tags}}\r\n{{this}}\r\n{{/each}}\r\n", "x\r\ny\r\n"),
    ],
)
def test_white_space(render: Render, template: str, output: str) -> None:
    """`~` trims its side; a line with nothing but a block tag or comment vanishes, as in standard Handlebars."""
    assert render(template) == output


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{> part}}", "line 1, column 1: partials"),
        ("{{#> part}}{{/part}}", "partials"),
        ("{{* deco}}", "decorators"),
        ("{{#* inline}}{{/inline}}", "decorators"),
        ("a\n b {{uppercaze x}}", "line 2, column 6: unknown helper 'uppercaze'; do you mean 'uppercase'?"),
        ("{{nothere 1}}", "unknown helper 'nothere'"),
        ("{{a.b 1}}", "unknown helper 'a.b'"),
        ("{{(nothere 1)}}", "sub-expression"),
        ("{{add (nothere 1)}}", "unknown helper 'nothere'"),
        ("{{#nothere 1}}{{/nothere}}", "'nothere' is an unknown block helper"),
        ("{{#uppercase a}}{{/uppercase}}", "'uppercase' is no block helper"),
        ('{{compare a "==" 1}}', "'compare' is a block helper: write {{#compare ...}}"),
        ("x {{#if a}}y", "column 3: the block 'if' is not closed"),
        ("{{#if a}}{{/each}}", "'if' is open here, 'each' is closed"),
        ("{{/if}}", "no block is open"),
        ("{{else}}", "outside of a block"),
        ("{{#if a}}{{else}}{{else if b}}{{/if}}", "plain {{else}}"),
        ("{{a", "not closed"),
        ("{{", "not closed"),
        ("{{}}", "empty"),
        ("{{a}", "not expected"),
        ("{{{a}}", "not expected"),
        ("{{! a", "comment is not closed"),
        ("{{!-- a }}", "comment is not closed"),
        ("{{{{raw}}}} a", "raw block 'raw' is not closed"),
        ("{{{{raw}}}}{{{{/other}}}}", "'raw' is open here"),
        ("{{{{", "not closed"),
        ('{{uppercase "a}}', "not expected"),
        ("{{a/../b}}", "may only begin a path"),
        ("{{add (1 2)}}", "unknown helper '1'"),
        ("{{add (a}}", ") is missing"),
        ("{{add a=1 2}}", "not expected"),
        ("{{a as |b|}}", "belong to a block"),
        ("{{#each a as |}}{{/each}}", "as |item index|"),
        ("{{#if}}{{/if}}", "#if takes 1 arguments, not 0"),
        ("{{#if a b}}{{/if}}", "#if takes 1 arguments, not 2"),
        ('{{#compare a "=" 1}}{{/compare}}', "unknown operator '='"),
        ("{{#some tags isOdd}}{{/some}}", "unknown test 'isOdd'"),
        ("{{#some tags a.b}}{{/some}}", "names a test"),
        ('{{regexMatch a "("}}', "bad regular expression"),
        ('{{regexReplace a "" "a" "x"}}', "unknown flag 'x'"),
        ('{{hash "md4" "hex" a}}', "unknown digest 'md4'"),
        ('{{hmac "md5" a "bin" a}}', "unknown form of a digest 'bin'"),
        ('{{base64Encode a "utf7"}}', "unknown encoding 'utf7'"),
        ('{{dateFormat "X" a "" "Europe/Nowhere"}}', "unknown time zone 'Europe/Nowhere'"),
        ('{{random "dice"}}', "unknown kind of random 'dice'"),
    ],
)
def test_refused_when_compiling(compiler: TemplateCompiler, template: str, message: str) -> None:
    """What cannot be compiled is refused with the position and what is wrong there."""
    with pytest.raises(TemplateError) as caught:
        compiler.compile(template, Place.PLAIN)
    assert message in caught.value.message
    assert caught.value.message.startswith("line ")


def test_a_name_that_is_helper_and_member(render: Render) -> None:
    """Helper with arguments, else the member, else the helper; a dotted name is never a helper."""
    assert render("{{timestamp}}", record={"timestamp": 5}) == "5"
    assert render("{{timestamp}}", record={}).startswith("2026")
    assert render('{{timestamp "YYYY"}}', record={"timestamp": 5}) == "2026"
    assert render("{{record.timestamp}}{{this.timestamp}}", record={}) == ""
    assert render("{{first}} {{last}}", record={"first": "Ada", "last": "Lovelace"}) == "Ada Lovelace"
    assert render("{{first}}", record={"first": None}) == ""


def test_paths(compiler: TemplateCompiler) -> None:
    """A template tells the dotted paths that it reads, without the way there, and those of `getValue`."""
    template = compiler.compile(
        "{{export.http.paging.page}}{{#each record.items}}{{../export.x}}{{@root.r.x}}{{@index}}{{this}}{{/each}}"
        '{{getValue "a.[b]" c}}{{lookup.name}}{{uppercase (join d.e)}}',
        Place.URI,
    )
    assert template.paths == {
        "export.http.paging.page", "record.items", "export.x", "r.x", "a.b", "c", "lookup.name", "d.e",
    }  # fmt: skip
    assert template.helpers == {"getValue", "uppercase", "join"}
    assert template.text.startswith("{{export")
