"""AuthorizationService: signing in to an application in a browser (contract.md 2.9)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from fairlead.api.call import Call
from fairlead.contract.page import page
from fairlead.engine.authorization import Authorization, Outcome
from fairlead.engine.authorization_states import Status
from fairlead.v1 import authorization_service_pb2 as pb

_STATUSES: Final = {
    Status.PENDING: pb.AUTHORIZATION_STATUS_PENDING,
    Status.SUCCEEDED: pb.AUTHORIZATION_STATUS_SUCCEEDED,
    Status.FAILED: pb.AUTHORIZATION_STATUS_FAILED,
}


class AuthorizationServicer:
    """Translate, delegate, translate back. ``return_url`` is where browsers go in the end, instead of a page of ours."""

    def __init__(self, authorization: Authorization, return_url: str | None = None) -> None:
        self._authorization = authorization
        self._return_url = return_url

    async def start_authorization(
        self, call: Call, request: pb.StartAuthorizationRequest
    ) -> pb.StartAuthorizationResponse:
        """The application's page, and the id to watch."""
        started = await self._authorization.start(call.who.account, request.id)
        return pb.StartAuthorizationResponse(authorization_url=started.url, authorization_id=started.id)

    async def get_authorization(self, call: Call, request: pb.GetAuthorizationRequest) -> pb.GetAuthorizationResponse:
        """How it stands."""
        progress = await self._authorization.progress(call.who.account, request.connection_id, request.id)
        return pb.GetAuthorizationResponse(status=_STATUSES[progress.status], message=progress.message)

    async def finish_authorization(
        self, call: Call, request: pb.FinishAuthorizationRequest
    ) -> pb.FinishAuthorizationResponse:
        """Exchange the code; the page says how it ended."""
        outcome = await self._authorization.finish(
            request.state, request.code, request.error, request.error_description
        )
        html = page(
            outcome.message + (" You can close this page." if outcome.succeeded else ""), good=outcome.succeeded
        )
        if self._return_url is None or outcome.connection is None:
            return pb.FinishAuthorizationResponse(status=outcome.status, html=html)
        location = _returning(self._return_url, outcome, outcome.connection)
        return pb.FinishAuthorizationResponse(status=302, location=location, html=html)


def _returning(url: str, outcome: Outcome, connection: str) -> str:
    """The return URL with the result in its query, whatever else the query holds."""
    result = urlencode({"connection": connection, "result": "success" if outcome.succeeded else "failure"})
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{result}" if parts.query else result).geturl()
