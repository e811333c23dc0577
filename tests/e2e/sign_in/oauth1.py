"""RFC 5849, checked from its text: each nonce once, the time within five minutes."""

from __future__ import annotations

import base64
import hmac
import re
from functools import cache
from typing import ClassVar
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.sign_in.plain import same
from tests.e2e.sign_in.signed import CLOCKS_APART
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way

_PAIR = re.compile(r'([a-z_]+)="([A-Za-z0-9._~%-]*)"')


@cache
def rsa_key(which: str) -> rsa.RSAPrivateKey:
    """One key for all tests of a process: making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """PKCS#8."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def encoded(text: str) -> str:
    """Section 3.6."""
    return quote(text, safe="")


class Oauth1(Way):
    """HMAC-SHA1."""

    name = "oauth1-hmac-sha1"
    method: ClassVar[str] = "HMAC-SHA1"
    realm: ClassVar[str] = ""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.consumer_secret = vault.secret("consumer secret", "cs &ä")
        self.token_secret = vault.secret("token secret", "ts+")
        self.token = vault.secret("access token of OAuth 1", "a~/")
        self.nonces: set[tuple[str, str]] = set()

    def block(self, base: str, *, right: bool) -> Block:
        oauth1 = {
            "consumerKey": "ck-123",
            "accessToken": self.token,
            "signatureMethod": self.method.lower(),
            **self.key(right=right),
            **({"realm": self.realm} if self.realm else {}),
        }
        return {"auth": {"type": "oauth1", "oauth": {"oauth1": oauth1}}}

    def key(self, *, right: bool) -> Block:
        """What the client signs with."""
        token_secret = self.token_secret if right else self.vault.secret("wrong token secret")
        return {"consumerSecret": self.consumer_secret, "tokenSecret": token_secret}

    def admit(self, asked: Asked) -> None:
        given = self.parameters(asked.one("Authorization"))
        known = given.get("oauth_consumer_key") == "ck-123" and given.get("oauth_token") == self.token
        if not known or given.get("oauth_signature_method") != self.method or given.get("oauth_version") != "1.0":
            raise Refused("wrong consumer, token or method", headers={"WWW-Authenticate": 'OAuth realm="a"'})
        signature = given.pop("oauth_signature", "")
        self.vault.computed[signature] = "signature"
        if not self.is_right(signature, self.base_string(asked, given)):
            raise Refused("wrong signature", headers={"WWW-Authenticate": 'OAuth realm="a"'})
        time, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")
        if re.fullmatch("[0-9]{10}", time) is None or abs(int(time) - self.vault.now()) > CLOCKS_APART:
            raise Refused("timestamp_refused")
        if len(nonce) < 16 or (time, nonce) in self.nonces:
            raise Refused("nonce_used")
        self.nonces.add((time, nonce))

    def parameters(self, header: str | None) -> dict[str, str]:
        """Section 3.5.1; the realm, which is not signed, must be the right one."""
        scheme, _, rest = (header or "").partition(" ")
        pairs = [_PAIR.fullmatch(part.strip()) for part in rest.split(",")]
        if scheme != "OAuth" or None in pairs:
            return {}
        found = {unquote(pair[1]): unquote(pair[2]) for pair in pairs if pair}
        return found if len(found) == len(pairs) and found.pop("realm", "") == self.realm else {}

    def base_string(self, asked: Asked, given: dict[str, str]) -> str:
        """Section 3.4.1."""
        url = f"http://{asked.headers['Host'].lower()}{asked.path}"
        pairs = [*asked.query, *given.items(), *asked.form()]
        ordered = sorted((encoded(name), encoded(value)) for name, value in pairs)
        normalized = "&".join(f"{name}={value}" for name, value in ordered)
        return "&".join((asked.method, encoded(url), encoded(normalized)))

    def is_right(self, signature: str, text: str) -> bool:
        """Section 3.4.2, with the hash of the method's name."""
        key = f"{encoded(self.consumer_secret)}&{encoded(self.token_secret)}".encode()
        digest = hmac.digest(key, text.encode(), self.method.removeprefix("HMAC-").lower())
        return same(signature, base64.b64encode(digest).decode())


class Oauth1Sha256(Oauth1):
    """HMAC-SHA256 with a realm."""

    name = "oauth1-hmac-sha256"
    method = "HMAC-SHA256"
    realm = "123456_SB1"


class Oauth1Form(Oauth1):
    """HMAC-SHA512 over the fields of forms as well (section 3.4.1.3.1)."""

    name = "oauth1-form"
    method = "HMAC-SHA512"
    media_type = "urlencoded"
    by_body = True


class Oauth1Rsa(Oauth1):
    """RSA-SHA256: RSASSA-PKCS1-v1_5."""

    name = "oauth1-rsa-sha256"
    method = "RSA-SHA256"

    def key(self, *, right: bool) -> Block:
        return {"consumerPrivateKey": pem(rsa_key("right" if right else "wrong"))}

    def is_right(self, signature: str, text: str) -> bool:
        try:
            rsa_key("right").public_key().verify(
                base64.b64decode(signature, validate=True), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        return True


class Oauth1Plain(Oauth1):
    """PLAINTEXT: the key itself (section 3.4.4)."""

    name = "oauth1-plaintext"
    method = "PLAINTEXT"

    def is_right(self, signature: str, text: str) -> bool:
        return same(signature, f"{encoded(self.consumer_secret)}&{encoded(self.token_secret)}")
