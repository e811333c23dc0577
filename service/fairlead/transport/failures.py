"""From what the client library raises to the words of contract.md 1.16."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
)
from aiohttp.http_exceptions import LineTooLong

from fairlead.domain.http import TransportFailure
from fairlead.transport.guards import Interrupted
from fairlead.transport.inflate import BrokenEncoding


def failure(error: BaseException, host: str, *, sent: bool) -> TransportFailure:
    """The failure in our words. The message names the host and never the URL: a query may hold credentials."""
    if isinstance(error, TransportFailure):
        return error
    code, message = _words(error, host)
    return TransportFailure(code, message, sent=sent, repeatable=_is_repeatable(error))


def _is_repeatable(error: BaseException) -> bool:
    """A time-out, a reset, or no connection at all (connections.md 13.5). A handshake that failed would fail again."""
    return isinstance(error, TimeoutError | Interrupted | ClientOSError) and not isinstance(error, ClientSSLError)


def _words(error: BaseException, host: str) -> tuple[str, str]:
    if isinstance(error, ConnectionTimeoutError):
        return "connection_timeout", f"no connection to {host} in time"
    if isinstance(error, TimeoutError):
        return "connection_timeout", f"{host} sent nothing for too long"
    if isinstance(error, ClientConnectorDNSError):
        return "connection_error", f"{host} has no address"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError | ssl.CertificateError):
            reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "handshake failed"
            return "tls_error", f"TLS with {host}: {reason}"
        if isinstance(cause, LineTooLong) or "Too many headers" in str(cause):
            return "response_too_large", f"the answer of {host} has too many or too long header fields"
    if isinstance(error, ClientConnectorError):
        return "connection_error", f"cannot connect to {host}: {error.os_error.strerror or 'no reason given'}"
    if isinstance(error, BrokenEncoding):
        return "connection_error", f"{host}: {error}"
    if isinstance(error, ClientPayloadError):
        return "connection_error", f"the answer of {host} ends before its announced end"
    if isinstance(error, ClientResponseError):
        return "connection_error", f"the answer of {host} is not HTTP/1.1"
    if isinstance(error, ValueError):
        return "connection_error", f"the request to {host} holds characters that HTTP cannot carry"
    return "connection_error", f"the connection to {host} broke"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it holds and what it came from."""
    while error is not None:
        yield error
        inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
        if isinstance(inner, BaseException):
            yield inner
        error = error.__cause__
