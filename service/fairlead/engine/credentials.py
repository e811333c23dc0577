"""Renewed credentials between a session and the store (D21, connections.md 3).

The runtime part of a connection's document holds what renewals brought: ``secrets``, envelopes that lie over those of the document under
the same paths (nothing there: erased), the end of the token, the cookies, and a ``generation`` that grows with every change of them. An
``intent`` beside it says that somebody is renewing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fairlead.domain import cookies, jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.dates import iso, parse_iso
from fairlead.domain.dialect import http_connection, written_field
from fairlead.domain.document import Document, Tree
from fairlead.domain.secret import Secret
from fairlead.engine.ports import AuthSession, Credentials
from fairlead.engine.secrets import CREDENTIALS, SecretBox, effective_secrets

INTENT: Final = "intent"
AUTHORIZE: Final = "authorize"
"""Set when only a person in a browser can help."""

_TOKEN: Final = "http.auth.token.token"  # noqa: S105  # a path
_REFRESH: Final = "http.auth.token.refreshToken"  # a path
_TOKENS: Final = "http.auth.token.tokens"
_COOKIES: Final = "cookies"


def generation_of(document: Document) -> int:
    """Which renewal the stored credentials come from; 0 for those that the user wrote."""
    return int((document.runtime.get(CREDENTIALS) or {}).get("generation", 0))


def stored_credentials(box: SecretBox, document: Document, http: Mapping[str, Any]) -> Credentials:
    """What the store holds; ``http`` is the block made from the revealed document."""
    kept = document.runtime.get(CREDENTIALS) or {}
    token = (http.get("auth") or {}).get("token") or {}
    jar = kept.get(_COOKIES)
    return Credentials(
        token=token.get("token") or None,
        refresh_token=token.get("refreshToken") or None,
        tokens=dict(token.get("tokens") or {}),
        expires=_date(kept.get("expires")),
        renew_from=_date(kept.get("renewFrom")),
        cookies=cookies.from_json(jsonvalue.loads(box.opened(document, _COOKIES, jar))) if jar else (),
    )


def written_credentials(box: SecretBox, document: Document, credentials: Credentials, generation: int) -> Tree:
    """The runtime part of ``document`` with these credentials in it and no intent."""
    type_ = str(document.fields.get("type"))
    secrets: dict[str, str | None] = {}
    for field, value in ((_TOKEN, credentials.token), (_REFRESH, credentials.refresh_token)):
        path = written_field(field, type_, "connection")
        secrets[path] = box.sealed(document, path, value) if value else None
    if credentials.tokens:
        secrets[_TOKENS] = box.sealed(document, _TOKENS, jsonvalue.dumps(dict(credentials.tokens)))
    kept: Tree = {"generation": generation, "secrets": secrets}
    if credentials.expires is not None:
        kept["expires"] = iso(credentials.expires)
    if credentials.renew_from is not None:
        kept["renewFrom"] = iso(credentials.renew_from)
    if credentials.cookies:
        kept[_COOKIES] = box.sealed(document, _COOKIES, jsonvalue.dumps(cookies.to_json(credentials.cookies)))
    rest = {name: value for name, value in document.runtime.items() if name not in (CREDENTIALS, INTENT)}
    return {**rest, CREDENTIALS: kept}


def adopt(connection: Connection, session: AuthSession, credentials: Credentials, generation: int) -> None:
    """Use these credentials from now on: for signing, in templates, and as texts that nobody may see."""
    session.credentials = credentials
    session.generation = generation
    session.unsaved = False
    connection.redactor.learn(secret_texts(credentials))
    auth = session.http.get("auth")
    if isinstance(auth, dict) and (auth.get("token") or credentials.token or credentials.refresh_token):
        token = auth["token"] = auth.get("token") or {}
        token.update(token=credentials.token, refreshToken=credentials.refresh_token, tokens=dict(credentials.tokens))
        rest = connection.context.get("rest")
        if connection.type == "rest" and isinstance(rest, dict):
            rest.update(bearerToken=credentials.token, refreshToken=credentials.refresh_token)


def secret_texts(credentials: Credentials) -> list[str]:
    """Every text of the credentials that is a secret."""
    texts = [credentials.token, credentials.refresh_token, *credentials.tokens.values()]
    return [text for text in (*texts, *(cookie.value for cookie in credentials.cookies)) if text]


def needs_authorization(document: Document, http: Mapping[str, Any]) -> bool:
    """Whether somebody has to authorise it in a browser first (contract.md 2.1); ``http`` is its block with the iClient's data in it."""
    if not is_authorized_in_browser(http):
        return False
    token = written_field(_TOKEN, str(document.fields.get("type")), "connection")
    return bool(document.runtime.get(AUTHORIZE)) or token not in effective_secrets(document)


def is_authorized_in_browser(http: Mapping[str, Any]) -> bool:
    """Whether the connection's tokens come from a person in a browser (connections.md 3.3)."""
    auth = http.get("auth") or {}
    grant = (auth.get("oauth") or {}).get("grantType") or "authorizecode"
    return auth.get("type") == "oauth" and grant == "authorizecode"


def after_replacement(document: Document, runtime: Tree, revealed: Tree, whole: Tree) -> Tree:
    """The runtime part after a PUT (contract.md 1.7, 2.1): tokens that a mask kept are the new document's own now, and keep their end;
    any other token starts anew. Cookies stay as long as the place to sign in at, the login and what its templates may read stay."""
    before, after = _signing(revealed), _signing(whole)
    kept = document.runtime.get(CREDENTIALS) or {}
    runtime = {name: value for name, value in runtime.items() if name not in (CREDENTIALS, AUTHORIZE)}
    same_token = before["token"] == after["token"]
    same_place = before["place"] == after["place"]
    left: Tree = {}
    if same_token:
        left = {name: kept[name] for name in ("expires", "renewFrom") if name in kept}
        if _TOKENS in (kept.get("secrets") or {}):
            left["secrets"] = {_TOKENS: kept["secrets"][_TOKENS]}
        if document.runtime.get(AUTHORIZE):
            runtime[AUTHORIZE] = True
    if same_place and before["login"] == after["login"] and _COOKIES in kept:
        left[_COOKIES] = kept[_COOKIES]
    generation = int(kept.get("generation", 0))
    if not (same_token and same_place):
        # What is being renewed at this moment belongs to credentials that are gone.
        runtime.pop(INTENT, None)
        generation += 1
    if left or generation:
        runtime[CREDENTIALS] = {**left, "generation": generation}
    return runtime


def _signing(tree: Tree) -> dict[str, Any]:
    http = http_connection(tree)
    auth = http.get("auth") or {}
    token, oauth, cookie = auth.get("token") or {}, auth.get("oauth") or {}, auth.get("cookie") or {}
    place = (http.get("baseURI"), auth.get("type"), oauth.get("tokenURI"), cookie.get("uri"), http.get("_iClientId"))
    return {
        "token": (_clear(token.get("token")), _clear(token.get("refreshToken"))),
        "place": (*place, token.get("refreshRelativeURI")),
        "login": (cookie, http.get("encrypted"), http.get("unencrypted")),
    }


def _clear(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _date(text: Any) -> datetime | None:
    return parse_iso(text) if text else None
