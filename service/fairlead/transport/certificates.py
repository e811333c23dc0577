"""The TLS material of a connection: read, checked, and named in messages without anything secret (connections.md 2 and 9)."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509.oid import NameOID

from fairlead.domain.errors import Problem
from fairlead.domain.pem import Block, blocks
from fairlead.domain.rules.connection import invalid, missing
from fairlead.engine.ports import ClientIdentity, identity_of
from fairlead.transport.chain import load_chain
from fairlead.transport.iterations import costs_too_much

PREFIX: Final = "http.clientCertificates"
_KEYS: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)
_LONGEST_NAME: Final = 100
_NO_PASSPHRASE: Final = "does not open it: the passphrase is wrong, or what it protects is damaged"  # noqa: S105  # a sentence


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the material holds: our chain with our certificate first, its key, and authorities trusted beyond the system's."""

    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKeyTypes | None = field(default=None, repr=False)
    authorities: tuple[x509.Certificate, ...] = ()


def check_certificates(http: Mapping[str, Any], now: datetime) -> list[Problem]:
    """What is wrong with ``http.clientCertificates`` of a connection, secrets in clear: nothing that passes fails to load later. That
    fields are missing beside each other is told by the rules of the domain."""
    identity = identity_of(http)
    if identity is None:
        return []
    problems: list[Problem] = []
    found = read(identity, problems)
    own = f"{PREFIX}.pfx" if identity.pfx else f"{PREFIX}.cert"
    if found.chain and (trouble := out_of_time(found.chain[0], now)):
        problems.append(invalid(own, f"holds the certificate {name_of(found.chain[0])}, which {trouble}"))
    if found.authorities and all(out_of_time(authority, now) for authority in found.authorities):
        authority = found.authorities[0]
        why = f"holds the certificate {name_of(authority)}, which {out_of_time(authority, now)}, and no other that is valid"
        problems.append(invalid(f"{PREFIX}.ca", why))
    if found.key is not None and not problems:
        try:
            load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), found.chain, found.key)
            if isinstance(found.key, rsa.RSAPrivateKey) and not _signs(found.key):
                problems.append(invalid(own, "holds a damaged private key: what it signs does not fit its certificate"))
        except ssl.SSLError as error:
            reason = (error.reason or "no reason given").replace("_", " ").lower()
            problems.append(invalid(own, f"is refused by the TLS library: {reason}"))
    return problems


def read(identity: ClientIdentity, problems: list[Problem]) -> Certificates:
    """Parse everything; what cannot be used is told in ``problems``, with its field, and left out."""
    authorities = _authorities(identity.ca, problems)
    if identity.pfx:
        chain, key = _pfx(identity, problems)
    else:
        chain = _certificates(identity.cert, problems)
        key = _key(identity, problems)
    if key is None or not chain:
        return Certificates(tuple(chain), None, tuple(authorities))
    ours = next((certificate for certificate in chain if _is_key_of(key, certificate)), None)
    if ours is None:
        where = f"{PREFIX}.pfx" if identity.pfx else f"{PREFIX}.key"
        owner = name_of(chain[0])
        problems.append(invalid(where, f"holds a private key that does not belong to the certificate {owner}"))
        return Certificates(tuple(chain), None, tuple(authorities))
    rest = [certificate for certificate in chain if certificate is not ours]
    return Certificates((ours, *rest), key, tuple(authorities))


def name_of(certificate: x509.Certificate) -> str:
    """Common name (or the whole subject) and serial number, as tools print it: ``client-1 (serial 4F2A)``."""
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        subject = str(names[0].value) if names else certificate.subject.rfc4514_string()
    except ValueError:
        subject = ""
    shown = "".join(character if character.isprintable() else "?" for character in subject[:_LONGEST_NAME])
    return f"{shown or 'without a name'} (serial {certificate.serial_number:X})"


def out_of_time(certificate: x509.Certificate, now: datetime) -> str | None:
    """``expired on ...`` or ``is not valid before ...``, or nothing while it is valid."""
    if now > certificate.not_valid_after_utc:
        return f"expired on {_date(certificate.not_valid_after_utc)}"
    if now < certificate.not_valid_before_utc:
        return f"is not valid before {_date(certificate.not_valid_before_utc)}"
    return None


