"""What happens around every call: log, metrics, trace, errors, field rules."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import structlog
from google.protobuf.message import Message

from fairlead.api.call import Call, Handler, Middleware
from fairlead.api.errors import domain_error, rest_status
from fairlead.api.metrics import Metrics
from fairlead.api.methods import Method
from fairlead.contract.checker import check
from fairlead.domain.errors import InvalidContent, Problem

log: Final = structlog.get_logger("fairlead.call")


def observe(metrics: Metrics) -> Middleware:
    """One log line and one set of samples a call; exceptions become domain errors here, bugs are logged with their traceback."""

    async def middleware(call: Call, request: Any, following: Handler) -> Message:
        started = time.perf_counter()
        status = 200
        try:
            return await following(call, request)
        except asyncio.CancelledError:
            status = 499
            raise
        except Exception as error:
            translated = domain_error(error, call.request_id)
            status = rest_status(translated)
            if status == 500:
                # The exception's own text may quote anything; type and place are enough to find the bug.
                log.error("bug", request_id=call.request_id, method=call.method, type=type(error).__name__, where=_where(error))
            raise translated from None
        finally:
            seconds = time.perf_counter() - started
            metrics.observe(call.method, status, seconds, call.stats.calls)
            log.info(
                "call",
                request_id=call.request_id,
                account=call.identity.account if call.identity else None,
                method=call.method,
                route=call.metadata.get("fairlead-route"),
                status=status,
                duration_ms=round(seconds * 1000, 2),
                upstream_calls=call.stats.calls,
                upstream_ms=round(call.stats.seconds * 1000, 2),
            )

    return middleware


def _where(error: BaseException) -> list[str]:
    places = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/fairlead/', 1)[-1]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-8:]


def field_rules(methods: dict[str, Method]) -> Middleware:
    """The field rules of the contract for messages that did not come through the gateway of this process (D20)."""

    async def middleware(call: Call, request: Any, following: Handler) -> Message:
        if not call.in_process:
            method = methods[call.method]
            problems = check(method.body_of(request), method.mode)
            if problems:
                raise InvalidContent(Problem(p.code, p.message, p.field) for p in problems)
        return await following(call, request)

    return middleware
