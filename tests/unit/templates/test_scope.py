"""Names by place (handlebars.md 2.1)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.jsonvalue import NOTHING
from tests.unit.templates.conftest import Render

ROWS = [{"x": 1}, {"x": 2}]


@pytest.mark.parametrize(
    "template", ["{{record.x}}", "{{x}}", "{{data.0.x}}", "{{0.x}}", "{{data.[0].x}}", "{{this.x}}", "{{@root.x}}"]
)
@pytest.mark.parametrize(
    "context",
    [
        {"record": {"x": 1}},
        {"record": {"x": 1}, "data": {"x": 1}},
        {"record": {"x": 1}, "data": ROWS, "0": ROWS[0]},
        {"record": {"x": 1}, "data": ROWS},
    ],
)
def test_all_styles_reach_the_record(render: Render, template: str, context: dict[str, Any]) -> None:
    """`record.x`, bare `x`, `data.0.x` and `0.x` work everywhere that has a record."""
    assert render(template, context=context) == "1"


def test_context_names_win(render: Render) -> None:
    """A member named like a context name is reached through `record`."""
    context = {"record": {"import": "mine", "settings": "mine"}, "import": "theirs", "settings": None}
    assert render("{{import}} {{record.import}} [{{settings}}]", context=context) == "theirs mine []"


def test_without_record_names(render: Render) -> None:
    """Where bare names are not the record's, only `record` reaches it."""
    assert render("[{{x}}]{{record.x}}{{0.x}}", context={"record": {"x": 1}}, names=False) == "[]11"


def test_grouped_rows(render: Render) -> None:
    """A record that is an array: bare names read the first row, and it can be looped over."""
    template = "{{x}}{{record.[1].x}}{{0.x}}{{1.x}}|{{#each record}}{{x}}{{/each}}|{{#each this}}{{x}}{{/each}}"
    assert render(template, context={"record": ROWS}) == "1212|12|12"
    assert render("[{{x}}]", context={"record": []}) == "[]"


def test_a_batch(render: Render) -> None:
    """`1` is the second record of the batch when `data` is the batch."""
    assert render("{{1.x}}{{data.1.x}}{{data.length}}", context={"record": ROWS[0], "data": ROWS}) == "222"


def test_names_do_not_leak_into_blocks(render: Render) -> None:
    """Inside of `#each` a bare name is the element's; the top level is `@root` or `../`."""
    context = {"record": {"x": 1, "list": [{"y": 5}]}, "connection": {"name": "c"}}
    template = (
        "{{#each list}}[{{x}}{{connection.name}}]{{../x}}{{@root.connection.name}}{{../connection.name}}{{/each}}"
    )
    assert render(template, context=context) == "[]1cc"


def test_this_at_the_top(render: Render) -> None:
    """`this` is the record where its members are names, else the whole context."""
    context = {"record": {"x": 1}}
    assert render("{{this}}", context=context) == '{"x":1}'
    assert render("{{this}}", context=context, names=False) == '{"record":{"x":1}}'


@pytest.mark.parametrize("name", ["__class__", "__dict__", "keys", "render", "constructor", "append"])
def test_no_attributes(render: Render, name: str) -> None:
    """A path never reaches an attribute of a Python object, whatever the value is."""
    for value in ({}, [], "t", 5, 1.5, None, object(), NOTHING, b"x"):
        assert render(f"{{{{record.v.{name}}}}}{{{{v.{name}}}}}", record={"v": value}) == ""


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}])
def test_foreign_objects_print_nothing(render: Render, value: object) -> None:
    """What is no JSON value has no text."""
    assert render("[{{v}}{{{v}}}{{uppercase v}}]", record={"v": value}) == "[]"
