"""Rules between the fields of a connection (connections.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from fairlead.domain import urls
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.http import can_be_set

MAXIMUM_LEVEL: Final = {"http": 50, "rest": 100}


def check_connection(http: Tree) -> list[Problem]:
    """Everything that is wrong between the fields of a connection, given as its block in the ``http`` dialect, decoded.

    Problems carry fields of the ``http`` dialect; the caller turns them into the notation of the document.
    """
    return [
        *_base_uri(http),
        *_authentication(http),
        *_credential_header(http),
        *_detection(http, "rateLimit", "http.rateLimit"),
        *_detection(http, "auth", "http.auth"),
        *_ping(http),
        *_limits(http),
        *_certificates(http),
        *_field_lists(http),
    ]


def missing(field: str, why: str = "is required") -> Problem:
    """``missing_required_field`` for ``field``."""
    return Problem("missing_required_field", f"{field} {why}", field)


def invalid(field: str, why: str) -> Problem:
    """``invalid_field`` for ``field``."""
    return Problem("invalid_field", f"{field} {why}", field)


_STATUSES: Final = range(200, 1000)
"""A final answer has no less; some applications refuse with a status beyond those of RFC 9110."""


def final_status(value: Any, field: str) -> Iterator[Problem]:
    """Whether an answer can have the status that ``field`` waits for."""
    if value is not None and value not in _STATUSES:
        last = _STATUSES[-1]
        yield invalid(field, f"is {value}, which no answer can have: give a status from {_STATUSES[0]} to {last}")


def fail_statuses(block: Mapping[str, Any], prefix: str) -> Iterator[Problem]:
    """``failStatusCode`` and ``failures[].statusCode`` (connections.md 6.1, 7.1)."""
    yield from final_status(block.get("failStatusCode"), f"{prefix}.failStatusCode")
    for number, failure in enumerate(block.get("failures") or ()):
        yield from final_status(failure.get("statusCode"), f"{prefix}.failures.{number}.statusCode")


def _base_uri(http: Tree) -> Iterator[Problem]:
    uri = str(http.get("baseURI") or "").strip()
    if not uri or uri.startswith("{{"):
        return
    if uri.partition("://")[0].lower() not in ("http", "https"):
        yield invalid("http.baseURI", "must start with http:// or https://")
    elif "{{" not in uri:
        try:
            urls.origin(urls.encode(uri))
        except urls.UrlError as error:
            yield invalid("http.baseURI", f"cannot be used: {error}")
        else:
            if urls.has_user(urls.encode(uri)):
                yield invalid("http.baseURI", "holds a user name or password; give them in auth")


def _block(http: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    node: Any = http
    for name in names:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _require(block: Mapping[str, Any], prefix: str, *names: str) -> Iterator[Problem]:
    for name in names:
        if block.get(name) in (None, ""):
            yield missing(f"{prefix}.{name}")


def _authentication(http: Tree) -> Iterator[Problem]:
    kind = _block(http, "auth").get("type") or "custom"
    check = _AUTHENTICATION.get(kind)
    if check is None:
        yield invalid("http.auth.type", f"{kind} is a legacy type that is refused; use custom")
    else:
        yield from check(http)


def _user(http: Tree) -> Iterator[Problem]:
    basic = _block(http, "auth", "basic")
    yield from _require(basic, "http.auth.basic", "username")
    if _block(http, "auth").get("type") == "basic" and ":" in str(basic.get("username") or ""):
        # RFC 7617 2: the first colon ends the user name, so the other side would read another user.
        yield invalid("http.auth.basic.username", "must not contain a colon (RFC 7617)")
    elif any(character < " " or character == "\x7f" for character in str(basic.get("username") or "")):
        yield invalid(
            "http.auth.basic.username", "must not contain a line break or control character; was one copied along?"
        )


def _token(http: Tree) -> Iterator[Problem]:
    token = _block(http, "auth", "token")
    if not token.get("token") and not token.get("refreshRelativeURI"):
        yield missing("http.auth.token.token", "is required unless a refresh request is configured")
    if any(character in str(token.get("token") or "") for character in "\r\n\0"):
        yield invalid("http.auth.token.token", "must not contain a line break; was one copied along?")
    yield from _refresh(token)
    yield from _token_in_body(http)


_LONGEST_TOKEN: Final = 16 * 1024


def _credential_header(http: Tree) -> Iterator[Problem]:
    """Of the types that put something into a header of the user's choice."""
    token = _block(http, "auth", "token")
    name = token.get("headerName")
    if name and not can_be_set(str(name)):
        yield invalid("http.auth.token.headerName", f"{str(name)[:50]!r} is not a header that can be set")
    if any(character in str(token.get("scheme") or "") for character in "\r\n\0"):
        yield invalid("http.auth.token.scheme", "must not contain a line break")
    for field, value in (("token.token", token.get("token")), ("jwt.token", _block(http, "auth", "jwt").get("token"))):
        text = str(value or "")
        if text and not text.strip():
            yield invalid(f"http.auth.{field}", "is blank")
        elif len(text) > _LONGEST_TOKEN:
            yield invalid(f"http.auth.{field}", f"has {len(text)} characters; at most {_LONGEST_TOKEN} can be sent")


