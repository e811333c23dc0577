"""Keys that strategies sign with (connections.md 2, 3.8, 3.9): read as people paste them, refused in sentences that show nothing of them."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fairlead.auth.signatures import CURVES, PrivateKey, is_sound
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.pem import blocks
from fairlead.domain.rules.connection import invalid
from fairlead.engine.ports import Json

OAUTH1_KEY: Final = "http.auth.oauth.oauth1.consumerPrivateKey"
JWT_KEY: Final = "http.auth.jwt.privateKey"
JWT_SECRET: Final = "http.auth.jwt.secret"  # noqa: S105  # where the secret stands, not the secret

_MOST: Final = 256
_NAMES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_URL_SAFE: Final = str.maketrans("-_", "+/")

_loaded: Final[dict[bytes, PrivateKey]] = {}
"""Keys by the digest of method and text, so that no text is kept; the latest of them."""


class KeyProblem(ValueError):
    """A key that cannot be used. The message goes on after the name of its field."""


def check_keys(http: Mapping[str, Json]) -> list[Problem]:
    """What is wrong with the keys that a connection signs with, secrets in clear: nothing that passes fails to sign later. That keys
    are missing is told by the rules of the domain."""
    auth: Mapping[str, Json] = http.get("auth") or {}
    kind = auth.get("type")
    try:
        if kind == "oauth1":
            oauth1 = (auth.get("oauth") or {}).get("oauth1") or {}
            return _check(oauth1.get("consumerPrivateKey"), oauth1.get("signatureMethod"), "rsa-", OAUTH1_KEY)
        jwt = auth.get("jwt") or {}
        if kind not in ("jwt", "jwtbearer") or jwt.get("token"):
            return []
        method = jwt.get("signatureMethod") or ""
        if not method.startswith("hmac-"):
            return _check(jwt.get("privateKey"), method, "", JWT_KEY)
        if jwt.get("secret"):
            shared_secret(jwt)
    except InvalidContent as error:
        return list(error.problems)
    return []


def _check(text: str | None, method: str | None, prefix: str, field: str) -> list[Problem]:
    if not text or not method or not method.startswith(prefix):
        return []
    key = private_key(text, method, field)
    if isinstance(key, rsa.RSAPrivateKey):
        try:
            if not is_sound(method, key):
                return [invalid(field, "holds a damaged private key: what it signs does not fit its public part")]
        except ValueError:
            return [invalid(field, f"holds an RSA key of {key.key_size} bits, which is too short for {method}")]
    return []


def shared_secret(jwt: Mapping[str, Json]) -> bytes:
    """The key of ``hmac-*``: the UTF-8 of ``secret``, or what it is the Base64 of, in the usual or the URL-safe alphabet, with or without
    padding. Raises ``InvalidContent``."""
    text = jwt.get("secret") or ""
    if not jwt.get("isSecretBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    packed = "".join(text.split()).rstrip("=").translate(_URL_SAFE)
    try:
        secret = b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        why = "is not Base64, as isSecretBase64Encoded says; correct it, or set isSecretBase64Encoded to false"
        raise InvalidContent(invalid(JWT_SECRET, why)) from None
    if not secret:
        raise InvalidContent(invalid(JWT_SECRET, "is the Base64 of nothing"))
    return secret


def private_key(text: str, method: str, field: str) -> PrivateKey:
    """The private key in ``text`` (PEM: PKCS#1, PKCS#8 or SEC 1), which is of the kind that ``method`` takes. Reading one takes about 0.1 ms,
    finding it again two microseconds. Raises ``InvalidContent`` that names ``field``."""
    name = sha256(f"{method}\n{text}".encode("utf-8", "surrogatepass")).digest()
    key = _loaded.get(name)
    if key is None:
        try:
            key = _fitting(_read(text), method)
        except KeyProblem as problem:
            raise InvalidContent(invalid(field, str(problem))) from None
        if len(_loaded) >= _MOST:
            del _loaded[next(iter(_loaded))]
        _loaded[name] = key
    return key


def _read(text: str) -> PrivateKeyTypes:
    found = blocks(text)
    keys = [block for block in found if block.is_key]
    if not keys:
        raise KeyProblem(f"holds {found[0].what}; it takes the private key as PEM" if found else _no_pem(text))
    if keys[0].is_encrypted:
        raise KeyProblem(
            "is encrypted, and there is no field for a passphrase here; write it without one: `openssl pkey -in FILE`"
        )
    try:
        # The library's own check looks for primes, up to 250 ms; on save it is tried whether the key signs.
        return load_pem_private_key(keys[0].text, None, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm:
        raise KeyProblem("is a key of a kind that is not supported") from None
    except (ValueError, TypeError):
        raise KeyProblem("is not readable: the private key it holds is damaged") from None


def _no_pem(text: str) -> str:
    if "-----BEGIN" in text:
        return "is PEM that is cut off: its END line is missing or does not fit its BEGIN line"
    if text.lstrip().startswith(("ssh-", "ecdsa-sha2-")):
        return "holds a public key; it takes the private key as PEM"
    return "is not PEM: it takes a private key with the lines -----BEGIN ... PRIVATE KEY----- and -----END ... PRIVATE KEY-----"


def _fitting(key: PrivateKeyTypes, method: str) -> PrivateKey:
    curve = CURVES[method][0] if method in CURVES else None
    if curve is None and isinstance(key, rsa.RSAPrivateKey):
        return key
    if curve is not None and isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == curve:
        return key
    wanted = f"an EC key on the curve {_NAMES[curve]}" if curve else "an RSA key"
    raise KeyProblem(f"holds {_kind(key)}; {method} takes {wanted}")


def _kind(key: PrivateKeyTypes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "an RSA key"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return f"an EC key on the curve {_NAMES.get(key.curve.name, key.curve.name)}"
    return f"a key of the kind {type(key).__name__.removesuffix('PrivateKey')}"
