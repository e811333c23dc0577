"""Deleting a connection: the document goes, and then its token (connections.md 3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from fairlead.domain.document import AccountId
from fairlead.domain.errors import FairleadError
from fairlead.engine.attempt import Attempts
from fairlead.engine.connections import Connections
from fairlead.engine.ports import AuthSession, RenewalFailed, RenewalFlow, RenewalRefused, TemplateError
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.run import RunStats

RevocationOf = Callable[[AuthSession], RenewalFlow | None]

log = structlog.get_logger("fairlead.deletion")


class Deletion:
    """Deletes connections and tells their applications, without waiting for them."""

    def __init__(
        self, connections: Connections, preparer: Preparer, attempts: Attempts, revocation_of: RevocationOf
    ) -> None:
        self._connections = connections
        self._preparer = preparer
        self._attempts = attempts
        self._revocation_of = revocation_of
        self._leaving: set[asyncio.Task[None]] = set()

    async def delete(self, account: AccountId, id: str, if_match: str | None) -> None:
        """Raises what ``Connections.delete`` raises. What the application says to the end of the token is ignored."""
        prepared: Prepared | None = None
        with suppress(FairleadError):  # one that cannot run can be deleted all the same
            prepared = await self._preparer.stored(account, id)
        await self._connections.delete(account, id, if_match)
        if prepared is None:
            return
        flow = self._revocation_of(prepared.session)
        if flow is not None:
            task = asyncio.create_task(self._revoke(prepared, flow))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def close(self, grace: float) -> None:
        """Let requests under way end within ``grace`` seconds."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=grace)

    async def _revoke(self, prepared: Prepared, flow: RenewalFlow) -> None:
        try:
            await self._attempts.drive(prepared, flow, RunStats(), None)
        except (FairleadError, RenewalFailed, RenewalRefused, TemplateError) as error:
            log.info("token not revoked", connection=prepared.connection.id, error=type(error).__name__)
