"""Query rules of lists."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.api.projection import Window
from fairlead.domain.errors import InvalidRequest

WINDOWS: list[tuple[str, str, tuple[int, int]]] = [
    ("", "", (1000, 0)),
    ("1", "0", (1, 0)),
    ("1000", "999999999", (1000, 999_999_999)),
    ("007", "", (7, 0)),
]


@pytest.mark.parametrize(("limit", "skip", "window"), WINDOWS)
def test_limit_and_skip(limit: str, skip: str, window: tuple[int, int]) -> None:
    """contract.md 1.11: limit 1..1000, default 1000; skip from 0; an empty text is not given (1.1)."""
    made = Window.of(limit, skip, "", "")
    assert (made.limit, made.skip) == window


BAD: list[tuple[dict[str, str], str]] = [
    *[({"limit": text}, "limit") for text in ("0", "-1", "1001", "1.5", "x", " 1", "1e2", "+1", "٣", "9" * 30)],
    *[({"skip": text}, "skip") for text in ("-1", "1.0", "x", "9" * 30)],
    *[({name: text}, name) for name in ("include", "exclude") for text in ("a*", "a b", "a/b", "ä", "a;b")],
    ({"include": "a", "exclude": "b"}, "include"),
]


@pytest.mark.parametrize(("query", "field"), BAD)
def test_parameters_that_cannot_be_used(query: dict[str, str], field: str) -> None:
    """contract.md 1.11: 400 ``invalid_query_params`` that names the parameter."""
    with pytest.raises(InvalidRequest) as error:
        Window.of(**{"limit": "", "skip": "", "include": "", "exclude": "", **query})
    (problem,) = error.value.problems
    assert (problem.code, problem.field) == ("invalid_query_params", field)


ELEMENT: dict[str, Any] = {
    "_id": "1",
    "name": "n",
    "type": "http",
    "http": {"mediaType": "json", "auth": {"type": "custom", "basic": {"username": "u"}}, "headers": [{"name": "X"}]},
    "offline": False,
}
INCLUDED: list[tuple[str, dict[str, Any]]] = [
    ("type", {"_id": "1", "name": "n", "type": "http"}),
    ("none", {"_id": "1", "name": "n"}),
    ("offline,http.auth.type", {"_id": "1", "name": "n", "offline": False, "http": {"auth": {"type": "custom"}}}),
    ("http.mediaType,http.auth.type", {"_id": "1", "name": "n", "http": {"mediaType": "json", "auth": {"type": "custom"}}}),
    ("http.none.deep,type.deep", {"_id": "1", "name": "n"}),
    ("http.headers", {"_id": "1", "name": "n", "http": {"headers": [{"name": "X"}]}}),
    ("http.mediaType,http", {"_id": "1", "name": "n", "http": ELEMENT["http"]}),
    (",type,", {"_id": "1", "name": "n", "type": "http"}),
]  # fmt: skip


@pytest.mark.parametrize(("include", "expected"), INCLUDED)
def test_include_reduces_an_element(include: str, expected: dict[str, Any]) -> None:
    """contract.md 1.11: ``_id``, ``name`` and the listed paths; what the element lacks is dropped silently."""
    before = repr(ELEMENT)
    assert Window.of("", "", include, "").project(ELEMENT) == expected
    assert repr(ELEMENT) == before


EXCLUDED: list[tuple[str, set[str]]] = [
    ("type", {"_id", "name", "http", "offline"}),
    ("_id,name,http", {"_id", "name", "type", "offline"}),
    ("none,http.none", {"_id", "name", "type", "http", "offline"}),
]


@pytest.mark.parametrize(("exclude", "members"), EXCLUDED)
def test_exclude_leaves_the_rest(exclude: str, members: set[str]) -> None:
    """contract.md 1.11: ``_id`` and ``name`` always stay."""
    assert set(Window.of("", "", "", exclude).project(ELEMENT)) == members


def test_exclude_of_a_nested_member_touches_nothing_else() -> None:
    """contract.md 1.11: the element that was read stays as it is."""
    before = repr(ELEMENT)
    projected = Window.of("", "", "", "http.auth.basic,http.headers").project(ELEMENT)
    assert projected["http"] == {"mediaType": "json", "auth": {"type": "custom"}}
    assert repr(ELEMENT) == before


def test_without_either_an_element_is_whole() -> None:
    """contract.md 1.11."""
    assert Window().project(ELEMENT) == ELEMENT
