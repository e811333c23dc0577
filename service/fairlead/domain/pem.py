"""PEM as people paste it (RFC 7468): Windows line ends, a byte order mark, blanks around it, ``\\n`` written out, all in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_WIDTH: Final = 64

CERTIFICATE_LABELS: Final = frozenset(("CERTIFICATE", "X509 CERTIFICATE"))
_OTHERS: Final = {
    "CERTIFICATE REQUEST": "a certificate signing request (CSR), not the certificate that was issued for it",
    "NEW CERTIFICATE REQUEST": "a certificate signing request (CSR), not the certificate that was issued for it",
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "SSH2 PUBLIC KEY": "a public key",
    "TRUSTED CERTIFICATE": "an OpenSSL trusted certificate; convert it with `openssl x509 -in FILE`",
    "OPENSSH PRIVATE KEY": "an OpenSSH key; convert it with `ssh-keygen -p -m PKCS8 -f FILE`",
    "PKCS7": "a PKCS#7 file; convert it with `openssl pkcs7 -print_certs -in FILE`",
    "PKCS12": "a PKCS#12 file, which belongs in pfx without its first and last line",
    "X509 CRL": "a revocation list",
    "EC PARAMETERS": "a description of a curve without the key",
    "DH PARAMETERS": "a description of a group without the key",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One labelled block, written as RFC 7468 wants it."""

    label: str
    text: bytes = field(repr=False)

    @property
    def is_certificate(self) -> bool:
        """A certificate."""
        return self.label in CERTIFICATE_LABELS

    @property
    def is_key(self) -> bool:
        """A private key of a kind that TLS uses, encrypted or not."""
        return self.label.endswith("PRIVATE KEY") and self.label != "OPENSSH PRIVATE KEY"

    @property
    def is_encrypted(self) -> bool:
        """It takes a passphrase to read it (PKCS#8, or the headers of RFC 1421)."""
        return self.label == "ENCRYPTED PRIVATE KEY" or b"ENCRYPTED" in self.text.split(b"\n")[1]

    @property
    def what(self) -> str:
        """What it is, in words."""
        if self.is_certificate:
            return "a certificate"
        if self.is_key:
            return "a private key"
        return _OTHERS.get(self.label, f"PEM of the kind {self.label}")


def blocks(text: str) -> list[Block]:
    """The blocks of ``text`` in order; what stands around them is passed over, a block without its end ends the reading."""
    text = text.replace("\\r", "\n").replace("\\n", "\n")
    found = []
    place = 0
    while match := _BEGIN.search(text, place):
        end = text.find(f"-----END {match[1]}-----", match.end())
        if end < 0:
            break
        found.append(Block(match[1], _written(match[1], text[match.end() : end])))
        place = end
    return found


def _written(label: str, body: str) -> bytes:
    lines = [line.strip() for line in body.strip().splitlines()]
    headers = [line for line in lines if ":" in line]
    packed = "".join("".join(line.split()) for line in lines if ":" not in line)
    wrapped = [packed[start : start + _WIDTH] for start in range(0, len(packed), _WIDTH)]
    parts = [f"-----BEGIN {label}-----", *headers, *([""] if headers else []), *wrapped, f"-----END {label}-----", ""]
    return "\n".join(parts).encode("ascii", "replace")
