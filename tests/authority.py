"""A certificate authority of the tests, and servers that look at who calls."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def encryption(passphrase: str | None) -> KeySerializationEncryption:
    """How a key is written."""
    return BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in the forms in which people have them."""

    certificate: x509.Certificate
    private: CertificateIssuerPrivateKeyTypes

    @cached_property
    def cert(self) -> str:
        """The certificate, PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @cached_property
    def key(self) -> str:
        """The key, PEM, PKCS#8."""
        return self.written(PrivateFormat.PKCS8)

    def written(self, form: PrivateFormat, passphrase: str | None = None) -> str:
        """The key, PEM, in this form."""
        return self.private.private_bytes(Encoding.PEM, form, encryption(passphrase)).decode()

    def pfx(self, passphrase: str | None, *chain: x509.Certificate) -> str:
        """Both in PKCS#12, Base64."""
        private = self.private
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        raw = pkcs12.serialize_key_and_certificates(b"x", private, self.certificate, chain, encryption(passphrase))
        return base64.b64encode(raw).decode()


class Authority:
    """Issues certificates; ``parent`` makes it one below another."""

    def __init__(self, name: str = "test authority", parent: Authority | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        issuer, key = (parent._name, parent._key) if parent else (self._name, self._key)
        self.certificate = (
            _builder(self._name, issuer, self._key, NOW - DAY, NOW + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name: str,
        *hosts: str,
        start: datetime = NOW - DAY,
        end: datetime = NOW + DAY,
        key: CertificateIssuerPrivateKeyTypes | None = None,
    ) -> Issued:
        """A certificate for ``name``; with ``hosts`` one for a server."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
        ]
        builder = _builder(_name(name), self._name, key, start, end)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Issued(builder.sign(self._key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificateIssuerPrivateKeyTypes, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def server_context(
    folder: Path, issued: Issued, clients: Authority | None = None, *, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """A server with this certificate; with ``clients`` it wants one of them from everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = most
    file = folder / f"{issued.certificate.serial_number}.pem"
    file.write_text(issued.key + issued.cert)
    context.load_cert_chain(file)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.pem)
    return context
