"""Secrets at rest: AES-256-GCM bound to their place (contract.md 1.7, D5)."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairlead.crypto.envelope import additional_data, decode64
from fairlead.crypto.key import DecryptionFailed, Key
from fairlead.crypto.keyring import Keyring
from fairlead.domain.document import AccountId

KEY = Key("k1", bytes(range(32)))
RING = Keyring([KEY])
PLACE = additional_data(AccountId("a1"), "connections", "c1", "http.auth.basic.password")


def test_the_place_is_account_kind_id_and_field() -> None:
    """The additional data is the text of contract.md 1.7."""
    assert PLACE == b"a1/connections/c1/http.auth.basic.password"


@pytest.mark.parametrize("plain", [b"", b"x", "pässword".encode(), bytes(range(256)) * 100], ids=len)
def test_what_is_encrypted_opens_in_its_place(plain: bytes) -> None:
    """Any bytes come back; the envelope shows version and key id only."""
    text = RING.encrypt(plain, aad=PLACE)
    assert re.fullmatch(r"v1\.k1\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+", text)
    assert RING.decrypt(text, aad=PLACE) == plain


def test_the_cipher_is_aes_256_gcm() -> None:
    """Another implementation reads the envelope with key, nonce and additional data alone."""
    _, _, nonce, sealed = RING.encrypt(b"secret", aad=PLACE).split(".")
    assert AESGCM(KEY.material).decrypt(decode64(nonce), decode64(sealed), PLACE) == b"secret"


def test_no_two_envelopes_are_alike() -> None:
    """A nonce is used once: equal secrets cannot be seen to be equal."""
    assert len({RING.encrypt(b"secret", aad=PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "place",
    [
        additional_data(AccountId("a2"), "connections", "c1", "http.auth.basic.password"),
        additional_data(AccountId("a1"), "iclients", "c1", "http.auth.basic.password"),
        additional_data(AccountId("a1"), "connections", "c2", "http.auth.basic.password"),
        additional_data(AccountId("a1"), "connections", "c1", "http.encrypted"),
    ],
)
def test_a_copied_envelope_does_not_open_elsewhere(place: bytes) -> None:
    """An envelope that was moved to another account, kind, document or field is refused."""
    with pytest.raises(DecryptionFailed, match="does not open with key 'k1' in this place"):
        RING.decrypt(RING.encrypt(b"secret", aad=PLACE), aad=place)


def test_every_changed_character_is_noticed() -> None:
    """Whichever character of an envelope changes, it does not open; the message shows neither secret nor envelope."""
    text = RING.encrypt(b"secret", aad=PLACE)
    for index, character in enumerate(text):
        changed = text[:index] + ("A" if character != "A" else "Q") + text[index + 1 :]
        with pytest.raises(DecryptionFailed) as failure:
            RING.decrypt(changed, aad=PLACE)
        assert text[-20:] not in str(failure.value)


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.k1.AA", "v2.k1.AAAA.AAAA", "v1.k1.AAAA.AAAA.AAAA", "v1.k1..", "v1.k1.ä.AAAA", "secret"]
)
def test_what_is_no_envelope_is_refused(text: str) -> None:
    """Any other text raises ``DecryptionFailed``, nothing else."""
    with pytest.raises(DecryptionFailed):
        RING.decrypt(text, aad=PLACE)
