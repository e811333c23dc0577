"""Rendering with the record and the clock of the examples of handlebars.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.domain.jsonvalue import loads
from fairlead.engine.ports import Place, Scope
from fairlead.templates.compiler import TemplateCompiler

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
RECORD = (
    '{"a":1,"z":0,"e":"","tags":["x","y"],"n":"10","items":[{"sku":"A","q":2},{"sku":"B","q":5}],"o":{"k":"v"},'
    '"list":["a","b","c"],"repeated":["a","a","c","a"],"nums":["10","9","1"],"tags2":[2,"5",7],"note":"a\\"b\\n",'
    '"price":140891.90,"big":9007199254740993,"yes":true,"nil":null,"empty":[]}'
)

Render = Callable[..., str]


@pytest.fixture(scope="session")
def compiler() -> TemplateCompiler:
    """One compiler for all tests: templates hold no state."""
    return TemplateCompiler()


@pytest.fixture
def render(compiler: TemplateCompiler) -> Render:
    """``render(template, place, strict=..., record=..., context=..., names=..., **scope)``."""

    def run(
        template: str,
        place: Place = Place.PLAIN,
        *,
        strict: bool = False,
        record: Any = None,
        context: Mapping[str, Any] | None = None,
        names: bool = True,
        **scope: Any,
    ) -> str:
        found = {"record": loads(RECORD) if record is None else record} if context is None else context
        return compiler.compile(template, place, strict=strict).render(Scope(found, NOW, record_names=names, **scope))

    return run
