"""Which redirects are followed, and what they may carry (connections.md 13.4)."""

from __future__ import annotations

from typing import Final

from fairlead.domain import urls
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.domain.redaction import Redactor

MAX_REDIRECTS: Final = 5

_FOLLOWED: Final = frozenset((301, 302, 303, 307, 308))
_METHOD_KEPT: Final = frozenset((307, 308))
_CREDENTIALS: Final = frozenset(("authorization", "cookie", "proxy-authorization"))


_NO_SECRETS: Final = Redactor()


def next_request(
    request: HttpRequest, response: HttpResponse, *, skip_authorization: bool, redactor: Redactor = _NO_SECRETS
) -> HttpRequest | None:
    """The request that the redirect ``response`` asks for, or nothing when ``response`` is the answer. At another origin it
    carries no credentials, those that are marked and those that ``redactor`` finds by value, and they do not come back when a later
    redirect returns; one whose body holds them is not sent there at all. At the same origin a token of the query is added again."""
    followed = _FOLLOWED if request.method in ("GET", "HEAD") else _METHOD_KEPT
    location = response.headers.get("Location") if response.status in followed else None
    if not location:
        return None
    try:
        target = urls.resolve(request.url, location)
    except urls.UrlError:
        return None
    at_home = stays(request.url, target)
    if (
        not at_home
        and request.body
        and (request.secret_body or _shows(redactor, request.body.decode("utf-8", "replace")))
    ):
        return None
    following = request.copy()
    following.url = target
    dropped: frozenset[str] = frozenset()
    if not at_home:
        shown = (name.lower() for name, value in request.headers.items() if _shows(redactor, value))
        dropped = _CREDENTIALS | request.secret_headers | frozenset(shown)
    else:
        if request.secret_query is not None:
            following.url = urls.append_query(target, *request.secret_query)
        if skip_authorization:
            dropped = frozenset(("authorization",))
    for name in dropped:
        following.headers.remove(name)
    return following


def _shows(redactor: Redactor, text: str) -> bool:
    return redactor(text) != text


def stays(url: str, target: str) -> bool:
    """Whether the target is at the origin; one that has none (``ftp://``) is refused when it is sent."""
    try:
        return urls.same_origin(url, target)
    except urls.UrlError:
        return False
