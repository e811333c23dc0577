"""Signatures of paged states: HMAC-SHA256 over canonical text (exports-imports.md 5.4, D6)."""

from __future__ import annotations

import hashlib
import hmac

from fairlead.crypto.keyring import Keyring


class Signer:
    """Signs with the current key; verifies with any key of the ring, so that keys rotate."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    @property
    def kid(self) -> str:
        """The key id of new signatures; it is part of the signed text."""
        return self._keyring.current.kid

    def sign(self, text: bytes) -> str:
        """64 lower-case hex digits under the current key."""
        return _mac(self._keyring.current.material, text)

    def verify(self, kid: str, text: bytes, signature: str) -> bool:
        """Whether ``signature`` is that of ``text`` under key ``kid``; false for an unknown key. Takes constant time."""
        key = self._keyring.get(kid)
        if key is None:
            return False
        return hmac.compare_digest(_mac(key.material, text).encode(), signature.encode("utf-8", "surrogatepass"))


def _mac(material: bytes, text: bytes) -> str:
    return hmac.digest(material, text, hashlib.sha256).hex()
