"""The one table of errors, and what both edges tell of one."""

from __future__ import annotations

import json
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from fairlead.api.errors import (
    DETAIL_BYTES,
    ENVELOPE_BYTES,
    TABLE,
    ascii_message,
    domain_error,
    error_list,
    grpc_code,
    rest_status,
    status,
)
from fairlead.domain import errors
from fairlead.domain.errors import FairleadError, InvalidContent, InvalidRequest, Problem
from fairlead.engine.ports import StoreUnavailable, TemplateError
from fairlead.v1 import common_pb2

Code = grpc.StatusCode

ROWS: list[tuple[type[FairleadError], int, grpc.StatusCode]] = [
    (errors.InvalidRequest, 400, Code.INVALID_ARGUMENT),
    (errors.InvalidContent, 422, Code.INVALID_ARGUMENT),
    (errors.ConditionNotMet, 422, Code.FAILED_PRECONDITION),
    (errors.NotSupported, 422, Code.UNIMPLEMENTED),
    (errors.ApplicationFailure, 422, Code.ABORTED),
    (errors.AuthenticationFailed, 422, Code.ABORTED),
    (errors.Unauthenticated, 401, Code.UNAUTHENTICATED),
    (errors.AccessRestricted, 403, Code.PERMISSION_DENIED),
    (errors.NotFound, 404, Code.NOT_FOUND),
    (errors.MethodNotAllowed, 405, Code.UNIMPLEMENTED),
    (errors.PreconditionFailed, 412, Code.FAILED_PRECONDITION),
    (errors.PayloadTooLarge, 413, Code.RESOURCE_EXHAUSTED),
    (errors.UnsupportedMediaType, 415, Code.INVALID_ARGUMENT),
    (errors.RateLimited, 429, Code.RESOURCE_EXHAUSTED),
    (errors.InternalError, 500, Code.INTERNAL),
    (errors.ServiceUnavailable, 503, Code.UNAVAILABLE),
]


@pytest.mark.parametrize(("kind", "rest", "code"), ROWS, ids=[kind.__name__ for kind, *_ in ROWS])
def test_every_kind_of_error_has_its_rest_status_and_its_grpc_code(
    kind: type[FairleadError], rest: int, code: grpc.StatusCode
) -> None:
    """contract.md 1.4, 1.17."""
    error = kind(Problem("some_code", "some text"))
    assert (rest_status(error), grpc_code(error)) == (rest, code)
    told = status(error, full=True)
    assert (told.code, told.message) == (code.value[0], "some text")
    assert detail(told, common_pb2.ErrorList).http_status == rest


def test_the_table_knows_every_error_once_and_nothing_else() -> None:
    """design, "How many files a change touches": a new error is one row; bases that are never raised have none."""
    assert sorted(kind.__name__ for kind, *_ in TABLE) == sorted(kind.__name__ for kind, *_ in ROWS)
    raised = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FairleadError)}
    assert raised - {kind for kind, *_ in TABLE} == {FairleadError, errors.RetryLater}


def test_the_callers_own_deadline_has_its_own_code() -> None:
    """contract.md 1.17: ``DEADLINE_EXCEEDED`` when the caller's deadline ended it, ``ABORTED`` when ours did; REST says 422 either way."""
    problem = Problem("connection_timeout", "over", source="connection")
    ours, callers = (errors.ApplicationFailure(problem, deadline=deadline) for deadline in (False, True))
    assert (grpc_code(ours), grpc_code(callers)) == (Code.ABORTED, Code.DEADLINE_EXCEEDED)
    assert (rest_status(ours), rest_status(callers)) == (422, 422)


FOREIGN: list[tuple[BaseException, str, str]] = [
    (StoreUnavailable("mongodb://user:password@host"), "service_unavailable", "the store is away; try again"),
    (TemplateError("no such helper"), "invalid_template", "no such helper"),
    (ZeroDivisionError("s3cret"), "internal_error", "internal error, request id r-1"),
    (RecursionError("s3cret"), "internal_error", "internal error, request id r-1"),
]


