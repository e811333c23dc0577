"""``token`` (connections.md 3.2): a token in a header, in the query or in the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairlead.auth import refresh
from fairlead.auth.placement import place
from fairlead.auth.token_request import encoded
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json, RenewalFlow


class Token:
    """One token, sent as configured, and renewed when the connection says how."""

    name = "token"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """The token as the query shows it, when that is not the token itself."""
        token = refresh.token_settings(http).get("token") or ""
        shown = encoded(token)
        return (shown,) if shown != token else ()

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with the current token."""
        http = session.http
        yield place(request, refresh.token_settings(http), session.credentials.token or "", http.get("mediaType"))

    def is_due(self, session: AuthSession) -> bool:
        """There is no token yet, or its end is known and near."""
        return refresh.is_due(session)

    def renewal(self, session: AuthSession) -> RenewalFlow | None:
        """The configured refresh request."""
        return refresh.renewal(session)
