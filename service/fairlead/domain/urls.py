"""URLs of applications: joining, encoding, origins, query parameters (connections.md 13.1). Pure text work, no look-up."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urljoin

_ABSOLUTE: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)")
# without blank, quotes, angle brackets, backslash, caret, braces, fragment, control and non-ASCII characters
_CLEAN: Final = re.compile(r"(?:[!$&-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2})*")
_DIRTY: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!$-;=?-\[\]_a-z~]+")
_AUTHORITY: Final = re.compile(
    r"(?:(?P<user>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.%A-Za-z]*\]|[^\[\]:@]+)(?::(?P<port>[0-9]*))?"
)
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._~-]+")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class UrlError(ValueError):
    """A text is no usable URL, or leads where it must not. The message names no query: it may hold credentials."""


class Origin(NamedTuple):
    """Scheme, host and port, the host in lower case without brackets (RFC 6454 4)."""

    scheme: str
    host: str
    port: int


class _Parts(NamedTuple):
    """Pieces that put together again give the URL: ``head`` is scheme and authority, ``query`` is without its question mark."""

    head: str
    path: str
    query: str | None

    def text(self) -> str:
        return self.head + self.path + ("" if self.query is None else f"?{self.query}")


def join(base: str, relative: str) -> str:
    """The absolute URL of ``relative`` below ``base``: exactly one slash between them, dot segments removed, queries put
    together, fragment dropped, what a URL cannot hold percent-encoded. An absolute ``relative`` is taken as it is when it has
    the origin of ``base``. Raises ``UrlError`` (connections.md 13.1)."""
    base = encode(base)
    origin_of_base = origin(base)
    if _ABSOLUTE.match(relative):
        absolute = encode(relative)
        if origin(absolute) != origin_of_base:
            raise UrlError(
                f"{_shown(relative)} is not at {_shown(base)}: an absolute URI must have the origin of the base URI"
            )
        return _without_dots(absolute)
    head, base_path, base_query = _split(base)
    _, path, query = _split(_encoded(relative))
    path = f"{base_path.rstrip('/')}/{path.lstrip('/')}" if path else base_path
    queries = [part for part in (base_query, query) if part]
    return _without_dots(_Parts(head, path, "&".join(queries) if queries else None).text())


def resolve(current: str, reference: str) -> str:
    """The URL that ``reference`` (a ``Location`` or next link) means on the page ``current`` (RFC 3986 5.2), encoded, without
    fragment. Raises ``UrlError`` when that is no URL."""
    reference = reference.strip()
    if reference.startswith("//"):
        reference = f"{current.partition(':')[0]}:{reference}"
    if _ABSOLUTE.match(reference):
        return _without_dots(encode(reference))
    try:
        return encode(urljoin(current, _encoded(reference)))
    except ValueError:
        raise UrlError(f"{_shown(reference)} is not a URL") from None


def encode(url: str) -> str:
    """``url`` with blanks, quotes, control and non-ASCII characters percent-encoded, the host in ASCII (IDNA), no fragment.
    ``%xx`` stays. Raises ``UrlError`` when it is not absolute."""
    if _CLEAN.fullmatch(url) and _ABSOLUTE.match(url):
        return url
    url = url.strip()
    match = _ABSOLUTE.match(url)
    if match is None:
        raise UrlError(f"{_shown(url)} is not an absolute URL such as https://api.example.test/v1")
    authority = match["authority"]
    if not authority.isascii():
        user, at, host = authority.rpartition("@")
        name, colon, port = host.partition(":")
        try:
            authority = f"{_encoded(user)}{at}{name.encode('idna').decode()}{colon}{port}"
        except UnicodeError:
            raise UrlError(f"{_shown(url)} has no usable host name") from None
    return f"{match['scheme']}://{authority}{_encoded(url[match.end() :])}"


def origin(url: str) -> Origin:
    """Scheme, host and port of an absolute URL. Raises ``UrlError``."""
    match = _ABSOLUTE.match(url)
    if match is None:
        raise UrlError(f"{_shown(url)} is not an http or https URL with a host")
    return _origin(match.group())


@lru_cache(maxsize=1024)
def _origin(head: str) -> Origin:
    scheme, _, authority = head.partition("://")
    scheme = scheme.lower()
    match = _AUTHORITY.fullmatch(authority)
    if match is None or scheme not in _DEFAULT_PORTS:
        raise UrlError(f"{_shown(head)} is not an http or https URL with a host")
    host = match["host"].lower()
    if not host.startswith("[") and not _HOST_NAME.fullmatch(host):
        raise UrlError(f"{_shown(head)} has no usable host name")
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise UrlError(f"{_shown(head)} has no usable port")
    return Origin(scheme, host.strip("[]"), port)


def same_origin(one: str, other: str) -> bool:
    """Whether both URLs have one scheme, host and port. Raises ``UrlError``."""
    return origin(one) == origin(other)


def has_user(url: str) -> bool:
    """Whether the URL holds a user name or password before its host."""
    match = _ABSOLUTE.match(url)
    return match is not None and "@" in match["authority"]


def set_query(url: str, name: str, value: str) -> str:
    """Give the query parameter ``name`` the value, in the place of all of that name; the others stay as written."""
    parts = _split(url)
    pair = f"{quote(name, safe='')}={quote(value, safe='')}"
    fields: list[str] = []
    placed = False
    for field in (parts.query or "").split("&"):
        if _name(field) == name:
            if not placed:
                fields.append(pair)
                placed = True
        elif field:
            fields.append(field)
    if not placed:
        fields.append(pair)
    return _Parts(parts.head, parts.path, "&".join(fields)).text()


def append_query(url: str, name: str, value: str) -> str:
    """Add the query parameter at the end, unless one of that name is there: then the URL stays as it is."""
    query = _split(url).query or ""
    if any(_name(field) == name for field in query.split("&") if field):
        return url
    return set_query(url, name, value)


def path_and_query(url: str) -> tuple[str, str]:
    """The path and the query as written, each ``""`` when there is none."""
    _, path, query = _split(url)
    return path, query or ""


def query_pairs(url: str) -> list[tuple[str, str]]:
    """The query's parameters, decoded, in order."""
    return form_pairs(_split(url).query or "")


