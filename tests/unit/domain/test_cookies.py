"""The jar of a connection: what it keeps and where it sends it (RFC 6265 5.1.3, 5.1.4, 5.3, 5.4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.cookiejar import CookieJar as LibraryJar
from http.cookiejar import DefaultCookiePolicy
from unittest.mock import Mock
from urllib.parse import urlsplit
from urllib.request import Request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.cookies import (
    MAX_IN_JAR,
    MAX_OF_DOMAIN,
    Cookie,
    any_for_origin,
    default_path,
    domain_matches,
    from_json,
    header_for,
    path_matches,
    to_json,
    updated,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LOGIN = "https://erp.example.test/v1/login"


def _jar(*lines: str, url: str = LOGIN, jar: tuple[Cookie, ...] = ()) -> tuple[Cookie, ...]:
    return updated(jar, lines, url, NOW)


def _sent(line: str, url: str, *, by: str = LOGIN) -> str | None:
    return header_for(_jar(line, url=by), url, NOW)


def test_the_reference_example() -> None:
    """connections.md 3.4: the cookie of the login goes with the next request."""
    jar = updated((), ["SID=31d4d96e; Path=/; HttpOnly"], "https://erp.example.test/login", NOW)
    assert jar == (Cookie("SID", "31d4d96e", "erp.example.test", "/"),)
    assert header_for(jar, "https://erp.example.test/v1/orders", NOW) == "SID=31d4d96e"


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("example.test", "example.test", True),
        ("a.example.test", "example.test", True),
        ("a.b.example.test", "example.test", True),
        ("badexample.test", "example.test", False),
        ("example.test", "a.example.test", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "2.3", False),
        ("::1", "::1", True),
        ("a.example.test.", "example.test", False),
    ],
)
def test_domain_match(host: str, domain: str, matches: bool) -> None:
    """RFC 6265 5.1.3: the same, or a suffix after a dot; addresses only match themselves."""
    assert domain_matches(host, domain) is matches


@pytest.mark.parametrize(
    ("path", "cookie_path", "matches"),
    [
        ("/", "/", True),
        ("/v1", "/", True),
        ("/v1", "/v1", True),
        ("/v1/", "/v1", True),
        ("/v1/orders", "/v1", True),
        ("/v1/orders", "/v1/", True),
        ("/v1", "/v1/", False),
        ("/v10", "/v1", False),
        ("/V1", "/v1", False),
        ("/v%31", "/v1", False),
        ("/", "/v1", False),
    ],
)
def test_path_match(path: str, cookie_path: str, matches: bool) -> None:
    """RFC 6265 5.1.4: the same, or below it at a slash; case and encoding count."""
    assert path_matches(path, cookie_path) is matches


@pytest.mark.parametrize(
    ("path", "default"),
    [("", "/"), ("/", "/"), ("/login", "/"), ("/v1/login", "/v1"), ("/v1/", "/v1"), ("/a/b/c", "/a/b"), ("x/y", "/")],
)
def test_default_path(path: str, default: str) -> None:
    """RFC 6265 5.1.4: up to the last slash, without it."""
    assert default_path(path) == default


@pytest.mark.parametrize(
    ("line", "url", "sent"),
    [
        ("a=1", "https://erp.example.test/v1/orders?q=/v2", "a=1"),
        ("a=1", "https://erp.example.test/v1", "a=1"),
        ("a=1", "https://erp.example.test/v2", None),
        ("a=1", "https://erp.example.test", None),
        ("a=1; Path=/", "https://erp.example.test", "a=1"),
        ("a=1; Path=/", "https://erp.example.test?q=1", "a=1"),
        ("a=1; Path=/", "https://ERP.example.test:8443/x", "a=1"),
        ("a=1; Path=/", "http://erp.example.test/", "a=1"),
        ("a=1; Path=/; Secure", "http://erp.example.test/", None),
        ("a=1; Path=/; Secure", "https://erp.example.test/", "a=1"),
        ("a=1; Path=/", "https://sub.erp.example.test/", None),
        ("a=1; Path=/; Domain=erp.example.test", "https://sub.erp.example.test/", "a=1"),
        ("a=1; Path=/; Domain=.EXAMPLE.test", "https://api.example.test/", "a=1"),
        ("a=1; Path=/; Domain=example.test", "https://example.test/", "a=1"),
        ("a=1; Path=/; Domain=example.test", "https://badexample.test/", None),
        ("a=1; Path=/; Domain=sub.erp.example.test", "https://sub.erp.example.test/", None),
        ("a=1; Path=/; Domain=other.test", "https://erp.example.test/", None),
        ("a=1; Path=/; Domain=test", "https://erp.example.test/", None),
        ("a=1; Path=/; Domain=.test", "https://erp.example.test/", None),
        ("a=1; Path=/; Domain=", "https://erp.example.test/", "a=1"),
        ("a=1; Path=/; Domain=erp.example.test:443", "https://erp.example.test/", None),
        ("a=1; Path=/; Domain=\udcff", "https://erp.example.test/", None),
    ],
)
def test_where_a_cookie_goes(line: str, url: str, sent: str | None) -> None:
    """Host-only without ``Domain``; a domain that is foreign, below the host, or a whole top level is refused; ``Secure`` keeps to https."""
    assert _sent(line, url) == sent


@pytest.mark.parametrize(
    "domain", ["other.test", "sub.erp.example.test", "test", ".test", "example.test:443", "münchen\udcff.test"]
)
def test_domains_that_are_refused(domain: str) -> None:
    """The whole cookie is ignored, not only its domain: it takes no place in the jar."""
    assert _jar(f"a=1; Domain={domain}") == ()


@pytest.mark.parametrize(
    ("host", "line", "url", "sent"),
    [
        ("localhost:8080", "a=1", "http://localhost/", "a=1"),
        ("localhost:8080", "a=1; Domain=localhost", "http://localhost:9/", "a=1"),
        ("localhost:8080", "a=1; Domain=localhost", "http://x.localhost/", None),
        ("localhost:8080", "a=1; Secure", "http://localhost:8080/", None),
        ("127.0.0.1:8080", "a=1", "http://127.0.0.1/", "a=1"),
        ("127.0.0.1:8080", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "a=1"),
        ("127.0.0.1:8080", "a=1; Domain=0.0.1", "http://127.0.0.1/", None),
        ("127.0.0.1:8080", "a=1; Secure", "http://127.0.0.1:8080/", None),
        ("[::1]:8080", "a=1", "http://[::1]/", "a=1"),
        ("[::1]:8080", "a=1; Domain=[::1]", "http://[::1]/", "a=1"),
        ("[2001:DB8::1]", "a=1", "http://[2001:db8::1]/", "a=1"),
        ("[2001:db8::1]", "a=1", "http://[2001:db8::2]/", None),
        ("xn--mnchen-3ya.test", "a=1; Domain=münchen.test", "http://shop.xn--mnchen-3ya.test/", "a=1"),
    ],
)
def test_hosts_that_are_not_plain_names(host: str, line: str, url: str, sent: str | None) -> None:
    """One label and addresses of both versions are hosts of their own; loopback is no exception from ``Secure``."""
    assert _sent(line, url, by=f"http://{host}/") == sent


@pytest.mark.parametrize(
    ("url", "line", "kept"),
    [
        (LOGIN, "__Host-a=1; Secure; Path=/", True),
        (LOGIN, "__Host-a=1; Secure", False),
        (LOGIN, "__Host-a=1; Path=/", False),
        (LOGIN, "__Host-a=1; Secure; Path=/v1", False),
        (LOGIN, "__Host-a=1; Secure; Path=/; Domain=erp.example.test", False),
        (LOGIN, "__host-a=1; Path=/", False),
        ("http://erp.example.test/", "__Host-a=1; Secure; Path=/", False),
        ("https://erp.example.test/", "__Host-a=1; Secure", False),
        (LOGIN, "__Secure-a=1; Secure", True),
        (LOGIN, "__Secure-a=1; Secure; Domain=example.test", True),
        (LOGIN, "__Secure-a=1", False),
        (LOGIN, "__SECURE-a=1", False),
        ("http://erp.example.test/", "__Secure-a=1; Secure", False),
        (LOGIN, "__Hosta=1", True),
    ],
)
def test_prefixes(url: str, line: str, kept: bool) -> None:
    """``__Secure-`` needs Secure over https, ``__Host-`` also an explicit path ``/`` and no domain, in any case of letters."""
    assert bool(_jar(line, url=url)) is kept


def test_order_of_the_header() -> None:
    """Longest path first; among equals the one that was there first, which a new value does not change."""
    jar = _jar("a=1; Path=/", "b=2; Path=/v1/orders", "c=3; Path=/", "d=4; Path=/v1")
    jar = _jar("a=9; Path=/", jar=jar)
    assert header_for(jar, "https://erp.example.test/v1/orders", NOW) == "b=2; d=4; a=9; c=3"


def test_names_have_a_case_and_a_place() -> None:
    """The same name in another case, domain or path is another cookie; the same in all three is replaced."""
    jar = _jar("a=1; Path=/", "A=2; Path=/", "a=3; Path=/v1", "a=4; Path=/; Domain=example.test", "a=5; Path=/")
    assert [(c.name, c.value) for c in jar] == [("a", "5"), ("A", "2"), ("a", "3"), ("a", "4")]


@pytest.mark.parametrize(
    "line", ["a=; Max-Age=0; Path=/", "a=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=; Max-Age=-1; Path=/"]
)
def test_an_end_in_the_past_removes(line: str) -> None:
    """A cookie with that name, domain and path goes, others stay; one that was not there does not come."""
    jar = _jar("a=1; Path=/", "b=2; Path=/")
    assert [cookie.name for cookie in _jar(line, jar=jar)] == ["b"]
    assert _jar(line) == ()


def test_expired_cookies_are_not_sent() -> None:
    """Up to the last moment, not at the end itself; the next change of the jar drops it."""
    jar = _jar("a=1; Max-Age=60; Path=/")
    assert header_for(jar, LOGIN, NOW + timedelta(seconds=59.9)) == "a=1"
    assert header_for(jar, LOGIN, NOW + timedelta(seconds=60)) is None
    assert [c.name for c in updated(jar, ["b=2"], LOGIN, NOW + timedelta(seconds=60))] == ["b"]


def test_an_answer_without_cookies_changes_nothing() -> None:
    """The very same jar comes back, and a broken field is as good as none."""
    jar = _jar("a=1")
    assert updated(jar, [], LOGIN, LATER) is jar
    assert updated(jar, ["broken"], LOGIN, LATER) == jar


def test_bound_of_a_domain() -> None:
    """The 51st cookie of a domain pushes out the first of it, not one of another domain."""
    other = _jar("other=1; Domain=example.test")
    jar = _jar(*(f"c{index}=1" for index in range(MAX_OF_DOMAIN + 2)), jar=other)
    assert [cookie.name for cookie in jar] == ["other", *(f"c{index}" for index in range(2, MAX_OF_DOMAIN + 2))]


def test_bound_of_the_jar() -> None:
    """At most 180 cookies in all, the first go."""
    jar: tuple[Cookie, ...] = ()
    for host in range(5):
        jar = _jar(*(f"h{host}c{index}=1" for index in range(40)), url=f"https://h{host}.test/", jar=jar)
    assert len(jar) == MAX_IN_JAR
    assert jar[0].name == "h0c20"
    assert jar[-1].name == "h4c39"


def test_stored_and_read_back() -> None:
    """Through JSON text, equal in every member; a jar that was not touched compares equal to the stored one."""
    jar = _jar("a=1; Max-Age=60", "b=ü; Secure; Domain=example.test; Path=/x", 'c="q"')
    jar = updated(jar, ["d=1; Max-Age=9"], LOGIN, NOW + timedelta(microseconds=123456))
    assert from_json(json.loads(json.dumps(to_json(jar)))) == jar


def test_no_value_in_a_repr() -> None:
    """A cookie is a credential: only its name is shown."""
    assert repr(_jar("SID=31d4d96e")) == "(Cookie(SID),)"


@pytest.mark.parametrize(
    ("line", "base", "any_"),
    [
        ("a=1; Path=/deep", "https://erp.example.test/api", True),
        ("a=1; Secure", "http://erp.example.test", False),
        ("a=1", "https://api.example.test", False),
        ("a=1; Domain=example.test", "https://api.example.test", True),
    ],
)
def test_whether_anything_can_be_sent_to_an_origin(line: str, base: str, any_: bool) -> None:
    """Host and ``Secure`` decide, the path does not: resources may lie anywhere."""
    assert any_for_origin(_jar(line), base) is any_


LABELS = st.sampled_from(["a", "b", "erp", "example", "test", "com", "10"])
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join), st.sampled_from(["127.0.0.1", "[::1]", "[fe80::1]"])
)
PATHS = st.lists(st.sampled_from(["a", "b", "login", ""]), max_size=3).map(lambda parts: "/" + "/".join(parts))
URLS = st.builds(
    lambda scheme, host, path: f"{scheme}://{host}{path}", st.sampled_from(["http", "https"]), HOSTS, PATHS
)
LINES = st.builds(
    lambda name, domain, path, secure: f"{name}=1{domain}{path}{secure}",
    st.sampled_from(["a", "b", "__Host-a", "__Secure-a"]),
    st.one_of(st.just(""), HOSTS.map(lambda host: f"; Domain={host}"), HOSTS.map(lambda host: f"; Domain=.{host}")),
    st.one_of(st.just(""), PATHS.map(lambda path: f"; Path={path}")),
    st.sampled_from(["", "; Secure"]),
)


@given(URLS, LINES, URLS)
def test_never_to_a_stranger(by: str, line: str, to: str) -> None:
    """Whatever an application sets: nothing goes to a host that shares no domain of two labels with it, nothing that is ``Secure`` goes
    over http, and no address shares anything."""
    sent = header_for(_jar(line, url=by), to, NOW)
    if sent is None:
        return
    setter, receiver = (urlsplit(url).hostname or "" for url in (by, to))
    if setter != receiver:
        shared = line.partition("Domain=")[2].partition(";")[0].removeprefix(".")
        assert shared.count(".") >= 1
        for host in (setter, receiver):
            assert host == shared or host.endswith("." + shared)
            assert not host.replace(".", "").isdigit()
            assert ":" not in host
    if "; Secure" in line:
        assert to.startswith("https://")


def _library(lines: list[str], by: str, to: str) -> set[str]:
    """The pairs that the standard library's jar sends, under the rules of Netscape cookies with domains matched strictly."""
    policy = DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrict)
    jar = LibraryJar(policy)
    for line in lines:
        # One answer each: that jar looks for what an end in the past removes among the cookies of earlier answers only.
        headers = Message()
        headers["Set-Cookie"] = line
        response = Mock()
        response.info.return_value = headers
        jar.extract_cookies(response, Request(by))
    request = Request(to)
    jar.add_cookie_header(request)
    header = request.get_header("Cookie")
    return set((header or "").split("; ")) - {""}


