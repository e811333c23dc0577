"""Renewing a token (connections.md 3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.errors import feature_not_supported
from fairlead.engine.ports import Json


def refuse_refresh(http: Mapping[str, Json]) -> None:
    """Raises ``NotSupported`` when the connection is configured to renew its token."""
    token = (http.get("auth") or {}).get("token") or {}
    if token.get("refreshRelativeURI"):
        raise feature_not_supported("http.auth.token.refreshRelativeURI", "renewing the token")