def form_pairs(text: str) -> list[tuple[str, str]]:
    """The fields of an ``application/x-www-form-urlencoded`` text, decoded, in order, empty values kept."""
    return parse_qsl(text, keep_blank_values=True)


def append_form(text: str, name: str, value: str) -> str:
    """Add a field to an urlencoded form, unless one of that name is there."""
    if any(_name(field) == name for field in text.split("&") if field):
        return text
    pair = urlencode({name: value})
    return f"{text}&{pair}" if text else pair


def _name(field: str) -> str:
    return unquote_plus(field.partition("=")[0])


def _split(url: str) -> _Parts:
    url = url.partition("#")[0]
    match = _ABSOLUTE.match(url)
    end_of_head = match.end() if match else 0
    path, mark, query = url[end_of_head:].partition("?")
    return _Parts(url[:end_of_head], path, query if mark else None)


def _encoded(text: str) -> str:
    text = text.partition("#")[0].strip()
    return _DIRTY.sub(lambda match: quote(match.group(), safe="", errors="replace"), text)


def _without_dots(url: str) -> str:
    """RFC 3986 5.2.4."""
    parts = _split(url)
    if "/." not in parts.path:
        return url
    kept: list[str] = []
    segments = parts.path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
        if last and segment in (".", ".."):
            kept.append("")
    return _Parts(parts.head, "/" + "/".join(kept), parts.query).text()


def _shown(url: str) -> str:
    """What of a URL may stand in a message: neither user, password nor query."""
    head, _, rest = url.partition("://")
    shown = re.split(r"[?#]", rest or head, maxsplit=1)[0].rpartition("@")[2]
    return repr(f"{head}://{shown}" if rest else shown)
