"""The one place where a domain error becomes a REST status and a gRPC code (contract.md 1.4, 1.5, 1.17)."""

from __future__ import annotations

import math
from typing import Final

import grpc
import msgspec
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from fairlead.domain import errors
from fairlead.domain.errors import FairleadError, Problem, RetryLater
from fairlead.engine.ports import StoreUnavailable, TemplateError
from fairlead.v1 import common_pb2

Code = grpc.StatusCode

TABLE: Final[tuple[tuple[type[FairleadError], int, grpc.StatusCode], ...]] = (
    (errors.InvalidRequest, 400, Code.INVALID_ARGUMENT),
    (errors.InvalidContent, 422, Code.INVALID_ARGUMENT),
    (errors.ConditionNotMet, 422, Code.FAILED_PRECONDITION),
    (errors.NotSupported, 422, Code.UNIMPLEMENTED),
    (errors.AuthenticationFailed, 422, Code.ABORTED),
    (errors.ApplicationFailure, 422, Code.ABORTED),
    (errors.Unauthenticated, 401, Code.UNAUTHENTICATED),
    (errors.AccessRestricted, 403, Code.PERMISSION_DENIED),
    (errors.NotFound, 404, Code.NOT_FOUND),
    (errors.MethodNotAllowed, 405, Code.UNIMPLEMENTED),
    (errors.PreconditionFailed, 412, Code.FAILED_PRECONDITION),
    (errors.PayloadTooLarge, 413, Code.RESOURCE_EXHAUSTED),
    (errors.UnsupportedMediaType, 415, Code.INVALID_ARGUMENT),
    (errors.RateLimited, 429, Code.RESOURCE_EXHAUSTED),
    (errors.ServiceUnavailable, 503, Code.UNAVAILABLE),
    (errors.InternalError, 500, Code.INTERNAL),
)
"""First match counts; a new error is one row here."""

ENTRIES: Final = 100
ENVELOPE_BYTES: Final = 48 * 1024
TEXT_CHARACTERS: Final = 6000
FIELD_CHARACTERS: Final = 1000
"""Bounds of one entry: a longer text or path is cut; six bytes a character at worst."""
_MEMBER_NAMES: Final = 48
_LAST_ENTRY: Final = 100
"""Bytes for the names of an entry's members, and for the entry that counts what does not fit."""
DETAIL_ENTRIES: Final = 10
DETAIL_BYTES: Final = 4096
SHORT_CHARACTERS: Final = 150
"""Bound of a text and of a path where all details together have few bytes."""
_FRAME: Final = 4
_PACKED: Final = 64
"""Bytes around one detail in a status, and around a message that is packed as one."""
MESSAGE_CHARACTERS: Final = 256


def domain_error(error: BaseException, request_id: str) -> FairleadError:
    """Any exception as a domain error. A bug tells its request id and nothing else; the log has the rest."""
    if isinstance(error, FairleadError):
        return error
    if isinstance(error, StoreUnavailable):
        problem = Problem("service_unavailable", "the store is away; try again")
        return errors.ServiceUnavailable(problem)
    if isinstance(error, TemplateError):
        return errors.InvalidContent(Problem("invalid_template", error.message))
    return errors.InternalError(Problem("internal_error", f"internal error, request id {request_id}"))


def rest_status(error: FairleadError) -> int:
    """The REST status of an error."""
    return _row(error)[0]


def grpc_code(error: FairleadError) -> grpc.StatusCode:
    """The gRPC code of an error."""
    if isinstance(error, errors.ApplicationFailure) and error.deadline:
        return Code.DEADLINE_EXCEEDED
    return _row(error)[1]


def _row(error: FairleadError) -> tuple[int, grpc.StatusCode]:
    for kind, status, code in TABLE:
        if isinstance(error, kind):
            return status, code
    return 500, Code.INTERNAL


