"""Query parameters (contract.md 1.1, 1.11)."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from fairlead.contract.plan import FieldPlan, plan_for
from fairlead.gateway.errors import Refused
from fairlead.gateway.query import bind_query, pairs
from fairlead.v1 import connection_pb2, paged_export_state_pb2
from fairlead.v1 import connection_service_pb2 as pb


def bound(message: Message, query: str) -> Any:
    """The message with a query's parameters."""
    fields: dict[str, FieldPlan] = {plan.query: plan for plan in plan_for(message).fields}
    bind_query(message, fields, pairs(query))
    return message


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("limit=5", {"limit": "5"}),
        ("limit=", {}),
        ("limit", {}),
        ("&&limit=5&&", {"limit": "5"}),
        ("limit=5&limit=6", {"limit": "6"}),
        ("limit=5&limit=", {"limit": "5"}),
        ("=5", {}),
        ("other=1&Limit=3", {}),
        ("include=a%2Cb.c", {"include": "a,b.c"}),
        ("include=a+b", {"include": "a b"}),
        ("%6Cimit=7", {"limit": "7"}),
        ("name=a&name=&name=b", {"name": ["a", "b"]}),
        ("externalId=a&externalId=b", {"external_id": ["a", "b"]}),
        (
            "type=http&type=rest&_integrationId=x&_integrationId=y&_connectorId=z&_connectorId=",
            {"type": "rest", "integration_id": "y", "connector_id": "z"},
        ),
        ("other=%ff", {}),
    ],
)
def test_what_counts_as_given(query: str, expected: dict[str, Any]) -> None:
    """Empty values, bare names and doubled ampersands are not given; unknown parameters are ignored; of a repeated single
    parameter the last counts, a repeatable one takes all."""
    assert bound(pb.ListConnectionsRequest(), query) == pb.ListConnectionsRequest(**expected)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [("pageIndex=7", "page_index", 7), ("done=true", "done", True), ("done=false", "done", False)],
)
def test_numbers_and_booleans(query: str, field: str, value: object) -> None:
    """Text becomes the field's type."""
    assert getattr(bound(paged_export_state_pb2.PagedExportState(), query), field) == value


@pytest.mark.parametrize("query", ["pageIndex=x", "pageIndex=1.5", "pageIndex=-1", "pageIndex=4294967296", "done=1"])
def test_unusable_values_are_400(query: str) -> None:
    """What is no value of the type, or out of its range, is invalid_query_params and names the parameter."""
    with pytest.raises(Refused) as refused:
        bound(paged_export_state_pb2.PagedExportState(), query)
    assert refused.value.status == 400
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == ("invalid_query_params", query.partition("=")[0])


def test_every_unusable_parameter_is_told() -> None:
    """All problems of a query are one answer."""
    with pytest.raises(Refused) as refused:
        bound(paged_export_state_pb2.PagedExportState(), "pageIndex=x&done=maybe&pageSize=5")
    assert [problem.field for problem in refused.value.problems] == ["pageIndex", "done"]


def test_words_are_those_of_the_contract() -> None:
    """An enum takes its REST words, folded as everywhere."""
    assert bound(connection_pb2.Connection(), "type=HTTP") == bound(connection_pb2.Connection(), "type=http")
    with pytest.raises(Refused, match="400"):
        bound(connection_pb2.Connection(), "type=nonsense")


def test_text_that_is_no_utf8_is_400_where_it_counts() -> None:
    """A known parameter must be UTF-8."""
    with pytest.raises(Refused):
        bound(pb.ListConnectionsRequest(), "name=%ff")
