"""All ways of signing in, and the ``rest`` notation of a connection."""

from __future__ import annotations

import json

from tests.e2e.sign_in import digest, jwt, oauth1, plain, sessions, signed, tokens, told
from tests.e2e.sign_in.way import Block, Way

WAYS: list[type[Way]] = [
    plain.Basic,
    plain.BasicUtf8,
    plain.BasicEmpty,
    plain.Bearer,
    plain.OwnHeader,
    plain.OwnScheme,
    plain.InQuery,
    plain.InJson,
    plain.InForm,
    plain.EncryptedBag,
    signed.HmacSignature,
    signed.Wsse,
    tokens.Renewed,
    tokens.RenewedByTemplate,
    tokens.RenewedByGet,
    tokens.CustomRenewed,
    tokens.ClientCredentials,
    tokens.ClientInBody,
    tokens.Password,
    tokens.AuthorizationCode,
    tokens.PublicClient,
    sessions.LoginByPost,
    sessions.LoginByGet,
    sessions.LoginWithRedirect,
    digest.DigestMd5,
    digest.DigestSha256,
    digest.DigestIntegrity,
    digest.DigestSession,
    digest.DigestOld,
    oauth1.Oauth1,
    oauth1.Oauth1Sha256,
    oauth1.Oauth1Form,
    oauth1.Oauth1Rsa,
    oauth1.Oauth1Plain,
    jwt.Jwt,
    jwt.JwtRsa,
    jwt.JwtPss,
    jwt.JwtEc,
    told.InJsonAnswer,
    told.InXmlAnswer,
    told.As403,
]

_TOKEN = {
    "token": "bearerToken",
    "location": "tokenLocation",
    "paramName": "tokenParam",
    "headerName": "authHeader",
    "scheme": "authScheme",
    "refreshToken": "refreshToken",
    "refreshRelativeURI": "refreshTokenURI",
    "refreshMethod": "refreshTokenMethod",
    "refreshBody": "refreshTokenBody",
    "refreshMediaType": "refreshTokenMediaType",
    "refreshTokenPath": "refreshTokenPath",
    "refreshHeaders": "refreshTokenHeaders",
}
_OAUTH = {"authURI": "authURI", "tokenURI": "oauthTokenURI", "scope": "scope", "scopeDelimiter": "scopeDelimiter"}
_TYPES = {"basic", "token", "oauth", "custom", "cookie", "jwtbearer", "wsse", "oauth1"}


def connection(way: Way, base: str, *, right: bool = True, notation: str = "http") -> Block:
    """A connection document for a way."""
    ping: Block = {"relativeURI": "/ping"}
    if way.by_body:
        ping |= {"method": "POST", "body": "x=1" if way.media_type == "urlencoded" else '{"x":1}'}
    block = {"baseURI": base, "mediaType": way.media_type, "ping": ping, **way.block(base, right=right)}
    if notation == "rest":
        block = rest_notation(block)
    return {"type": notation, "name": way.name, notation: block}


def exists_in_rest(way: type[Way]) -> bool:
    """Whether the ``rest`` notation can say it (connections.md 1.3)."""
    return way.name not in {
        *("token-json-body", "token-form-body"),  # tokenLocation: header and url
        "refresh-get",  # no refreshTokenLocation
        *("failure-in-json", "failure-in-xml", "failure-403"),  # no auth.fail*
    } and not way.name.startswith("digest")


def rest_notation(block: Block) -> Block:
    """The same in flat names, by the table of connections.md 1.3."""
    flat = {name: value for name, value in block.items() if name not in ("auth", "ping")}
    ping, auth = dict(block["ping"]), dict(block["auth"])
    flat |= {f"ping{name[0].upper()}{name[1:]}": value for name, value in ping.items()}
    kind = auth.pop("type")
    assert kind in _TYPES
    signs = "hmacOptions" in json.dumps(flat)
    flat["authType"] = "jwt" if kind == "jwtbearer" else "hmac" if signs else kind
    for name, value in auth.pop("token", {}).items():
        flat[_TOKEN[name]] = value
    if "refreshTokenURI" in flat:
        flat.setdefault("refreshTokenMediaType", "urlencoded")  # other defaults here
        flat["refreshTokenURI"] = flat["baseURI"] + "/" + flat["refreshTokenURI"].lstrip("/")
    oauth = dict(auth.pop("oauth", {}))
    for name in _OAUTH.keys() & oauth.keys():
        flat[_OAUTH[name]] = oauth.pop(name)
    rest = {"oauth": oauth, "basicAuth": auth.pop("basic", None), "cookieAuth": auth.pop("cookie", None)}
    flat |= {name: value for name, value in rest.items() if value}
    flat |= auth
    renamed: Block = json.loads(json.dumps(flat).replace("connection.http.encrypted", "connection.rest.encrypted"))
    return renamed
