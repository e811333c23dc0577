"""The table of routes, built from the services' options: which rpc answers a method and path (D2, contract.md 1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from fairlead.contract.descriptors import message_class, method_rules
from fairlead.contract.http_rule import ANY_METHOD, HttpRule, RouteError, http_rules
from fairlead.contract.plan import Kind, MessagePlan, plan_of
from fairlead.contract.services import rpc_name
from fairlead.v1 import options_pb2

_PAGE_FIELDS: Final = frozenset({"html", "location", "status"})


class Route:
    """One method and path with the rpc behind it, and its REST manners."""

    __slots__ = (
        "body",
        "http_method",
        "is_list",
        "is_main",
        "method",
        "outside",
        "path",
        "request_class",
        "request_plan",
        "response_body",
        "response_plan",
        "rpc",
        "rules",
        "success_status",
        "variables",
    )

    def __init__(self, method: MethodDescriptor, rule: HttpRule, *, is_main: bool) -> None:
        self.method: Final = method
        self.http_method: Final = rule.method
        self.path: Final = rule.path
        self.is_main: Final = is_main
        """False for an additional binding of the rpc."""
        self.rpc: Final = rpc_name(method)
        self.rules: Final[options_pb2.MethodRules] = method_rules(method)
        self.success_status: Final = self.rules.success_status or 200
        self.request_class: Final[type[Message]] = message_class(method.input_type)
        self.request_plan: Final[MessagePlan] = plan_of(method.input_type)
        self.response_plan: Final[MessagePlan] = plan_of(method.output_type)
        self.body: Final = rule.body
        """Field of the request that the body is; empty for none, ``*`` for the whole request."""
        self.response_body: Final = rule.response_body or None
        self.variables: Final = tuple(part.text for part in rule.segments if part.is_variable)
        headers = {plan.name for plan in self.request_plan.fields if plan.header}
        self.outside: Final = frozenset(self.variables) | headers
        """Request fields that path and headers fill: a body does not know them."""
        answered = self.response_plan.by_proto_name
        self.is_list: Final = "more" in answered and self.response_body is not None
        """The answer is a part of a list and says whether there is more (contract.md 1.11)."""
        self._judge()

    def _judge(self) -> None:
        fields = self.request_plan.by_proto_name
        for name in self.variables:
            if name not in fields or fields[name].kind is not Kind.TEXT or fields[name].repeated:
                raise RouteError(f"{self.rpc}: {{{name}}} of {self.path} is no text field of the request")
        if self.body not in ("", "*") and self.body not in fields:
            raise RouteError(f"{self.rpc}: the request has no field {self.body} for the body")
        if self.rules.page and not self.response_plan.by_proto_name.keys() >= _PAGE_FIELDS:
            raise RouteError(f"{self.rpc}: the response of a page has the fields {', '.join(sorted(_PAGE_FIELDS))}")
        if self.response_body is not None and self.response_body not in self.response_plan.by_proto_name:
            raise RouteError(f"{self.rpc}: the response has no field {self.response_body} for the body")

    @property
    def reads_body(self) -> bool:
        """Whether a request body is looked at."""
        return bool(self.body) and not self.rules.body_ignored


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the texts of its variables, by field name."""

    route: Route
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """The path is unknown, or, with ``allowed``, the path exists and the method does not."""

    allowed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node:
    """What may follow one path: literals first, then a variable."""

    literals: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """All routes; the most specific path wins, whatever the order of declaration.

    The path is decided before the method: ``DELETE /v1/connections/ping`` is a method that ``/v1/connections/ping`` does not
    have, not the deletion of a connection called ping.
    """

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        self._root = _Node()
        self._routes: list[Route] = []
        for service in services:
            for method in service.methods:
                for index, rule in enumerate(http_rules(method)):
                    self._add(Route(method, rule, is_main=index == 0), rule)

    def _add(self, route: Route, rule: HttpRule) -> None:
        node = self._root
        for segment in rule.segments:
            if not segment.is_variable:
                node = node.literals.setdefault(segment.text, _Node())
                continue
            if node.variable is None:
                node.variable = _Node()
            node = node.variable
        other = node.routes.setdefault(route.http_method, route)
        if other is not route:
            raise RouteError(f"{route.rpc} and {other.rpc} both answer {route.http_method} {route.path}")
        self._routes.append(route)

    def __iter__(self) -> Iterator[Route]:
        """The routes by path, in no order of declaration."""
        return iter(sorted(self._routes, key=lambda route: (route.path, route.http_method)))

    def match(self, method: str, path: str) -> Match | NoMatch:
        """The route of a request; ``path`` is as it was sent, percent-encoded, without query.

        One trailing slash is ignored, segments are compared with case, ``HEAD`` is answered as ``GET``. A variable takes one
        segment that is not empty, decoded; a segment that is no UTF-8 matches nothing.
        """
        if len(path) > 1 and path.endswith("/"):
            path = path[:-1]
        parts = path.split("/")
        if parts[0] != "" or len(parts) < 2:
            return NoMatch()
        del parts[0]
        if "%" in path:
            try:
                parts = [unquote_to_bytes(part).decode() for part in parts]
            except UnicodeDecodeError:
                return NoMatch()
        values: list[str] = []
        node = _find(self._root, parts, 0, values)
        if node is None:
            return NoMatch()
        route = node.routes.get("GET" if method == "HEAD" else method) or node.routes.get(ANY_METHOD)
        if route is None or method == "OPTIONS":
            return NoMatch(_allowed(node.routes))
        return Match(route, dict(zip(route.variables, values, strict=True)))


def _find(node: _Node, parts: list[str], at: int, values: list[str]) -> _Node | None:
    """The node of the most specific path that fits; ``values`` collects what its variables took."""
    if at == len(parts):
        return node if node.routes else None
    part = parts[at]
    literal = node.literals.get(part)
    if literal is not None:
        found = _find(literal, parts, at + 1, values)
        if found is not None:
            return found
    if node.variable is not None and part:
        values.append(part)
        found = _find(node.variable, parts, at + 1, values)
        if found is not None:
            return found
        values.pop()
    return None


def _allowed(routes: Mapping[str, Route]) -> tuple[str, ...]:
    methods = set(routes)
    if ANY_METHOD in methods:
        methods |= {"DELETE", "GET", "PATCH", "POST", "PUT"}
        methods.discard(ANY_METHOD)
    if "GET" in methods:
        methods.add("HEAD")
    return (*sorted(methods), "OPTIONS")
