"""Query parameters into request fields (contract.md 1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from google.protobuf.message import Message

from fairlead.contract.plan import FieldPlan, Kind
from fairlead.contract.problems import INVALID_QUERY, ContractProblem
from fairlead.contract.routes import Route
from fairlead.gateway.errors import Refused

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
_REAL: Final = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_QUERIED: Final = frozenset({Kind.TEXT, Kind.WHOLE, Kind.REAL, Kind.BOOLEAN, Kind.WORD})

Value = str | int | float | bool


def query_fields(route: Route) -> dict[str, FieldPlan]:
    """The request fields that the query may fill, by parameter name: all scalars that neither path, header nor body fill."""
    if route.body == "*":
        return {}
    return {
        plan.query: plan
        for plan in route.request_plan.fields
        if plan.kind in _QUERIED and plan.name not in route.outside and plan.name != route.body
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
    for name, raw in given:
        plan = fields.get(name)
        if plan is None:
            continue
        try:
            value = _value(plan, raw.decode())
        except ValueError as error:
            reason = "must be UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            problems.append(ContractProblem(INVALID_QUERY, f"{name} {reason}", name))
            continue
        if plan.repeated:
            getattr(message, plan.name).append(value)
        else:
            setattr(message, plan.name, value)
    if problems:
        raise Refused(400, problems)


def _value(plan: FieldPlan, text: str) -> Value:
    """The value of a text; raises ``ValueError`` with what it must be."""
    if plan.kind == Kind.TEXT:
        return text
    if plan.kind == Kind.BOOLEAN:
        if text not in _BOOLEANS:
            raise ValueError("must be true or false")
        return _BOOLEANS[text]
    if plan.kind == Kind.WORD:
        assert plan.words is not None
        number = plan.words.number_of(text)
        if number is None:
            raise ValueError(f"must be one of {plan.words.allowed}")
        return number
    return _number(plan, text)


def _number(plan: FieldPlan, text: str) -> int | float:
    whole = plan.kind == Kind.WHOLE
    if not (_WHOLE if whole else _REAL).fullmatch(text):
        raise ValueError("must be a whole number" if whole else "must be a number")
    value = int(text) if whole else float(text)
    if plan.maximum is not None and value > plan.maximum:
        raise ValueError(f"must be at most {plan.maximum:g}")
    if plan.minimum is not None and value < plan.minimum:
        raise ValueError(f"must be at least {plan.minimum:g}")
    return value


def _decoded(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " "))
