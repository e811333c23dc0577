"""Fields filled from path, query and headers (contract.md 1.1, 1.11)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.plan import plan_for
from fairlead.contract.textfield import set_field_from_text
from tests.unit.contract.samples import Query


def fill(name: str, *texts: str) -> tuple[Any, list[tuple[str, str | None]]]:
    """The query message after setting one field, and what was wrong."""
    query: Any = Query()
    problems = set_field_from_text(query, plan_for(query).by_name[name], texts)
    return query, [(problem.code, problem.field) for problem in problems]


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("limit", ["7"], Query(limit=7)),
        ("limit", ["7", "9"], Query(limit=9)),
        ("limit", [""], Query()),
        ("limit", [], Query()),
        ("kind", ["a", "", "b"], Query(kind=["a", "b"])),
        ("colour", ["NAVY"], Query(colour=2)),
        ("since", ["2026-01-31"], Query(since="2026-01-31T00:00:00.000Z")),
        ("since", ["undefined"], Query()),
        ("deep", ["true"], Query(deep=True)),
        ("deep", ["false"], Query(deep=False)),
    ],
)
def test_texts_become_the_value_of_the_field(name: str, texts: list[str], expected: Any) -> None:
    """The last one counts, lists take all, nothing is not given, and so is a date that does not parse."""
    assert fill(name, *texts) == (expected, [])


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("limit", "x", "limit"),
        ("limit", "0", "limit"),
        ("limit", "1.5", "limit"),
        ("deep", "1", "deep"),
        ("colour", "x", "colour"),
    ],
)
def test_what_is_wrong_is_a_matter_of_the_query(name: str, text: str, field: str) -> None:
    """400 ``invalid_query_params``, the message left as it was."""
    assert fill(name, text) == (Query(), [("invalid_query_params", field)])


def test_an_open_value_has_no_form_as_text() -> None:
    """A contract that binds one to a path is a mistake that shows at once."""
    with pytest.raises(TypeError, match="any"):
        fill("any", "x")
