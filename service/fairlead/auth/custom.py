"""``custom`` (connections.md 3.7): credentials come from templates in headers, URIs and bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairlead.auth.refresh import refuse_refresh
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, Json, Verdict


class Custom:
    """Adds nothing."""

    name = "custom"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Nothing is computed."""
        return ()

    def flow(self, request: HttpRequest, http: Mapping[str, Json]) -> AuthFlow:
        """The request as it is. Raises ``NotSupported`` when a renewal would be due."""
        answer = yield request
        if answer.verdict is Verdict.AUTHENTICATION_FAILED:
            refuse_refresh(http)
