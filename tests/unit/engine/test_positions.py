"""Which request a record takes, and as which operation."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.dialect import http_import
from fairlead.domain.errors import Problem
from fairlead.engine.ports import Operation
from fairlead.engine.positions import Choice, Evidence, Positions
from tests.unit.engine.serving import model_of

C, U = Operation.CREATE, Operation.UPDATE
UPSERT = {"requestType": ["UPDATE", "CREATE"], "method": ["PUT", "POST"], "relativeURI": ["/c/1", "/c"]}
TURNED = {"requestType": ["CREATE", "UPDATE"], "method": ["POST", "PUT"], "relativeURI": ["/c", "/c/1"]}
NO_WORDS = {"method": ["PUT", "POST"], "relativeURI": ["/c/1", "/c"]}


def positions(http: dict[str, Any], **more: Any) -> tuple[Positions, list[Problem]]:
    """Compiled from an import as the API reads it."""
    problems: list[Problem] = []
    return Positions.of(
        http_import(model_of({"http": {"relativeURI": ["/x"], **http}, **more}), "http"), problems
    ), problems


ONE: list[tuple[dict[str, Any], Operation]] = [
    ({}, C),
    ({"method": ["POST"]}, C),
    ({"method": ["PUT"]}, U),
    ({"method": ["patch"]}, U),
    ({"method": ["DELETE"]}, C),
    ({"method": ["POST"], "requestType": ["UPDATE"]}, U),
    ({"method": ["PUT"], "requestType": ["CREATE"]}, U),
    ({"method": "PUT"}, U),
]


@pytest.mark.parametrize(("http", "operation"), ONE)
def test_one_position_takes_every_record(http: dict[str, Any], operation: Operation) -> None:
    """exports-imports.md 9.4: UPDATE when ``requestType`` says so or the method is PUT or PATCH, else CREATE."""
    compiled, problems = positions({**http, "existingExtract": "id"})
    assert problems == []
    for record in ({"id": 1}, {}):
        assert compiled.choose(record) == Choice(0, operation)


TWO: list[tuple[dict[str, Any], Any, int, Operation]] = [
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": "77"}, 0, U),
    ({**UPSERT, "existingExtract": "erpId"}, {}, 1, C),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": ""}, 1, C),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": None}, 1, C),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": []}, 1, C),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": {}}, 1, C),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": 0}, 0, U),
    ({**UPSERT, "existingExtract": "erpId"}, {"erpId": False}, 0, U),
    ({**UPSERT, "existingExtract": "erp.id"}, {"erp": {"id": 5}}, 0, U),
    ({**UPSERT, "existingExtract": "erpId"}, [{"erpId": 1}, {}], 0, U),
    ({**UPSERT, "ignoreExtract": "erpId"}, {"erpId": 1}, 0, U),
    ({**UPSERT, "existingExtract": "a", "ignoreExtract": "b"}, {"b": 1}, 1, C),
    (UPSERT, {"erpId": "77"}, 1, C),
    ({**TURNED, "existingExtract": "erpId"}, {"erpId": "77"}, 1, U),
    ({**TURNED, "existingExtract": "erpId"}, {}, 0, C),
    (TURNED, {}, 0, C),
    ({**NO_WORDS, "existingExtract": "erpId"}, {"erpId": 1}, 0, U),
    ({**NO_WORDS, "existingExtract": "erpId"}, {}, 1, C),
    (NO_WORDS, {}, 0, U),
]


@pytest.mark.parametrize(("http", "record", "position", "operation"), TWO)
def test_two_positions(http: dict[str, Any], record: Any, position: int, operation: Operation) -> None:
    """exports-imports.md 9.4: exists takes the UPDATE position, else the CREATE one; without words position 0 is UPDATE, taken when
    existence is unknown, too. Empty is null, missing, "", [], {}; 0 and false are values."""
    compiled, problems = positions(http)
    assert problems == []
    assert compiled.choose(record) == Choice(position, operation)


IGNORED: list[tuple[dict[str, Any], dict[str, Any], tuple[bool, bool]]] = [
    ({"ignoreExisting": True}, {"existingExtract": "id"}, (True, False)),
    ({"ignoreMissing": True}, {"existingExtract": "id"}, (False, True)),
    ({"ignoreExisting": True, "ignoreMissing": True}, {"existingExtract": "id"}, (True, True)),
    ({"ignoreExisting": True}, {"ignoreExtract": "id", "existingExtract": "other"}, (True, False)),
    ({"ignoreExisting": True}, {}, (False, False)),
    ({"ignoreMissing": True}, {}, (True, True)),
    ({}, {"requestType": ["createandignore"], "existingExtract": "id"}, (True, False)),
    ({}, {"requestType": ["updateandignore"], "method": ["PUT"], "existingExtract": "id"}, (False, True)),
    ({}, {"existingExtract": "id"}, (False, False)),
]


@pytest.mark.parametrize(("top", "http", "ignored"), IGNORED)
def test_records_that_are_ignored(top: dict[str, Any], http: dict[str, Any], ignored: tuple[bool, bool]) -> None:
    """exports-imports.md 9.4: first for a record that exists, then for one that does not."""
    compiled, problems = positions(http, **top)
    assert problems == []
    assert (compiled.choose({"id": 7}).ignored, compiled.choose({}).ignored) == ignored


ASK: dict[str, Any] = {"lookups": [{"name": "a", "relativeURI": "/a"}, {"name": "b", "relativeURI": "/b"}]}
LOOKED_UP: list[tuple[dict[str, Any], dict[str, bool], bool, tuple[int, bool]]] = [
    ({**UPSERT, "existingLookupName": "a"}, {"a": True}, True, (0, True)),
    ({**UPSERT, "existingLookupName": "a"}, {"a": False}, True, (1, False)),
    ({**UPSERT, "existingLookupName": "a", "existingExtract": "id"}, {"a": False}, True, (1, False)),
    ({**UPSERT, "ignoreLookupName": "a"}, {"a": True}, True, (0, True)),
    ({**UPSERT, "existingLookupName": "a", "ignoreLookupName": "b"}, {"a": True, "b": False}, True, (0, False)),
    ({**UPSERT, "existingLookupName": "a", "ignoreLookupName": "b"}, {"a": False, "b": True}, True, (1, True)),
    ({**UPSERT, "existingLookupName": "a", "ignoreExtract": "none"}, {"a": True}, True, (0, False)),
    ({**NO_WORDS, "existingLookupName": "a"}, {"a": False}, True, (1, False)),
    (NO_WORDS, {}, True, (0, False)),
    (NO_WORDS, {}, False, (1, False)),
    (UPSERT, {}, True, (1, False)),
]


@pytest.mark.parametrize(("http", "found", "has_values", "expected"), LOOKED_UP)
def test_lookups_that_decide(
    http: dict[str, Any], found: dict[str, bool], has_values: bool, expected: tuple[int, bool]
) -> None:
    """exports-imports.md 9.4: a lookup comes before an extract, each kind of names before the other; without words and without a sign the
    lookups of the first URI say it."""
    compiled, problems = positions({**http, **ASK}, ignoreExisting=True)
    assert problems == []
    choice = compiled.choose({"id": 1}, Evidence(lambda name: found[name], lambda: has_values))
    assert (choice.position, choice.ignored) == expected


def test_without_evidence_only_a_lookup_could_tell() -> None:
    """contract.md 2.11: lookups that only decide the operation are not run, ``exists`` is then unknown."""
    compiled, _ = positions({**UPSERT, **ASK, "existingLookupName": "a", "existingExtract": "id"})
    assert compiled.choose({"id": 1}) == Choice(1, C)


def test_an_ignored_record_has_its_operation_all_the_same() -> None:
    """contract.md 2.11: mapping alone ignores nobody, and conditions see the operation of 9.4."""
    compiled, _ = positions({**TURNED, "existingExtract": "id"}, ignoreExisting=True)
    assert compiled.choose({"id": 1}) == Choice(1, U, ignored=True)


@pytest.mark.parametrize(
    ("http", "looks"), [({}, False), ({"existingExtract": "id"}, True), ({"ignoreExtract": "id"}, True)]
)
def test_records_are_decoded_only_when_somebody_looks(http: dict[str, Any], looks: bool) -> None:
    """Choosing without an extract never touches the record."""
    compiled, _ = positions(http)
    assert compiled.looks_at_records is looks


PROBLEMS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"existingExtract": "a["}, ("invalid_field", "http.existingExtract")),
    ({"ignoreExtract": "a["}, ("invalid_field", "http.ignoreExtract")),
    ({"existingLookupName": "l"}, ("invalid_ref", "http.existingLookupName")),
    ({"ignoreLookupName": "l"}, ("invalid_ref", "http.ignoreLookupName")),
    ({"ignoreLookupName": "l", "lookups": [{"name": "l", "map": {}}]}, ("invalid_ref", "http.ignoreLookupName")),
    (
        {"existingLookupName": "l", "lookups": [{"name": "l", "_lookupCacheId": "5" * 24}]},
        ("feature_not_supported", "http.existingLookupName"),
    ),
]


@pytest.mark.parametrize(("http", "problem"), PROBLEMS)
def test_each_problem_is_told_once_with_its_own_field(http: dict[str, Any], problem: tuple[str, str]) -> None:
    """contract.md 1.5."""
    _, problems = positions(http)
    assert [(p.code, p.field) for p in problems] == [problem]
