"""What is wrong with TLS material is told on save, each with its field and its sentence (connections.md 2 and 9)."""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from fairlead.domain.errors import Problem
from fairlead.domain.pem import blocks
from fairlead.engine.ports import ClientIdentity
from fairlead.transport.certificates import check_certificates, name_of, read
from fairlead.transport.iterations import costs_too_much
from tests.authority import DAY, NOW, Authority, encryption

AUTHORITY = Authority()
BELOW = Authority("authority below", AUTHORITY)
CLIENT = AUTHORITY.issue("client-1")
OTHER = AUTHORITY.issue("client-2")
EXPIRED = AUTHORITY.issue("late", start=NOW - 3 * DAY, end=NOW - DAY)
EARLY = AUTHORITY.issue("early", start=NOW + DAY, end=NOW + 3 * DAY)
SECRET = "s3cret-phrase"
ENCRYPTED = CLIENT.written(PrivateFormat.PKCS8, SECRET)
LEGACY = CLIENT.written(PrivateFormat.TraditionalOpenSSL, SECRET)
PFX = CLIENT.pfx(SECRET)
OPENSSH = CLIENT.written(PrivateFormat.OpenSSH)
CSR = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([]))
    .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    .public_bytes(Encoding.PEM)
    .decode()
)
PUBLIC = CLIENT.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
DSA = dsa.generate_private_key(1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _pfx(key: ec.EllipticCurvePrivateKey | None, certificate: x509.Certificate | None) -> str:
    raw = pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, encryption(SECRET))
    return base64.b64encode(raw).decode()


def _pair(**changes: str) -> dict[str, str]:
    return {"cert": CLIENT.cert, "key": CLIENT.key, **changes}


def _problems(material: dict[str, Any]) -> list[Problem]:
    return check_certificates({"clientCertificates": material}, NOW)


