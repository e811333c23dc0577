"""Missing values, strict mode and truth (handlebars.md 4)."""

from __future__ import annotations

import pytest

from fairlead.domain.jsonvalue import loads
from fairlead.engine.ports import TemplateError
from tests.unit.templates.conftest import Render


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("[{{none}}{{nil}}{{{none}}}{{a.b.c}}{{nil.x}}]", "[]"),
        ("{{uppercase none}}{{trim nil}}{{replace none none none}}{{padLeft none 2}}", "  "),
        ("{{add none 1}} {{abs nil}} {{toFixed none 2}} {{sum nil}}", "NaN NaN NaN NaN"),
        ("{{add 1}} {{add}} {{subtract 1}} {{multiply 2}}", "NaN NaN NaN NaN"),
        ('{{join "," none}}{{first none}}{{join "" (after nil 1)}}', ""),
        ("{{#each none}}x{{else}}y{{/each}}{{#with nil}}x{{else}}y{{/with}}", "yy"),
        ("{{divide -1 0}} {{divide 0 0}} {{modulo 1 0}}", "-Infinity NaN NaN"),
        ("{{jsonSerialize none}}{{jsonSerialize nil}}{{jsonEncode nil}}", "nullnull"),
        ('{{dateFormat "YYYY" none}} {{dateAdd nil 1}}', "Invalid date Invalid date"),
        ('{{getValue "nil" "d"}}{{getValue "none"}}{{getValue "" "e"}}', "de"),
    ],
)
def test_missing(render: Render, template: str, output: str) -> None:
    """Nothing and null print nothing; helpers take them as `""`, NaN or `[]`."""
    assert render(template) == output


@pytest.mark.parametrize(
    ("value", "plain", "condition"),
    [
        ("false", False, False),
        ("null", False, False),
        ('""', False, False),
        ("0", False, False),
        ("0.0", False, False),
        ("[]", True, False),
        ('"0"', True, True),
        ('"false"', True, True),
        ("{}", True, True),
        ("1.5", True, True),
        ("[0]", True, True),
    ],
)
def test_truth(render: Render, value: str, plain: bool, condition: bool) -> None:
    """The truth table; `#if` and `#unless` also take `[]` as false."""
    record = {"v": loads(value)}
    template = (
        "{{#if v}}1{{else}}0{{/if}}{{#unless v}}0{{else}}1{{/unless}}{{#and v v}}1{{else}}0{{/and}}{{isTruthy v}}"
    )
    assert render(template, record=record) == f"{condition:d}{condition:d}{plain:d}{str(plain).lower()}"


def test_not_a_number_is_false(render: Render) -> None:
    """NaN is false, nothing is false."""
    assert render("{{isTruthy (add none 1)}}{{isTruthy none}}{{isFalsey none}}") == "falsefalsetrue"


@pytest.mark.parametrize(
    "template",
    [
        "{{record.gone}}",
        "x{{{gone}}}",
        "{{uppercase gone}}",
        "{{nil.x}}",
        "{{#each items}}{{gone}}{{/each}}",
        "{{#compare gone '==' 1}}{{/compare}}",
        "{{#if (eq gone 1)}}{{/if}}",
        "{{#with o as |p|}}{{p.gone}}{{/with}}",
        "{{@root.gone}}",
        "{{../gone}}",
        "{{@gone}}",
    ],
)
def test_strict_mode_refuses(render: Render, template: str) -> None:
    """With strictHandlebarEvaluation a path that finds nothing fails the rendering; the message names it."""
    assert render(template) is not None
    with pytest.raises(TemplateError, match=r"(gone|nil\.x) finds nothing"):
        render(template, strict=True)


@pytest.mark.parametrize(
    "template",
    [
        "{{#if gone}}{{/if}}",
        "{{#unless gone}}{{/unless}}",
        "{{#each gone}}{{/each}}",
        "{{#with gone}}{{/with}}",
        "{{#isEmpty gone}}{{/isEmpty}}",
        '{{getValue "gone" gone}}',
        '{{hasOwn gone "x"}}',
        "{{isTruthy gone}}{{isFalsey gone}}",
        "{{nil}}{{timestamp}}",
    ],
)
def test_strict_mode_allows(render: Render, template: str) -> None:
    """Null is a value, and the helpers of chapter 4 may ask for what is missing."""
    assert render(template, strict=True) is not None
