"""Two certificate authorities and what they issue: for servers at 127.0.0.1, right, expired and misnamed, and for clients."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, passphrase: str | None = None) -> str:
        """The key, PKCS#8, encrypted when there is a passphrase."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _encryption(passphrase)
        ).decode()

    def pfx(self, passphrase: str | None) -> bytes:
        """Both as PKCS#12."""
        return pkcs12.serialize_key_and_certificates(
            b"client", self.key, self.certificate, None, _encryption(passphrase)
        )

    def save(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write ``name.pem`` and ``name.key``; their paths."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_text(self.pem)
        key.write_text(self.key_pem())
        return certificate, key


class Authority:
    """A certificate authority."""

    def __init__(self, name: str) -> None:
        self.root = _issue(name, ec.generate_private_key(ec.SECP256R1()), None)

    @property
    def pem(self) -> str:
        """What those who trust it are given."""
        return self.root.pem

    def server(self, address: str = "127.0.0.1", *, expired: bool = False) -> Issued:
        """For a server at an address; ``expired``: it ended yesterday."""
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        ends = -DAY if expired else 2 * DAY
        key = ec.generate_private_key(ec.SECP256R1())
        return _issue(address, key, self.root, names, ExtendedKeyUsageOID.SERVER_AUTH, ends)

    def client(self, name: str, *, curve: bool = False) -> Issued:
        """For a client; with a key of RSA or, which is made at once, of an elliptic curve."""
        key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
        return _issue(name, key, self.root, None, ExtendedKeyUsageOID.CLIENT_AUTH)


def _issue(
    name: str,
    key: Key,
    issuer: Issued | None,
    names: x509.SubjectAlternativeName | None = None,
    use: x509.ObjectIdentifier | None = None,
    ends: timedelta = 2 * DAY,
) -> Issued:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * DAY)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if issuer is None:
        builder = builder.add_extension(_SIGNING, critical=True)
    if names:
        builder = builder.add_extension(names, critical=False)
    if use:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)


_SIGNING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _encryption(passphrase: str | None) -> serialization.KeySerializationEncryption:
    if passphrase is None:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(passphrase.encode())
