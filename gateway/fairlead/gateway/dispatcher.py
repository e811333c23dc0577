"""The gateway's one port: a call of the service, in process or over a channel (D10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc
from google.protobuf.message import Message

from fairlead.v1 import common_pb2


@dataclass(frozen=True, slots=True)
class Reply:
    """The response message and the headers that the service sends with it."""

    message: Message
    headers: Sequence[tuple[str, str]] = ()


class CallFailed(Exception):
    """The call failed: the whole error list, from which the REST envelope is written, and the gRPC code."""

    def __init__(self, error_list: common_pb2.ErrorList, grpc_code: grpc.StatusCode) -> None:
        super().__init__(grpc_code.name)
        self.error_list = error_list
        self.grpc_code = grpc_code


class Dispatcher(Protocol):
    """Calls the service's rpcs."""

    async def call(
        self, method: str, request: Message, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Reply:
        """Call ``/fairlead.v1.ConnectionService/GetConnection`` and wait for the response; ``timeout`` in seconds is the
        caller's own deadline. Raises ``CallFailed``; cancelling the wait cancels the call."""