def _date(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _authorities(text: str, problems: list[Problem]) -> list[x509.Certificate]:
    return _parsed(text, f"{PREFIX}.ca", "certificates of authorities", problems) if text else []


def _certificates(text: str, problems: list[Problem]) -> list[x509.Certificate]:
    field = f"{PREFIX}.cert"
    if text and any(block.is_key for block in blocks(text)):
        why = "holds a private key, which belongs in key: cert is shown to everybody who may read the connection"
        problems.append(invalid(field, why))
        return []
    return _parsed(text, field, "the client certificate", problems) if text else []


def _parsed(text: str, field: str, wanted: str, problems: list[Problem]) -> list[x509.Certificate]:
    """The certificates among the blocks. Raises nothing; one problem at most."""
    found = blocks(text)
    certificates: list[x509.Certificate] = []
    for block in found:
        if not block.is_certificate:
            problems.append(invalid(field, f"holds {block.what}; it takes {wanted} as PEM"))
            return []
        try:
            certificates.append(x509.load_pem_x509_certificate(block.text))
        except ValueError:
            which = f"number {len(certificates) + 1}" if len(found) > 1 else "it holds"
            problems.append(invalid(field, f"is not readable: the certificate {which} is damaged"))
            return []
    if not certificates:
        problems.append(invalid(field, _no_pem(text, wanted)))
    return certificates


def _no_pem(text: str, wanted: str) -> str:
    if "-----BEGIN" in text:
        return "is PEM that is cut off: its END line is missing or does not fit its BEGIN line"
    return f"is not PEM: it takes {wanted}, with the lines -----BEGIN ...----- and -----END ...-----"


def _key(identity: ClientIdentity, problems: list[Problem]) -> PrivateKeyTypes | None:
    field = f"{PREFIX}.key"
    if not identity.key:
        return None
    found = blocks(identity.key)
    keys = [block for block in found if block.is_key]
    if not keys:
        wanted = "the private key of cert"
        why = f"holds {found[-1].what}; it takes {wanted} as PEM" if found else _no_pem(identity.key, wanted)
        problems.append(invalid(field, why))
        return None
    return _usable(_opened(keys[0], identity.passphrase, problems), field, problems)


def _opened(block: Block, passphrase: str, problems: list[Problem]) -> PrivateKeyTypes | None:
    field = f"{PREFIX}.key"
    secret: bytes | None = None
    if block.is_encrypted:
        if not passphrase:
            problems.append(missing(f"{PREFIX}.passphrase", "is required: key is encrypted"))
            return None
        if costs_too_much(block.text):
            problems.append(invalid(field, "derives its key from the passphrase in too many iterations"))
            return None
        secret = passphrase.encode("utf-8", "surrogatepass")
    try:
        # The library's own check looks for primes, up to 250 ms; that the key signs for its certificate is what counts here.
        return load_pem_private_key(block.text, secret, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm:
        problems.append(invalid(field, "is of a kind or encrypted in a way that is not supported"))
    except (ValueError, TypeError):
        if secret is None:
            problems.append(invalid(field, "is not readable: the private key it holds is damaged"))
        else:
            problems.append(invalid(f"{PREFIX}.passphrase", _NO_PASSPHRASE))
    return None


def _pfx(identity: ClientIdentity, problems: list[Problem]) -> tuple[list[x509.Certificate], PrivateKeyTypes | None]:
    field = f"{PREFIX}.pfx"
    if "-----BEGIN" in identity.pfx:
        problems.append(invalid(field, "is PEM; it takes a PKCS#12 file in Base64, and PEM belongs in cert and key"))
        return [], None
    packed = "".join(identity.pfx.lstrip("\ufeff").replace("\\r", "").replace("\\n", "").split())
    try:
        raw = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        problems.append(invalid(field, "is not Base64: encode the file with `base64 FILE`"))
        return [], None
    if raw[:1] != b"\x30" or b"\x02\x01\x03\x30" not in raw[:16]:  # RFC 7292 4: a sequence that begins with version 3
        problems.append(invalid(field, "is Base64 of something that is not a PKCS#12 file"))
        return [], None
    if costs_too_much(raw):
        problems.append(invalid(field, "derives its key from the passphrase in too many iterations"))
        return [], None
    secret = identity.passphrase.encode("utf-8", "surrogatepass") or None
    try:
        key, ours, others = load_key_and_certificates(raw, secret)
    except UnsupportedAlgorithm:
        problems.append(invalid(field, "is encrypted in a way that is not supported; export it anew with AES-256"))
        return [], None
    except (ValueError, TypeError):
        if secret is None:
            problems.append(missing(f"{PREFIX}.passphrase", "is required: pfx is encrypted"))
        else:
            problems.append(invalid(f"{PREFIX}.passphrase", _NO_PASSPHRASE))
        return [], None
    if key is None:
        problems.append(invalid(field, "holds no private key; export the certificate together with its key"))
    elif ours is None and not others:
        problems.append(invalid(field, "holds no certificate; export the key together with its certificate"))
    return [*([ours] if ours else []), *others], _usable(key, field, problems)


def _usable(key: PrivateKeyTypes | None, field: str, problems: list[Problem]) -> PrivateKeyTypes | None:
    if key is None or isinstance(key, _KEYS):
        return key
    problems.append(invalid(field, "holds a private key of a kind that TLS does not sign with: use RSA, EC or Ed25519"))
    return None


def _signs(key: rsa.RSAPrivateKey) -> bool:
    """Whether the halves of a key that was read without a check belong together."""
    try:
        signature = key.sign(b"fairlead", padding.PKCS1v15(), SHA256())
        key.public_key().verify(signature, b"fairlead", padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_key_of(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Whether both have one public key."""
    try:
        own, certified = key.public_key(), certificate.public_key()
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return own.public_bytes(*spki) == certified.public_bytes(*spki)
    except (ValueError, UnsupportedAlgorithm):
        return False
