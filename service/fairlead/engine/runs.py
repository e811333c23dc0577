"""Opens runs: one call's deadline, budget and way to the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from fairlead.domain.document import Tree
from fairlead.domain.errors import ConditionNotMet, NotSupported, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.registry import Registry
from fairlead.engine.attempt import Attempts
from fairlead.engine.call import PING_PATIENCE, RUN_PATIENCE
from fairlead.engine.explain import Trace
from fairlead.engine.ports import Answer, Clock, Deadline
from fairlead.engine.prepare import Prepared
from fairlead.engine.run import Executor, Run, RunStats
from fairlead.engine.verdict import ResponseRules

RUN_SECONDS: Final = 300.0
"""Time that a virtual export or import has (contract.md 1.15)."""

FIRST_BYTE_SECONDS: Final[Mapping[str, float]] = {"export": 120.0, "lookup": 120.0}
"""Wait for the first byte of an answer where a purpose has more than the profile's (connections.md 13.5)."""


class Runs:
    """Makes a ``Run`` for a prepared connection and finds its executor."""

    def __init__(self, attempts: Attempts, clock: Clock, executors: Registry[Executor]) -> None:
        self._attempts = attempts
        self._clock = clock
        self._executors = executors

    def executor(self, prepared: Prepared) -> Executor:
        """The executor of the connection's type; raises ``NotSupported``."""
        executor = self._executors.get(prepared.connection.type)
        if executor is None:
            message = f"connections of type {prepared.connection.type} do not run in this build"
            raise NotSupported(Problem("adaptor_not_supported", message, "type"))
        return executor

    def open(
        self,
        prepared: Prepared,
        purpose: str,
        seconds: float,
        timeout: float | None,
        *,
        context: Tree | None = None,
        stats: RunStats | None = None,
        trace: Trace | None = None,
    ) -> Run:
        """A run that ends after ``seconds``, or at the caller's own deadline (``timeout`` seconds from now) when that is sooner."""
        callers = timeout is not None and timeout < seconds
        deadline = Deadline(
            self._clock.monotonic() + (timeout if timeout is not None and callers else seconds), callers
        )
        profile = prepared.profile
        first_byte = FIRST_BYTE_SECONDS.get(purpose, profile.first_byte)
        prepared = replace(prepared, profile=replace(profile, first_byte=first_byte))
        counted = stats if stats is not None else RunStats()
        patience = PING_PATIENCE if purpose == "ping" else RUN_PATIENCE

        async def send(
            request: HttpRequest, rules: ResponseRules, rebuild: Callable[[], HttpRequest] | None = None
        ) -> Answer:
            return await self._attempts.send(
                prepared,
                request,
                rules,
                deadline=deadline,
                stats=counted,
                patience=patience,
                rebuild=rebuild,
                trace=trace,
            )

        async def sign_in() -> bool:
            return await self._attempts.sign_in(
                prepared, deadline=deadline, stats=counted, patience=patience, trace=trace
            )

        async def reach(url: str) -> None:
            await self._attempts.reach(prepared, url, deadline, trace)

        names = {
            "connection": prepared.connection.context,
            "iClient": prepared.connection.client,
            "settings": {"connection": prepared.connection.settings},
            "testMode": False,
            **(context or {}),
        }
        level, change = partial(self._attempts.level, prepared), self._attempts.change
        return Run(
            prepared.connection, deadline, self._clock, purpose, send, reach, sign_in, level, change, names, counted
        )


OFFLINE: Final = Problem(
    "connection_offline", "the connection is offline; ping it once its credentials are right", source="connection"
)

NEEDS_AUTHORIZATION: Final = Problem(
    "needs_authorization",
    "the connection has no token yet, or none that can be renewed: open its authorization URL (GET /v1/connection/{_id}/oauth2)",
    source="connection",
)


def refuse_unauthorized(prepared: Prepared) -> None:
    """Raise ``needs_authorization`` for a connection that only a person in a browser can sign in (contract.md 2.3, 2.6)."""
    if prepared.connection.needs_authorization:
        raise ConditionNotMet(NEEDS_AUTHORIZATION)


def refusal_of(prepared: Prepared) -> Problem | None:
    """Why nothing but a ping may use a stored connection: ``needs_authorization``, or ``connection_offline`` (connections.md 6.2)."""
    if prepared.connection.needs_authorization:
        return NEEDS_AUTHORIZATION
    return OFFLINE if prepared.connection.offline else None


def refuse_offline(prepared: Prepared) -> None:
    """Raise that refusal."""
    refusal = refusal_of(prepared)
    if refusal is not None:
        raise ConditionNotMet(refusal)
