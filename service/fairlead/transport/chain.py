"""A certificate chain and its private key, into a TLS context."""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

_OWN_FILES: Final = Path("/proc/self/fd")


def load_chain(context: ssl.SSLContext, chain: Sequence[x509.Certificate], key: PrivateKeyTypes) -> None:
    """Present ``chain``, ours first, in handshakes of ``context``. Raises ``ssl.SSLError`` for what OpenSSL does not take: a key too
    short, a signature too weak for its security level."""
    # The library takes files only. What it reads is encrypted under a passphrase that exists for this call alone, and lives in
    # anonymous memory; where there is none, in a file of this user that is deleted at once.
    passphrase = secrets.token_hex(32).encode()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    text += b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    with _file(text) as path:
        context.load_cert_chain(path, password=passphrase)


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    if hasattr(os, "memfd_create") and _OWN_FILES.is_dir():
        descriptor = os.memfd_create("chain", os.MFD_CLOEXEC)
        with open(descriptor, "wb", buffering=0) as memory:
            memory.write(content)
            yield str(_OWN_FILES / str(descriptor))
    else:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(content)
            file.flush()
            yield file.name
