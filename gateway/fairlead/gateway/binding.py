"""One HTTP request into the request message of its route: path, query, headers, body (D2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from fairlead.contract.problems import ContractError
from fairlead.contract.reader import Unknown, read
from fairlead.contract.routes import Route
from fairlead.gateway.errors import Refused
from fairlead.gateway.query import bind_query, pairs, query_fields


@dataclass(slots=True)
class Bound:
    """The request message, the query as it was given, and the paths of unknown members that were dropped."""

    message: Message
    query: list[tuple[str, bytes]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class Binder:
    """Fills the request message of one route."""

    __slots__ = ("_headers", "_query", "_route", "_unknown")

    def __init__(self, route: Route, unknown: Unknown) -> None:
        self._route: Final = route
        self._unknown: Final[Unknown] = unknown
        self._query: Final = query_fields(route)
        self._headers: Final = tuple((plan.header, plan.name) for plan in route.request_plan.fields if plan.header)

    def bind(self, variables: Mapping[str, str], query: str, headers: Mapping[str, str], body: bytes) -> Bound:
        """Raises ``Refused`` with everything that syntax and field rules find; the body's problems come before the query's."""
        route = self._route
        bound = self._read(body) if route.reads_body else Bound(route.request_class())
        message: Any = bound.message
        for name, text in variables.items():
            setattr(message, name, text)
        for header, name in self._headers:
            value = headers.get(header)
            if value is not None:
                setattr(message, name, value.encode("utf-8", "replace").decode())
        if query:
            bound.query = pairs(query)
            bind_query(message, self._query, bound.query)
        return bound

    def _read(self, body: bytes) -> Bound:
        route = self._route
        try:
            result = read(
                body,
                route.request_class,
                route.rules.mode,
                body_field=None if route.body == "*" else route.body,
                unknown=self._unknown,
                outside=route.outside,
            )
        except ContractError as error:
            raise Refused.by_contract(error) from None
        return Bound(result.message, ignored=result.ignored)
