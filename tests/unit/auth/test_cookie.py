"""``cookie``: the login, the jar, and what makes a login good (connections.md 3.4); the generators are driven by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.auth.cookie import CookieLogin
from fairlead.auth.registry import strategy_for
from fairlead.domain.cookies import Cookie
from fairlead.domain.errors import NotSupported
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.domain.product import USER_AGENT
from fairlead.engine.ports import (
    Answer,
    AuthSession,
    Credentials,
    RenewalFailed,
    RenewalRefused,
    RenewalRequest,
    TemplateError,
    Verdict,
)
from tests.unit.auth.sessions import renew, session
from tests.unit.clock import START, ManualClock

BASE = "https://erp.example.test"
ORDERS = f"{BASE}/v1/orders"
COOKIE = CookieLogin()
SID = Cookie("SID", "31d4d96e", "erp.example.test")


def _http(media_type: str = "json", **settings: Any) -> dict[str, Any]:
    return {
        "baseURI": BASE,
        "mediaType": media_type,
        "encrypted": {"user": "svc", "password": 's3&c"r3t'},
        "auth": {"type": "cookie", "cookie": {"uri": "/login", **settings}},
    }


def _answer(
    *set_cookie: str, status: int = 200, body: bytes = b"", verdict: Verdict | None = None, message: str = ""
) -> Answer:
    usual = Verdict.SUCCESS if 200 <= status < 300 else Verdict.FAILED
    headers = Headers([("Set-Cookie", line) for line in set_cookie])
    return Answer(HttpResponse(status, headers, body), verdict or usual, lambda: None, message=message)


def _login(http: dict[str, Any], answer: Answer, **options: Any) -> tuple[RenewalRequest, Credentials]:
    sent, credentials = renew(COOKIE.renewal(session(http, **options)), answer)
    assert len(sent) == 1
    return sent[0], credentials


def _signed(url: str, at: AuthSession, *headers: tuple[str, str]) -> HttpRequest:
    """The request as it goes out; the given one stays as it is."""
    request = HttpRequest("GET", url, Headers(list(headers)))
    signed = next(COOKIE.flow(request, at))
    assert request.headers.items() == list(headers)
    return signed


def _exchange(at: AuthSession, answer: Answer, url: str = ORDERS) -> str | None:
    """The ``Cookie`` header that went out before ``answer`` came."""
    flow = COOKIE.flow(HttpRequest("GET", url), at)
    signed = next(flow)
    with pytest.raises(StopIteration):
        flow.send(answer)
    return signed.headers.get("Cookie")


def test_the_reference_example() -> None:
    """connections.md 3.4 byte for byte: the login, its answer, the next request."""
    http = _http(body='{"user":"svc","password":"s3cr3t"}')
    sent, credentials = _login(http, _answer("SID=31d4d96e; Path=/; HttpOnly"))
    login = sent.request
    assert (login.method, login.url) == ("POST", "https://erp.example.test/login")
    assert login.headers.get("Content-Type") == "application/json"
    assert login.body == b'{"user":"svc","password":"s3cr3t"}'
    assert not sent.follow
    signed = _signed(ORDERS, session(http, credentials=credentials))
    assert signed.headers.items() == [("Cookie", "SID=31d4d96e")]
    assert signed.secret_headers == {"cookie"}


@pytest.mark.parametrize(
    ("media_type", "content_type", "accept", "body"),
    [
        ("json", "application/json", "application/json", b's3&c\\"r3t'),
        ("urlencoded", "application/x-www-form-urlencoded", "*/*", b"s3%26c%22r3t"),
        ("xml", "application/xml", "application/xml", b"s3&amp;c&quot;r3t"),
        ("plaintext", "text/plain; charset=utf-8", "text/plain", b's3&c"r3t'),
    ],
)
def test_the_body_is_written_as_it_is_sent(media_type: str, content_type: str, accept: str, body: bytes) -> None:
    """Values are escaped for the connection's media type, which is also the ``Content-Type``; it carries a credential."""
    http = _http(media_type, body="{{connection.http.encrypted.password}}")
    request = _login(http, _answer("a=1"))[0].request
    assert request.body == body
    assert request.secret_body
    assert request.headers.items() == [
        ("Accept", accept),
        ("User-Agent", USER_AGENT),
        ("Accept-Encoding", "gzip, deflate"),
        ("Content-Type", content_type),
    ]


