"""RFC 7616 and its ancestors RFC 2617 and RFC 2069: nonces that age, counts that are used once."""

from __future__ import annotations

import hashlib
import re
from secrets import token_urlsafe
from typing import ClassVar

from tests.e2e.sign_in.plain import same
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way

REALM = 'orders "ä" realm'
_PAIR = re.compile(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))\s*(?:,\s*|$)')
_QUOTED = ("username", "realm", "nonce", "uri", "response", "cnonce", "opaque")
"""These have quotes, the others must not (RFC 7616 3.4)."""


def parameters(header: str | None) -> dict[str, str]:
    """The parameters of ``Authorization: Digest``; empty for anything that is not exactly that."""
    scheme, _, rest = (header or "").partition(" ")
    found: dict[str, str] = {}
    at = 0
    while at < len(rest):
        pair = _PAIR.match(rest, at)
        if pair is None or pair[1] in found or (pair[2] is not None) != (pair[1] in _QUOTED):
            return {}
        found[pair[1]] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        at = pair.end()
    return found if scheme == "Digest" else {}


class DigestMd5(Way):
    """MD5 without a word about the algorithm, ``qop="auth"`` (RFC 2617)."""

    name = "digest-md5"
    refusals = 1
    algorithm: ClassVar[str] = ""
    qop: ClassVar[str] = "auth"
    odd: ClassVar[str] = ""
    """What every nonce begins with."""
    uses: ClassVar[int] = 1000
    """Requests that a nonce is good for."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.user = "svc_orders"
        self.password = vault.secret("password", "Circle Of ")
        self.nonces: dict[str, set[str]] = {}
        self.keys: dict[str, str] = {}
        self.stale = 0

    def block(self, base: str, *, right: bool) -> Block:
        password = self.password if right else self.vault.secret("wrong password")
        return {"auth": {"type": "digest", "basic": {"username": self.user, "password": password}}}

    def hashed(self, text: str) -> str:
        """H of the RFC."""
        name = "sha256" if "SHA-256" in self.algorithm else "md5"
        return hashlib.new(name, text.encode()).hexdigest()

    def challenge(self, *, stale: bool = False) -> Refused:
        """A refusal with a new nonce."""
        nonce = self.odd + token_urlsafe(24)
        self.nonces[nonce] = set()
        realm, quoted = (re.sub(r'(["\\])', r"\\\1", text) for text in (REALM, nonce))
        fields = [f'realm="{realm}"', f'nonce="{quoted}"', 'opaque="o/p=="']
        fields += [f"algorithm={self.algorithm}"] if self.algorithm else []
        fields += [f'qop="{self.qop}"'] if self.qop else []
        fields += ["stale=true"] if stale else []
        return Refused("stale" if stale else "sign in", headers={"WWW-Authenticate": f"Digest {', '.join(fields)}"})

    def admit(self, asked: Asked) -> None:
        given = parameters(asked.one("Authorization"))
        nonce = given.get("nonce", "")
        if nonce not in self.nonces or given.get("realm") != REALM or given.get("opaque") != "o/p==":
            raise self.challenge()
        self.vault.computed[given.get("response", "")] = "digest of a password"
        fits = given.get("uri") == asked.target and given.get("username") == self.user
        fits &= given.get("algorithm", "") == self.algorithm and given.get("qop", "") in self.qop.split(",")
        if not fits or not same(given.get("response"), self.response(asked, given)):
            raise self.challenge()
        count = given.get("nc", "") if self.qop else str(len(self.nonces[nonce]))
        if count in self.nonces[nonce] or (self.qop and re.fullmatch("[0-9a-f]{8}", count) is None):
            raise Refused("this count was used before")
        if len(self.nonces[nonce]) >= self.uses:
            self.stale += 1
            raise self.challenge(stale=True)
        self.nonces[nonce].add(count)

    def response(self, asked: Asked, given: dict[str, str]) -> str:
        """RFC 7616 3.4.1 to 3.4.3; RFC 2069 without qop."""
        nonce, cnonce = given["nonce"], given.get("cnonce", "")
        key = self.hashed(f"{self.user}:{REALM}:{self.password}")
        if self.algorithm.endswith("-sess"):
            key = self.keys.setdefault(nonce, self.hashed(f"{key}:{nonce}:{cnonce}"))
        what = f"{asked.method}:{asked.target}"
        if given.get("qop") == "auth-int":
            name = "sha256" if "SHA-256" in self.algorithm else "md5"
            what += ":" + hashlib.new(name, asked.body).hexdigest()
        if not self.qop:
            return self.hashed(f"{key}:{nonce}:{self.hashed(what)}")
        return self.hashed(f"{key}:{nonce}:{given.get('nc')}:{cnonce}:{given.get('qop')}:{self.hashed(what)}")


class DigestSha256(DigestMd5):
    """SHA-256, and nonces that are stale after three requests."""

    name = "digest-sha256"
    algorithm = "SHA-256"
    uses = 3
    refusals = 3


class DigestIntegrity(DigestMd5):
    """MD5-sess, and a digest of the body."""

    name = "digest-md5-sess-int"
    algorithm = "MD5-sess"
    qop = "auth-int"


class DigestSession(DigestMd5):
    """SHA-256-sess with stale nonces."""

    name = "digest-sha256-sess"
    algorithm = "SHA-256-sess"
    qop = "auth,auth-int"
    uses = 3
    refusals = 3


class DigestOld(DigestMd5):
    """RFC 2069: no qop, no count."""

    name = "digest-no-qop"
    qop = ""
    uses = 3
    refusals = 3


class DigestQuoted(DigestMd5):
    """A nonce with everything that breaks a header when it is not escaped."""

    name = "digest-quoted"
    odd = 'a", b="c\\ = '
