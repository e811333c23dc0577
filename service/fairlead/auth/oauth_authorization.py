"""A person in a browser authorises a connection: where to send them, and what their code is exchanged for (contract.md 2.9,
connections.md 3.3, RFC 6749 4.1, RFC 7636)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from fairlead.auth.oauth import grant_paths
from fairlead.auth.oauth_grants import client_settings, code_grant, oauth_settings, scope_of, token_request
from fairlead.auth.token_answer import credentials_of
from fairlead.domain import jsonvalue, urls
from fairlead.engine.ports import AuthSession, Credentials, Json, RenewalFlow, RenewalRequest

_CHALLENGE_METHODS: Final[Mapping[str, str]] = {"s256": "S256", "plain": "plain"}


def authorization_url(http: Mapping[str, Json], redirect_uri: str, state: str, challenge: str | None = None) -> str:
    """``authURI`` with the parameters of an authorisation request; a query that it has stays, but for these. Parameters of the iClient
    come last and replace none. Raises ``UrlError`` when ``authURI`` is no URL of http or https."""
    oauth = oauth_settings(http)
    url = urls.encode(oauth.get("authURI") or "")
    urls.origin(url)
    parameters = {
        "response_type": "code",
        "client_id": oauth.get("clientId") or "",
        "redirect_uri": redirect_uri,
        "scope": scope_of(oauth),
        "state": state,
    }
    if challenge is not None:
        parameters["code_challenge"] = challenge
        parameters["code_challenge_method"] = _CHALLENGE_METHODS[oauth.get("pkceCodeChallengeMethod") or "s256"]
    for name, value in parameters.items():
        if value:
            url = urls.set_query(url, name, value)
    for name, value in _more_parameters(oauth).items():
        url = urls.append_query(url, name, jsonvalue.text_of(value))
    return url


def _more_parameters(oauth: Mapping[str, Json]) -> Mapping[str, Json]:
    given = client_settings(oauth, "auth").get("queryParameters")
    value = jsonvalue.loads(given) if isinstance(given, bytes) else given
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, Mapping) else {}


def pkce(method: str, random32: bytes) -> tuple[str, str]:
    """Verifier and challenge made of 32 random bytes; ``method`` is ``plain`` or ``s256`` (RFC 7636 4.1, 4.2)."""
    verifier = _base64url(random32)
    return verifier, verifier if method == "plain" else _base64url(sha256(verifier.encode("ascii")).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def exchange(session: AuthSession, code: str, redirect_uri: str, verifier: str | None = None) -> RenewalFlow:
    """Exchange the code. Nothing of the credentials before is kept: a refresh token may be that of somebody else."""
    answer = yield RenewalRequest(token_request(session, code_grant(code, redirect_uri, verifier)))
    return credentials_of(answer, grant_paths(session.http), now=session.clock.now(), before=Credentials())
