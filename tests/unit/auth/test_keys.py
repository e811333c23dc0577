"""Keys as people paste them, and the sentences for those that cannot be used."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fairlead.auth import keys
from fairlead.auth.keys import JWT_KEY, check_keys, private_key, shared_secret
from fairlead.codecs.registry import codecs
from fairlead.domain.errors import InvalidContent
from fairlead.engine.prepare import connection_of
from fairlead.executors.http.executor import HttpExecutor
from fairlead.paging.registry import paging_strategies
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.clock import START
from tests.unit.scripted import ACCOUNT

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client-1")])


def _pem(
    key: PrivateKeyTypes,
    form: PrivateFormat = PrivateFormat.PKCS8,
    protection: KeySerializationEncryption = NoEncryption(),  # noqa: B008  # a value without state
) -> str:
    return key.private_bytes(Encoding.PEM, form, protection).decode()


def _public(form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return RSA.public_key().public_bytes(Encoding.PEM, form).decode()


def _certificate() -> str:
    builder = x509.CertificateBuilder(NAME, NAME, RSA.public_key(), 1, START, START + timedelta(days=1))
    return builder.sign(RSA, SHA256()).public_bytes(Encoding.PEM).decode()


def _request() -> str:
    builder = x509.CertificateSigningRequestBuilder(NAME)
    return builder.sign(RSA, SHA256()).public_bytes(Encoding.PEM).decode()


RSA_PEM, EC_PEM = _pem(RSA), _pem(EC)

READABLE: list[tuple[str, str]] = [
    (RSA_PEM, "rsa-sha256"),
    (_pem(RSA, PrivateFormat.TraditionalOpenSSL), "ps512"),
    (EC_PEM, "es256"),
    (_pem(EC, PrivateFormat.TraditionalOpenSSL), "es256"),
    (_pem(ec.generate_private_key(ec.SECP384R1())), "es384"),
    (_pem(ec.generate_private_key(ec.SECP521R1())), "es512"),
    (RSA_PEM.replace("\n", "\r\n"), "rsa-sha256"),
    (RSA_PEM.replace("\n", "\\n"), "rsa-sha256"),
    (RSA_PEM.replace("\n", "\\r\\n"), "rsa-sha256"),
    ("\ufeff\n  " + RSA_PEM.replace("\n", "\n  "), "rsa-sha256"),
    (RSA_PEM.replace("\n", " "), "rsa-sha256"),
    (_certificate() + RSA_PEM, "rsa-sha256"),
    (
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        + _pem(EC, PrivateFormat.TraditionalOpenSSL),
        "es256",
    ),
]


@pytest.mark.parametrize(("text", "method"), READABLE)
def test_keys_as_people_paste_them(text: str, method: str) -> None:
    """PKCS#1, PKCS#8 and SEC 1; line ends of Windows, written out as in JSON or lost; what stands around the key is passed over."""
    assert isinstance(private_key(text, method, JWT_KEY), rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    assert check_keys(_jwt(method, privateKey=text)) == []


UNUSABLE: list[tuple[str, str, str]] = [
    (_pem(RSA, protection=BestAvailableEncryption(b"pw")), "rsa-sha256", "is encrypted, and there is no field for a"),
    (
        _pem(RSA, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"pw")),
        "rsa-sha256",
        "is encrypted, and there is no field for a passphrase here",
    ),
    (_certificate(), "rsa-sha256", "holds a certificate; it takes the private key"),
    (_request(), "rsa-sha256", "holds a certificate signing request (CSR)"),
    (_public(), "rsa-sha256", "holds a public key; it takes the private key"),
    (_public(PublicFormat.PKCS1), "rsa-sha256", "holds a public key; it takes the private key"),
    (
        RSA.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "rsa-sha256",
        "holds a public key; it takes the private key",
    ),
    (_pem(RSA, PrivateFormat.OpenSSH), "rsa-sha256", "holds an OpenSSH key; convert it with"),
    (RSA_PEM, "es256", "holds an RSA key; es256 takes an EC key on the curve P-256"),
    (EC_PEM, "es384", "holds an EC key on the curve P-256; es384 takes an EC key on the curve P-384"),
    (EC_PEM, "ps256", "holds an EC key on the curve P-256; ps256 takes an RSA key"),
    (_pem(ed25519.Ed25519PrivateKey.generate()), "es256", "holds a key of the kind Ed25519; es256 takes"),
    (_pem(dsa.generate_private_key(1024)), "rsa-sha256", "holds a key of the kind DSA; rsa-sha256 takes an RSA key"),
    (RSA_PEM[:-40], "rsa-sha256", "is PEM that is cut off"),
    (RSA_PEM[:400] + RSA_PEM[480:], "rsa-sha256", "is not readable: the private key it holds is damaged"),
    ("s3cr3t", "rsa-sha256", "is not PEM: it takes a private key"),
    (
        _pem(rsa.generate_private_key(65537, 1024)),
        "ps512",
        "holds an RSA key of 1024 bits, which is too short for ps512",
    ),
]


