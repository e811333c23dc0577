"""Challenges of the Digest scheme, and the header that answers one (RFC 7616 3.3, 3.4). Nothing here knows of a connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize
from urllib.parse import quote

from fairlead.domain import urls
from fairlead.domain.challenges import Challenge, Parameter, read_challenges
from fairlead.domain.http import HttpRequest, HttpResponse

_ATTR_CHAR: Final = "!#$&+-.^_`|~"  # RFC 8187 3.2.1, beside letters and digits
_SHOWN: Final = 40
_ADVICE: Final = "choose the authentication type that it uses in http.auth.type"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class _Algorithm:
    """``per_session``: the key is made of the first request with a nonce (``-sess``)."""

    strength: int
    digest: Callable[[bytes], str]
    per_session: bool


_ALGORITHMS: Final[Mapping[str, _Algorithm]] = {
    "MD5": _Algorithm(1, _md5, per_session=False),
    "MD5-SESS": _Algorithm(1, _md5, per_session=True),
    "SHA-256": _Algorithm(2, _sha256, per_session=False),
    "SHA-256-SESS": _Algorithm(2, _sha256, per_session=True),
}


@dataclass(frozen=True, slots=True)
class DigestChallenge:
    """A challenge that can be answered. ``algorithm`` is as received, ``""`` when it was not named; ``qop`` is ``auth``, ``auth-int`` or
    ``""`` (the form of RFC 2069). ``session_cnonce``: the client nonce of every request with this nonce, for ``-sess``: servers
    disagree whether the key is made with that of the first request or of each, so all have the same."""

    realm: Parameter
    nonce: Parameter
    opaque: Parameter | None = None
    algorithm: str = ""
    qop: str = ""
    utf8: bool = False
    userhash: bool = False
    stale: bool = False
    session_cnonce: str = ""


def best_challenge(response: HttpResponse, random: Callable[[int], bytes]) -> tuple[DigestChallenge | None, str]:
    """The Digest challenge with the strongest hash, of equals the first; or nothing, and the sentence why."""
    found, broken = read_challenges(response.headers.get_all("WWW-Authenticate"))
    offered = [challenge for challenge in found if challenge.scheme.lower() == "digest"]
    best: DigestChallenge | None = None
    strength = 0
    problem = ""
    for challenge in offered:
        wrong = _problem_of(challenge)
        problem = problem or wrong
        algorithm = _ALGORITHMS.get(challenge.value("algorithm").upper() or "MD5")
        if not wrong and algorithm is not None and algorithm.strength > strength:
            best = _usable(challenge, random(16).hex() if algorithm.per_session else "")
            strength = algorithm.strength
    if best is not None:
        return best, ""
    if problem:
        return None, f"the application's Digest challenge cannot be answered: {problem}"
    if broken:
        return None, f"the application's challenge (WWW-Authenticate) cannot be read: {broken}"
    if found:
        schemes = _named(challenge.scheme for challenge in found)
        return None, f"the application asks for {schemes}, which digest cannot answer: {_ADVICE}"
    return None, f"the application refused without a challenge (WWW-Authenticate), so it does not use digest: {_ADVICE}"


def _problem_of(challenge: Challenge) -> str:
    """Why a Digest challenge cannot be answered, ``""`` when it can."""
    algorithm = challenge.value("algorithm")
    if algorithm and algorithm.upper() not in _ALGORITHMS:
        return f"its algorithm is {_named([algorithm])}; MD5, MD5-sess, SHA-256 and SHA-256-sess are known"
    if not challenge.value("nonce"):
        return "it has no nonce"
    if "realm" not in challenge.parameters:
        return "it has no realm"
    if _qop(challenge) is None:
        return f"its qop is {_named(_options(challenge))}; auth and auth-int are known"
    return ""


def _usable(challenge: Challenge, session_cnonce: str) -> DigestChallenge:
    return DigestChallenge(
        challenge.parameters["realm"],
        challenge.parameters["nonce"],
        challenge.parameters.get("opaque"),
        challenge.value("algorithm"),
        _qop(challenge) or "",
        utf8=challenge.value("charset").lower() == "utf-8",
        userhash=challenge.value("userhash").lower() == "true",
        stale=challenge.value("stale").lower() == "true",
        session_cnonce=session_cnonce,
    )


def _options(challenge: Challenge) -> list[str]:
    return [option for part in challenge.value("qop").lower().split(",") if (option := part.strip())]


def _qop(challenge: Challenge) -> str | None:
    """``auth`` before ``auth-int``; ``""`` when the challenge names none, nothing when it names only others."""
    options = _options(challenge)
    if not options:
        return ""
    return next((known for known in ("auth", "auth-int") if known in options), None)


def _named(words: Iterable[str]) -> str:
    """What an application calls something, for a message: a few words, short, without anything that is not printable ASCII."""
    shown = dict.fromkeys("".join(c for c in word if " " <= c <= "~")[:_SHOWN] for word in words)
    return ", ".join(list(shown)[:5]) or "empty"


def authorization(
    challenge: DigestChallenge, username: str, password: str, request: HttpRequest, *, count: int, cnonce: str
) -> str:
    """The value of ``Authorization`` for ``request`` (RFC 7616 3.4). ``count`` is that of requests with this nonce, from 1."""
    if challenge.utf8:
        username, password = normalize("NFC", username), normalize("NFC", password)
    algorithm = _ALGORITHMS[challenge.algorithm.upper() or "MD5"]
    target = request_target(request.url)
    key = _hashed(algorithm, f"{username}:{challenge.realm.value}:{password}")
    if algorithm.per_session:
        key = _hashed(algorithm, f"{key}:{challenge.nonce.value}:{cnonce}")
    what = f"{request.method}:{target}"
    if challenge.qop == "auth-int":
        what = f"{what}:{algorithm.digest(request.body or b'')}"
    what = _hashed(algorithm, what)
    fields = [
        _user_field(username, utf8=challenge.utf8),
        f'realm="{challenge.realm.raw}"',
        f'nonce="{challenge.nonce.raw}"',
        f'uri="{target}"',
    ]
    if challenge.algorithm:
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        response = _hashed(algorithm, f"{key}:{challenge.nonce.value}:{count:08x}:{cnonce}:{challenge.qop}:{what}")
        fields.append(f'qop={challenge.qop}, nc={count:08x}, cnonce="{cnonce}"')
    else:
        response = _hashed(algorithm, f"{key}:{challenge.nonce.value}:{what}")
        if algorithm.per_session:
            # RFC 2617 3.2.2 names a cnonce only with a qop; without it nobody could make this key.
            fields.append(f'cnonce="{cnonce}"')
    fields.append(f'response="{response}"')
    if challenge.opaque is not None:
        fields.append(f'opaque="{challenge.opaque.raw}"')
    return f"Digest {', '.join(fields)}"


def request_target(url: str) -> str:
    """Path and query as they stand in the first line of the request (RFC 9112 3.2.1); an empty query has no question mark there."""
    path, query = urls.path_and_query(urls.encode(url))
    return f"{path or '/'}?{query}" if query else path or "/"


def _hashed(algorithm: _Algorithm, text: str) -> str:
    return algorithm.digest(text.encode())


def _user_field(username: str, *, utf8: bool) -> str:
    if utf8 and not username.isascii():
        return f"username*=UTF-8''{quote(username, safe=_ATTR_CHAR)}"
    escaped = username.replace("\\", "\\\\").replace('"', '\\"')
    return f'username="{escaped}"'
