"""``custom`` (connections.md 3.7): credentials come from templates in headers, URIs and bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairlead.auth import refresh
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json, RenewalFlow


class Custom:
    """Adds nothing; the token that templates show is renewed when the connection says how."""

    name = "custom"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Nothing is computed."""
        return ()

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """The request as it is."""
        yield request

    def is_due(self, session: AuthSession) -> bool:
        """A refresh is configured, and there is no token yet or its end is known and near."""
        return refresh.is_due(session)

    def renewal(self, session: AuthSession) -> RenewalFlow | None:
        """The configured refresh request of ``token``."""
        return refresh.renewal(session)
