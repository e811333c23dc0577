"""Requests that are signed anew each time: UsernameToken of WS-Security, and an HMAC written with templates."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tests.e2e.sign_in.plain import same
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way

CLOCKS_APART = 300.0
"""Seconds that a time may be off."""
_TOKEN = re.compile(r'UsernameToken Username="([^"]*)", PasswordDigest="([^"]+)", Nonce="([^"]+)", Created="([^"]+)"')


class Wsse(Way):
    """UsernameToken profile 1.0, section 3.1, as a header; each nonce once, ``Created`` within five minutes."""

    name = "wsse"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.password = vault.secret("password", "pä ")
        self.nonces: set[bytes] = set()

    def block(self, base: str, *, right: bool) -> Block:
        password = self.password if right else self.vault.secret("wrong password")
        return {"auth": {"type": "wsse", "basic": {"username": "bob", "password": password}}}

    def admit(self, asked: Asked) -> None:
        refused = Refused("wrong token", headers={"WWW-Authenticate": 'WSSE realm="a", profile="UsernameToken"'})
        found = _TOKEN.fullmatch(asked.one("X-WSSE") or "")
        if found is None or asked.one("Authorization") != 'WSSE profile="UsernameToken"' or found[1] != "bob":
            raise refused
        self.vault.computed[found[2]] = "digest of a password"
        nonce = base64.b64decode(found[3], validate=True)
        digest = hashlib.sha1(nonce + found[4].encode() + self.password.encode()).digest()
        if not same(found[2], base64.b64encode(digest).decode()):
            raise refused
        created = datetime.strptime(found[4], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        if abs(created - self.vault.now()) > CLOCKS_APART:
            raise Refused("Created is too far from now")
        if len(nonce) < 16 or nonce in self.nonces:
            raise Refused("this nonce was used before")
        self.nonces.add(nonce)


class HmacSignature(Way):
    """HMAC-SHA256 over method, target, time and body, each signature once, the time within five minutes."""

    name = "custom-hmac"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.key = vault.secret("key of signatures")
        self.signatures: set[str] = set()
        self.root = ""

    def block(self, base: str, *, right: bool) -> Block:
        self.root = urlsplit(base).path  # the relative URI begins below it
        what = ("method", "relativeURI", "urlParameters", "headers.[x-time]", "body")
        text = f"(join '|' {' '.join(f'hmacOptions.{name}' for name in what)})"
        signature = f'{{{{{{hmac "sha256" connection.http.encrypted.key "base64" {text}}}}}}}'
        return {
            "auth": {"type": "custom"},
            "encrypted": {"key": self.key if right else self.vault.secret("wrong key of signatures")},
            "headers": [
                {"name": "X-Time", "value": '{{timestamp "x"}}'},
                {"name": "X-Signature", "value": signature},
            ],
        }

    def admit(self, asked: Asked) -> None:
        time, signature = asked.one("X-Time") or "", asked.one("X-Signature") or ""
        self.vault.computed[signature] = "signature"
        path, _, query = asked.target.partition("?")
        relative = "/" + path.removeprefix(self.root).lstrip("/")
        text = "|".join((asked.method, relative, query, time, asked.body.decode()))
        expected = base64.b64encode(hmac.digest(self.key.encode(), text.encode(), "sha256")).decode()
        if not same(signature, expected):
            raise Refused("wrong signature")
        if re.fullmatch("[0-9]{13}", time) is None or abs(int(time) / 1000 - self.vault.now()) > CLOCKS_APART:
            raise Refused("the time is too far from now")
        if signature in self.signatures:
            raise Refused("this signature was used before")
        self.signatures.add(signature)
