"""What happens around every call: log, metrics, errors, field rules."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from google.protobuf.message import Message

from fairlead.api.call import Call, Handler, Middleware
from fairlead.api.errors import domain_error, rest_status
from fairlead.api.methods import Method
from fairlead.api.metrics import Metrics
from fairlead.domain.errors import InternalError, InvalidContent, Problem

CLIENT_GONE: Final = 499
"""What the log and the metrics call a call whose client left."""

log: Final = structlog.get_logger("fairlead.call")


@asynccontextmanager
async def observed(call: Call, metrics: Metrics) -> AsyncIterator[None]:
    """One log line and one set of samples a call, refused ones included; every exception leaves as a domain error, and a bug is
    logged with its place."""
    started = time.perf_counter()
    status = 200
    try:
        yield
    except asyncio.CancelledError:
        status = CLIENT_GONE
        raise
    except Exception as error:
        translated = domain_error(error, call.request_id)
        status = rest_status(translated)
        if isinstance(translated, InternalError):
            # The exception's own text may quote anything, so only its type and place are logged.
            kind = type(error).__name__
            log.error("bug", request_id=call.request_id, method=call.method, type=kind, where=_where(error))
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
            problems = methods[call.method].problems(request)
            if problems:
                raise InvalidContent(Problem(p.code, p.message, p.field) for p in problems)
        return await following(call, request)

    return middleware
