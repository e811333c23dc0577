"""The envelope of a secret at rest: AES-256-GCM with key id and additional data (contract.md 1.7).

``v1.<key id>.<nonce>.<ciphertext and tag>``, the last two in Base64url without padding. A random nonce of 96 bits keeps one key good
for 2^32 secrets (NIST SP 800-38D, 8.3).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairlead.crypto.key import DecryptionFailed, Key
from fairlead.domain.document import AccountId

VERSION: Final = "v1"
NONCE_BYTES: Final = 12


def additional_data(account: AccountId, kind: str, id: str, field: str) -> bytes:
    """What binds a ciphertext to its place: ``account/kind/_id/field``. Only ``field``, the last, may hold a slash."""
    return f"{account}/{kind}/{id}/{field}".encode()


def encode64(data: bytes) -> str:
    """Base64url without padding (RFC 4648 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode64(text: str) -> bytes:
    """The bytes of ``encode64``; raises ``DecryptionFailed``."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise DecryptionFailed("the ciphertext is not Base64url") from None


def seal(key: Key, plain: bytes, aad: bytes) -> str:
    """The envelope of ``plain``, bound to ``aad``."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key.material).encrypt(nonce, plain, aad)
    return f"{VERSION}.{key.kid}.{encode64(nonce)}.{encode64(sealed)}"


def key_id(envelope: str) -> str:
    """The id of the key that opens ``envelope``; raises ``DecryptionFailed`` when the text is no envelope."""
    parts = envelope.split(".")
    if len(parts) != 4 or parts[0] != VERSION:
        raise DecryptionFailed("the stored secret is no envelope of this version")
    return parts[1]


def unseal(key: Key, envelope: str, aad: bytes) -> bytes:
    """The plain bytes; raises ``DecryptionFailed`` when key, additional data or one bit of the envelope differ."""
    _, _, nonce, sealed = envelope.split(".")
    try:
        return AESGCM(key.material).decrypt(decode64(nonce), decode64(sealed), aad)
    except (InvalidTag, ValueError):
        raise DecryptionFailed(f"the stored secret does not open with key {key.kid!r} in this place") from None