ACCEPTED: dict[str, dict[str, str]] = {
    "nothing": {},
    "cert and key": _pair(),
    "key of PKCS#1 or SEC 1": _pair(key=CLIENT.written(PrivateFormat.TraditionalOpenSSL)),
    "Windows line ends": {name: text.replace("\n", "\r\n") for name, text in _pair().items()},
    "old line ends of Macs": {name: text.replace("\n", "\r") for name, text in _pair().items()},
    "written-out line ends": {name: text.replace("\n", "\\n") for name, text in _pair().items()},
    "written-out Windows line ends": {name: text.replace("\n", "\\r\\n") for name, text in _pair().items()},
    "all in one line": {name: text.replace("\n", " ") for name, text in _pair().items()},
    "indented, byte order mark, text before": {name: "\ufeff Bag\n  " + text.replace("\n", "\n  ") for name, text in _pair().items()},
    "a chain": _pair(cert=BELOW.issue("x", key=CLIENT.private).cert + BELOW.pem),
    "a chain the other way round": _pair(cert=AUTHORITY.pem + CLIENT.cert),
    "parameters before the key": _pair(key="-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + CLIENT.key),
    "an encrypted key": _pair(key=ENCRYPTED, passphrase=SECRET),
    "an encrypted key of OpenSSL's own kind": _pair(key=LEGACY, passphrase=SECRET),
    "the same with Windows line ends": _pair(key=LEGACY.replace("\n", "\r\n"), passphrase=SECRET),
    "a passphrase nobody needs": _pair(passphrase="x"),
    "pfx": {"pfx": PFX, "passphrase": SECRET},
    "pfx in lines": {"pfx": "\ufeff" + re.sub("(.{64})", r"\1\r\n", PFX) + "\n", "passphrase": SECRET},
    "pfx without passphrase": {"pfx": CLIENT.pfx(None)},
    "pfx with chain": {"pfx": CLIENT.pfx(SECRET, AUTHORITY.certificate), "passphrase": SECRET},
    "an authority alone": {"ca": AUTHORITY.pem},
    "several authorities, one of them expired": {"ca": EXPIRED.cert + AUTHORITY.pem + BELOW.pem},
}  # fmt: skip


@pytest.mark.parametrize("material", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_usable_material_passes(material: dict[str, str]) -> None:
    """However it was pasted."""
    assert _problems(material) == []


class Refused(NamedTuple):
    """Material, and what is said about it."""

    material: dict[str, str]
    field: str
    says: str
    code: str = "invalid_field"


_CUT = CLIENT.cert[:200]
_DAMAGED = CLIENT.cert.replace("MII", "AAA", 1)
REFUSED: dict[str, Refused] = {
    "a request as cert": Refused(_pair(cert=CSR), "cert", "signing request"),
    "a public key as cert": Refused(_pair(cert=PUBLIC), "cert", "holds a public key"),
    "a key as cert": Refused(_pair(cert=CLIENT.key), "cert", "holds a private key, which belongs in key"),
    "cert with key": Refused(_pair(cert=CLIENT.cert + CLIENT.key), "cert", "holds a private key"),
    "garbage as cert": Refused(_pair(cert="garbage"), "cert", "is not PEM"),
    "a cut cert": Refused(_pair(cert=_CUT), "cert", "is cut off"),
    "a damaged cert": Refused(_pair(cert=_DAMAGED), "cert", "is damaged"),
    "a cert as key": Refused(_pair(key=CLIENT.cert), "key", "holds a certificate"),
    "a request as key": Refused(_pair(key=CSR), "key", "signing request"),
    "a public key as key": Refused(_pair(key=PUBLIC), "key", "holds a public key"),
    "an OpenSSH key": Refused(_pair(key=OPENSSH), "key", "ssh-keygen -p -m PKCS8"),
    "garbage as key": Refused(_pair(key="garbage"), "key", "is not PEM"),
    "a damaged key": Refused(_pair(key=CLIENT.key.replace("MI", "AA", 1)), "key", "is damaged"),
    "a DSA key": Refused(_pair(key=DSA), "key", "use RSA, EC or Ed25519"),
    "no passphrase": Refused(_pair(key=ENCRYPTED), "passphrase", "key is encrypted", "missing_required_field"),
    "no passphrase, old": Refused(_pair(key=LEGACY), "passphrase", "key is encrypted", "missing_required_field"),
    "a wrong passphrase": Refused(_pair(key=ENCRYPTED, passphrase="wr0ng-phrase"), "passphrase", "passphrase is wrong"),
    "a wrong passphrase, old": Refused(_pair(key=LEGACY, passphrase="wr0ng-phrase"), "passphrase", "passphrase is wrong"),
    "another key": Refused(_pair(key=OTHER.key), "key", "does not belong to the certificate client-1"),
    "expired": Refused({"cert": EXPIRED.cert, "key": EXPIRED.key}, "cert", f"late (serial {EXPIRED.certificate.serial_number:X}), which expired on {NOW - DAY:%Y-%m-%d %H:%M:%S} UTC"),
    "early": Refused({"cert": EARLY.cert, "key": EARLY.key}, "cert", f"is not valid before {NOW + DAY:%Y-%m-%d %H:%M:%S} UTC"),
    "expired pfx": Refused({"pfx": EXPIRED.pfx(None)}, "pfx", "expired on"),
    "pfx no Base64": Refused({"pfx": "%%%", "passphrase": SECRET}, "pfx", "is not Base64"),
    "pfx of letters": Refused({"pfx": "é" * 8, "passphrase": SECRET}, "pfx", "is not Base64"),
    "pfx something else": Refused({"pfx": "aGVsbG8gd29ybGQ=", "passphrase": SECRET}, "pfx", "not a PKCS#12 file"),
    "pfx as PEM": Refused({"pfx": CLIENT.cert}, "pfx", "is PEM"),
    "pfx, wrong passphrase": Refused({"pfx": PFX, "passphrase": "wr0ng-phrase"}, "passphrase", "passphrase is wrong"),
    "pfx, no passphrase": Refused({"pfx": PFX}, "passphrase", "pfx is encrypted", "missing_required_field"),
    "pfx without key": Refused({"pfx": _pfx(None, CLIENT.certificate), "passphrase": SECRET}, "pfx", "no private key"),
    "ca garbage": Refused({"ca": "x"}, "ca", "is not PEM"),
    "ca a key": Refused({"ca": CLIENT.key}, "ca", "holds a private key; it takes certificates of authorities"),
    "ca expired": Refused({"ca": EXPIRED.cert}, "ca", "expired on"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_unusable_material_is_named(case: Refused) -> None:
    """One problem, its field, what to do, and nothing secret."""
    (problem,) = _problems(case.material)
    assert (problem.code, problem.field) == (case.code, f"http.clientCertificates.{case.field}")
    assert case.says in problem.message
    assert problem.message.startswith(f"{problem.field} ")
    secrets = [case.material.get(name, "") for name in ("key", "passphrase", "pfx")]
    assert not any(line in problem.message for text in secrets for line in text.splitlines() if line)


def test_a_weak_key_is_refused_on_save() -> None:
    """What OpenSSL would not load later is refused now, with its word."""
    weak = AUTHORITY.issue("weak", key=rsa.generate_private_key(65537, 1024))
    (problem,) = _problems({"cert": weak.cert, "key": weak.key})
    assert (problem.field, "ee key too small" in problem.message) == ("http.clientCertificates.cert", True)


def test_a_damaged_rsa_key_is_refused_on_save() -> None:
    """A key with the right public half that cannot sign."""
    good = AUTHORITY.issue("rsa", key=rsa.generate_private_key(65537, 2048))
    assert _problems({"cert": good.cert, "key": good.key}) == []
    numbers = load_pem_private_key(good.key.encode(), None)
    assert isinstance(numbers, rsa.RSAPrivateKey)
    n = numbers.private_numbers()
    broken = rsa.RSAPrivateNumbers(n.p, n.q, n.d ^ 2, n.dmp1 ^ 2, n.dmq1 ^ 2, n.iqmp, n.public_numbers)
    key = broken.private_key(unsafe_skip_rsa_key_validation=True)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (problem,) = _problems({"cert": good.cert, "key": text})
    assert "damaged private key" in problem.message


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One problem a field."""
    assert {problem.field for problem in _problems({"cert": CSR, "key": PUBLIC, "ca": "x"})} == {
        "http.clientCertificates.cert",
        "http.clientCertificates.key",
        "http.clientCertificates.ca",
    }


def test_our_certificate_stands_first() -> None:
    """Whatever the order of the bundle."""
    found = read(ClientIdentity(cert=AUTHORITY.pem + CLIENT.cert, key=CLIENT.key), [])
    assert [name_of(certificate).split(" (")[0] for certificate in found.chain] == ["client-1", "test authority"]


def test_names_in_messages_hold_no_control_characters() -> None:
    """A subject is a stranger's text: printable, and not long."""
    assert name_of(AUTHORITY.issue("a\nb" + "c" * 61).certificate).startswith("a?b" + "c" * 61 + " (serial ")


def test_nothing_secret_is_shown() -> None:
    """The digest is the only name of the material, and differs when any part of it moves to another."""
    identity = ClientIdentity(cert=CLIENT.cert, key=CLIENT.key, passphrase=SECRET)
    assert repr(identity) == "ClientIdentity()"
    assert repr(blocks(CLIENT.key)) == "[Block(label='PRIVATE KEY')]"
    assert "key" not in repr(read(identity, []))
    assert ClientIdentity(cert="ab").digest != ClientIdentity(cert="a", key="b").digest
    assert identity.digest == ClientIdentity(cert=CLIENT.cert, key=CLIENT.key, passphrase=SECRET).digest


def test_many_iterations_are_not_tried() -> None:
    """A file that asks for hours of work for its passphrase is refused unread; usual ones are not."""

    def written(iterations: int) -> bytes:
        count = iterations.to_bytes(4, "big")
        return b"\x30\x10\x04\x08saltsalt\x02\x04" + count

    assert costs_too_much(written(2_000_001))
    assert not costs_too_much(written(600_000))
    assert costs_too_much(b"\x30\x80\x04\x12" + written(1 << 30) + b"\0\0")
    assert not costs_too_much(ENCRYPTED.encode())
    assert not costs_too_much(LEGACY.encode())
    assert not costs_too_much(base64.b64decode(PFX))


def test_a_key_that_asks_for_many_iterations_is_refused() -> None:
    """With the field that holds it, before any of them is done."""
    packed = base64.b64decode("".join(ENCRYPTED.splitlines()[1:-1]))
    usual = re.compile(rb"(\x04[\x08-\x20].{8,32}?)\x02\x02..", re.DOTALL)
    slow = usual.sub(lambda match: match[1] + b"\x02\x04\x7f\xff\xff\xff", packed, count=1)
    label = "ENCRYPTED PRIVATE KEY"
    key = f"-----BEGIN {label}-----\n{base64.b64encode(slow).decode()}\n-----END {label}-----"
    (problem,) = _problems(_pair(key=key, passphrase=SECRET))
    assert problem.field == "http.clientCertificates.key"
    assert "too many iterations" in problem.message


@pytest.mark.parametrize("size", [0, 1, 2, 5, 50])
def test_cut_encodings_cost_nothing(size: int) -> None:
    """Whatever is not BER ends the look, without an error."""
    assert not costs_too_much(base64.b64decode(PFX)[:size])
