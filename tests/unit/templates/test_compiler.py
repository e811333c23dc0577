"""The cache of compiled templates, and the fast lane."""

from __future__ import annotations

import pytest

from fairlead.engine.ports import Place, TemplateError
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.templates.conftest import Render


def test_the_same_template_is_compiled_once() -> None:
    """Text, place and strictness are the key."""
    compiler = TemplateCompiler()
    first = compiler.compile("{{a}}", Place.URI)
    assert compiler.compile("{{a}}", Place.URI) is first
    assert compiler.compile("{{a}}", Place.JSON) is not first
    assert compiler.compile("{{a}}", Place.URI, strict=True) is not first


def test_bound_by_count() -> None:
    """The template that was not used for longest goes first."""
    compiler = TemplateCompiler(max_count=2)
    a, b = compiler.compile("a", Place.URI), compiler.compile("b", Place.URI)
    compiler.compile("a", Place.URI)
    compiler.compile("c", Place.URI)
    assert compiler.compile("a", Place.URI) is a
    assert compiler.compile("b", Place.URI) is not b


def test_bound_by_memory() -> None:
    """Long templates push out others; one that is too long for the cache still compiles."""
    compiler = TemplateCompiler(max_bytes=50_000)
    small = compiler.compile("a", Place.URI)
    assert compiler.compile("x" * 100_000, Place.URI)
    again = compiler.compile("a", Place.URI)
    assert again is not small
    assert compiler.compile("a", Place.URI) is again


def test_errors_are_not_kept() -> None:
    """A template that is refused is refused again."""
    compiler = TemplateCompiler()
    for _ in range(2):
        with pytest.raises(TemplateError):
            compiler.compile("{{", Place.URI)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "path", ["a", "record.a", "record.o.k", "tags.length", "record.tags.[1]", "0.a", "data.0.o.k", "n"]
)
def test_both_lanes_agree(render: Render, path: str, strict: bool) -> None:
    """A template of plain paths prints what it prints among helpers."""
    assert render(f"<{{{{{path}}}}}>", strict=strict) == render(
        f"<{{{{{path}}}}}>{{{{#if a}}}}{{{{/if}}}}", strict=strict
    )
