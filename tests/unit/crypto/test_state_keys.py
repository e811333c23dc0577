"""Signatures and cursors of paged states (exports-imports.md 5.4)."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairlead.crypto.cursor import CursorCipher
from fairlead.crypto.envelope import decode64
from fairlead.crypto.key import DecryptionFailed, Key
from fairlead.crypto.keyring import Keyring
from fairlead.crypto.signature import Signer
from fairlead.domain.document import AccountId

KEY = Key("k1", bytes(range(32)))
SIGNER = Signer(Keyring([KEY]))
CURSORS = CursorCipher(Keyring([KEY]))
MINE = AccountId("5f0000000000000000000001")
RESOURCE = "5541489353bb53af29000009"

VECTOR_EXPORT = (
    b'{"http":{"method":"GET","paging":{"method":"page","page":1},'
    b'"relativeURI":"/orders?page={{export.http.paging.page}}","response":{"resourcePath":"orders"}},"pageSize":2}'
)
VECTOR_DIGEST = "0863f241756fc24d287a45a06240c2f2fc5ef3bace2675a05493538ae57d2d7a"
VECTOR_TEXT = (
    f'{{"account":"{MINE}","export":"{VECTOR_DIGEST}","kind":"connection","resource":"{RESOURCE}",'
    '"state":{"cursor":"AAECAw","done":false,"issuedAt":1768469400,"kid":"k1","pageIndex":2,"pageSize":2},"v":1}'
).encode()
VECTOR_SIGNATURE = "72c6c5e557be34302a562b28c46201bc977a476127317022cce98530bb62704b"


def test_the_published_vector() -> None:
    """The worked example of exports-imports.md 5.4: digest of the export, signature of the text."""
    assert hashlib.sha256(VECTOR_EXPORT).hexdigest() == VECTOR_DIGEST
    assert SIGNER.kid == "k1"
    assert SIGNER.sign(VECTOR_TEXT) == VECTOR_SIGNATURE
    assert SIGNER.verify("k1", VECTOR_TEXT, VECTOR_SIGNATURE)


@pytest.mark.parametrize(
    ("kid", "text", "signature"),
    [
        ("k2", VECTOR_TEXT, VECTOR_SIGNATURE),
        ("", VECTOR_TEXT, VECTOR_SIGNATURE),
        ("k1", VECTOR_TEXT.replace(b'"pageIndex":2', b'"pageIndex":3'), VECTOR_SIGNATURE),
        ("k1", VECTOR_TEXT, VECTOR_SIGNATURE.upper()),
        ("k1", VECTOR_TEXT, VECTOR_SIGNATURE[:-1]),
        ("k1", VECTOR_TEXT, VECTOR_SIGNATURE + "0"),
        ("k1", VECTOR_TEXT, ""),
        ("k1", VECTOR_TEXT, "ä\ud800"),
    ],
)
def test_any_other_signature_is_refused(kid: str, text: bytes, signature: str) -> None:
    """Another key, text or spelling does not verify, and no text makes the check fail otherwise."""
    assert not SIGNER.verify(kid, text, signature)


def test_states_of_the_old_key_verify_after_rotation() -> None:
    """New states take the new key; those of the old one verify and open as long as it is in the ring."""
    rotated = Keyring([Key("k2", bytes(32)), KEY])
    assert Signer(rotated).kid == "k2"
    assert Signer(rotated).verify("k1", VECTOR_TEXT, VECTOR_SIGNATURE)
    assert not Signer(rotated).verify("k2", VECTOR_TEXT, VECTOR_SIGNATURE)
    cursor = CURSORS.seal(b"position", account=MINE, resource=RESOURCE)
    assert CursorCipher(rotated).open(cursor, kid="k1", account=MINE, resource=RESOURCE) == b"position"


def test_the_cursors_key_is_derived() -> None:
    """HKDF-SHA256 (RFC 5869) of the state key with info ``fairlead/cursor/v1``; nonce first, additional data account and resource."""
    extracted = hmac.digest(bytes(32), KEY.material, "sha256")
    derived = hmac.digest(extracted, b"fairlead/cursor/v1\x01", "sha256")
    sealed = decode64(CURSORS.seal(b"position", account=MINE, resource=RESOURCE))
    assert AESGCM(derived).decrypt(sealed[:12], sealed[12:], f"{MINE}/{RESOURCE}".encode()) == b"position"


def test_a_cursor_opens_in_its_place_only() -> None:
    """Another account, resource or key, a changed character, and what is no cursor at all are refused."""
    cursor = CURSORS.seal(b"position", account=MINE, resource=RESOURCE)
    assert CURSORS.open(cursor, kid="k1", account=MINE, resource=RESOURCE) == b"position"
    changed = cursor[:5] + ("A" if cursor[5] != "A" else "Q") + cursor[6:]
    for text, kid, account, resource in (
        (cursor, "k1", AccountId("5f0000000000000000000002"), RESOURCE),
        (cursor, "k1", MINE, "5541489353bb53af29000008"),
        (cursor, "k2", MINE, RESOURCE),
        (changed, "k1", MINE, RESOURCE),
        ("", "k1", MINE, RESOURCE),
        ("AAECAw", "k1", MINE, RESOURCE),
        ("no cursor!", "k1", MINE, RESOURCE),
    ):
        with pytest.raises(DecryptionFailed):
            CURSORS.open(text, kid=kid, account=account, resource=resource)
