"""``oauth`` (connections.md 3.3, RFC 6749): tokens by the grants that need no browser, and their renewal."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from fairlead.auth.oauth import Oauth
from fairlead.domain.http import Headers, HttpRequest
from fairlead.domain.product import USER_AGENT
from fairlead.engine.ports import Credentials, RenewalFailed, RenewalRefused
from tests.unit.auth.sessions import answer, drive, renew, session
from tests.unit.clock import START, ManualClock

OAUTH = Oauth()
TOKEN_URI = "https://login.example.test/oauth2/token"
NEW = {"access_token": "n3w", "token_type": "Bearer"}
CLIENT = {"tokenURI": TOKEN_URI, "clientId": "client-1", "clientSecret": "s3cr3t"}
CLIENT_CREDENTIALS = {**CLIENT, "grantType": "clientcredentials"}


def _http(oauth: dict[str, Any], **token: Any) -> dict[str, Any]:
    return {
        "baseURI": "https://api.example.test",
        "mediaType": "json",
        "headers": [{"name": "X-Own", "value": "1"}],
        "encrypted": {"key": 'a "b" & c'},
        "auth": {"type": "oauth", "oauth": oauth, "token": token},
    }


def _request(oauth: dict[str, Any], **token: Any) -> HttpRequest:
    """The token request of a connection."""
    sent, _ = renew(OAUTH.renewal(session(_http(oauth, **token))), answer(NEW))
    return sent[0].request


def test_the_worked_example() -> None:
    """The request of 3.3, byte for byte."""
    request = _request({**CLIENT_CREDENTIALS, "scope": ["orders.read", "orders.write"]})
    assert (request.method, request.url) == ("POST", TOKEN_URI)
    assert dict(request.headers.items()) == {
        "Authorization": "Basic Y2xpZW50LTE6czNjcjN0",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "gzip, deflate",
    }
    assert request.body == b"grant_type=client_credentials&scope=orders.read%20orders.write"
    assert request.secret_body
    assert "authorization" in request.secret_headers


@pytest.mark.parametrize(
    ("oauth", "token", "body"),
    [
        ({**CLIENT, "grantType": "clientcredentials"}, {}, "grant_type=client_credentials"),
        (
            {**CLIENT, "grantType": "clientcredentials", "scope": ["a", "b"], "scopeDelimiter": ","},
            {},
            "grant_type=client_credentials&scope=a%2Cb",
        ),
        (
            {**CLIENT, "grantType": "password", "username": "johndoe", "password": "A3ddj3w&ä"},
            {},
            "grant_type=password&username=johndoe&password=A3ddj3w%26%C3%A4",
        ),
        (
            {**CLIENT, "grantType": "password", "username": "u", "password": "p", "scope": ["s"]},
            {},
            "grant_type=password&username=u&password=p&scope=s",
        ),
        (CLIENT, {"refreshToken": "tGzv3JOkF0XG5Qx2TlKWIA"}, "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"),
        ({**CLIENT_CREDENTIALS, "scope": ["s"]}, {"refreshToken": "r"}, "grant_type=refresh_token&refresh_token=r"),
    ],
)  # fmt: skip
def test_forms(oauth: dict[str, Any], token: dict[str, Any], body: str) -> None:
    """The forms of the table; ``scope`` is left out when empty; a refresh token comes first whatever the grant."""
    assert (_request(oauth, **token).body or b"").decode() == body


@pytest.mark.parametrize(
    ("client", "authorization", "added"),
    [
        ({"clientId": "s6BhdRkqt3", "clientSecret": "gX1fBat3bV"}, "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", ""),
        ({"clientId": "i:d ä", "clientSecret": "p+:"}, "Basic " + b64encode(b"i%3Ad%20%C3%A4:p%2B%3A").decode(), ""),
        (
            {"clientId": "i d", "clientSecret": "s&", "clientCredentialsLocation": "body"},
            None,
            "&client_id=i%20d&client_secret=s%26",
        ),
        ({"clientId": "public", "pkceCodeChallengeMethod": "s256"}, None, "&client_id=public"),
        ({"clientSecret": "alone"}, None, ""),
    ],
)
def test_how_the_client_names_itself(client: dict[str, Any], authorization: str | None, added: str) -> None:
    """RFC 6749 2.3.1 (its own example of 4.4.2 first): both percent-encoded in ``Authorization``, or in the form; a public client
    names itself in the form."""
    request = _request({"tokenURI": TOKEN_URI, "grantType": "clientcredentials", **client})
    assert request.headers.get("Authorization") == authorization
    assert request.body == f"grant_type=client_credentials{added}".encode()


def test_header_fields() -> None:
    """``accessTokenHeaders`` are templates and win; ``http.headers`` are not carried."""
    given = [
        {"name": "X-Key", "value": "{{{connection.http.encrypted.key}}}"},
        {"name": "authorization", "value": "Own x"},
    ]
    request = _request({**CLIENT_CREDENTIALS, "accessTokenHeaders": given})
    assert request.headers.get("X-Key") == 'a "b" & c'
    assert request.headers.get_all("Authorization") == ["Own x"]
    assert "X-Own" not in request.headers
    assert "x-key" in request.secret_headers


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        (None, "k={{connection.http.encrypted.key}}", b"k=a+%22b%22+%26+c"),
        ("application/json", '{"k":"{{connection.http.encrypted.key}}"}', b'{"k":"a \\"b\\" & c"}'),
        ("text/xml", "<k>{{connection.http.encrypted.key}}</k>", b"<k>a &quot;b&quot; &amp; c</k>"),
        ("text/plain", "{{connection.http.encrypted.key}}", b'a "b" & c'),
    ],
)
def test_the_body_of_a_grant(content_type: str | None, body: str, sent: bytes) -> None:
    """``accessTokenBody`` replaces the form, escaped by the ``Content-Type`` it is sent with; a refresh keeps its own form."""
    headers = [{"name": "Content-Type", "value": content_type}] if content_type else []
    oauth = {**CLIENT_CREDENTIALS, "accessTokenBody": body, "accessTokenHeaders": headers}
    assert _request(oauth).body == sent
    assert _request(oauth, refreshToken="r").body == b"grant_type=refresh_token&refresh_token=r"


def test_requests_of_an_iclient() -> None:
    """What a connection has no member for comes from the iClient: methods, and how to refresh."""
    client = {
        "token": {"method": "GET"},
        "refresh": {
            "uri": "https://login.example.test/refresh",
            "body": '{"r":"{{connection.http.auth.token.refreshToken}}"}',
            "headers": [{"name": "Content-Type", "value": "application/json"}],
        },
    }
    oauth = {**CLIENT_CREDENTIALS, "tokenURI": TOKEN_URI + "?a=1", "iClient": client}
    request = _request(oauth)
    assert (request.method, request.body) == ("GET", None)
    assert request.url == TOKEN_URI + "?a=1&grant_type=client_credentials"
    assert "Content-Type" not in request.headers
    request = _request(oauth, refreshToken='r"')
    assert (request.method, request.url) == ("POST", "https://login.example.test/refresh")
    assert request.body == b'{"r":"r\\""}'


@pytest.mark.parametrize(
    ("given", "token", "refresh_token"),
    [
        (answer({"access_token": "n3w"}), "n3w", "r1"),
        (answer({"access_token": "n3w", "refresh_token": "r2"}), "n3w", "r2"),
        (
            answer("access_token=n3w&refresh_token=r2", content_type="application/x-www-form-urlencoded"),
            "n3w",
            "r2",
        ),
    ],
)
def test_answers(given: Any, token: str, refresh_token: str) -> None:
    """JSON or a form; a new refresh token replaces the old one, which stays otherwise."""
    _, renewed = renew(OAUTH.renewal(session(_http(CLIENT, token="0ld", refreshToken="r1"))), given)
    assert (renewed.token, renewed.refresh_token) == (token, refresh_token)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, {"data": {"jwt": "n3w"}}),
        ({"refreshTokenPath": "renewed.jwt"}, {"renewed": {"jwt": "n3w"}}),
        ({"refreshTokenPath": "again.refresh_token"}, {"data": {"jwt": "n3w"}, "again": {"refresh_token": "r2"}}),
    ],
)
def test_paths(fields: dict[str, Any], body: dict[str, Any]) -> None:
    """``accessTokenPath`` says where the token stands, ``refreshTokenPath`` where it stands after a refresh; one that ends in
    ``refresh_token`` says that of the new refresh token."""
    oauth = {**CLIENT, "accessTokenPath": "data.jwt"}
    _, renewed = renew(OAUTH.renewal(session(_http(oauth, refreshToken="r1", **fields))), answer(body))
    assert (renewed.token, renewed.refresh_token) == ("n3w", "r2" if "again" in body else "r1")


def test_without_a_person() -> None:
    """``authorizecode`` without a refresh token needs somebody in a browser; nothing is sent, and nothing is due."""
    asking = session(_http(CLIENT, token="t"))
    assert not OAUTH.is_due(asking)
    with pytest.raises(RenewalRefused) as caught:
        renew(OAUTH.renewal(asking))
    assert caught.value.authorize
    assert caught.value.status is None


@pytest.mark.parametrize(("error", "spent"), [("invalid_grant", True), ("invalid_client", False)])
def test_a_refused_refresh(error: str, spent: bool) -> None:
    """``invalid_grant`` ends the refresh token, and then only a person helps; any other refusal leaves it."""
    with pytest.raises(RenewalRefused) as caught:
        renew(OAUTH.renewal(session(_http(CLIENT, token="t", refreshToken="r"))), answer({"error": error}, 400))
    assert (caught.value.spent, caught.value.authorize) == (spent, spent)


def test_a_spent_refresh_token_of_a_grant_that_can_ask_again() -> None:
    """It is dropped, and the grant is repeated as without one."""
    asking = session(_http(CLIENT_CREDENTIALS, token="t", refreshToken="r"))
    sent, renewed = renew(OAUTH.renewal(asking), answer({"error": "invalid_grant"}, 400), answer(NEW))
    assert [request.request.body for request in sent] == [
        b"grant_type=refresh_token&refresh_token=r",
        b"grant_type=client_credentials",
    ]
    assert (renewed.token, renewed.refresh_token) == ("n3w", None)
    with pytest.raises(RenewalRefused, match="invalid_client"):
        renew(OAUTH.renewal(asking), answer({"error": "invalid_client"}, 401))


async def test_when_a_renewal_is_due() -> None:
    """Without a token, and when less than min(60 s, 10 % of the life) is left, if it can be had without a person."""
    clock = ManualClock()
    asking = session(_http(CLIENT_CREDENTIALS), clock=clock)
    assert OAUTH.is_due(asking)
    _, asking.credentials = renew(OAUTH.renewal(asking), answer({**NEW, "expires_in": 300}))
    assert asking.credentials.expires == START + timedelta(seconds=300)
    await clock.advance(270)
    assert not OAUTH.is_due(asking)
    await clock.advance(1)
    assert OAUTH.is_due(asking)
    by_person = session(_http(CLIENT), clock=clock, credentials=asking.credentials)
    assert not OAUTH.is_due(by_person)
    by_person.credentials = Credentials(refresh_token="r")
    assert OAUTH.is_due(by_person)


@pytest.mark.parametrize(
    ("token", "name", "value"),
    [
        ({}, "Authorization", "Bearer n3w"),
        ({"headerName": "X-Auth", "scheme": ""}, "X-Auth", "n3w"),
        ({"scheme": "OAuth"}, "Authorization", "OAuth n3w"),
    ],
)
def test_signing(token: dict[str, Any], name: str, value: str) -> None:
    """The current token, placed as ``auth.token`` says."""
    signing = session(_http(CLIENT, token="saved", **token), credentials=Credentials("n3w"))
    sent = drive(OAUTH.flow(HttpRequest("GET", "https://api.example.test/", Headers()), signing), answer())
    assert [request.headers.get(name) for request in sent] == [value]
    assert sent[0].secret_headers == {name.lower()}


def test_secrets() -> None:
    """What logs must mask besides the fields themselves."""
    assert OAUTH.secrets(_http(CLIENT, token="a/b")) == ("a%2Fb", "Y2xpZW50LTE6czNjcjN0")
    assert OAUTH.secrets(_http({})) == ()


@pytest.mark.parametrize("uri", [None, "", "login", "ftp://x.test/"])
def test_without_a_token_endpoint(uri: str | None) -> None:
    """No refusal of the application: the field is named and nothing stored."""
    with pytest.raises(RenewalFailed, match=r"http\.auth\.oauth\.tokenURI"):
        renew(OAUTH.renewal(session(_http({**CLIENT_CREDENTIALS, "tokenURI": uri}))))
