"""Rules between the fields of an export (exports-imports.md 1.2, 3.1, 4.1), and dates in their three spellings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fairlead.domain.dates import parse_moment
from fairlead.domain.document import Tree
from fairlead.domain.rules.export import check_export


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        ({"http": {"relativeURI": ""}}, []),
        ({"http": {}}, [("missing_required_field", "http.relativeURI")]),
        ({"netsuite": {}}, []),
        (
            {"http": {"relativeURI": "/", "paging": {"lastPagePath": "a"}}},
            [("missing_required_field", "http.paging.lastPageValues")],
        ),
        (
            {"http": {"relativeURI": "/", "paging": {"lastPageValues": ["a"]}}},
            [("missing_required_field", "http.paging.lastPagePath")],
        ),
        ({"http": {"relativeURI": "/", "paging": {"lastPagePath": "a", "lastPageValues": ["b"]}}}, []),
        (
            {"http": {"relativeURI": "/", "response": {"successValues": ["a"]}}},
            [("missing_required_field", "http.response.successPath")],
        ),
        (
            {"http": {"relativeURI": "/", "response": {"failValues": ["a"]}}},
            [("missing_required_field", "http.response.failPath")],
        ),
        ({"http": {"relativeURI": "/"}, "delta": {"dateField": "x"}}, [("invalid_field", "delta.dateField")]),
        ({"http": {"relativeURI": "/"}, "delta": {"startDate": "soon"}}, [("invalid_field", "delta.startDate")]),
        (
            {"http": {"relativeURI": "/"}, "delta": {"startDate": "2026-01-15", "dateFormat": "YYYY", "lagOffset": 5}},
            [],
        ),
        ({"http": {"relativeURI": "/"}, "delta": {"startDate": None}}, []),
        ({"http": {"relativeURI": "/", "paging": {"lastPageStatusCode": 404}}}, []),
        (
            {"http": {"relativeURI": "/", "paging": {"lastPageStatusCode": 99}}},
            [("invalid_field", "http.paging.lastPageStatusCode")],
        ),
        (
            {"http": {"paging": {"lastPagePath": "a"}}, "delta": {"dateField": "x"}},
            [
                ("missing_required_field", "http.relativeURI"),
                ("missing_required_field", "http.paging.lastPageValues"),
                ("invalid_field", "delta.dateField"),
            ],
        ),
    ],
)
def test_rules(export: Tree, expected: list[tuple[str, str]]) -> None:
    """Every problem at once, each with its code and field."""
    assert [(problem.code, problem.field) for problem in check_export(export)] == expected


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T09:30:00Z", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-01-15T10:30:00+01:00", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-01-15T09:30:00.250", datetime(2026, 1, 15, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-01-15", datetime(2026, 1, 15, tzinfo=UTC)),
        ("1768469400", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("1768469400250", datetime(2026, 1, 15, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("1768469400.25", datetime(2026, 1, 15, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("-86400", datetime(1969, 12, 31, tzinfo=UTC)),
        ("99999999999", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    """contract.md 2.6: ISO date, epoch seconds or epoch milliseconds."""
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "soon", "undefined", "2026-13-01", "1e9", "999999999999999999", "NaN"])
def test_what_is_no_moment(text: str) -> None:
    """Anything else is refused, also dates beyond the calendar."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_moment(text)