def error_list(error: FairleadError) -> common_pb2.ErrorList:
    """Every problem, as many as an envelope may hold (contract.md 1.5)."""
    result = common_pb2.ErrorList(http_status=rest_status(error))
    if isinstance(error, RetryLater):
        result.retry_after = max(1, math.ceil(error.retry_after))
    size = 0
    for index, problem in enumerate(error.problems):
        message, field = _text(problem.message, TEXT_CHARACTERS), _text(problem.field or "", FIELD_CHARACTERS)
        size += len(msgspec.json.encode([problem.code, message, field, problem.source])) + _MEMBER_NAMES
        if (index >= ENTRIES - 1 and len(error.problems) > ENTRIES) or size > ENVELOPE_BYTES - _LAST_ENTRY:
            more = len(error.problems) - index
            result.errors.add(code="too_many_errors", message=f"and {more} more")
            break
        result.errors.add(code=problem.code, message=message, field=field or None, source=problem.source)
    return result


def _text(text: str, limit: int) -> str:
    """Text that a protobuf string can hold (lone surrogates become question marks), cut so that one entry always fits."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return cut.encode("utf-8", "replace").decode()


def status(error: FairleadError, *, full: bool) -> status_pb2.Status:
    """The rich status (contract.md 1.17): ErrorInfo, RetryInfo, BadRequest and the error list; without ``full`` at most
    4 KiB of details, because trailers that do not fit lose the real status on the way."""
    listed = error_list(error)
    code = grpc_code(error)
    first = listed.errors[0]
    reason = f"APPLICATION_{first.code}" if first.code.isdigit() else first.code.upper()
    result = status_pb2.Status(code=code.value[0], message=ascii_message(first.message))
    result.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason[:63], domain="fairlead"))
    if listed.retry_after:
        delay = duration_pb2.Duration(seconds=listed.retry_after)
        result.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    if full:
        violations = _violations(listed)
    else:
        room = DETAIL_BYTES - sum(detail.ByteSize() + _FRAME for detail in result.details) - 2 * _PACKED
        short = _shortened(listed)
        violations = _violations(short)
        while violations.ByteSize() > room // 2:
            del violations.field_violations[-1]
        room -= violations.ByteSize()
        if listed.ByteSize() > room:
            listed = _first_entries(short, room, len(error.problems))
    if violations.field_violations:
        result.details.add().Pack(violations)
    result.details.add().Pack(listed)
    return result


def _violations(listed: common_pb2.ErrorList) -> error_details_pb2.BadRequest:
    """One violation per field of the first entries."""
    violations = error_details_pb2.BadRequest()
    for entry in listed.errors[:DETAIL_ENTRIES]:
        if entry.HasField("field"):
            reason = entry.code.upper()[:63]
            violations.field_violations.add(field=entry.field, description=entry.message, reason=reason)
    return violations


def _shortened(listed: common_pb2.ErrorList) -> common_pb2.ErrorList:
    """The list with texts and paths so short that the first entry fits into the details twice."""
    short = common_pb2.ErrorList()
    short.CopyFrom(listed)
    for entry in short.errors:
        entry.message = _text(entry.message, SHORT_CHARACTERS)
        if entry.HasField("field"):
            entry.field = _text(entry.field, SHORT_CHARACTERS)
    return short


def _first_entries(short: common_pb2.ErrorList, room: int, total: int) -> common_pb2.ErrorList:
    """As many entries as there is room for, and one that counts the rest."""
    result = common_pb2.ErrorList(http_status=short.http_status, retry_after=short.retry_after)
    for index, entry in enumerate(short.errors):
        if result.ByteSize() + entry.ByteSize() > room - _LAST_ENTRY:
            result.errors.add(code="too_many_errors", message=f"and {total - index} more")
            break
        result.errors.append(entry)
    return result


def ascii_message(message: str) -> str:
    """The status message: ASCII, at most 256 characters."""
    return message.encode("ascii", "replace").decode()[:MESSAGE_CHARACTERS]
