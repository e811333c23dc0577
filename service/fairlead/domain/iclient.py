"""An iClient in the place of what a connection lacks (connections.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fairlead.domain.document import Tree

_MEMBERS: Final[tuple[tuple[str, str], ...]] = (
    ("clientId", "oauth.clientId"),
    ("clientSecret", "oauth.clientSecret"),
    ("scope", "oauth.scope"),
    ("scopeDelimiter", "oauth.scopeDelimiter"),
    ("grantType", "oauth.grantType"),
    ("clientCredentialsLocation", "oauth.clientCredentialsLocation"),
    ("username", "oauth.username"),
    ("password", "oauth.password"),
    ("redirectUri", "oauth.oauth2RedirectUrl"),
    ("pkceCodeChallengeMethod", "oauth.pkceCodeChallengeMethod"),
    ("auth.uri", "oauth.authURI"),
    ("token.uri", "oauth.tokenURI"),
    ("token.headers", "oauth.accessTokenHeaders"),
    ("token.body", "oauth.accessTokenBody"),
    ("accessTokenPath", "oauth.accessTokenPath"),
    ("accessTokenLocation", "token.location"),
    ("accessTokenHeaderName", "token.headerName"),
    ("accessTokenParamName", "token.paramName"),
    ("scheme", "token.scheme"),
    ("refreshTokenPath", "token.refreshTokenPath"),
    ("revoke.uri", "token.revoke.uri"),
    ("revoke.headers", "token.revoke.headers"),
    ("revoke.body", "token.revoke.body"),
    ("failStatusCode", "failStatusCode"),
    ("failPath", "failPath"),
    ("failValues", "failValues"),
)
"""Path below ``oauth2`` of the iClient, path below ``auth`` of a connection in the ``http`` dialect."""

_REQUESTS: Final = ("token", "refresh", "revoke")


class HeaderLines(ValueError):
    """Header fields of an iClient that cannot be read; the message says where."""


def with_iclient(http: Tree, iclient: Tree) -> Tree:
    """The block of a connection (``http`` dialect, decoded) with the data of its iClient, secrets of both in clear.

    With ``auth.oauth.useIClientFields`` what the iClient has wins, else it fills what the connection lacks. The iClient's ``oauth2``
    itself stands at ``auth.oauth.iClient``, header fields as lists of ``name`` and ``value``, for what a connection has no member of
    its own for: the method of the token request, ``refresh``, ``auth.queryParameters``. Connections that do not sign in with OAuth 2.0
    stay as they are. Neither tree is changed.
    """
    auth = http.get("auth") or {}
    oauth2 = iclient.get("oauth2")
    if auth.get("type") != "oauth" or not isinstance(oauth2, Mapping):
        return http
    client = _with_header_entries(oauth2)
    wins = bool((auth.get("oauth") or {}).get("useIClientFields"))
    merged: Tree = dict(auth)
    for source, target in _MEMBERS:
        value = _get(client, source)
        if _has(value, target) and (wins or not _has(_get(auth, target), target)):
            merged = _with(merged, target.split("."), value)
    return {**http, "auth": _with(merged, ["oauth", "iClient"], client)}


def header_entries(headers: Any) -> list[dict[str, str]]:
    """Header fields as ``name`` and ``value``: from such a list, or from text with one ``Name: value`` a line. Raises ``HeaderLines``."""
    if headers is None:
        return []
    if isinstance(headers, str):
        return [_of_line(line) for line in headers.splitlines() if line.strip()]
    return list(_of_list(headers))


def _of_list(headers: Any) -> Iterator[dict[str, str]]:
    for index, entry in enumerate(headers):
        name, value = (entry.get("name"), entry.get("value", "")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            raise HeaderLines(f"entry {index} is something else")
        yield {"name": name, "value": value}


def _of_line(line: str) -> dict[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise HeaderLines("a line has no colon")
    return {"name": name.strip(), "value": value.strip()}


def _with_header_entries(oauth2: Mapping[str, Any]) -> Tree:
    client = dict(oauth2)
    for name in _REQUESTS:
        request = client.get(name)
        if isinstance(request, Mapping) and request.get("headers") is not None:
            client[name] = {**request, "headers": header_entries(request["headers"])}
    return client


def _has(value: Any, target: str) -> bool:
    """Whether a member says something; only an empty scheme does so by being empty (connections.md 3.2)."""
    return value is not None and (value not in ("", []) or target == "token.scheme")


def _get(tree: Mapping[str, Any], path: str) -> Any:
    node: Any = tree
    for step in path.split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _with(tree: Mapping[str, Any], steps: list[str], value: Any) -> Tree:
    """The tree with another value at one place; what is not on the way there is shared."""
    first, *rest = steps
    below = tree.get(first)
    return {**tree, first: _with(below if isinstance(below, Mapping) else {}, rest, value) if rest else value}
