"""Documents for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fairlead.domain.document import AccountId, Document

MINE = AccountId("5f0000000000000000000001")
THEIRS = AccountId("5f0000000000000000000002")
NOW = datetime(2026, 1, 15, 9, 30, 0, 123000, tzinfo=UTC)


def number(n: int) -> str:
    """The n-th id."""
    return f"{n:024x}"


def connection(n: int = 1, account: AccountId = MINE, **changes: Any) -> Document:
    """A stored connection, version 1."""
    values: dict[str, Any] = {"fields": {"name": f"connection {n}", "type": "http"}} | changes
    return Document("connections", number(n), account, NOW, NOW, **values)
