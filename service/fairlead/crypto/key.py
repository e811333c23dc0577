"""One key: an id that may be shown and 32 bytes that may not."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

KEY_BYTES: Final = 32
"""AES-256 (contract.md 1.7) and HMAC-SHA256 take the same length."""

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""No dot (envelopes use it) and shorter than the Base64 of a key: a key in the place of its id is never taken for one."""


class KeyringError(ValueError):
    """A key word cannot be used. The message says which word and why; it never holds key material."""


class DecryptionFailed(Exception):
    """A ciphertext is not what this process wrote: unknown key id, other context, or changed bytes."""


@dataclass(frozen=True, slots=True)
class Key:
    """A named key; ``material`` stays out of ``repr``."""

    kid: str
    material: bytes = field(repr=False)

    @classmethod
    def parse(cls, word: str) -> Key:
        """Read ``<key id>:<base64 of 32 bytes>``; raises ``KeyringError``."""
        kid, colon, text = word.partition(":")
        if not colon:
            raise KeyringError("it has no colon; expected <key id>:<base64 of 32 bytes>")
        if not _KEY_ID.fullmatch(kid):
            raise KeyringError("the part before the colon is no key id: 1 to 32 letters, digits, - or _")
        try:
            material = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise KeyringError(f"the key of {kid!r} is not Base64") from None
        if len(material) != KEY_BYTES:
            raise KeyringError(f"the key of {kid!r} has {len(material)} bytes, expected {KEY_BYTES}")
        return cls(kid, material)


def generate_key_word(kid: str | None = None) -> str:
    """A new random key as one word for ``FAIRLEAD_ENCRYPTION_KEYS`` or ``FAIRLEAD_STATE_KEYS``; raises ``KeyringError`` for a bad id.

    Without ``kid`` the id is random too, so that two key files never use one id for two keys.
    """
    material = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    word = f"{kid or f'k{secrets.token_hex(4)}'}:{material}"
    Key.parse(word)
    return word
