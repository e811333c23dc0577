"""What the gateway refuses by itself, and how every error is written on the REST edge (contract.md 1.2, 1.4, 1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from fairlead.contract.problems import ContractError, ContractProblem
from fairlead.gateway.answer import JSON, Answer
from fairlead.v1 import common_pb2

ENTRIES: Final = 100
ENVELOPE_BYTES: Final = 48 * 1024
_LAST_ENTRY: Final = 80
"""Bytes kept free for the entry that counts the rest."""

_encode: Final = msgspec.json.Encoder().encode


class Refused(Exception):
    """The gateway's own refusal; told only to a caller whom ``Admit`` lets in (D20).

    ``headers`` go with the answer; ``dropped`` counts problems beyond those listed.
    """

    def __init__(
        self,
        status: int,
        problems: Sequence[ContractProblem],
        *,
        headers: Sequence[tuple[str, str]] = (),
        dropped: int = 0,
    ) -> None:
        super().__init__(f"{status} {problems[0].code}")
        self.status = status
        self.problems = tuple(problems)
        self.headers = tuple(headers)
        self.dropped = dropped

    @classmethod
    def because(cls, status: int, code: str, message: str, *headers: tuple[str, str]) -> Refused:
        """One problem that no field stands for."""
        return cls(status, (ContractProblem(code, message),), headers=headers)

    @classmethod
    def by_contract(cls, error: ContractError) -> Refused:
        """What the reader of the contract found."""
        return cls(error.status, error.problems, dropped=error.dropped)

    def answer(self) -> Answer:
        """The envelope."""
        return error_answer(self.error_list(), self.headers)

    def error_list(self) -> common_pb2.ErrorList:
        """What the envelope holds: at most 100 entries and 48 KiB; a last entry counts what does not fit."""
        listed = common_pb2.ErrorList(http_status=self.status)
        room = ENVELOPE_BYTES - _LAST_ENTRY
        total = len(self.problems) + self.dropped
        for index, problem in enumerate(self.problems):
            entry = common_pb2.Error(code=problem.code, message=problem.message, field=problem.field)
            room -= len(_encode(_entry(entry))) + 1
            if room < 0 or (index == ENTRIES - 1 and total > ENTRIES):
                listed.errors.add(code="too_many_errors", message=f"and {total - index} more")
                break
            listed.errors.append(entry)
        return listed


def error_answer(listed: common_pb2.ErrorList, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """The REST answer of an error list: the envelope, or the plain message of a 401."""
    status = listed.http_status or 500
    fields = [JSON, *headers, *error_headers(listed)]
    if status == 401:
        return Answer(status, _encode({"message": listed.errors[0].message}), fields)
    return Answer(status, _encode({"errors": [_entry(error) for error in listed.errors]}), fields)


def error_headers(listed: common_pb2.ErrorList) -> list[tuple[str, str]]:
    """The header fields that belong to a status (contract.md 1.2, 1.14)."""
    if listed.http_status == 401:
        return [("WWW-Authenticate", "Bearer")]
    if listed.http_status in (429, 503):
        return [("Retry-After", str(max(1, listed.retry_after)))]
    return []


def internal_error(request_id: str) -> common_pb2.ErrorList:
    """500: a bug; only the request id is told."""
    listed = common_pb2.ErrorList(http_status=500)
    listed.errors.add(code="internal_error", message=f"internal error, request id {request_id}")
    return listed


def _entry(error: common_pb2.Error) -> dict[str, str]:
    entry = {"code": error.code, "message": error.message}
    if error.HasField("field"):
        entry["field"] = error.field
    if error.HasField("source"):
        entry["source"] = error.source
    return entry
