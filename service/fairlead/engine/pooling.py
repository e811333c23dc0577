"""In which pool the requests of a connection are counted, and what holds there (connections.md 8.3, 8.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fairlead.domain.dialect import http_connection
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.engine.ports import PoolSettings, Store

CONNECTIONS: Final = "connections"
"""The kind under which connections are stored."""
LENDER: Final = "_borrowConcurrencyFromConnectionId"


async def lender_of(store: Store, account: AccountId, fields: Tree) -> Document | None:
    """The connection whose pool it uses, if it borrows."""
    id = fields.get(LENDER)
    return await store.get(CONNECTIONS, account, id) if id else None


async def limits_of(store: Store, account: AccountId, id: str) -> PoolSettings | None:
    """The limits of a stored connection as they are now; nothing when it is gone. Raises ``StoreUnavailable``."""
    document = await store.get(CONNECTIONS, account, id)
    return stored_limits(document, await lender_of(store, account, document.fields)) if document is not None else None


def stored_limits(document: Document, lender: Document | None) -> PoolSettings:
    """The limits of a stored connection."""
    return replace(
        pool_settings(document.id, document.fields, lender),
        revision=(lender or document).version,
        connection=f"{document.account}/{document.id}",
        version=document.version,
    )


def pool_settings(id: str, fields: Mapping[str, Any], lender: Document | None) -> PoolSettings:
    """The pool of a connection: the lender's queue, level and pause when it borrows (connections.md 8.3). With automatic recovery the level
    is the target; where one request at a time is paced, there is nothing to recover (8.4)."""
    if lender is not None:
        id, fields = lender.id, lender.fields
    http = http_connection(fields)
    level, target = _whole(http.get("concurrencyLevel")), _whole(http.get("targetConcurrencyLevel"))
    pause = (http.get("rateLimit") or {}).get("limit") if level == 1 else None
    if pause is not None:
        return PoolSettings(id, level, float(pause) / 1000)
    if fields.get("autoRecoverRateLimitErrors") and target is not None:
        return PoolSettings(id, target, start=target if level is None else min(level, target))
    return PoolSettings(id, level)


def _whole(level: Any) -> int | None:
    return None if level is None else int(level)
