"""Query parameters into request fields (contract.md 1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from google.protobuf.message import Message

from fairlead.contract.plan import FieldPlan, Kind
from fairlead.contract.problems import INVALID_QUERY, ContractProblem
from fairlead.contract.routes import Route
from fairlead.contract.textfield import set_field_from_text
from fairlead.gateway.errors import Refused

_QUERIED: Final = frozenset({Kind.TEXT, Kind.WHOLE, Kind.REAL, Kind.BOOLEAN, Kind.WORD})


def query_fields(route: Route) -> dict[str, FieldPlan]:
    """The request fields that the query may fill, by parameter name: all scalars that neither path, header nor body fill."""
    if route.body == "*":
        return {}
    return {
        plan.query: plan
        for plan in route.request_plan.fields
        if plan.kind in _QUERIED and plan.name not in route.outside and plan.name != route.body and not plan.beside_body
    }


def pairs(query: str) -> list[tuple[str, bytes]]:
    """The parameters that are given, in order, values as bytes; empty values, bare names and doubled ``&`` are not given."""
    given = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name and value:
            given.append((_decoded(name).decode("utf-8", "replace"), _decoded(value)))
    return given


def bind_query(message: Message, fields: Mapping[str, FieldPlan], given: Sequence[tuple[str, bytes]]) -> None:
    """Set the fields; unknown parameters are ignored, of a repeated single one the last counts.

    Raises ``Refused`` (400 ``invalid_query_params``) with every parameter that cannot be used.
    """
    problems: list[ContractProblem] = []
    texts: dict[str, list[str]] = {}
    for name, raw in given:
        if name in fields:
            try:
                texts.setdefault(name, []).append(raw.decode())
            except UnicodeDecodeError:
                problems.append(ContractProblem(INVALID_QUERY, f"{name} must be UTF-8 text", name))
    for name, values in texts.items():
        problems += set_field_from_text(message, fields[name], values)
    if problems:
        raise Refused(400, problems)


def _decoded(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " "))
