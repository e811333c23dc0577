"""The answer to a request that nobody has parsed: what an overloaded process can still afford for each of thousands a second."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import Final

from fairlead.gateway.errors import Refused, error_answer
from fairlead.v1 import common_pb2

OVERLOADED: Final = "this process has all the work it can hold; try again"
STOPPING: Final = "this process is stopping; try again, another one will answer"
CUT_OFF: Final = "this process stopped before the call was over; what it had sent may have been carried out"

_LONGEST: Final = 64 * 1024
_PLAIN: Final = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE) /v1/[!-~]* HTTP/1\.1\r\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*(?=\r\n)")
_ID: Final = re.compile(rb"\r\nx-request-id:[ \t]*([\x20-\x7e]{1,128}?)[ \t]*(?=\r\n)", re.IGNORECASE)
_UNUSUAL: Final = (
    b"\r\ntransfer-encoding:",
    b"\r\nexpect:",
    b"\r\nupgrade:",
    b"\r\nconnection: close",
    b"\r\n ",
    b"\r\n\t",
)


def unavailable(seconds: int, *, stopping: bool) -> common_pb2.ErrorList:
    """503 with the time after which to try again."""
    refused = Refused.because(503, "service_unavailable", STOPPING if stopping else OVERLOADED)
    listed = refused.error_list()
    listed.retry_after = seconds
    return listed


def cut_off() -> common_pb2.ErrorList:
    """503 for a request that the end of the process cut off."""
    return Refused.because(503, "service_unavailable", CUT_OFF).error_list()


def is_whole(data: bytes) -> bool:
    """Whether ``data`` is one request to the API from its first byte to its last, of the plain kind that leaves no doubt where it ends."""
    if len(data) > _LONGEST or not _PLAIN.match(data):
        return False
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = data[: end + 2].lower()
    if any(word in head for word in _UNUSUAL):
        return False
    named = head.count(b"\r\ncontent-length")
    lengths = _LENGTH.findall(head)
    if named != len(lengths) or named > 1:
        return False
    return len(data) == end + 4 + (int(lengths[0]) if lengths else 0)


def early_answer(data: bytes, seconds: int) -> bytes:
    """The bytes of a 503 to such a request; the connection stays."""
    given = _ID.search(data, 0, data.find(b"\r\n\r\n") + 2)
    before, after = _around_id(seconds)
    return before + (given[1] if given else secrets.token_hex(16).encode()) + after


@lru_cache(maxsize=64)
def _around_id(seconds: int) -> tuple[bytes, bytes]:
    """The answer before and after its request id."""
    answer = error_answer(unavailable(seconds, stopping=False))
    body = answer.body or b""
    fields = [*answer.headers, ("Server", "fairlead"), ("Content-Length", str(len(body)))]
    lines = ["HTTP/1.1 503 Service Unavailable", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "X-Request-Id: "]).encode(), b"\r\n\r\n" + body