def test_a_login_carries_neither_headers_of_the_connection_nor_old_cookies() -> None:
    """connections.md 3, common rules; the old jar is dropped, what it held does not come back. Other credentials stay."""
    http = {**_http(), "headers": [{"name": "X-Tenant", "value": "7"}], "successMediaType": "csv"}
    old = Credentials("t0k3n", cookies=(SID, Cookie("theme", "dark", "erp.example.test")))
    sent, credentials = _login(http, _answer("SID=new"), credentials=old)
    assert [name for name, _ in sent.request.headers.items()] == ["Accept", "User-Agent", "Accept-Encoding"]
    assert sent.request.headers.get("Accept") == "text/csv"
    assert sent.request.body is None
    assert not sent.request.secret_body
    assert credentials == Credentials("t0k3n", cookies=(Cookie("SID", "new", "erp.example.test"),))


@pytest.mark.parametrize(
    ("base", "uri", "url"),
    [
        (f"{BASE}/", "login", f"{BASE}/login"),
        (f"{BASE}/api?k=1", "/login?q=2", f"{BASE}/api/login?k=1&q=2"),
        (BASE, "/login/{{connection.http.encrypted.password}}", f"{BASE}/login/s3%26c%22r3t"),
        (BASE, "HTTPS://erp.example.test/sso in", "HTTPS://erp.example.test/sso%20in"),
        (BASE, "/go?to=https://other.test/", f"{BASE}/go?to=https://other.test/"),
        ("https://{{connection.http.encrypted.user}}.example.test", "in", "https://svc.example.test/in"),
    ],
)
def test_where_the_login_goes(base: str, uri: str, url: str) -> None:
    """Relative to the rendered base URI, values in it percent-encoded; an absolute URI is taken as it is."""
    http = {**_http(uri=uri), "baseURI": base}
    assert _login(http, _answer("a=1"))[0].request.url == url


def test_a_login_at_another_origin() -> None:
    """An absolute URI may lead elsewhere; its cookies count when the base URI is below their domain."""
    http = _http(uri="https://login.example.test/in")
    sent, credentials = _login(http, _answer("SID=1; Domain=example.test; Path=/"))
    assert sent.request.url == "https://login.example.test/in"
    assert _signed(ORDERS, session(http, credentials=credentials)).headers.get("Cookie") == "SID=1"
    with pytest.raises(RenewalRefused, match="another domain"):
        _login(http, _answer("SID=1; Path=/"))


@pytest.mark.parametrize("uri", ["ftp://erp.example.test/", "https://", "http://erp.example.test:99999/"])
def test_a_uri_that_is_none(uri: str) -> None:
    """The field is named, and nothing is sent."""
    with pytest.raises(TemplateError, match=r"http\.auth\.cookie\.uri"):
        next(COOKIE.renewal(session(_http(uri=uri))))


def test_a_base_uri_that_is_none() -> None:
    """An absolute login does not hide that its cookies have nowhere to go."""
    with pytest.raises(TemplateError, match=r"http\.baseURI"):
        _login({**_http(uri="https://erp.example.test/"), "baseURI": "{{nothing}}"}, _answer("a=1"))


def test_get_sends_no_body() -> None:
    """``method`` GET; the body is for POST."""
    request = _login(_http(method="GET", body='{"user":"svc"}'), _answer("a=1"))[0].request
    assert (request.method, request.body) == ("GET", None)
    assert "Content-Type" not in request.headers


def test_a_form_data_body_is_not_written_yet() -> None:
    """Refused with its field instead of sent without a boundary; without a body there is nothing to refuse."""
    with pytest.raises(NotSupported) as error:
        COOKIE.renewal(session(_http("form-data", body="{}")))
    assert error.value.problems[0].field == "http.auth.cookie.body"
    assert _login(_http("form-data"), _answer("a=1"))[1].cookies


def test_a_template_that_fails() -> None:
    """It is the user's to mend: the template's own error."""
    with pytest.raises(TemplateError):
        next(COOKIE.renewal(session(_http(body="{{#if"))))


REFUSED, FAILED = RenewalRefused, RenewalFailed
JUDGED: list[tuple[int | None, Answer, type[Exception] | None, str]] = [
    (None, _answer("a=1", status=200), None, ""),
    (None, _answer("a=1", status=204), None, ""),
    (None, _answer("a=1", status=302), None, ""),
    (None, _answer("a=1", status=399), None, ""),
    (302, _answer("a=1", status=302), None, ""),
    (404, _answer("a=1", status=404), None, ""),
    # A rule such as failStatusCode 302 tells a good login's redirect apart from nothing.
    (302, _answer("a=1", status=302, verdict=Verdict.AUTHENTICATION_FAILED, message="go on"), None, ""),
    (None, _answer(status=200), REFUSED, "the login answered 200 and set no cookie"),
    (None, _answer("broken", status=200), REFUSED, "the login answered 200 and set no cookie"),
    (None, _answer("a=; Max-Age=0", status=200), REFUSED, "the login answered 200 and set no cookie"),
    (302, _answer(status=302), REFUSED, "the login answered 302 and set no cookie"),
    (302, _answer("a=1", status=200), REFUSED, "the login answered 200, a good login answers 302"),
    (200, _answer("a=1", status=302), REFUSED, "the login answered 302, a good login answers 200"),
    (None, _answer("a=1", status=199), REFUSED, "the login answered 199, a good login answers 200 to 399"),
    (None, _answer("a=1", status=400, message="bad password"), REFUSED, "bad password"),
    (None, _answer("a=1", status=401, verdict=Verdict.AUTHENTICATION_FAILED), REFUSED, "the login answered 401"),
    (302, _answer("a=1", status=403, message="no"), REFUSED, "no"),
    (None, _answer("a=1", verdict=Verdict.AUTHENTICATION_FAILED, message="unknown user"), REFUSED, "unknown user"),
    (200, _answer("a=1", verdict=Verdict.AUTHENTICATION_FAILED), REFUSED, "the login was refused with status 200"),
    (None, _answer("a=1", status=408), FAILED, "the login answered 408"),
    (None, _answer("a=1", status=500, message="oops"), FAILED, "oops"),
    (302, _answer("a=1", status=503), FAILED, "the login answered 503"),
]


