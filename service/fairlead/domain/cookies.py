"""Cookies of one connection, as values, and what RFC 6265 does with them: which to keep, which to send. No state, no clock.

A jar is a tuple in the order in which its cookies were first set. Of public suffixes only those of one label are known (``com``): a
connection talks to the few hosts that its user named, so that ``co.uk`` needs no list here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fairlead.domain import urls
from fairlead.domain.dates import parse_iso
from fairlead.domain.set_cookie import SetCookie, parse_set_cookie

MAX_OF_DOMAIN: Final = 50
MAX_IN_JAR: Final = 180
"""The oldest cookies go when there are more (RFC 6265 5.3, 6.1)."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie as an application set it. ``repr`` shows its name only."""

    name: str
    value: str
    domain: str
    path: str = "/"
    host_only: bool = True
    secure: bool = False
    expires: datetime | None = None
    """Not set: it lives as long as the session."""

    def alive(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or self.expires > now

    def __repr__(self) -> str:
        return f"Cookie({self.name})"


def updated(cookies: tuple[Cookie, ...], set_cookie: Sequence[str], url: str, now: datetime) -> tuple[Cookie, ...]:
    """The jar after an answer of ``url`` with these ``Set-Cookie`` fields. A cookie of the same name, domain and path is replaced in its
    place, one that is expired goes, one that ``url`` must not set is ignored (RFC 6265 5.3). ``url`` is absolute."""
    if not set_cookie:
        return cookies
    jar = {_identity(cookie): cookie for cookie in cookies if cookie.alive(now)}
    for line in set_cookie:
        asked = parse_set_cookie(line, now)
        cookie = _accepted(asked, url) if asked is not None else None
        if cookie is None:
            continue
        if cookie.alive(now):
            jar[_identity(cookie)] = cookie
        else:
            jar.pop(_identity(cookie), None)
    return _bounded(tuple(jar.values()))


def header_for(cookies: Iterable[Cookie], url: str, now: datetime) -> str | None:
    """The ``Cookie`` header of a request to ``url``, the longest paths first; nothing when no cookie belongs there (RFC 6265 5.4).
    A ``Secure`` cookie goes over https only, to loopback addresses too."""
    origin = urls.origin(url)
    path = _request_path(url)
    matching = [
        cookie
        for cookie in cookies
        if cookie.alive(now) and _belongs(cookie, origin) and path_matches(path, cookie.path)
    ]
    matching.sort(key=lambda cookie: -len(cookie.path))
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in matching) or None


def any_for_origin(cookies: Iterable[Cookie], url: str) -> bool:
    """Whether one of them would be sent to the origin of ``url`` at some path."""
    origin = urls.origin(url)
    return any(_belongs(cookie, origin) for cookie in cookies)


def domain_matches(host: str, domain: str) -> bool:
    """Whether ``host`` is ``domain`` or a name below it; an IP address has nothing below it (RFC 6265 5.1.3). Both in lower case."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def path_matches(path: str, cookie_path: str) -> bool:
    """Whether ``path`` is ``cookie_path`` or lies below it (RFC 6265 5.1.4)."""
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def default_path(path: str) -> str:
    """The path of a cookie that names none: that of its URL up to the last slash (RFC 6265 5.1.4)."""
    return path[: path.rfind("/")] if path.startswith("/") and path.count("/") > 1 else "/"


def is_address(host: str) -> bool:
    """Whether a host is an IP address, v6 without brackets. A last label of digits is never a name (URL standard 3.5)."""
    return ":" in host or host.rpartition(".")[2].isdecimal()


def to_json(cookies: Iterable[Cookie]) -> list[dict[str, Any]]:
    """The jar for the store."""
    return [
        {
            "name": cookie.name,
            "value": cookie.value,
            "domain": cookie.domain,
            "path": cookie.path,
            "hostOnly": cookie.host_only,
            "secure": cookie.secure,
            "expires": cookie.expires.isoformat() if cookie.expires is not None else None,
        }
        for cookie in cookies
    ]


def from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[Cookie, ...]:
    """The jar that ``to_json`` wrote, equal in every member."""
    return tuple(
        Cookie(
            entry["name"],
            entry["value"],
            entry["domain"],
            entry["path"],
            entry["hostOnly"],
            entry["secure"],
            parse_iso(entry["expires"]) if entry["expires"] is not None else None,
        )
        for entry in stored
    )


def _accepted(asked: SetCookie, url: str) -> Cookie | None:
    """The cookie that ``url`` may set; nothing when it names a foreign domain or all of a top-level domain, or breaks the promise of its
    prefix (RFC 6265 5.3; prefixes: RFC 6265bis 4.1.3, without case)."""
    scheme, host, _ = urls.origin(url)
    domain = _in_ascii(asked.domain)
    if domain is None or (domain and not domain_matches(host, domain)):
        return None
    if domain != host and domain and "." not in domain.strip("."):
        return None
    # One label, or an address, has nothing below it that could share the cookie.
    host_only = not domain or "." not in domain or is_address(host)
    prefix = asked.name[:9].lower()
    locked = asked.secure and scheme == "https"
    if prefix == "__secure-" and not locked:
        return None
    if prefix.startswith("__host-") and not (locked and host_only and asked.path == "/"):
        return None
    path = asked.path or default_path(_request_path(url))
    return Cookie(asked.name, asked.value, domain or host, path, host_only, asked.secure, asked.expires)


def _in_ascii(domain: str) -> str | None:
    """The domain as host names are compared; nothing when it cannot be a name. Brackets of an address are dropped."""
    if domain.isascii():
        return domain.strip("[]")
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def _belongs(cookie: Cookie, origin: urls.Origin) -> bool:
    if cookie.secure and origin.scheme != "https":
        return False
    return origin.host == cookie.domain if cookie.host_only else domain_matches(origin.host, cookie.domain)


def _request_path(url: str) -> str:
    return urls.path_and_query(url)[0] or "/"


def _identity(cookie: Cookie) -> tuple[str, str, str]:
    return cookie.name, cookie.domain, cookie.path


def _bounded(jar: tuple[Cookie, ...]) -> tuple[Cookie, ...]:
    """Without the oldest of a domain that has too many, then without the oldest of all."""
    left = Counter(cookie.domain for cookie in jar)
    if len(jar) > MAX_OF_DOMAIN:
        kept = []
        for cookie in jar:
            if left[cookie.domain] > MAX_OF_DOMAIN:
                left[cookie.domain] -= 1
            else:
                kept.append(cookie)
        jar = tuple(kept)
    return jar[-MAX_IN_JAR:]
