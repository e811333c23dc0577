"""Key words and key rings (issue: Settings, Crypto)."""

from __future__ import annotations

import base64

import pytest

from fairlead.crypto.key import DecryptionFailed, Key, KeyringError, generate_key_word
from fairlead.crypto.keyring import Keyring

RAW = bytes(range(32))
TEXT = base64.b64encode(RAW).decode()


def test_the_first_key_is_for_new_values() -> None:
    """Words are read in order, blanks around them do not count, the first is current and all can be had by id."""
    ring = Keyring.parse(f" new:{TEXT} , old:{base64.b64encode(RAW[::-1]).decode()}")
    assert ring.kids == ("new", "old")
    assert ring.current == Key("new", RAW)
    assert ring.get("old") == Key("old", RAW[::-1])
    assert ring.get("other") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "key 1: it has no colon"),
        (TEXT, "key 1: it has no colon"),
        (f"k1:{TEXT},", "key 2: it has no colon"),
        (f":{TEXT}", "key 1: the part before the colon is no key id"),
        (f"a.b:{TEXT}", "key 1: the part before the colon is no key id"),
        (f"{TEXT}:k1", "key 1: the part before the colon is no key id"),
        (f"{RAW.hex()}:k1", "key 1: the part before the colon is no key id"),
        ("k1:not-base64!", "key 1: the key of 'k1' is not Base64"),
        (f"k1:{TEXT[:-1]}", "key 1: the key of 'k1' is not Base64"),
        ("k1:", "key 1: the key of 'k1' has 0 bytes, expected 32"),
        (f"k1:{TEXT},k2:{base64.b64encode(RAW[1:]).decode()}", "key 2: the key of 'k2' has 31 bytes, expected 32"),
        (f"k1:{RAW.hex()}", "key 1: the key of 'k1' has 48 bytes, expected 32"),
        (f"k1:{TEXT},k1:{TEXT}", "key id 'k1' occurs twice"),
    ],
)
def test_a_wrong_word_is_named_without_its_key(text: str, sentence: str) -> None:
    """The message says which word is wrong and why, and holds nothing of a key, also when key and id are swapped."""
    with pytest.raises(KeyringError, match=sentence) as failure:
        Keyring.parse(text)
    for secret in (TEXT, TEXT[:20], RAW.hex(), "not-base64"):
        assert secret not in str(failure.value)


def test_keys_stay_out_of_repr() -> None:
    """Neither ring nor key shows its material."""
    ring = Keyring.parse(f"k1:{TEXT}")
    shown = f"{ring!r} {ring.current!r} {ring}"
    assert "k1" in shown
    assert repr(RAW)[2:10] not in shown
    assert TEXT not in shown


def test_a_generated_word_is_a_key_of_its_own() -> None:
    """``fairlead key generate``: one word, a new key and a new id every time, or the id that was asked for."""
    words = [generate_key_word() for _ in range(3)]
    rings = [Keyring.parse(word) for word in words]
    assert len({ring.current.material for ring in rings}) == 3
    assert len({ring.current.kid for ring in rings}) == 3
    assert Keyring.parse(generate_key_word("2026-01")).kids == ("2026-01",)
    with pytest.raises(KeyringError):
        generate_key_word("a:b")


def test_rotation_keeps_old_values_readable() -> None:
    """What was encrypted under the old key opens as long as its word is in the ring; new values take the new key."""
    old, new = generate_key_word("old"), generate_key_word("new")
    stored = Keyring.parse(old).encrypt(b"secret", aad=b"place")
    rotated = Keyring.parse(f"{new},{old}")
    assert rotated.decrypt(stored, aad=b"place") == b"secret"
    assert rotated.encrypt(b"secret", aad=b"place").startswith("v1.new.")
    with pytest.raises(DecryptionFailed, match=r"key 'old' is not in the key ring \(known: new\)"):
        Keyring.parse(new).decrypt(stored, aad=b"place")