@pytest.mark.parametrize(("expected", "answer", "error", "message"), JUDGED)
def test_what_a_good_login_is(
    expected: int | None, answer: Answer, error: type[Exception] | None, message: str
) -> None:
    """``successStatusCode`` or 200 to 399, and a cookie; 5xx and 408 say nothing about the credentials; anything else refuses them."""
    http = _http(successStatusCode=expected)
    if error is None:
        assert [cookie.name for cookie in _login(http, answer)[1].cookies] == ["a"]
        return
    with pytest.raises(error) as raised:
        _login(http, answer)
    assert str(raised.value) == message
    if isinstance(raised.value, RenewalRefused):
        assert raised.value.status == answer.response.status
    else:
        assert isinstance(raised.value, RenewalFailed)
        assert raised.value.code == str(answer.response.status)


def test_cookies_that_could_never_be_sent() -> None:
    """A ``Secure`` cookie of a login over http opens nothing: the sentence says why."""
    http = {**_http(), "baseURI": "http://127.0.0.1:8080"}
    with pytest.raises(RenewalRefused, match="Secure without https"):
        _login(http, _answer("SID=1; Secure"))


async def test_when_a_login_is_due() -> None:
    """Before the first one, and when the last cookie has expired; one that lives as long as the session never does."""
    clock = ManualClock()
    at = session(_http(), clock=clock)
    assert COOKIE.is_due(at)
    short = Cookie("a", "1", "erp.example.test", expires=datetime(2026, 1, 15, 9, 31, tzinfo=UTC))
    at.credentials = Credentials(cookies=(short,))
    assert not COOKIE.is_due(at)
    await clock.advance(60)
    assert COOKIE.is_due(at)
    at.credentials = Credentials(cookies=(short, SID))
    assert not COOKIE.is_due(at)


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ([], "SID=31d4d96e"),
        (["theme=dark"], "theme=dark; SID=31d4d96e"),
        (["SID=mine; theme=dark;"], "theme=dark; SID=31d4d96e"),
        (["sid=mine"], "sid=mine; SID=31d4d96e"),
        (["a=1", " b=2 ; ;SID = mine"], "a=1; b=2; SID=31d4d96e"),
    ],
)
def test_cookies_that_the_user_configured(configured: list[str], sent: str) -> None:
    """They stay in one ``Cookie`` header before ours, unless the application set one of that name."""
    at = session(_http(), credentials=Credentials(cookies=(SID,)))
    signed = _signed(ORDERS, at, *(("cookie", value) for value in configured))
    assert signed.headers.get_all("Cookie") == [sent]


def test_nothing_that_belongs_elsewhere_is_sent() -> None:
    """Another host gets no cookie and its own ``Cookie`` header as it was."""
    at = session(_http(), credentials=Credentials(cookies=(SID,)))
    signed = _signed("https://other.test/", at, ("Cookie", "theme = dark"))
    assert signed.headers.items() == [("Cookie", "theme = dark")]
    assert signed.secret_headers == frozenset()


def test_later_answers_update_the_jar() -> None:
    """A cookie set by any answer goes with the next request, and the session knows that it has something to store."""
    at = session(_http(), credentials=Credentials("t0k3n", cookies=(SID,)))
    assert _exchange(at, _answer(status=404)) == "SID=31d4d96e"
    assert _exchange(at, _answer("SID=31d4d96e; Path=/")) == "SID=31d4d96e"
    assert not at.unsaved
    assert _exchange(at, _answer("SID=n3w; Path=/", "csrf=9", status=500)) == "SID=31d4d96e"
    assert at.unsaved
    assert at.credentials.token == "t0k3n"
    assert _exchange(at, _answer()) == "csrf=9; SID=n3w"


