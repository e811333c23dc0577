"""``cookie`` (connections.md 3.4, RFC 6265): a login whose cookies open every other request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from fairlead.auth.token_request import address, usual_headers
from fairlead.codecs.media_types import MEDIA_TYPES, accept
from fairlead.domain import cookies
from fairlead.domain.errors import feature_not_supported
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import (
    Answer,
    AuthFlow,
    AuthSession,
    Json,
    RenewalFailed,
    RenewalFlow,
    RenewalRefused,
    RenewalRequest,
    Verdict,
)

_WITHOUT_RESULT: Final = frozenset((408, 429))


class CookieLogin:
    """A login request, and the cookies that it and later answers set."""

    name = "cookie"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """Nothing is computed from what the user wrote; cookies are learned at work."""
        return ()

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with the cookies that belong to its URL; those that its answer sets are kept. Cookies that the user configured
        stay, unless the application set one of that name."""
        signed = request.copy()
        own = cookies.header_for(session.credentials.cookies, request.url, session.clock.now())
        if own is not None:
            signed.headers.set("Cookie", "; ".join((*_others(request, own), own)))
            signed.secret_headers |= {"cookie"}
        generation = session.generation
        answer = yield signed
        # An answer to a request of an earlier login must not write into the jar of a later one.
        stale = answer.verdict is Verdict.AUTHENTICATION_FAILED or session.generation != generation
        if "Set-Cookie" in answer.response.headers and not stale:
            jar = _after(session.credentials.cookies, answer, signed, session)
            session.keep(replace(session.credentials, cookies=jar))

    def is_due(self, session: AuthSession) -> bool:
        """Before the first login, and when every cookie has expired."""
        now = session.clock.now()
        return not any(cookie.alive(now) for cookie in session.credentials.cookies)

    def renewal(self, session: AuthSession) -> RenewalFlow:
        """Log in with an empty jar. Raises ``NotSupported`` for a body that this build does not write."""
        if session.http.get("mediaType") == "form-data" and _body(session.http):
            raise feature_not_supported("http.auth.cookie.body", "a login body of media type form-data")
        return self._login(session)

    def _login(self, session: AuthSession) -> RenewalFlow:
        request = self._request(session)
        answer = yield RenewalRequest(request, follow=False)
        _judge(answer, _settings(session.http).get("successStatusCode"))
        jar = _after((), answer, request, session)
        if not cookies.any_for_origin(jar, address(session, "", "http.baseURI")):
            status = answer.response.status
            useless = " that may be sent to the base URI (of another domain, or Secure without https)" if jar else ""
            raise RenewalRefused(f"the login answered {status} and set no cookie{useless}", status=status)
        return replace(session.credentials, cookies=jar)

    @staticmethod
    def _request(session: AuthSession) -> HttpRequest:
        http = session.http
        settings = _settings(http)
        media_type = http.get("mediaType") or "json"
        url = address(session, settings.get("uri") or "", "http.auth.cookie.uri")
        headers = usual_headers(accept(http.get("successMediaType") or media_type))
        request = HttpRequest(settings.get("method") or "POST", url, headers)
        if template := _body(http):
            written = MEDIA_TYPES[media_type]
            headers.set("Content-Type", written.content_type)
            request.body = session.render(template, written.place).encode("utf-8", "surrogatepass")
            request.secret_body = True
        return request


def _settings(http: Mapping[str, Json]) -> Mapping[str, Json]:
    return (http.get("auth") or {}).get("cookie") or {}


def _body(http: Mapping[str, Json]) -> str | None:
    """The template of the body, when the login has one."""
    settings = _settings(http)
    return None if settings.get("method") == "GET" else settings.get("body")


def _judge(answer: Answer, expected: int | None) -> None:
    """Raise unless the login is good so far (connections.md 3.4): ``RenewalFailed`` when its answer says nothing about the credentials."""
    status = answer.response.status
    # Below 300 only the connection's own rules can have found this, in the body. A redirect may lead on from a good login as well.
    if answer.verdict is Verdict.AUTHENTICATION_FAILED and status < 300:
        raise RenewalRefused(answer.message or f"the login was refused with status {status}", status=status)
    if status == expected or (expected is None and 200 <= status <= 399):
        return
    if status >= 500 or status in _WITHOUT_RESULT:
        raise RenewalFailed(str(status), answer.message or f"the login answered {status}")
    if status >= 400:
        raise RenewalRefused(answer.message or f"the login answered {status}", status=status)
    wanted = "200 to 399" if expected is None else str(expected)
    raise RenewalRefused(f"the login answered {status}, a good login answers {wanted}", status=status)


def _after(
    jar: tuple[cookies.Cookie, ...], answer: Answer, request: HttpRequest, session: AuthSession
) -> tuple[cookies.Cookie, ...]:
    """The jar after this answer to ``request``."""
    return cookies.updated(jar, answer.response.headers.get_all("Set-Cookie"), request.url, session.clock.now())


def _others(request: HttpRequest, own: str) -> list[str]:
    """The cookies of the request's own ``Cookie`` header whose names are not among ``own``."""
    names = {_name(pair) for pair in own.split(";")}
    pairs = [pair.strip() for value in request.headers.get_all("Cookie") for pair in value.split(";")]
    return [pair for pair in pairs if pair and _name(pair) not in names]


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip()
