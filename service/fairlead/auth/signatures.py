"""Signatures over bytes, by the words of ``signatureMethod`` (connections.md 3.8, 3.9; RFC 5849 3.4, RFC 7518 3.1)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

PrivateKey = RSAPrivateKey | ec.EllipticCurvePrivateKey
Key = PrivateKey | bytes
"""``bytes``: the secret of ``hmac-*``."""

_PKCS1: Final = PKCS1v15()


def _pss(digest: HashAlgorithm) -> tuple[AsymmetricPadding, HashAlgorithm]:
    """The salt is as long as the digest (RFC 7518 3.5)."""
    return PSS(MGF1(digest), digest.digest_size), digest


RSA_METHODS: Final[Mapping[str, tuple[AsymmetricPadding, HashAlgorithm]]] = {
    "rsa-sha1": (_PKCS1, SHA1()),  # noqa: S303  # RFC 5849 3.4.3 has no other, and many applications take nothing else
    "rsa-sha256": (_PKCS1, SHA256()),
    "rsa-sha384": (_PKCS1, SHA384()),
    "rsa-sha512": (_PKCS1, SHA512()),
    "ps256": _pss(SHA256()),
    "ps384": _pss(SHA384()),
    "ps512": _pss(SHA512()),
}
CURVES: Final[Mapping[str, tuple[str, HashAlgorithm]]] = {
    "es256": ("secp256r1", SHA256()),
    "es384": ("secp384r1", SHA384()),
    "es512": ("secp521r1", SHA512()),
}
"""The curve of each method, by its name in the library (RFC 7518 3.4)."""


def sign(method: str, key: Key, data: bytes) -> bytes:
    """The signature of ``data``; ``key`` is one that fits ``method``. That of ``es*`` is r and s, each as long as the curve's numbers
    (RFC 7518 3.4). Raises ``ValueError`` when an RSA key is too short for the method."""
    if isinstance(key, bytes):
        return hmac.digest(key, data, method.removeprefix("hmac-"))
    if isinstance(key, RSAPrivateKey):
        padding, digest = RSA_METHODS[method]
        return key.sign(data, padding, digest)
    _, digest = CURVES[method]
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def is_sound(method: str, key: RSAPrivateKey) -> bool:
    """Whether what the key signs fits its public part: it does not when the key was damaged. Raises what ``sign`` raises."""
    padding, digest = RSA_METHODS[method]
    try:
        key.public_key().verify(sign(method, key, b"sound"), b"sound", padding, digest)
    except InvalidSignature:
        return False
    return True
