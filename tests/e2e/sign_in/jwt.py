"""JSON web tokens (RFC 7515, 7519), checked by hand: signature, algorithm, ``iss``, ``aud``, ``iat``, ``exp``."""

from __future__ import annotations

import base64
import hmac
import json
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.e2e.sign_in.oauth1 import pem, rsa_key
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way

LONGEST = 3600
"""Seconds that a token may live."""


def decoded(text: str) -> bytes:
    """Base64url without padding (RFC 7515 2)."""
    if "=" in text or not set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):
        raise ValueError("no base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Jwt(Way):
    """HS256 with a secret that is Base64."""

    name = "jwt-hs256"
    algorithm: ClassVar[str] = "HS256"
    method: ClassVar[str] = "hmac-sha256"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.secret = vault.note(
            "secret of tokens", base64.b64encode(vault.secret("bytes of tokens").encode()).decode()
        )

    def block(self, base: str, *, right: bool) -> Block:
        payload = {
            "iss": "svc",
            "aud": base,
            "exp": 120,
            "iat": 0,
            "tenant": "{{connection.http.unencrypted.tenant}}",
        }
        jwt = {"signatureMethod": self.method, "payload": payload, "headers": {"kid": "k1"}, **self.key(right=right)}
        return {"auth": {"type": "jwtbearer", "jwt": jwt}, "unencrypted": {"tenant": "t1"}}

    def key(self, *, right: bool) -> Block:
        """What the client signs with."""
        wrong = base64.b64encode(self.vault.secret("wrong secret of tokens").encode()).decode()
        return {"secret": self.secret if right else wrong, "isSecretBase64Encoded": True}

    def admit(self, asked: Asked) -> None:
        scheme, _, token = (asked.one("Authorization") or "").partition(" ")
        try:
            signed, _, signature = token.rpartition(".")
            head, claims = (json.loads(decoded(part)) for part in signed.split("."))
            right = self.is_right(decoded(signature), signed.encode())
        except ValueError:
            raise Refused("no JSON web token") from None
        self.vault.computed[token] = "token that was made"
        if scheme != "Bearer" or head != {"alg": self.algorithm, "typ": "JWT", "kid": "k1"} or not right:
            raise Refused("wrong signature or header")
        self.check(claims, asked)

    def check(self, claims: Any, asked: Asked) -> None:
        """RFC 7519 4.1."""
        now = self.vault.now()
        audience = f"http://{asked.headers['Host']}/{self.name}"
        if (claims.get("iss"), claims.get("aud"), claims.get("tenant")) != ("svc", audience, "t1"):
            raise Refused("wrong issuer, audience or tenant")
        if not isinstance(claims.get("iat"), int) or claims["iat"] > now + 60:
            raise Refused("iat lies in the future")
        if not isinstance(claims.get("exp"), int) or not now < claims["exp"] <= claims["iat"] + LONGEST:
            raise Refused("the token has ended")

    def is_right(self, signature: bytes, signed: bytes) -> bool:
        """RFC 7518 3.2."""
        return hmac.compare_digest(signature, hmac.digest(base64.b64decode(self.secret), signed, "sha256"))


class JwtRsa(Jwt):
    """RS256."""

    name = "jwt-rs256"
    algorithm = "RS256"
    method = "rsa-sha256"

    def key(self, *, right: bool) -> Block:
        return {"privateKey": pem(rsa_key("right" if right else "wrong"))}

    def is_right(self, signature: bytes, signed: bytes) -> bool:
        try:
            rsa_key("right").public_key().verify(signature, signed, self.padding(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def padding(self) -> padding.AsymmetricPadding:
        """RFC 7518 3.3."""
        return padding.PKCS1v15()


class JwtPss(JwtRsa):
    """PS256 (RFC 7518 3.5)."""

    name = "jwt-ps256"
    algorithm = "PS256"
    method = "ps256"

    def padding(self) -> padding.AsymmetricPadding:
        return padding.PSS(padding.MGF1(hashes.SHA256()), 32)


class JwtEc(Jwt):
    """ES256 (RFC 7518 3.4)."""

    name = "jwt-es256"
    algorithm = "ES256"
    method = "es256"

    def key(self, *, right: bool) -> Block:
        key = ec_key("right" if right else "wrong")
        form = serialization.PrivateFormat.PKCS8
        text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        return {"privateKey": text}

    def is_right(self, signature: bytes, signed: bytes) -> bool:
        if len(signature) != 64:
            return False
        halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            ec_key("right").public_key().verify(encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


@cache
def ec_key(which: str) -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())