@pytest.mark.parametrize(("error", "code", "message"), FOREIGN)
def test_other_exceptions_become_domain_errors(error: BaseException, code: str, message: str) -> None:
    """contract.md 1.4: a bug tells the request id and nothing else."""
    (problem,) = domain_error(error, "r-1").problems
    assert (problem.code, problem.message) == (code, message)
    same = InvalidContent(Problem("x", "y"))
    assert domain_error(same, "r-1") is same


# -- the envelope ---------------------------------------------------------------------------------------------------------


def envelope(listed: common_pb2.ErrorList) -> bytes:
    """As the gateway prints it."""
    return msgspec.json.encode({"errors": [entry(error) for error in listed.errors]})


def entry(error: common_pb2.Error) -> dict[str, Any]:
    """One entry; members that are not set are left out."""
    members = {"code": error.code, "message": error.message}
    members |= {name: getattr(error, name) for name in ("field", "source") if error.HasField(name)}
    return members


def problems(count: int, message: str = "m", field: str = "f") -> list[Problem]:
    """That many, each with its own field."""
    return [Problem("invalid_field", message, f"{field}.{index}") for index in range(count)]


CAPS: list[tuple[str, list[Problem], int, str | None]] = [
    ("one", problems(1), 1, None),
    ("a hundred", problems(100), 100, None),
    ("a hundred and one", problems(101), 100, "and 2 more"),
    ("many", problems(311), 100, "and 212 more"),
    ("large ones", problems(60, "x" * 1000), 46, "and 15 more"),
    ("large ones beyond ASCII", problems(60, "ü" * 500), 46, "and 15 more"),
]


@pytest.mark.parametrize(("name", "given", "entries", "last"), CAPS, ids=[row[0] for row in CAPS])
def test_an_envelope_has_its_bounds(name: str, given: list[Problem], entries: int, last: str | None) -> None:
    """contract.md 1.5: at most 100 entries and 48 KiB; a last entry counts what does not fit."""
    listed = error_list(InvalidContent(given))
    assert len(envelope(listed)) <= ENVELOPE_BYTES
    assert len(listed.errors) == entries
    if last is None:
        assert [error.field for error in listed.errors] == [problem.field for problem in given]
    else:
        assert entry(listed.errors[-1]) == {"code": "too_many_errors", "message": last}
        assert listed.errors[0].code == "invalid_field"


@pytest.mark.parametrize("text", ["x", "ü", '"', "\x01"])
def test_one_huge_problem_is_cut_and_told(text: str) -> None:
    """contract.md 1.5: the first problem is always there, whatever its size."""
    huge = Problem("unknown_field", f"Unknown field {text * 1_000_000}", f"http.{text * 1_000_000}")
    listed = error_list(InvalidContent([huge, *problems(3)]))
    assert listed.errors[0].code == "unknown_field"
    assert listed.errors[0].message.endswith("...")
    assert len(envelope(listed)) <= ENVELOPE_BYTES


def test_half_characters_become_question_marks() -> None:
    """A lone surrogate in a key or a text is no reason for a 500: protobuf strings cannot hold it."""
    listed = error_list(InvalidContent(Problem("unknown_field", "a\ud800b", "k\udfff", "s")))
    assert entry(listed.errors[0]) == {"code": "unknown_field", "message": "a?b", "field": "k?", "source": "s"}
    assert status(InvalidContent(Problem("x", "a\ud800b", "k\udfff")), full=False).message == "a?b"


def test_only_what_is_set_is_there() -> None:
    """contract.md 1.5: ``field`` and ``source`` are optional."""
    listed = error_list(errors.NotFound(Problem("not_found", "no")))
    assert entry(listed.errors[0]) == {"code": "not_found", "message": "no"}
    assert listed.retry_after == 0


# -- status details -------------------------------------------------------------------------------------------------------


def details(told: status_pb2.Status) -> dict[str, Any]:
    """The details by the name of their type."""
    return {any_.TypeName().rsplit(".", 1)[1]: any_ for any_ in told.details}


def detail(told: status_pb2.Status, kind: type[Message]) -> Any:
    """The detail of that type."""
    message = kind()
    assert details(told)[kind.DESCRIPTOR.name].Unpack(message)
    return message


