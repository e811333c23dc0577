"""Test a connection: stored, or posted and not stored (contract.md 2.3, 2.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from fairlead.domain.document import AccountId, Tree
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, InvalidContent, NotSupported, Problem
from fairlead.engine.connections import Connections
from fairlead.engine.explain import Trace
from fairlead.engine.explanation import Explanation
from fairlead.engine.model import as_written
from fairlead.engine.ports import Clock, Verdict
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.run import RunStats
from fairlead.engine.runs import Runs, refuse_unauthorized

PING_SECONDS: Final = 30.0

_TRANSPORT_CODES: Final = {
    "connection_error": 502,
    "tls_error": 502,
    "response_too_large": 502,
    "invalid_response": 502,
    "connection_timeout": 504,
    "egress_denied": 403,
}


@dataclass(frozen=True, slots=True)
class PingResult:
    """200, or the code of the failure with its reason."""

    code: int = 200
    message: str | None = None
    source: str | None = None
    explanation: Explanation | None = None
    """How it came about, when somebody asked."""


class Ping:
    """The two pings. A failing application is an answer; only a connection that cannot be tried is an error."""

    def __init__(self, preparer: Preparer, connections: Connections, runs: Runs, clock: Clock) -> None:
        self._preparer = preparer
        self._connections = connections
        self._runs = runs
        self._clock = clock

    async def stored(
        self, account: AccountId, id: str, timeout: float | None, stats: RunStats, *, explain: bool = False
    ) -> PingResult:
        """Test a stored connection; tells it online or offline by the result (contract.md 2.3, side effects)."""
        prepared = await self._preparer.stored(account, id)
        result = await self._tried(prepared, timeout, stats, explain=explain)
        if result.code == 200:
            await self._connections.set_offline(account, id, False)
        elif result.source == "application" and result.code != 429:
            await self._connections.set_offline(account, id, True)
        return result

    async def virtual(
        self, account: AccountId, tree: Tree, timeout: float | None, stats: RunStats, *, explain: bool = False
    ) -> PingResult:
        """Test a posted connection; nothing is stored."""
        whole = await self._connections.check(account, tree)
        return await self._tried(await self._preparer.virtual(account, whole), timeout, stats, explain=explain)

    async def _tried(self, prepared: Prepared, timeout: float | None, stats: RunStats, *, explain: bool) -> PingResult:
        trace = Trace(self._clock) if explain else None
        result = await self._try(prepared, timeout, stats, trace)
        if trace is None:
            return result
        failure = None if result.code == 200 else result.message or f"failed with code {result.code}"
        return replace(result, explanation=trace.explanation(failure))

    async def _try(self, prepared: Prepared, timeout: float | None, stats: RunStats, trace: Trace | None) -> PingResult:
        refuse_unauthorized(prepared)
        prepared.session.refused = None  # a ping is how somebody asks again
        run = self._runs.open(prepared, "ping", PING_SECONDS, timeout, stats=stats, trace=trace)
        try:
            answer = await self._runs.executor(prepared).ping(run)
        except AuthenticationFailed as failure:
            problem = failure.problems[0]
            return PingResult(_status(problem, 401), problem.message, "connection")
        except (InvalidContent, NotSupported) as error:
            notation = prepared.connection.notation
            raise type(error)(as_written(p, notation, "connection") for p in error.problems) from None
        except ApplicationFailure as failure:
            if failure.deadline:
                raise
            problem = failure.problems[0]
            code = _TRANSPORT_CODES.get(problem.code) or _status(problem, 422)
            return PingResult(code, problem.message, problem.source)
        if answer is None or answer.verdict is Verdict.SUCCESS:
            return PingResult()
        code = int(answer.code) if answer.code.isdigit() and int(answer.code) >= 400 else 422
        return PingResult(code, answer.message, "application")


def _status(problem: Problem, default: int) -> int:
    return int(problem.code) if problem.code.isdigit() and int(problem.code) >= 400 else default
