"""Redirects (connections.md 13.4)."""

from __future__ import annotations

import pytest

from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import TransportProfile
from fairlead.transport.redirects import next_request

PROFILE = TransportProfile("c1")


def _request(method: str) -> HttpRequest:
    headers = Headers([("Authorization", "Bearer t"), ("X-Api-Key", "k"), ("Cookie", "s=1"), ("Accept", "*/*")])
    return HttpRequest(method, "https://a.test/v1/x?token=t", headers, b"{}", frozenset({"x-api-key"}))


def _answer(status: int, location: str | None) -> HttpResponse:
    return HttpResponse(status, Headers([("Location", location)] if location is not None else []), b"")


@pytest.mark.parametrize("status", range(300, 309))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_which_redirects_are_followed(method: str, status: int) -> None:
    """GET and HEAD follow 301, 302, 303, 307 and 308; other methods follow 307 and 308, with method and body."""
    following = next_request(_request(method), _answer(status, "/y"), PROFILE)
    followed = status in ({301, 302, 303, 307, 308} if method in ("GET", "HEAD") else {307, 308})
    assert (following is not None) is followed
    if following is not None:
        assert (following.method, following.url, following.body) == (method, "https://a.test/y", b"{}")


@pytest.mark.parametrize("location", [None, "", "javascript:x", "mailto:a@b.test"])
def test_a_redirect_that_leads_nowhere_is_the_answer(location: str | None) -> None:
    """Without a usable ``Location`` nothing is followed."""
    assert next_request(_request("GET"), _answer(302, location), PROFILE) is None


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
    following = next_request(_request("GET"), _answer(302, location), PROFILE)
    assert following is not None
    assert [name for name, _ in following.headers.items()] == ["Accept"]


def test_dropped_credentials_do_not_come_back() -> None:
    """A detour over another origin returns without credentials."""
    away = next_request(_request("GET"), _answer(302, "https://b.test/"), PROFILE)
    assert away is not None
    back = next_request(away, _answer(302, "https://a.test/v1/x"), PROFILE)
    assert back is not None
    assert "Authorization" not in back.headers
    assert "X-Api-Key" not in back.headers


def test_the_same_origin_keeps_credentials_unless_told_otherwise() -> None:
    """``skipFollowAuthorizationHeader`` drops ``Authorization`` and nothing else."""
    kept = next_request(_request("GET"), _answer(302, "https://A.test:443/y"), PROFILE)
    assert kept is not None
    assert kept.headers.get("Authorization") == "Bearer t"
    skipped = next_request(
        _request("GET"), _answer(302, "/y"), TransportProfile("c1", skip_authorization_on_redirect=True)
    )
    assert skipped is not None
    assert [name for name, _ in skipped.headers.items()] == ["X-Api-Key", "Cookie", "Accept"]
