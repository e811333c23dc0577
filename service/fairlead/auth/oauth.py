"""``oauth`` (connections.md 3.3, RFC 6749): a token that a token endpoint gives and renews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairlead.auth import expiry
from fairlead.auth.oauth_grants import (
    basic_credentials,
    grant_type,
    oauth_settings,
    own_grant,
    refresh_grant,
    token_request,
)
from fairlead.auth.placement import place
from fairlead.auth.refresh import token_settings
from fairlead.auth.token_answer import ACCESS_TOKEN, TokenPaths, credentials_of
from fairlead.auth.token_request import encoded
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json, RenewalFlow, RenewalRefused, RenewalRequest


class Oauth:
    """A token of OAuth 2.0 in every request, renewed with a refresh token or by asking again."""

    name = "oauth"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """The token as the query shows it, and the client's credentials as the header of token requests shows them."""
        token = token_settings(http).get("token") or ""
        shown = encoded(token)
        basic = basic_credentials(oauth_settings(http))
        return (*((shown,) if shown != token else ()), *((basic,) if basic else ()))

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with the current token."""
        http = session.http
        yield place(request, token_settings(http), session.credentials.token or "", http.get("mediaType"))

    def is_due(self, session: AuthSession) -> bool:
        """There is no token or its end is near, and one can be had without a person in a browser."""
        credentials = session.credentials
        if credentials.refresh_token is None and grant_type(oauth_settings(session.http)) == "authorizecode":
            return False
        return not credentials.token or expiry.is_near(session)

    def renewal(self, session: AuthSession) -> RenewalFlow:
        """Refresh grant with a refresh token; without one, client credentials and password ask again."""
        return _renewal(session)


def _renewal(session: AuthSession) -> RenewalFlow:
    oauth = oauth_settings(session.http)
    by_person = grant_type(oauth) == "authorizecode"
    before = session.credentials
    if before.refresh_token:
        answer = yield RenewalRequest(token_request(session, refresh_grant(before.refresh_token), refreshing=True))
        try:
            return credentials_of(
                answer, _refresh_paths(session.http), now=session.clock.now(), before=before, refreshed=True
            )
        except RenewalRefused as refusal:
            if by_person:
                refusal.authorize = refusal.spent
                raise
            if not refusal.spent:
                raise
        before = replace(before, refresh_token=None)
    elif by_person:
        raise RenewalRefused(
            "there is no refresh token: somebody has to authorise the connection again", authorize=True
        )
    answer = yield RenewalRequest(token_request(session, own_grant(oauth)))
    return credentials_of(answer, grant_paths(session.http), now=session.clock.now(), before=before)


def grant_paths(http: Mapping[str, Json]) -> TokenPaths:
    """Where the answer to a grant holds what."""
    further = tuple(token_settings(http).get("tokenPaths") or ())
    return TokenPaths(oauth_settings(http).get("accessTokenPath") or ACCESS_TOKEN, further)


def _refresh_paths(http: Mapping[str, Json]) -> TokenPaths:
    """As that to the grant, unless ``refreshTokenPath`` says where the new token stands; where it ends in ``refresh_token``, it says
    where the new refresh token stands (as in 3.2, rule 4)."""
    usual = grant_paths(http)
    path = token_settings(http).get("refreshTokenPath")
    if not path:
        return usual
    if path.strip().endswith("refresh_token"):
        return replace(usual, further=(path, *usual.further))
    return replace(usual, token=path)
