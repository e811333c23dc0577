"""From what the client library raises to the words of contract.md 1.16."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeGuard

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


@dataclass(frozen=True, slots=True)
class Settings:
    """What messages about TLS need to know: our certificate in words, and whether the host is the one of the connection's settings."""

    certificate: str | None = None
    own: bool = True


def failure(error: BaseException, host: str, *, sent: bool, tls: Settings | None = None) -> TransportFailure:
    """The failure in our words. The message names the host and never the URL: a query may hold credentials."""
    if isinstance(error, TransportFailure):
        return error
    code, message = _words(error, host, tls or Settings())
    repeatable = code != "tls_error" and _is_repeatable(error)
    return TransportFailure(code, message, sent=sent, repeatable=repeatable)


def _is_repeatable(error: BaseException) -> bool:
    """A time-out, a reset, or no connection at all (connections.md 13.5). A handshake that failed would fail again."""
    return isinstance(error, TimeoutError | Interrupted | ClientOSError) and not isinstance(error, ClientSSLError)


def _words(error: BaseException, host: str, tls: Settings) -> tuple[str, str]:
    if isinstance(error, ConnectionTimeoutError):
        return "connection_timeout", f"no connection to {host} in time"
    if isinstance(error, TimeoutError):
        return "connection_timeout", f"{host} sent nothing for too long"
    if isinstance(error, ClientConnectorDNSError):
        return "connection_error", f"{host} has no address"
    for cause in _causes(error):
        if _tells(cause, error):
            return "tls_error", _handshake(cause, host, tls)
        if isinstance(cause, ConnectionError) and cause.errno is None and not isinstance(error, Interrupted):
            asked = (
                f"accept the client certificate {tls.certificate}" if tls.certificate else "want a client certificate"
            )
            return "connection_error", f"{host} hung up during the TLS handshake; does it {asked}?"
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


_UNTRUSTED: Final = frozenset((18, 19, 20, 21))
"""Of X509_V_ERR: self-signed, by itself or up the chain; issuer unknown."""
_EXPIRED: Final = 10
_NOT_YET: Final = 9
_OTHER_NAME: Final = frozenset((62, 64))

_REFUSALS: Final = {
    "CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "UNKNOWN_CA": "it does not know the authority that issued it",
    "CERTIFICATE_EXPIRED": "it takes it for expired",
    "CERTIFICATE_REVOKED": "it was revoked",
    "UNSUPPORTED_CERTIFICATE": "it does not accept this kind",
    "BAD_CERTIFICATE": "it is not valid there",
    "CERTIFICATE_UNKNOWN": "it did not accept it",
    "ACCESS_DENIED": "it may not enter",
    "DECRYPT_ERROR": "its signature did not fit",
}
"""Alerts about our certificate (RFC 8446 6.2), by the end of OpenSSL's names."""


def is_about_tls(error: BaseException) -> bool:
    """Whether a failed handshake, or an alert after it, is behind ``error``."""
    return any(_tells(cause, error) for cause in _causes(error))


def _tells(cause: BaseException, error: BaseException) -> TypeGuard[ssl.SSLError]:
    """The library's own wrappers are looked into; an end without farewell is a broken connection."""
    if not isinstance(cause, ssl.SSLError) or isinstance(cause, ClientSSLError):
        return False
    return not (isinstance(cause, ssl.SSLEOFError) and isinstance(error, Interrupted))


def _handshake(error: ssl.SSLError, host: str, tls: Settings) -> str:
    """What went wrong between us and a server, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error, host, tls)
    reason = error.reason or ""
    if "ALERT" in reason:
        for name, why in _REFUSALS.items():
            if reason.endswith(name):
                return _refusal(name, why, host, tls)
        if reason.endswith("HANDSHAKE_FAILURE") and tls.certificate is None:
            return f"{host} refused the TLS handshake: it may ask for a client certificate (clientCertificates)"
        if reason.endswith("PROTOCOL_VERSION"):
            return f"{host} speaks neither TLS 1.2 nor TLS 1.3"
    if reason == "UNSUPPORTED_PROTOCOL":
        return f"{host} speaks neither TLS 1.2 nor TLS 1.3"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return f"{host} does not speak TLS at this port; is it http instead of https?"
    return f"TLS with {host}: {reason.replace('_', ' ').lower() or 'the handshake broke off'}"


def _distrust(error: ssl.SSLCertVerificationError, host: str, tls: Settings) -> str:
    unchecked = "disableStrictSSL turns the check off" if tls.own else "TLS settings count for the host of baseURI only"
    if error.verify_code in _UNTRUSTED:
        named = "give it in clientCertificates.ca; " if tls.own else ""
        return f"the certificate of {host} is issued by an authority that is not trusted: {named}{unchecked}"
    if error.verify_code == _EXPIRED:
        return f"the certificate of {host} has expired: its operator must renew it; {unchecked}"
    if error.verify_code == _NOT_YET:
        return f"the certificate of {host} is not valid yet: are the clocks right? {unchecked}"
    if error.verify_code in _OTHER_NAME:
        return f"the certificate of {host} is for another host name: correct the URL; {unchecked}"
    return f"the certificate of {host} is not accepted, {error.verify_message}: {unchecked}"


def _refusal(name: str, why: str, host: str, tls: Settings) -> str:
    if tls.certificate is not None:
        if name == "CERTIFICATE_REQUIRED":
            why = "it was not sent, for the server names other authorities"
        return f"{host} refused the client certificate {tls.certificate}: {why}"
    if not tls.own:
        return f"{host} wants a client certificate: the connection's is sent to the host of baseURI only"
    return f"{host} wants a client certificate: set clientCertificates"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it holds and what it came from."""
    while error is not None:
        yield error
        inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
        if isinstance(inner, BaseException):
            yield inner
        error = error.__cause__
