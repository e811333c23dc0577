"""Every rpc of the contract with its servicer's method, found by name: a new rpc touches no table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from fairlead.api.call import Handler
from fairlead.contract.checker import check
from fairlead.contract.descriptors import field_rules
from fairlead.contract.problems import ContractProblem
from fairlead.contract.services import rpc_name
from fairlead.v1 import options_pb2


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc: its messages, its handler, and what its options say."""

    name: str
    request: type[Message]
    handler: Handler
    mode: int
    open: bool
    body_field: str
    has_beside: bool
    """Further fields of the request stand in the body, beside the members of ``body_field``."""

    def problems(self, request: Any) -> list[ContractProblem]:
        """What the field rules of the contract say, fields from the top of the body that REST sends."""
        found = check(self.body_of(request), self.mode)
        if self.has_beside:
            rest = self.request()
            rest.CopyFrom(request)
            rest.ClearField(self.body_field)
            found += check(rest, self.mode)
        return found

    def body_of(self, request: Any) -> Message:
        """The part of the request that REST sends as body: problems name fields from its top."""
        if self.body_field in ("", "*"):
            return request  # type: ignore[no-any-return]  # a protobuf message, untyped by design of this table
        return getattr(request, self.body_field)  # type: ignore[no-any-return]  # same


def methods_of(service: ServiceDescriptor, servicer: object) -> Iterable[Method]:
    """Bind ``GetConnection`` of the contract to ``get_connection`` of the servicer; a missing one stops the start."""
    for descriptor in service.methods:
        handler = getattr(servicer, _snake(descriptor.name), None)
        if handler is None:
            raise TypeError(f"{type(servicer).__name__} has no {_snake(descriptor.name)} for {descriptor.full_name}")
        rules = descriptor.GetOptions().Extensions[options_pb2.method]
        http = descriptor.GetOptions().Extensions[annotations_pb2.http]
        yield Method(
            rpc_name(descriptor),
            GetMessageClass(descriptor.input_type),
            handler,
            rules.mode,
            rules.open,
            http.body,
            any(field_rules(field).beside_body for field in descriptor.input_type.fields),
        )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