def _refresh(token: Mapping[str, Any]) -> Iterator[Problem]:
    if _has_other_scheme(token.get("refreshRelativeURI")):
        why = "must be relative to baseURI, or start with http:// or https://"
        yield invalid("http.auth.token.refreshRelativeURI", why)
    in_header = token.get("refreshTokenLocation") == "header"
    if in_header and any(character in str(token.get("refreshToken") or "") for character in "\r\n\0"):
        yield invalid("http.auth.token.refreshToken", "must not contain a line break; was one copied along?")


def _has_other_scheme(uri: Any) -> bool:
    scheme, absolute, _ = str(uri or "").strip().partition("://")
    return bool(absolute) and scheme.isalnum() and scheme.lower() not in ("http", "https")


def _token_in_body(http: Tree) -> Iterator[Problem]:
    token = _block(http, "auth", "token")
    if token.get("location") == "body":
        if not token.get("paramName"):
            yield missing("http.auth.token.paramName", "is required when the token is sent in the body")
        if http.get("mediaType") not in ("json", "urlencoded"):
            yield invalid("http.auth.token.location", "must be header or url unless mediaType is json or urlencoded")


def _cookie(http: Tree) -> Iterator[Problem]:
    cookie = _block(http, "auth", "cookie")
    yield from _require(cookie, "http.auth.cookie", "uri")
    uri = str(cookie.get("uri") or "").strip()
    scheme, absolute, _ = uri.partition("://")
    if absolute and scheme.isalnum() and scheme.lower() not in ("http", "https"):
        yield invalid("http.auth.cookie.uri", "must be relative to baseURI, or start with http:// or https://")
    status = cookie.get("successStatusCode")
    if status is not None and not 200 <= status <= 599:
        yield invalid("http.auth.cookie.successStatusCode", "must be the status of an answer, 200 to 599")


_OF_GRANT: Final[Mapping[str, Sequence[str]]] = {
    "authorizecode": ("authURI", "tokenURI", "clientId"),
    "clientcredentials": ("tokenURI", "clientId"),
    "password": ("tokenURI", "username", "password"),
}


def _oauth(http: Tree) -> Iterator[Problem]:
    oauth = _block(http, "auth", "oauth")
    grant = oauth.get("grantType") or "authorizecode"
    required = _OF_GRANT[grant]
    if http.get("_iClientId"):
        # An iClient fills in what the connection lacks (connections.md 3.3); user name and password it does not have.
        required = [name for name in required if name in ("username", "password")]
    elif "clientId" in required and not oauth.get("pkceCodeChallengeMethod"):
        required = [*required, "clientSecret"]
    yield from _require(oauth, "http.auth.oauth", *required)
    for name in ("authURI", "tokenURI"):
        if _has_other_scheme(oauth.get(name)):
            yield invalid(f"http.auth.oauth.{name}", "must start with http:// or https://")
    yield from _token_in_body(http)


