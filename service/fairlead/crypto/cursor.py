"""The opaque ``cursor`` of a paged state (exports-imports.md 5.1, 5.4).

AES-256-GCM in Base64url without padding, nonce first. Its key is HKDF-SHA256 of the state key, so that signing and encrypting never
share one; the key id travels in the state.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fairlead.crypto.envelope import NONCE_BYTES, decode64, encode64
from fairlead.crypto.key import KEY_BYTES, DecryptionFailed, Key
from fairlead.crypto.keyring import Keyring
from fairlead.domain.document import AccountId

INFO: Final = b"fairlead/cursor/v1"


class CursorCipher:
    """Seals and opens cursors, each bound to one account and one resource."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, plain: bytes, *, account: AccountId, resource: str) -> str:
        """The cursor under the current state key (``Signer.kid``)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = _cipher(self._keyring.current)
        return encode64(nonce + cipher.encrypt(nonce, plain, _place(account, resource)))

    def open(self, cursor: str, *, kid: str, account: AccountId, resource: str) -> bytes:
        """The plain bytes; raises ``DecryptionFailed``."""
        key = self._keyring.get(kid)
        if key is None:
            raise DecryptionFailed(f"state key {kid!r} is not in the key ring")
        sealed = decode64(cursor)
        try:
            return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(account, resource))
        except (InvalidTag, ValueError):
            raise DecryptionFailed("the cursor does not open in this place") from None


@lru_cache(maxsize=16)
def _cipher(key: Key) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=INFO).derive(key.material))


def _place(account: AccountId, resource: str) -> bytes:
    return f"{account}/{resource}".encode()