@pytest.mark.parametrize(("text", "method", "sentence"), UNUSABLE)
def test_keys_that_cannot_be_used(text: str, method: str, sentence: str) -> None:
    """connections.md 2: on save 422 with the field and a sentence for each case, which shows nothing of the key."""
    (problem,) = check_keys(_jwt(method, privateKey=text))
    assert (problem.code, problem.field) == ("invalid_field", "http.auth.jwt.privateKey")
    assert problem.message.startswith(f"http.auth.jwt.privateKey {sentence}")
    lines = text.splitlines()
    assert lines[len(lines) // 2] not in problem.message


def test_a_key_that_was_damaged() -> None:
    """Readable, but what it signs does not fit: told on save, not by the application. (The library mends a wrong ``dmp1`` by ``d``.)"""
    numbers = RSA.private_numbers()
    damaged = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d ^ 4, numbers.dmp1 ^ 4, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    (problem,) = check_keys(_jwt("rsa-sha256", privateKey=_pem(damaged)))
    assert problem.field == "http.auth.jwt.privateKey"
    assert "holds a damaged private key" in problem.message


def _jwt(method: str, kind: str = "jwtbearer", **fields: Any) -> dict[str, Any]:
    return {"auth": {"type": kind, "jwt": {"signatureMethod": method, "payload": {"a": 1}, **fields}}}


def _oauth1(method: str, **fields: Any) -> dict[str, Any]:
    return {"auth": {"type": "oauth1", "oauth": {"oauth1": {"signatureMethod": method, **fields}}}}


CHECKED: list[tuple[dict[str, Any], list[str]]] = [
    (_oauth1("rsa-sha1", consumerPrivateKey=RSA_PEM), []),
    (_oauth1("rsa-sha1", consumerPrivateKey="x"), ["http.auth.oauth.oauth1.consumerPrivateKey"]),
    (_oauth1("rsa-sha512", consumerPrivateKey=EC_PEM), ["http.auth.oauth.oauth1.consumerPrivateKey"]),
    (_oauth1("hmac-sha1", consumerPrivateKey="x"), []),
    (_oauth1("rsa-sha1"), []),
    (_jwt("es256", "jwt", privateKey="x"), ["http.auth.jwt.privateKey"]),
    (_jwt("es256"), []),
    (_jwt("es256", privateKey="x", token="given"), []),
    (_jwt("hmac-sha256", secret="!", isSecretBase64Encoded=True), ["http.auth.jwt.secret"]),
    (_jwt("hmac-sha256", secret="!"), []),
    (_jwt("hmac-sha256", isSecretBase64Encoded=True), []),
    ({"auth": {"type": "token", "jwt": {"signatureMethod": "es256", "privateKey": "x"}}}, []),
    ({"auth": {"type": "oauth1"}}, []),
    ({"auth": {"type": "jwt"}}, []),
    ({}, []),
]


@pytest.mark.parametrize(("http", "fields"), CHECKED)
def test_only_the_key_that_signs_is_checked(http: dict[str, Any], fields: list[str]) -> None:
    """connections.md 2: by type and method; that a key is missing is another rule's."""
    assert [problem.field for problem in check_keys(http)] == fields


def _padded(raw: bytes, encode: Callable[[bytes], bytes]) -> list[str]:
    text = encode(raw).decode()
    return [text, text.rstrip("="), f"  {text[:3]}\r\n{text[3:]}\n"]


@pytest.mark.parametrize(
    "text", [*_padded(b"\xfb\xff\xfe?s", b64encode), *_padded(b"\xfb\xff\xfe?s", urlsafe_b64encode)]
)
def test_a_secret_in_base64(text: str) -> None:
    """connections.md 3.9: both alphabets, padding optional, line ends passed over."""
    assert shared_secret({"secret": text, "isSecretBase64Encoded": True}) == b"\xfb\xff\xfe?s"


@pytest.mark.parametrize("text", ["s3cr3t!", "a", "=", "é", "ab=c"])
def test_a_secret_that_is_no_base64(text: str) -> None:
    """connections.md 3.9: refused on save, and the secret is not shown."""
    with pytest.raises(InvalidContent) as caught:
        shared_secret({"secret": text, "isSecretBase64Encoded": True})
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("invalid_field", "http.auth.jwt.secret")
    assert "s3cr3t" not in problem.message


@pytest.mark.parametrize("flag", [None, False])
def test_a_secret_as_it_is(flag: bool | None) -> None:
    """Its UTF-8, blanks and all, whatever it looks like."""
    assert shared_secret({"secret": " YWJj é", "isSecretBase64Encoded": flag}) == " YWJj é".encode()


def test_a_key_is_read_once() -> None:
    """The same text gives the same key; what is kept is bounded and holds no text."""
    text = _pem(ec.generate_private_key(ec.SECP256R1()))
    first = private_key(text, "es256", JWT_KEY)
    assert private_key(text, "es256", JWT_KEY) is first
    for count in range(keys._MOST):
        private_key(f"{count}\n{EC_PEM}", "es256", JWT_KEY)
    assert len(keys._loaded) == keys._MOST
    assert private_key(text, "es256", JWT_KEY) is not first
    assert not any(b"BEGIN" in name for name in keys._loaded)


def test_a_method_does_not_find_the_key_of_another() -> None:
    """A key that was read for one method is judged again for the next."""
    private_key(EC_PEM, "es256", JWT_KEY)
    with pytest.raises(InvalidContent):
        private_key(EC_PEM, "rsa-sha256", JWT_KEY)


def test_on_save() -> None:
    """connections.md 2: keys and every template of what is signed, each with its field."""
    jwt = {
        "signatureMethod": "es256",
        "privateKey": "x",
        "payload": {"sub": "{{fine}}", "act": {"roles": ["{{#if"]}},
        "headers": {"kid": "{{nope nope}}"},
    }
    auth = {"type": "jwtbearer", "jwt": jwt, "oauth": {"oauth1": {"realm": "{{#each"}}}
    tree = {"type": "http", "name": "n", "http": {"baseURI": "https://a.test", "mediaType": "json", "auth": auth}}
    executor = HttpExecutor(TemplateCompiler(), codecs, paging_strategies)
    problems = executor.check_connection(connection_of(ACCOUNT, tree))
    assert [(problem.code, problem.field) for problem in problems] == [
        ("invalid_field", "http.auth.jwt.privateKey"),
        ("invalid_template", "http.auth.jwt.payload.act.roles.0"),
        ("invalid_template", "http.auth.jwt.headers.kid"),
        ("invalid_template", "http.auth.oauth.oauth1.realm"),
    ]