def _oauth1(http: Tree) -> Iterator[Problem]:
    oauth1 = _block(http, "auth", "oauth", "oauth1")
    prefix = "http.auth.oauth.oauth1"
    yield from _require(oauth1, prefix, "signatureMethod", "consumerKey", "accessToken")
    if str(oauth1.get("signatureMethod") or "").startswith("rsa-"):
        yield from _require(oauth1, prefix, "consumerPrivateKey")
    else:
        yield from _require(oauth1, prefix, "consumerSecret", "tokenSecret")


def _jwt(http: Tree) -> Iterator[Problem]:
    jwt = _block(http, "auth", "jwt")
    yield from _token_in_body(http)
    if jwt.get("token"):
        if any(character in str(jwt["token"]) for character in "\r\n\0"):
            yield invalid("http.auth.jwt.token", "must not contain a line break; was one copied along?")
        return
    yield from _require(jwt, "http.auth.jwt", "signatureMethod")
    if jwt.get("payload") in (None, b"{}", {}):
        yield missing("http.auth.jwt.payload")
    key = "secret" if str(jwt.get("signatureMethod") or "hmac-").startswith("hmac-") else "privateKey"
    yield from _require(jwt, "http.auth.jwt", key)


def _custom(http: Tree) -> Iterator[Problem]:
    yield from _refresh(_block(http, "auth", "token"))


_AUTHENTICATION: Final[Mapping[str, Callable[[Tree], Iterator[Problem]]]] = {
    "basic": _user,
    "digest": _user,
    "wsse": _user,
    "token": _token,
    "cookie": _cookie,
    "oauth": _oauth,
    "oauth1": _oauth1,
    "jwt": _jwt,
    "jwtbearer": _jwt,
    "custom": _custom,
}


def _detection(http: Tree, block: str, prefix: str) -> Iterator[Problem]:
    settings = _block(http, block)
    if settings.get("failValues") and not settings.get("failPath"):
        yield missing(f"{prefix}.failPath", "is required with failValues")
    yield from fail_statuses(settings, prefix)


def _ping(http: Tree) -> Iterator[Problem]:
    ping = _block(http, "ping")
    for values, path in (("successValues", "successPath"), ("failValues", "failPath")):
        if ping.get(values) and not ping.get(path):
            yield missing(f"http.ping.{path}", f"is required with {values}")


def _limits(http: Tree) -> Iterator[Problem]:
    level = http.get("concurrencyLevel")
    if _block(http, "rateLimit").get("limit") is not None and level != 1:
        seen = "is not set" if level is None else f"is {level}"
        yield invalid(
            "http.rateLimit.limit", f"needs concurrencyLevel 1, which {seen}: it is the wait between two requests"
        )


_CERTIFICATE_FIELDS: Final = ("cert", "key", "passphrase", "pfx", "ca")


def _certificates(http: Tree) -> Iterator[Problem]:
    given = {name for name in _CERTIFICATE_FIELDS if _block(http, "clientCertificates").get(name)}
    prefix = "http.clientCertificates"
    if "pfx" in given and given & {"cert", "key"}:
        yield invalid(f"{prefix}.pfx", "cannot be given together with cert and key")
    elif "cert" in given and "key" not in given:
        yield missing(f"{prefix}.key", "is required with cert")
    elif "key" in given and "cert" not in given:
        yield missing(f"{prefix}.cert", "is required with key")
    elif "passphrase" in given and not given & {"pfx", "cert"}:
        yield missing(f"{prefix}.cert", "is required with passphrase")


def _field_lists(http: Tree) -> Iterator[Problem]:
    for bag, fields in (("encrypted", "encryptedFields"), ("unencrypted", "unencryptedFields")):
        values = http.get(bag)
        known = values if isinstance(values, Mapping) else {}
        for entry in http.get(fields) or ():
            if entry.get("required") and entry.get("id") and known.get(entry["id"]) in (None, ""):
                yield missing(f"http.{bag}.{entry['id']}", f"is required by {fields}")
