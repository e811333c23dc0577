"""``jwtbearer``, also called ``jwt`` (connections.md 3.9, RFC 7515, RFC 7519): a JSON web token that this connection makes itself.

``exp``, ``nbf`` and ``iat`` are as configured; where an application's clock is behind, ``"iat": -60`` makes the token look a minute older.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fairlead.auth.clocks import explain_clock
from fairlead.auth.fixed import Fixed
from fairlead.auth.keys import JWT_KEY, private_key, shared_secret
from fairlead.auth.placement import place
from fairlead.auth.signatures import Key, sign
from fairlead.domain import jsonvalue
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json, Place, TemplateError, Verdict

ALGORITHMS: Final[Mapping[str, str]] = {
    "hmac-sha256": "HS256",
    "hmac-sha384": "HS384",
    "hmac-sha512": "HS512",
    "rsa-sha256": "RS256",
    "rsa-sha384": "RS384",
    "rsa-sha512": "RS512",
    "es256": "ES256",
    "es384": "ES384",
    "es512": "ES512",
    "ps256": "PS256",
    "ps384": "PS384",
    "ps512": "PS512",
}
"""``alg`` of each ``signatureMethod`` (RFC 7518 3.1)."""

_MEMORY: Final = "jwtbearer"
_MARGIN: Final = 30.0
_LIFETIME: Final = 300
_FIRST_DATE: Final = 1_000_000_000
"""Below this a number is an offset from now, in seconds, and no date."""
_PAYLOAD: Final = "http.auth.jwt.payload"
_HEADERS: Final = "http.auth.jwt.headers"


@dataclass(frozen=True, slots=True)
class _Made:
    """A token that was made. It belongs to one version of the connection: with another key, other claims or other settings that its
    templates read there is another ``http``."""

    token: str = field(repr=False)
    http: Json = field(repr=False)
    until: float
    """To be used before this, in seconds since 1970."""


class JwtBearer(Fixed):
    """Makes a token, uses it until shortly before its end, and makes another when it is refused."""

    name = "jwtbearer"

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with the token of the connection, a given or a made one; when one that was made for an earlier request is refused,
        once more with a newer one. Raises ``InvalidContent`` for a key that cannot be used and a template that cannot be rendered,
        ``RenewalRefused`` when it is refused and the application's clock is far from ours."""
        auth: Mapping[str, Json] = session.http.get("auth") or {}
        media_type = session.http.get("mediaType")
        settings = auth.get("token") or {}
        given = (auth.get("jwt") or {}).get("token")
        if given:
            yield place(request, settings, given, media_type)
            return
        earlier = _kept(session)
        made = earlier or _make(session)
        answer = yield place(request, settings, made.token, media_type)
        if answer.verdict is not Verdict.AUTHENTICATION_FAILED:
            return
        _forget(session, made)
        if earlier is not None:
            newer = _kept(session) or _make(session)
            answer = yield place(request, settings, newer.token, media_type)
            if answer.verdict is Verdict.AUTHENTICATION_FAILED:
                _forget(session, newer)
        explain_clock(answer, session, "the JSON web token", "it tells when it was made and when it ends")


def compact(header: Mapping[str, Json], payload: Mapping[str, Json], method: str, key: Key) -> str:
    """The signed token (RFC 7515 3.1): members in the order given, numbers as written."""
    signed = _base64(jsonvalue.dumps(header)) + b"." + _base64(jsonvalue.dumps(payload))
    return (signed + b"." + _base64(sign(method, key, signed))).decode("ascii")


def _kept(session: AuthSession) -> _Made | None:
    made: _Made | None = session.memory.get(_MEMORY)
    if made is None or made.http is not session.http or session.clock.now().timestamp() >= made.until:
        return None
    return made


def _forget(session: AuthSession, made: _Made) -> None:
    if session.memory.get(_MEMORY) is made:
        del session.memory[_MEMORY]


def _make(session: AuthSession) -> _Made:
    """A new token, from now on that of the connection."""
    jwt: Mapping[str, Json] = (session.http.get("auth") or {}).get("jwt") or {}
    method = jwt.get("signatureMethod") or ""
    key: Key = (
        shared_secret(jwt) if method.startswith("hmac-") else private_key(jwt.get("privateKey") or "", method, JWT_KEY)
    )
    claims = _claims(jwt.get("payload") or {}, session)
    more = _rendered(jwt.get("headers") or {}, session, _HEADERS)
    header = {"alg": ALGORITHMS[method], "typ": "JWT", **{name: more[name] for name in more if name != "alg"}}
    made = _Made(compact(header, claims, method, key), session.http, _end(claims["exp"]) - _MARGIN)
    session.memory[_MEMORY] = made
    return made


def _claims(payload: Mapping[str, Json], session: AuthSession) -> dict[str, Json]:
    now = int(session.clock.now().timestamp())
    claims: dict[str, Json] = _rendered(payload, session, _PAYLOAD)
    for name, default in (("nbf", None), ("iat", 0), ("exp", _LIFETIME)):
        value = claims.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            value = claims[name] = int(value)  # a template gives text, and dates are numbers (RFC 7519 2, NumericDate)
        offset = default if value is None else jsonvalue.number_of(value)
        if offset is not None and abs(offset) < _FIRST_DATE:
            claims[name] = now + int(offset)
    return claims


def _rendered(value: Json, session: AuthSession, place_of: str) -> Json:
    """``value`` with every text in it rendered as a template, at any depth; a text stays a text."""
    if isinstance(value, str):
        try:
            return session.render(value, Place.PLAIN)
        except TemplateError as error:
            raise InvalidContent(Problem("invalid_template", f"{place_of}: {error.message}", place_of)) from None
    if isinstance(value, dict):
        return {name: _rendered(item, session, f"{place_of}.{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, session, f"{place_of}.{index}") for index, item in enumerate(value)]
    return value


def _end(exp: Json) -> float:
    """When a token ends, in seconds since 1970. 0, so that it serves one request only, when nobody can tell."""
    return float(max(0, min(jsonvalue.number_of(exp) or 0, 1e12)))


def _base64(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
