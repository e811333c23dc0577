"""The gateway's way to the service of the same process: a direct call of the chain, no channel (D10)."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

from fairlead.api.call import Call
from fairlead.api.errors import domain_error, error_list, grpc_code
from fairlead.api.service import Service
from fairlead.gateway.dispatcher import CallFailed, Reply


class LocalDispatcher:
    """A ``Dispatcher`` that costs about a microsecond a call where a channel costs a millisecond."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def call(
        self, method: str, request: Message, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Reply:
        """Run the call; raises ``CallFailed`` with the whole error list."""
        told = dict(metadata)
        call = Call(method, told, told.get("fairlead-remote", "local"), timeout, in_process=True)
        try:
            message = await self._service.handle(call, request)
        except Exception as error:
            translated = domain_error(error, call.request_id)
            raise CallFailed(error_list(translated), grpc_code(translated)) from None
        return Reply(message, tuple(call.headers))

    async def close(self) -> None:
        """Nothing to release: the service belongs to the process."""
