"""Redirects (connections.md 13.4)."""

from __future__ import annotations

import pytest

from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.domain.redaction import Redactor
from fairlead.domain.redirects import next_request


def _request(method: str) -> HttpRequest:
    headers = Headers([("Authorization", "Bearer t"), ("X-Api-Key", "k"), ("Cookie", "s=1"), ("Accept", "*/*")])
    return HttpRequest(method, "https://a.test/v1/x?token=t", headers, b"{}", frozenset({"x-api-key"}))


def _answer(status: int, location: str | None) -> HttpResponse:
    return HttpResponse(status, Headers([("Location", location)] if location is not None else []), b"")


@pytest.mark.parametrize("status", range(300, 309))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_which_redirects_are_followed(method: str, status: int) -> None:
    """GET and HEAD follow 301, 302, 303, 307 and 308; other methods follow 307 and 308, with method and body."""
    following = next_request(_request(method), _answer(status, "/y"), skip_authorization=False)
    followed = status in ({301, 302, 303, 307, 308} if method in ("GET", "HEAD") else {307, 308})
    assert (following is not None) is followed
    if following is not None:
        assert (following.method, following.url, following.body) == (method, "https://a.test/y", b"{}")


@pytest.mark.parametrize("location", [None, "", "javascript:x", "mailto:a@b.test"])
def test_a_redirect_that_leads_nowhere_is_the_answer(location: str | None) -> None:
    """Without a usable ``Location`` nothing is followed."""
    assert next_request(_request("GET"), _answer(302, location), skip_authorization=False) is None


@pytest.mark.parametrize(
    "location",
    [
        "https://b.test/y",
        "http://a.test/y",
        "https://a.test:8443/y",
        "//b.test/y",
        "ftp://a.test/y",
        "https://a.test@b.test/",
    ],
)
def test_credentials_stay_at_their_origin(location: str) -> None:
    """Another scheme, host or port gets neither authentication, nor cookies, nor headers with secrets."""
    following = next_request(_request("GET"), _answer(302, location), skip_authorization=False)
    assert following is not None
    assert [name for name, _ in following.headers.items()] == ["Accept"]


def test_dropped_credentials_do_not_come_back() -> None:
    """A detour over another origin returns without credentials."""
    away = next_request(_request("GET"), _answer(302, "https://b.test/"), skip_authorization=False)
    assert away is not None
    back = next_request(away, _answer(302, "https://a.test/v1/x"), skip_authorization=False)
    assert back is not None
    assert "Authorization" not in back.headers
    assert "X-Api-Key" not in back.headers


def test_the_same_origin_keeps_credentials_unless_told_otherwise() -> None:
    """``skipFollowAuthorizationHeader`` drops ``Authorization`` and nothing else."""
    kept = next_request(_request("GET"), _answer(302, "https://A.test:443/y"), skip_authorization=False)
    assert kept is not None
    assert kept.headers.get("Authorization") == "Bearer t"
    skipped = next_request(_request("GET"), _answer(302, "/y"), skip_authorization=True)
    assert skipped is not None
    assert [name for name, _ in skipped.headers.items()] == ["X-Api-Key", "Cookie", "Accept"]


def test_a_body_with_credentials_does_not_leave_its_origin() -> None:
    """307 keeps the body: with a token in it, the redirect to another origin is the answer."""
    request = _request("POST")
    request.secret_body = True
    assert next_request(request, _answer(307, "https://b.test/y"), skip_authorization=False) is None
    assert next_request(request, _answer(307, "/y"), skip_authorization=False) is not None


def test_a_token_of_the_query_comes_along_within_the_origin() -> None:
    """The parameter is added again where it is not there, and never elsewhere."""
    request = _request("GET")
    request.secret_query = ("token", "t")
    for location, url in (
        ("/y?a=1", "https://a.test/y?a=1&token=t"),
        ("/y?token=mine", "https://a.test/y?token=mine"),
        ("https://b.test/y", "https://b.test/y"),
    ):
        following = next_request(request, _answer(302, location), skip_authorization=False)
        assert following is not None
        assert following.url == url


def test_what_shows_a_secret_stays_at_home() -> None:
    """13.4: no credential reaches another origin, whichever template put it into a header; a body that shows one is not sent there."""
    redactor = Redactor(["s3cr3t-key"])
    request = _request("GET")
    request.headers.set("X-Whole", '{"http":{"encrypted":{"k":"s3cr3t-key"}}}')
    request.headers.set("X-Plain", "nothing")
    following = next_request(request, _answer(307, "https://b.test/y"), skip_authorization=False, redactor=redactor)
    assert following is not None
    assert [name for name, _ in following.headers.items()] == ["Accept", "X-Plain"]
    at_home = next_request(request, _answer(307, "/y"), skip_authorization=False, redactor=redactor)
    assert at_home is not None
    assert "X-Whole" in at_home.headers
    request = _request("POST")
    request.body = b'{"k":"s3cr3t-key"}'
    assert next_request(request, _answer(307, "https://b.test/y"), skip_authorization=False, redactor=redactor) is None