AGREED = [
    ["a=1"],
    ["a=1; Path=/"],
    ["a=1; Path=/v1"],
    ["a=1; Path=/v1; Secure"],
    ["a=1; Path=/; Domain=example.test"],
    ["a=1; Path=/; Domain=.example.test"],
    ["a=1; Path=/; Domain=other.test"],
    ["a=1; Path=/; Domain=erp.example.test; Secure; HttpOnly; SameSite=Lax"],
    ["a=1; Path=/; Max-Age=0"],
    ["a=1; Path=/; Max-Age=100000000"],
    ["a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    ["a=1; Path=/; Expires=Fri, 01-Jan-2100 00:00:00 GMT"],
    ["a=1; Path=/", "a=2; Path=/"],
    ["a=1; Path=/", "a=2; Path=/v1/orders", "b=3"],
    ["a=1; Path=/", "a=; Path=/; Max-Age=0", "b=x=y"],
]
TARGETS = [
    "https://erp.example.test/",
    "http://erp.example.test/v1/orders",
    "https://erp.example.test/v1/orders?x=1",
    "https://erp.example.test/v10",
    "https://api.example.test/v1",
    "https://example.test/",
    "https://badexample.test/v1",
]


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("lines", AGREED, ids=" | ".join)
def test_as_the_standard_library_does(lines: list[str], to: str) -> None:
    """Where Netscape's and RFC 6265's rules agree, an independent jar sends the same pairs."""
    sent = header_for(_jar(*lines), to, datetime.now(UTC))
    assert set((sent or "").split("; ")) - {""} == _library(lines, LOGIN, to)
