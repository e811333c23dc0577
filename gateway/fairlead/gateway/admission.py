"""Asks the service whether a caller may be told what the gateway found by itself (D20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fairlead.contract.services import rpc_name
from fairlead.gateway.dispatcher import Dispatcher
from fairlead.v1 import edge_service_pb2

ADMIT: Final = rpc_name(edge_service_pb2.DESCRIPTOR.services_by_name["EdgeService"].methods_by_name["Admit"])
CHECK: Final = ("fairlead-admit", "check")
"""With this metadata nothing is counted and no one-time token is used up; an empty bucket refuses all the same."""


class Admission:
    """Both methods raise ``CallFailed``, which wins over whatever the gateway wanted to say."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._request = edge_service_pb2.AdmitRequest()

    async def admit(self, metadata: Sequence[tuple[str, str]]) -> None:
        """Authenticate and count, as the call itself would have done."""
        await self._dispatcher.call(ADMIT, self._request, metadata=metadata, timeout=None)

    async def check(self, metadata: Sequence[tuple[str, str]]) -> None:
        """Authenticate, and see whether the bucket is empty: before a large body is read."""
        await self._dispatcher.call(ADMIT, self._request, metadata=(*metadata, CHECK), timeout=None)
