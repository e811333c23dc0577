"""Authorising a connection in a browser (contract.md 2.9, connections.md 3.3, RFC 7636)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fairlead.auth.oauth_authorization import authorization_url, exchange, pkce
from fairlead.domain.urls import UrlError
from fairlead.engine.ports import Credentials, RenewalRefused
from tests.unit.auth.sessions import answer, renew, session
from tests.unit.clock import START

AUTH_URI = "https://login.example.test/authorize"
BACK = "https://fairlead.example.test/connection/oauth2callback"
RANDOM = bytes.fromhex("7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def _http(**oauth: Any) -> dict[str, Any]:
    usual = {"authURI": AUTH_URI, "tokenURI": "https://login.example.test/token", "clientId": "c 1"}
    return {"baseURI": "https://api.example.test", "auth": {"type": "oauth", "oauth": {**usual, **oauth}}}


def test_pkce() -> None:
    """RFC 7636 appendix B; ``plain`` shows the verifier itself."""
    assert pkce("s256", RANDOM) == (VERIFIER, CHALLENGE)
    assert pkce("plain", RANDOM) == (VERIFIER, VERIFIER)


@pytest.mark.parametrize(
    ("oauth", "challenge", "query"),
    [
        ({}, None, "response_type=code&client_id=c%201&redirect_uri=BACK&state=st%2F1"),
        (
            {"scope": ["a", "b"]},
            None,
            "response_type=code&client_id=c%201&redirect_uri=BACK&scope=a%20b&state=st%2F1",
        ),
        (
            {"scope": ["a", "b"], "scopeDelimiter": ",", "pkceCodeChallengeMethod": "s256"},
            CHALLENGE,
            "response_type=code&client_id=c%201&redirect_uri=BACK&scope=a%2Cb&state=st%2F1"
            f"&code_challenge={CHALLENGE}&code_challenge_method=S256",
        ),
        (
            {"pkceCodeChallengeMethod": "plain"},
            VERIFIER,
            "response_type=code&client_id=c%201&redirect_uri=BACK&state=st%2F1"
            f"&code_challenge={VERIFIER}&code_challenge_method=plain",
        ),
        (
            {"authURI": AUTH_URI + "?audience=x%20y&state=mine#top"},
            None,
            "audience=x%20y&state=st%2F1&response_type=code&client_id=c%201&redirect_uri=BACK",
        ),
        (
            {"iClient": {"auth": {"queryParameters": {"prompt": "consent", "state": "theirs", "n": 1, "none": None}}}},
            None,
            "response_type=code&client_id=c%201&redirect_uri=BACK&state=st%2F1&prompt=consent&n=1",
        ),
        (
            {"iClient": {"auth": {"queryParameters": b'{"access_type":"offline"}'}}},
            None,
            "response_type=code&client_id=c%201&redirect_uri=BACK&state=st%2F1&access_type=offline",
        ),
    ],
)
def test_where_to_send_the_browser(oauth: dict[str, Any], challenge: str | None, query: str) -> None:
    """``authURI`` with its own query, the parameters of the request, then those of the iClient, which replace none."""
    back = "https%3A%2F%2Ffairlead.example.test%2Fconnection%2Foauth2callback"
    assert authorization_url(_http(**oauth), BACK, "st/1", challenge) == f"{AUTH_URI}?{query.replace('BACK', back)}"


@pytest.mark.parametrize(
    "uri", ["", "login", "javascript:alert(1)", "javascript://x/%0aalert(1)", "//login.example.test"]
)
def test_pages_that_no_browser_may_be_sent_to(uri: str) -> None:
    """Only http and https."""
    with pytest.raises(UrlError):
        authorization_url(_http(authURI=uri), BACK, "s")


def test_exchange() -> None:
    """The form of 3.3; nothing of the credentials before is kept."""
    asking = session(_http(clientSecret="s"), credentials=Credentials("0ld", "r0", tokens={"a": "b"}))
    given = answer({"access_token": "n3w", "refresh_token": "r1", "expires_in": 3600})
    sent, fresh = renew(exchange(asking, "c/d", BACK, VERIFIER), given)
    assert sent[0].request.body == (
        b"grant_type=authorization_code&code=c%2Fd"
        b"&redirect_uri=https%3A%2F%2Ffairlead.example.test%2Fconnection%2Foauth2callback&code_verifier=" + VERIFIER.encode()
    )  # fmt: skip
    assert sent[0].request.headers.get("Authorization") == "Basic YyUyMDE6cw=="
    assert (fresh.token, fresh.refresh_token, fresh.tokens) == ("n3w", "r1", {})
    assert fresh.expires == START + timedelta(hours=1)
    _, fresh = renew(exchange(asking, "c", BACK), answer({"access_token": "n3w"}))
    assert fresh == Credentials("n3w")


def test_a_public_client() -> None:
    """Without a secret the client names itself in the form; without PKCE there is no verifier."""
    sent, _ = renew(exchange(session(_http()), "c", "u"), answer({"access_token": "n"}))
    assert sent[0].request.body == b"grant_type=authorization_code&code=c&redirect_uri=u&client_id=c%201"
    assert "Authorization" not in sent[0].request.headers


@pytest.mark.parametrize(
    ("headers", "template", "body"),
    [
        ([], "mine=1&code=own", b"mine=1&code=own&redirect_uri=u&code_verifier=v"),
        (
            [{"name": "Content-Type", "value": "application/json"}],
            '{"mine":1}',
            b'{"code":"c","redirect_uri":"u","code_verifier":"v","mine":1}',
        ),
    ],
)
def test_a_body_of_ones_own(headers: list[dict[str, str]], template: str, body: bytes) -> None:
    """``accessTokenBody`` replaces the form; what no template can know comes to it."""
    http = _http(accessTokenBody=template, accessTokenHeaders=headers)
    sent, _ = renew(exchange(session(http), "c", "u", "v"), answer({"access_token": "n"}))
    assert sent[0].request.body == body


def test_a_refused_code() -> None:
    """``invalid_grant`` is about the code, not about a refresh token."""
    with pytest.raises(RenewalRefused) as caught:
        renew(exchange(session(_http()), "c", "u"), answer({"error": "invalid_grant"}, 400))
    assert not caught.value.spent
