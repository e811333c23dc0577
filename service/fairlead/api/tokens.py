"""TokenService and EdgeService."""

from __future__ import annotations

from fairlead.api.call import Call
from fairlead.v1 import edge_service_pb2, token_service_pb2


class TokenServicer:
    """Who the caller is."""

    async def get_token_info(
        self, call: Call, request: token_service_pb2.GetTokenInfoRequest
    ) -> token_service_pb2.GetTokenInfoResponse:
        """User and scope of the token (contract.md 6.1)."""
        return token_service_pb2.GetTokenInfoResponse(user_id=call.who.user_id, scope=call.who.scope)


class EdgeServicer:
    """What a gateway asks before it tells a caller what it found itself (D20)."""

    async def admit(self, call: Call, request: edge_service_pb2.AdmitRequest) -> edge_service_pb2.AdmitResponse:
        """Admission has happened on the way in; there is nothing left to do."""
        return edge_service_pb2.AdmitResponse()
