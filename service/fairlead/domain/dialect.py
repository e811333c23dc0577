"""``rest`` is a dialect of ``http``: flat names for the same things (connections.md 1.3, exports-imports.md 1.4, 4.4, 9.9).

Each table is written once and read in both directions: documents are converted for running, never for reading, and a problem
found in the converted document is told in the notation in which the document was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fairlead.domain.document import Tree

_CONNECTION: Final[tuple[tuple[str, str], ...]] = (
    ("baseURI", "baseURI"),
    ("mediaType", "mediaType"),
    ("headers", "headers"),
    ("encrypted", "encrypted"),
    ("unencrypted", "unencrypted"),
    ("encryptedFields", "encryptedFields"),
    ("unencryptedFields", "unencryptedFields"),
    ("disableStrictSSL", "disableStrictSSL"),
    ("concurrencyLevel", "concurrencyLevel"),
    ("targetConcurrencyLevel", "targetConcurrencyLevel"),
    ("retryHeader", "retryHeader"),
    ("jwt", "auth.jwt"),
    ("authType", "auth.type"),
    ("basicAuth", "auth.basic"),
    ("bearerToken", "auth.token.token"),
    ("tokenLocation", "auth.token.location"),
    ("tokenParam", "auth.token.paramName"),
    ("authHeader", "auth.token.headerName"),
    ("authScheme", "auth.token.scheme"),
    ("refreshToken", "auth.token.refreshToken"),
    ("refreshTokenURI", "auth.token.refreshRelativeURI"),
    ("refreshTokenMethod", "auth.token.refreshMethod"),
    ("refreshTokenBody", "auth.token.refreshBody"),
    ("refreshTokenMediaType", "auth.token.refreshMediaType"),
    ("refreshTokenPath", "auth.token.refreshTokenPath"),
    ("refreshTokenHeaders", "auth.token.refreshHeaders"),
    ("cookieAuth", "auth.cookie"),
    ("authURI", "auth.oauth.authURI"),
    ("oauthTokenURI", "auth.oauth.tokenURI"),
    ("scope", "auth.oauth.scope"),
    ("scopeDelimiter", "auth.oauth.scopeDelimiter"),
    ("oauth", "auth.oauth"),
    ("_iClientId", "_iClientId"),
    ("pingRelativeURI", "ping.relativeURI"),
    ("pingMethod", "ping.method"),
    ("pingBody", "ping.body"),
    ("pingSuccessPath", "ping.successPath"),
    ("pingSuccessValues", "ping.successValues"),
    ("pingFailurePath", "ping.failPath"),
    ("pingFailureValues", "ping.failValues"),
)

_EXPORT: Final[tuple[tuple[str, str], ...]] = (
    ("relativeURI", "relativeURI"),
    ("method", "method"),
    ("headers", "headers"),
    ("postBody", "body"),
    ("query", "query"),
    ("resourcePath", "response.resourcePath"),
    ("successPath", "response.successPath"),
    ("successValues", "response.successValues"),
    ("allowUndefinedResource", "response.allowUndefinedResource"),
    ("once.relativeURI", "once.relativeURI"),
    ("once.method", "once.method"),
    ("once.postBody", "once.body"),
    ("pagingMethod", "paging.method"),
    ("nextPagePath", "paging.path"),
    ("nextPageRelativeURI", "paging.relativeURI"),
    ("pagingPostBody", "paging.body"),
    ("linkHeaderRelation", "paging.linkHeaderRelation"),
    ("lastPageStatusCode", "paging.lastPageStatusCode"),
    ("lastPagePath", "paging.lastPagePath"),
    ("lastPageValue", "paging.lastPageValues"),
    ("maxPagePath", "paging.maxPagePath"),
    ("maxCountPath", "paging.maxCountPath"),
    ("pageArgument", "paging.argument"),
    ("skipArgument", "paging.argument"),
)

_PAGING_METHODS: Final[dict[str, str]] = {
    "nextpageurl": "url",
    "pageargument": "page",
    "skipargument": "skip",
    "token": "token",
    "linkheader": "linkheader",
    "relativeuri": "relativeuri",
    "postbody": "body",
}

_IMPORT: Final[tuple[tuple[str, str], ...]] = (
    ("relativeURI", "relativeURI"),
    ("method", "method"),
    ("body", "body"),
    ("headers", "headers"),
    ("requestType", "requestType"),
    ("batchSize", "batchSize"),
    ("resourceId.extract", "existingExtract"),
    ("resourceId.lookupName", "existingLookupName"),
    ("existingExtract", "existingExtract"),
    ("existingLookupName", "existingLookupName"),
    ("ignoreExtract", "ignoreExtract"),
    ("ignoreLookupName", "ignoreLookupName"),
    ("responseIdPath", "response.resourceIdPath"),
    ("successPath", "response.successPath"),
    ("successValues", "response.successValues"),
    ("lookups", "lookups"),
)

_TABLES: Final = {"connection": _CONNECTION, "export": _EXPORT, "import": _IMPORT}


def _get(tree: Mapping[str, Any], path: str) -> Any:
    node: Any = tree
    for step in path.split("."):
        if not isinstance(node, Mapping) or step not in node:
            return None
        node = node[step]
    return node


def _put(tree: Tree, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    node = tree
    for step in parents:
        below = node.get(step)
        if not isinstance(below, dict):
            below = node[step] = {}
        node = below
    if isinstance(value, Mapping) and isinstance(node.get(last), dict):
        # A whole block (`oauth`) and single members of it (`oauthTokenURI`) may both be there: they are merged.
        node[last] = {**value, **node[last]}
    else:
        node[last] = dict(value) if isinstance(value, Mapping) else value


def _converted(block: Mapping[str, Any], table: tuple[tuple[str, str], ...]) -> Tree:
    result: Tree = {}
    for rest_path, http_path in table:
        value = _get(block, rest_path)
        if value is not None:
            _put(result, http_path, value)
    return result


def counting_block(fields: Mapping[str, Any], connection_type: str) -> str | None:
    """Which block counts: that of the connection's type; of ``http`` and ``rest`` the other one when it is not there
    (exports-imports.md 1.3)."""
    if connection_type not in ("http", "rest"):
        return connection_type if fields.get(connection_type) is not None else None
    other = "http" if connection_type == "rest" else "rest"
    for name in (connection_type, other):
        if isinstance(fields.get(name), Mapping):
            return name
    return None


def http_connection(fields: Mapping[str, Any]) -> Tree:
    """The ``http`` block of a connection, converted from ``rest`` when its type says so."""
    if fields.get("type") != "rest":
        return dict(fields.get("http") or {})
    http = _converted(fields.get("rest") or {}, _CONNECTION)
    auth = http.get("auth")
    if isinstance(auth, dict):
        if auth.get("type") == "hmac":
            # The signature is written with the `hmac` helper in a header; nothing else is added (connections.md 3.10).
            auth["type"] = "custom"
        token = auth.get("token")
        if isinstance(token, dict) and token.get("refreshRelativeURI"):
            token.setdefault("refreshMediaType", "json")
    if http.get("mediaType") == "csv":
        http["mediaType"] = "json"
        http["successMediaType"] = "csv"
    return http


def http_export(fields: Mapping[str, Any], connection_type: str) -> Tree:
    """A whole export with one ``http`` block; fields of the ``rest`` notation are converted by the tables of 1.4 and 4.4."""
    block = counting_block(fields, connection_type)
    if block not in ("http", "rest", None):
        return dict(fields)
    result = {name: value for name, value in fields.items() if name not in ("http", "rest")}
    if block == "http":
        result["http"] = dict(fields["http"])
    elif block == "rest":
        http = _converted(fields["rest"], _EXPORT)
        paging = http.get("paging")
        if isinstance(paging, dict):
            written = paging.get("method")
            if written is None:
                del http["paging"]
            else:
                paging["method"] = _PAGING_METHODS.get(str(written), str(written))
                argument = fields["rest"].get("skipArgument" if written == "skipargument" else "pageArgument")
                paging.pop("argument", None)
                if argument is not None and paging["method"] in ("page", "skip", "token"):
                    paging["argument"] = argument
                if "lastPageValues" in paging:
                    paging["lastPageValues"] = [paging["lastPageValues"]]
        result["http"] = http
    return result


def http_import(fields: Mapping[str, Any], connection_type: str) -> Tree:
    """A whole import with one ``http`` block; fields of the ``rest`` notation are converted by the table of 9.9."""
    block = counting_block(fields, connection_type)
    if block not in ("http", "rest", None):
        return dict(fields)
    result = {name: value for name, value in fields.items() if name not in ("http", "rest")}
    if block == "http":
        result["http"] = dict(fields["http"])
    elif block == "rest":
        http = _converted(fields["rest"], _IMPORT)
        http["singleBraces"] = True
        result["http"] = http
    return result


def written_field(field: str, notation: str, kind: str) -> str:
    """The name under which a member of the ``http`` block was written: ``http.ping.failPath`` of a ``rest`` connection is
    ``rest.pingFailurePath``. ``kind`` is ``connection``, ``export`` or ``import``; other fields come back unchanged."""
    if notation != "rest" or not (field == "http" or field.startswith("http.")):
        return field
    inner = field[5:]
    if inner == "successMediaType" and kind == "connection":
        return "rest.mediaType"  # of csv: the only way to say it in this notation
    best: tuple[int, str] | None = None
    for rest_path, http_path in _TABLES[kind]:
        if inner == http_path or inner.startswith(http_path + "."):
            candidate = (len(http_path), rest_path + inner[len(http_path) :])
            if best is None or candidate[0] > best[0]:
                best = candidate
    return f"rest.{best[1]}" if best else f"rest.{inner}" if inner else "rest"
