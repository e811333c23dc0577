"""Rules between the fields of an import."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.rules.import_model import check_import

PROBLEMS: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({}, set()),
    ({"relativeURI": [""]}, set()),
    ({"relativeURI": None}, {("missing_required_field", "http.relativeURI")}),
    ({"relativeURI": ["a", "b", "c"]}, {("invalid_field", "http.relativeURI")}),
    ({"method": ["PUT"] * 3, "body": ["x"] * 3}, {("invalid_field", "http.method"), ("invalid_field", "http.body")}),
    ({"requestType": ["UPDATE", "CREATE"]}, set()),
    ({"requestType": ["CREATE", "CREATE"]}, {("invalid_field", "http.requestType")}),
    ({"requestType": ["CREATE", "createandignore"]}, {("invalid_field", "http.requestType")}),
    ({"requestType": ["CREATE", "updateandignore"]}, set()),
    ({"response": {"successValues": [["x"]]}}, {("missing_required_field", "http.response.successPath")}),
    ({"response": {"failValues": [[], ["x"]]}}, {("missing_required_field", "http.response.failPath")}),
    ({"response": {"failValues": [[]], "failPath": []}}, set()),
    ({"response": {"failValues": [["x"]], "failPath": ["p"]}}, set()),
    ({"batchSize": 1}, set()),
    ({"batchSize": 2}, {("missing_required_field", "http.response.resourcePath")}),
    ({"batchSize": 2, "response": {"resourcePath": ["items"]}}, set()),
    (
        {"batchSize": 2, "requestMediaType": "urlencoded", "response": {"resourcePath": ["items"]}},
        {("invalid_field", "http.batchSize")},
    ),
    ({"batchSize": 0}, {("invalid_field", "http.batchSize")}),
]


@pytest.mark.parametrize(("http", "problems"), PROBLEMS)
def test_the_fields_of_an_import(http: dict[str, Any], problems: set[tuple[str, str]]) -> None:
    """exports-imports.md 9.2, 9.3, 9.4, 9.7."""
    found = check_import({"http": {"relativeURI": ["/x"], **http}})
    assert {(problem.code, problem.field) for problem in found} == problems
    assert all(problem.message.startswith(str(problem.field)) for problem in found)


def test_an_import_without_an_http_block_has_no_rules_here() -> None:
    """exports-imports.md 1.3: whether a block is there is asked before."""
    assert check_import({"name": "x"}) == []
