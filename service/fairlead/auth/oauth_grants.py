"""Token requests of OAuth 2.0: the forms of the grants, and how the client names itself in them (connections.md 3.3, RFC 6749)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fairlead.auth.token_request import FORM, encoded, form, set_headers, usual_headers
from fairlead.domain import jsonvalue, urls
from fairlead.domain.http import Headers, HttpRequest
from fairlead.engine.ports import AuthSession, Json, Place, RenewalFailed

Fields = list[tuple[str, str]]
"""A form: names and values in order."""

_FIELD: Final = "http.auth.oauth"


def oauth_settings(http: Mapping[str, Json]) -> Mapping[str, Json]:
    """``auth.oauth`` of a connection, the data of its iClient filled in."""
    return (http.get("auth") or {}).get("oauth") or {}


def client_settings(oauth: Mapping[str, Json], block: str) -> Mapping[str, Json]:
    """A block of the iClient's ``oauth2`` (``token``, ``refresh``, ``auth``) for what a connection has no member of its own for."""
    return (oauth.get("iClient") or {}).get(block) or {}


def grant_type(oauth: Mapping[str, Json]) -> str:
    """The word of the connection's grant."""
    return oauth.get("grantType") or "authorizecode"


def scope_of(oauth: Mapping[str, Json]) -> str:
    """The scopes as one text; empty when there are none."""
    delimiter = oauth.get("scopeDelimiter")
    return (" " if delimiter in (None, "") else str(delimiter)).join(oauth.get("scope") or ())


def own_grant(oauth: Mapping[str, Json]) -> Fields:
    """The form of client credentials or password (RFC 6749 4.4.2, 4.3.2)."""
    fields = [("grant_type", "client_credentials")]
    if grant_type(oauth) == "password":
        fields = [
            ("grant_type", "password"),
            ("username", oauth.get("username") or ""),
            ("password", oauth.get("password") or ""),
        ]
    scope = scope_of(oauth)
    return [*fields, ("scope", scope)] if scope else fields


def refresh_grant(refresh_token: str) -> Fields:
    """The form of a refresh (RFC 6749 6)."""
    return [("grant_type", "refresh_token"), ("refresh_token", refresh_token)]


def code_grant(code: str, redirect_uri: str, verifier: str | None) -> Fields:
    """The form of a code exchange (RFC 6749 4.1.3, RFC 7636 4.5)."""
    fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)]
    return [*fields, ("code_verifier", verifier)] if verifier else fields


def basic_credentials(oauth: Mapping[str, Json]) -> str | None:
    """Base64 of id and secret, each percent-encoded first (RFC 6749 2.3.1); nothing without a secret."""
    if not oauth.get("clientId") or not oauth.get("clientSecret"):
        return None
    text = f"{encoded(oauth['clientId'])}:{encoded(oauth['clientSecret'])}"
    return b64encode(text.encode()).decode("ascii")


def token_request(session: AuthSession, fields: Fields, *, refreshing: bool = False) -> HttpRequest:
    """The request with that form. ``accessTokenBody`` replaces the form of a grant, the iClient's ``refresh.body`` that of a refresh; of a
    code exchange the code comes to it. Raises ``TemplateError``, and ``RenewalFailed`` without a usable token URI."""
    oauth = oauth_settings(session.http)
    own = client_settings(oauth, "refresh" if refreshing else "token")
    uri = (own.get("uri") if refreshing else None) or oauth.get("tokenURI")
    if not uri:
        message = f"{_FIELD}.tokenURI is missing: neither the connection nor its iClient names a token endpoint"
        raise RenewalFailed("missing_required_field", message)
    try:
        url = urls.encode(uri)
        urls.origin(url)
    except urls.UrlError as error:
        raise RenewalFailed("invalid_field", f"{_FIELD}.tokenURI: {error}") from None
    headers = usual_headers()
    headers.set("Content-Type", FORM)
    fields = [*fields, *_client(oauth, headers)]
    entries = (own.get("headers") if refreshing else None) or oauth.get("accessTokenHeaders") or ()
    marked = set_headers(session, headers, entries, f"{_FIELD}.accessTokenHeaders")
    template = own.get("body") if refreshing else oauth.get("accessTokenBody")
    text = _written(session, template, headers, fields) if template else form(fields)
    request = HttpRequest(own.get("method") or "POST", url, headers, secret_headers=marked | {"authorization"})
    if request.method == "GET":
        headers.remove("Content-Type")
        request.url = urls.join(url, f"?{text}")
    else:
        request.body = text.encode("utf-8", "surrogatepass")
        request.secret_body = True
    return request


def _client(oauth: Mapping[str, Json], headers: Headers) -> Sequence[tuple[str, str]]:
    """Names the client in ``headers``, or gives the fields that do so in the form. A public client has no secret, so its id stands in
    the form (RFC 6749 3.2.1)."""
    client_id, secret = oauth.get("clientId"), oauth.get("clientSecret")
    if not client_id:
        return ()
    basic = basic_credentials(oauth)
    if basic and oauth.get("clientCredentialsLocation") != "body":
        headers.set("Authorization", f"Basic {basic}")
        return ()
    return [("client_id", client_id), *([("client_secret", secret)] if secret else [])]


_ONLY_KNOWN_HERE: Final = ("code", "redirect_uri", "code_verifier")


def _written(session: AuthSession, template: str, headers: Headers, fields: Fields) -> str:
    """The body from its template, escaped by the ``Content-Type`` it is sent with; what no template can know is added to it."""
    essence = (headers.get("Content-Type") or FORM).partition(";")[0].strip().lower()
    as_json = essence == "application/json" or essence.endswith("+json")
    text = session.render(template, _place(essence, as_json=as_json))
    added = {name: value for name, value in fields if name in _ONLY_KNOWN_HERE}
    if not added:
        return text
    if essence == FORM:
        for name, value in added.items():
            text = urls.append_form(text, name, value)
    elif as_json:
        text = _with_members(text, added)
    return text


def _place(essence: str, *, as_json: bool) -> Place:
    if as_json:
        return Place.JSON
    if essence == FORM:
        return Place.FORM
    return Place.XML if essence.endswith(("/xml", "+xml")) else Place.PLAIN


def _with_members(text: str, added: Mapping[str, Any]) -> str:
    try:
        value = jsonvalue.loads(text)
    except jsonvalue.JsonError:
        return text
    return jsonvalue.dumps({**added, **value}).decode() if isinstance(value, dict) else text