def test_the_details_of_a_status() -> None:
    """contract.md 1.17: ErrorInfo with the first code in upper case, one violation per field, the whole list."""
    given = [Problem("invalid_field", "a is wrong", "http.a"), Problem("x", "no field"), Problem("y", "b", "rest.b.0")]
    told = status(InvalidContent(given), full=True)
    info = detail(told, error_details_pb2.ErrorInfo)
    assert (info.domain, info.reason) == ("fairlead", "INVALID_FIELD")
    violations = detail(told, error_details_pb2.BadRequest).field_violations
    assert [(v.field, v.description) for v in violations] == [("http.a", "a is wrong"), ("rest.b.0", "b")]
    assert [entry(error)["code"] for error in detail(told, common_pb2.ErrorList).errors] == ["invalid_field", "x", "y"]
    assert "RetryInfo" not in details(told)


def test_words_that_are_numbers_say_whose_they_are() -> None:
    """contract.md 1.17: ``APPLICATION_422``."""
    told = status(errors.ApplicationFailure(Problem("422", "no", source="application")), full=True)
    assert detail(told, error_details_pb2.ErrorInfo).reason == "APPLICATION_422"


@pytest.mark.parametrize(("kind", "seconds"), [(errors.RateLimited, 3), (errors.ServiceUnavailable, 1)])
def test_who_should_come_back_is_told_when(kind: type[errors.RetryLater], seconds: int) -> None:
    """contract.md 1.4, 1.14, 1.17: RetryInfo, and whole seconds of at least 1 for ``Retry-After``."""
    told = status(kind(Problem("rate_limited", "m"), retry_after=seconds), full=False)
    assert detail(told, error_details_pb2.RetryInfo).retry_delay.seconds == seconds
    assert detail(told, common_pb2.ErrorList).retry_after == seconds
    assert error_list(kind(Problem("c", "m"), retry_after=0)).retry_after == 1


SIZES = [
    problems(1),
    problems(10, "x" * 300),
    problems(10, "ü" * 300),
    problems(300, "y" * 4000, "http.encrypted." + "k" * 50),
    [Problem("unknown_field", "m" * 100_000, "f" * 100_000)],
    problems(3, "z" * 1200, "long." * 400),
    problems(10, "n" * 30, "n" * 3000),
    problems(10, "\U0001f600" * 500, "\U0001f600" * 500),
    [Problem("unknown_field", "\U0001f600" * 9000, "\U0001f600" * 9000)],
]


@pytest.mark.parametrize("given", SIZES)
def test_without_asking_for_more_the_details_stay_small(given: list[Problem]) -> None:
    """contract.md 1.17: at most 4 KiB of details in all, message 256 characters of ASCII; ErrorInfo is always there, and as many
    violations of the first ten and entries of the list as there is room for."""
    told = status(InvalidContent(given), full=False)
    assert sum(len(any_.SerializeToString()) for any_ in told.details) <= DETAIL_BYTES
    assert told.ByteSize() <= DETAIL_BYTES + 300
    assert detail(told, error_details_pb2.ErrorInfo).reason
    assert len(told.message) <= 256
    assert told.message.isascii()
    assert len(detail(told, error_details_pb2.BadRequest).field_violations) >= min(len(given), 1)
    listed = detail(told, common_pb2.ErrorList)
    assert listed.http_status == 422
    kept = [error for error in listed.errors if error.code == given[0].code]
    assert kept
    if len(kept) < len(given):
        assert entry(listed.errors[-1]) == {"code": "too_many_errors", "message": f"and {len(given) - len(kept)} more"}
    whole = status(InvalidContent(given), full=True)
    assert len(detail(whole, common_pb2.ErrorList).errors) >= min(len(given), 10)


def test_the_whole_list_crosses_a_channel_when_it_is_asked_for() -> None:
    """contract.md 1.17: from it a gateway in its own process writes the same envelope."""
    error = InvalidRequest(problems(100, "x" * 400))
    whole = detail(status(error, full=True), common_pb2.ErrorList)
    assert envelope(whole) == envelope(error_list(error))
    assert len(json.loads(envelope(whole))["errors"]) == 100


@pytest.mark.parametrize(
    ("message", "told"), [("plain", "plain"), ("größer", "gr??er"), ("x" * 300, "x" * 256), ("", "")]
)
def test_the_message_of_a_status_is_short_ascii(message: str, told: str) -> None:
    """contract.md 1.17."""
    assert ascii_message(message) == told
