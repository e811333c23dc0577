"""A request to an application and its answer, as values. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

_NOT_SETTABLE: Final = frozenset(("host", "content-length", "transfer-encoding", "connection"))


def can_be_set(name: str) -> bool:
    """Whether a configuration may send a header of that name: a token (RFC 9110 5.6.2) that the transport does not write itself
    (connections.md 13.2)."""
    token = bool(name) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name)
    return token and name.lower() not in _NOT_SETTABLE


class Headers:
    """Header fields in order, names compared without case (RFC 9110 5.1). Later ``set`` replaces all of that name."""

    __slots__ = ("_items",)

    def __init__(
        self, items: Iterator[tuple[str, str]] | list[tuple[str, str]] | tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._items: list[tuple[str, str]] = list(items)

    def get(self, name: str) -> str | None:
        """The first value of that name."""
        wanted = name.lower()
        for key, value in self._items:
            if key.lower() == wanted:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """All values of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self._items if key.lower() == wanted]

    def set(self, name: str, value: str) -> None:
        """Replace every field of that name by one."""
        self.remove(name)
        self._items.append((name, value))

    def add(self, name: str, value: str) -> None:
        """One more field."""
        self._items.append((name, value))

    def remove(self, name: str) -> None:
        """Drop every field of that name."""
        wanted = name.lower()
        self._items = [(key, value) for key, value in self._items if key.lower() != wanted]

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers(list(self._items))

    def items(self) -> list[tuple[str, str]]:
        """The fields as sent."""
        return list(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self._items]})"


@dataclass(slots=True)
class HttpRequest:
    """One request, complete: absolute URL, headers, body. ``repr`` shows neither query, header values nor body."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes | None = None
    secret_headers: frozenset[str] = frozenset()
    """Lower-case names of headers that carry credentials: dropped when a redirect leaves the origin (connections.md 13.4)."""

    secret_body: bool = False
    """The body carries credentials: a redirect that keeps it is not followed to another origin."""
    secret_query: tuple[str, str] | None = None
    """A parameter that carries a credential: added again where a redirect stays at the origin, never elsewhere."""

    def copy(self) -> HttpRequest:
        """An independent copy, for a strategy to sign."""
        # Not dataclasses.replace: it takes four times as long, and every request is signed.
        return HttpRequest(
            self.method,
            self.url,
            self.headers.copy(),
            self.body,
            self.secret_headers,
            self.secret_body,
            self.secret_query,
        )

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url.split('?', 1)[0]})"


@dataclass(slots=True)
class HttpResponse:
    """One answer, complete and bounded: the body is decompressed and at most as long as the limits allow."""

    status: int
    headers: Headers
    body: bytes
    reason: str = ""
    url: str = ""
    elapsed: timedelta = timedelta()

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


class TransportFailure(Exception):
    """No usable answer. ``code`` is one of connection_error, connection_timeout, tls_error, egress_denied, response_too_large
    (contract.md 1.16); ``sent`` is false when not one byte of the request left; ``repeatable`` is true for a time-out, a reset and
    a connection that was never established, after which a request may go once more (connections.md 13.5)."""

    def __init__(self, code: str, message: str, *, sent: bool = True, repeatable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.sent = sent
        self.repeatable = repeatable
        self.head: HttpResponse | None = None
        """Status and header of the answer whose body could not be read, if it was that."""