def test_two_requests_at_once_keep_the_cookies_of_both() -> None:
    """The jar that an answer changes is the one of that moment, not the one its request was signed with."""
    at = session(_http(), credentials=Credentials(cookies=(SID,)))
    flows = [COOKIE.flow(HttpRequest("GET", ORDERS), at) for _ in range(2)]
    for flow in flows:
        next(flow)
    for name, flow in zip("ab", flows, strict=True):
        with pytest.raises(StopIteration):
            flow.send(_answer(f"{name}=1; Path=/"))
    assert _exchange(at, _answer()) == "SID=31d4d96e; a=1; b=1"


def test_a_refusal_does_not_write_cookies() -> None:
    """An anonymous session that comes with an authentication failure must not stand in for a login."""
    at = session(_http(), credentials=Credentials(cookies=(SID,)))
    _exchange(at, _answer("SID=anonymous; Path=/", status=401, verdict=Verdict.AUTHENTICATION_FAILED))
    assert at.credentials.cookies == (SID,)
    assert not at.unsaved


def test_a_late_answer_does_not_spoil_a_new_login() -> None:
    """What was signed before a login and is answered after it leaves the new jar alone."""
    at = session(_http(), credentials=Credentials(cookies=(SID,)))
    flow = COOKIE.flow(HttpRequest("GET", ORDERS), at)
    next(flow)
    fresh = Credentials(cookies=(Cookie("SID", "n3w", "erp.example.test"),))
    at.credentials, at.generation = fresh, 1
    with pytest.raises(StopIteration):
        flow.send(_answer("SID=old; Path=/"))
    assert at.credentials == fresh


def test_nothing_is_computed_from_the_settings() -> None:
    """No text to mask but what the user wrote; the registry knows the type."""
    assert strategy_for(_http()).name == "cookie"
    assert COOKIE.secrets(_http()) == ()


@dataclass
class Erp:
    """An application with one user, whose sessions end after ``lifetime`` seconds."""

    clock: ManualClock
    lifetime: int = 600
    password: str = 's3&c"r3t'
    sessions: dict[str, datetime] = field(default_factory=dict)
    logins: int = 0

    def answer(self, request: HttpRequest) -> Answer:
        """What it says to one request."""
        if request.url == f"{BASE}/login":
            self.logins += 1
            if request.body != b"user=svc&password=s3%26c%22r3t" or self.password != 's3&c"r3t':
                return _answer("visitor=1", status=403, message="wrong password")
            sid = f"s{self.logins}"
            self.sessions[sid] = self.clock.now()
            return _answer(f"SID={sid}; Path=/; Secure; HttpOnly; Max-Age={self.lifetime}", status=302)
        pairs = dict(pair.split("=", 1) for pair in (request.headers.get("Cookie") or "x=").split("; "))
        started = self.sessions.get(pairs.get("SID", ""))
        if started is None or (self.clock.now() - started).total_seconds() >= self.lifetime:
            return _answer("SID=nobody; Path=/", status=401, verdict=Verdict.AUTHENTICATION_FAILED)
        return _answer(status=200)


def _ask(at: AuthSession, erp: Erp) -> int:
    """One request as connections.md 6.2 says: log in when it is due, once more after an authentication failure."""
    renewed = False
    while True:
        if COOKIE.is_due(at) and not renewed:
            _renew(at, erp)
            renewed = True
        flow = COOKIE.flow(HttpRequest("GET", ORDERS), at)
        answer = erp.answer(next(flow))
        with pytest.raises(StopIteration):
            flow.send(answer)
        if answer.verdict is not Verdict.AUTHENTICATION_FAILED or renewed:
            return answer.response.status
        _renew(at, erp)
        renewed = True


def _renew(at: AuthSession, erp: Erp) -> None:
    flow = COOKIE.renewal(at)
    with pytest.raises(StopIteration) as end:
        flow.send(erp.answer(next(flow).request))
    at.credentials = end.value.value
    at.generation += 1


async def test_a_session_from_login_to_refusal() -> None:
    """Login, use, expiry by the clock, a session that the application forgot, a password that changed."""
    clock = ManualClock(START)
    erp = Erp(clock)
    body = "user={{connection.http.encrypted.user}}&password={{connection.http.encrypted.password}}"
    at = session(_http("urlencoded", body=body, successStatusCode=302), clock=clock)
    assert (_ask(at, erp), erp.logins) == (200, 1)
    assert (_ask(at, erp), erp.logins) == (200, 1)
    await clock.advance(600)
    assert (_ask(at, erp), erp.logins) == (200, 2)
    erp.sessions.clear()
    assert (_ask(at, erp), erp.logins) == (200, 3)
    erp.sessions.clear()
    erp.password = "changed"
    with pytest.raises(RenewalRefused, match="wrong password"):
        _ask(at, erp)
    assert erp.logins == 4
