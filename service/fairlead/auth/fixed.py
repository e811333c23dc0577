"""Credentials that nothing renews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairlead.engine.ports import AuthSession, Json, RenewalFlow


class Fixed:
    """Base of the strategies whose credentials are what the user wrote: used as they are, and a refusal is final."""

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Nothing is computed from the credentials."""
        return ()

    def is_due(self, session: AuthSession) -> bool:
        """Never."""
        return False

    def renewal(self, session: AuthSession) -> RenewalFlow | None:
        """Nothing to renew."""
        return None
