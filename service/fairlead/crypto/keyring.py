"""A key ring: the first key is used for new values, every key for reading (issue: Settings)."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.crypto import envelope
from fairlead.crypto.key import DecryptionFailed, Key, KeyringError


class Keyring:
    """Keys by id, in order. Rotating: put the new word first, keep the old ones as long as something is encrypted under them."""

    __slots__ = ("_keys", "current")

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: dict[str, Key] = {}
        for key in keys:
            if key.kid in self._keys:
                raise KeyringError(f"key id {key.kid!r} occurs twice")
            self._keys[key.kid] = key
        if not self._keys:
            raise KeyringError("there is no key; expected <key id>:<base64 of 32 bytes>, comma-separated")
        self.current: Key = next(iter(self._keys.values()))

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read comma-separated key words; raises ``KeyringError`` that names the word by its position, never the key."""
        keys = []
        for position, word in enumerate(text.split(","), start=1):
            try:
                keys.append(Key.parse(word.strip()))
            except KeyringError as error:
                raise KeyringError(f"key {position}: {error}") from None
        return cls(keys)

    def get(self, kid: str) -> Key | None:
        """The key with that id."""
        return self._keys.get(kid)

    @property
    def kids(self) -> tuple[str, ...]:
        """All key ids, the current one first."""
        return tuple(self._keys)

    def encrypt(self, plain: bytes, *, aad: bytes) -> str:
        """The envelope of ``plain`` under the current key (``fairlead.crypto.envelope``)."""
        return envelope.seal(self.current, plain, aad)

    def decrypt(self, text: str, *, aad: bytes) -> bytes:
        """The plain bytes of an envelope under any key of the ring; raises ``DecryptionFailed``."""
        kid = envelope.key_id(text)
        key = self._keys.get(kid)
        if key is None:
            known = ", ".join(self._keys)
            raise DecryptionFailed(f"key {kid!r} is not in the key ring (known: {known}); add its word to the keys")
        return envelope.unseal(key, text, aad)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"
