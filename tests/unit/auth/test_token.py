"""``token`` and its refresh request (connections.md 3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fairlead.auth.token import Token
from fairlead.domain.http import Headers, HttpRequest
from fairlead.domain.product import USER_AGENT
from fairlead.engine.ports import Credentials, RenewalFailed, RenewalRefused, TemplateError
from tests.unit.auth.sessions import answer, drive, renew, session
from tests.unit.clock import START, ManualClock

BASE = "https://api.example.test"
TOKEN = Token()
NEW = {"access_token": "n3w"}


def _http(**token: Any) -> dict[str, Any]:
    unencrypted = {"who": 'a "b" & c'}
    return {
        "baseURI": BASE + "/v1",
        "mediaType": "json",
        "headers": [{"name": "X-Own", "value": "1"}],
        "unencrypted": unencrypted,
        "auth": {"type": "token", "token": {"refreshRelativeURI": "/oauth/token", **token}},
    }


def _request(**token: Any) -> HttpRequest:
    """The refresh request of a connection."""
    sent, _ = renew(TOKEN.renewal(session(_http(**token))), answer(NEW))
    return sent[0].request


def test_the_worked_example() -> None:
    """The request and answer of 3.2, byte for byte; the refresh token rotates, and the end of the token is known."""
    asking = session({**_http(token="0ld", refreshToken="r3fr3sh"), "baseURI": BASE + "/v1/"})
    body = b'{"access_token":"n3w","refresh_token":"r2","expires_in":3600}'
    sent, renewed = renew(TOKEN.renewal(asking), answer(body))
    request = sent[0].request
    assert (request.method, request.url) == ("POST", BASE + "/v1/oauth/token")
    assert request.body == b"grant_type=refresh_token&refresh_token=r3fr3sh"
    assert dict(request.headers.items()) == {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "gzip, deflate",
    }
    assert request.secret_body
    assert renewed == Credentials(
        "n3w", "r2", expires=START + timedelta(hours=1), renew_from=START + timedelta(minutes=59)
    )


@pytest.mark.parametrize(
    ("fields", "body", "content_type"),
    [
        ({"refreshToken": "r/1"}, b"grant_type=refresh_token&refresh_token=r%2F1", "application/x-www-form-urlencoded"),
        (
            {"refreshToken": 'r"1', "refreshMediaType": "json"},
            b'{"grant_type":"refresh_token","refresh_token":"r\\"1"}',
            "application/json",
        ),
        ({"refreshToken": "r", "refreshMediaType": "xml"}, None, None),
        ({"refreshToken": "r", "refreshMediaType": "plaintext"}, None, None),
        ({"refreshToken": "r", "refreshMethod": "GET"}, None, None),
        ({}, None, None),
        (
            {"refreshBody": "u={{connection.http.unencrypted.who}}"},
            b"u=a+%22b%22+%26+c",
            "application/x-www-form-urlencoded",
        ),
        (
            {"refreshBody": '{"u":"{{connection.http.unencrypted.who}}"}', "refreshMediaType": "json"},
            b'{"u":"a \\"b\\" & c"}',
            "application/json",
        ),
        (
            {"refreshBody": "<u>{{connection.http.unencrypted.who}}</u>", "refreshMediaType": "xml"},
            b"<u>a &quot;b&quot; &amp; c</u>",
            "application/xml",
        ),
        (
            {"refreshBody": "{{connection.http.unencrypted.who}}", "refreshMediaType": "plaintext"},
            b'a "b" & c',
            "text/plain; charset=utf-8",
        ),
    ],
)
def test_bodies(fields: dict[str, Any], body: bytes | None, content_type: str | None) -> None:
    """Escaped by ``refreshMediaType``; a default body for forms and JSON only; ``Content-Type`` when there is a body."""
    request = _request(**fields)
    assert (request.body, request.headers.get("Content-Type")) == (body, content_type)


def test_the_refresh_token_in_a_header() -> None:
    """``refreshTokenLocation: header``: no default body."""
    request = _request(refreshToken="r3fr3sh", refreshTokenLocation="header")
    assert request.body is None
    assert request.headers.get("Authorization") == "Bearer r3fr3sh"
    assert "authorization" in request.secret_headers


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("token", BASE + "/v1/token"),
        ("https://login.example.test/t?a=1", "https://login.example.test/t?a=1"),
        ("/t?who={{connection.http.unencrypted.who}}", BASE + "/v1/t?who=a%20%22b%22%20%26%20c"),
        ("/t?next=https://x.test/y", BASE + "/v1/t?next=https://x.test/y"),
    ],
)
def test_addresses(uri: str, url: str) -> None:
    """Relative to ``baseURI``; an absolute one is taken as it is, of whatever origin; rendered for a URI."""
    assert _request(refreshRelativeURI=uri).url == url


@pytest.mark.parametrize("uri", ["ftp://x.test/", "https://[x/", "https://x y/"])
def test_addresses_that_are_none(uri: str) -> None:
    """Nothing is sent; the error names the field."""
    with pytest.raises(TemplateError, match="refreshRelativeURI"):
        renew(TOKEN.renewal(session(_http(refreshRelativeURI=uri))))


def test_header_fields() -> None:
    """``refreshHeaders`` are rendered and win, an empty value drops a field; ``http.headers`` are not carried; all are credentials."""
    given = [
        {"name": "X-Key", "value": "{{{connection.http.unencrypted.who}}}"},
        {"name": "content-type", "value": "application/vnd.example"},
        {"name": "Accept", "value": ""},
    ]
    request = _request(refreshBody="x", refreshHeaders=given)
    assert request.headers.get("X-Key") == 'a "b" & c'
    assert request.headers.get_all("Content-Type") == ["application/vnd.example"]
    assert "Accept" not in request.headers
    assert "X-Own" not in request.headers
    assert {"x-key", "authorization"} <= request.secret_headers


def test_a_header_field_with_a_line_break() -> None:
    """Refused before it is sent, with its field."""
    entry = {"name": "X-Key", "value": "a\r\nb"}
    with pytest.raises(TemplateError, match=r"refreshHeaders\.0\.value"):
        renew(TOKEN.renewal(session(_http(refreshHeaders=[entry]))))


def test_answers_in_xml() -> None:
    """``refreshResponseMediaType`` decides how the answer is read and what is asked for; paths are XPath then."""
    asking = session(
        _http(
            refreshMethod="PUT",
            refreshResponseMediaType="xml",
            refreshTokenPath="/login/session/id",
            tokenPaths=["//pod/text()"],
        )
    )
    body = b"<login><session><id>s3ss</id></session><pod>eu1</pod><refresh_token>r2</refresh_token></login>"
    sent, renewed = renew(TOKEN.renewal(asking), answer(body, media_type="xml"))
    assert (sent[0].request.method, sent[0].media_type) == ("PUT", "xml")
    assert sent[0].request.headers.get("Accept") == "application/xml"
    assert (renewed.token, renewed.refresh_token, renewed.tokens) == ("s3ss", "r2", {"pod": "eu1"})


@pytest.mark.parametrize(
    ("paths", "body", "refresh_token", "tokens"),
    [
        ([], {"access_token": "n", "refresh_token": "r2"}, "r2", {}),
        ([], {"access_token": "n"}, "r1", {}),
        ([], {"access_token": "n", "refresh_token": ""}, "r1", {}),
        ([], {"access_token": "n", "refresh_token": {"no": "scalar"}}, "r1", {}),
        (["data.refresh_token"], {"access_token": "n", "data": {"refresh_token": "r3"}, "refresh_token": "r2"}, "r3", {}),
        (["data.refresh_token"], {"access_token": "n", "refresh_token": "r2"}, "r2", {}),
        (["data.csrf", "$['a.b']", "none"], {"access_token": "n", "data": {"csrf": 12}, "a.b": "x"}, "r1", {"csrf": "12", "a.b": "x"}),
        (["list[0].id"], {"access_token": "n", "list": [{"id": "7"}]}, "r1", {"id": "7"}),
    ],
)  # fmt: skip
def test_further_tokens(paths: list[str], body: dict[str, Any], refresh_token: str, tokens: dict[str, str]) -> None:
    """Rule 4: a new refresh token replaces the old one, the other ``tokenPaths`` are kept by their last name."""
    asking = session(_http(refreshToken="r1", tokenPaths=paths))
    _, renewed = renew(TOKEN.renewal(asking), answer(body))
    assert (renewed.token, renewed.refresh_token, dict(renewed.tokens)) == ("n", refresh_token, tokens)


def test_tokens_of_earlier_renewals_stay() -> None:
    """What an answer does not bring is not lost."""
    asking = session(
        _http(tokenPaths=["a", "b"]), credentials=Credentials("t", "r", tokens={"a": "1", "b": "2"})
    )  # fmt: skip
    _, renewed = renew(TOKEN.renewal(asking), answer({"access_token": "n", "b": "3"}))
    assert (renewed.refresh_token, renewed.tokens) == ("r", {"a": "1", "b": "3"})


async def test_when_a_renewal_is_due() -> None:
    """Before the first request without a token, and when less than a minute of an hour is left; never without a refresh request."""
    clock = ManualClock()
    assert TOKEN.is_due(session(_http(), clock=clock))
    assert not TOKEN.is_due(session(_http(refreshRelativeURI=None), clock=clock))
    asking = session(_http(token="t"), clock=clock)
    assert not TOKEN.is_due(asking)
    _, asking.credentials = renew(TOKEN.renewal(asking), answer({**NEW, "expires_in": 3600}))
    await clock.advance(3540)
    assert not TOKEN.is_due(asking)
    await clock.advance(0.5)
    assert TOKEN.is_due(asking)


def test_nothing_to_renew() -> None:
    """Without a refresh request there is no renewal."""
    assert TOKEN.renewal(session(_http(refreshRelativeURI=None, token="t", refreshToken="r"))) is None


def test_the_current_token_is_sent() -> None:
    """Signing takes the session's credentials, whatever the connection was saved with; the refusal of the answer is not its business."""
    signing = session(_http(token="saved"), credentials=Credentials("n3w"))
    request = HttpRequest("GET", BASE, Headers())
    sent = drive(TOKEN.flow(request, signing), answer(status=401))
    assert [signed.headers.get("Authorization") for signed in sent] == ["Bearer n3w"]
    assert "Authorization" not in request.headers


def test_a_spent_refresh_token() -> None:
    """``invalid_grant`` says so when a refresh token was sent."""
    refused = answer({"error": "invalid_grant"}, 400)
    with pytest.raises(RenewalRefused) as caught:
        renew(TOKEN.renewal(session(_http(refreshToken="r"))), refused)
    assert caught.value.spent
    with pytest.raises(RenewalRefused) as caught:
        renew(TOKEN.renewal(session(_http(refreshBody="grant_type=x"))), refused)
    assert not caught.value.spent


def test_a_path_that_cannot_be_read() -> None:
    """It is no refusal: the credentials stay."""
    with pytest.raises(RenewalFailed):
        renew(TOKEN.renewal(session(_http(refreshTokenPath="a["))), answer(NEW))
