"""Credentials that are sent as they are: RFC 7617 basic, RFC 6750 bearer, tokens in other places, templates."""

from __future__ import annotations

import base64
import hmac
import json
from secrets import token_urlsafe
from typing import Any, ClassVar

from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way


def same(left: str | None, right: str) -> bool:
    """Compare without telling how far they agree."""
    return left is not None and hmac.compare_digest(left.encode(), right.encode())


class Basic(Way):
    """RFC 7617."""

    name = "basic"
    user = "svc_orders"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.password = self.made()

    def made(self) -> str:
        """The right password."""
        return self.vault.secret("password", "S3:")

    def block(self, base: str, *, right: bool) -> Block:
        password = self.password if right else self.vault.secret("wrong password")
        return {"auth": {"type": "basic", "basic": {"username": self.user, "password": password}}}

    def admit(self, asked: Asked) -> None:
        scheme, _, encoded = (asked.one("Authorization") or "").partition(" ")
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            raise Refused("no Base64 of UTF-8") from None
        if not (scheme.lower() == "basic" and colon and same(user, self.user) and same(password, self.password)):
            raise Refused("wrong user or password", headers={"WWW-Authenticate": 'Basic realm="a", charset="UTF-8"'})


class BasicUtf8(Basic):
    """User name and password beyond ASCII."""

    name = "basic-utf8"
    user = "jürgen@straße.test"

    def made(self) -> str:
        return self.vault.secret("password", "pä€ß:😀/+?&=%-")


class BasicEmpty(Basic):
    """An API key as user name, and no password."""

    name = "basic-empty"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.user = token_urlsafe(24)  # answers show user names: the field is no secret one

    def made(self) -> str:
        return ""


class Bearer(Way):
    """RFC 6750 2.1."""

    name = "token-bearer"
    settings: ClassVar[Block] = {}

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.token = vault.secret("token", "t+/=")

    def block(self, base: str, *, right: bool) -> Block:
        token = self.token if right else self.vault.secret("wrong token")
        return {"auth": {"type": "token", "token": {"token": token, **self.settings}}}

    def admit(self, asked: Asked) -> None:
        if not same(self.sent(asked), self.token):
            raise Refused("wrong token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def sent(self, asked: Asked) -> str | None:
        """The token of a request; nothing unless it stands alone in its place."""
        return self.after("Bearer", asked.one("Authorization"))

    @staticmethod
    def after(scheme: str, value: str | None) -> str | None:
        """What follows the scheme and one blank."""
        head, _, token = (value or "").partition(" ")
        return token if head == scheme else None


class OwnHeader(Bearer):
    """Another header, the token alone in it."""

    name = "token-own-header"
    settings: ClassVar[Block] = {"headerName": "X-Api-Key", "scheme": " "}

    def sent(self, asked: Asked) -> str | None:
        return None if "Authorization" in asked.headers else asked.one("X-Api-Key")


class OwnScheme(Bearer):
    """A scheme of the application's own."""

    name = "token-own-scheme"
    settings: ClassVar[Block] = {"scheme": "Token"}

    def sent(self, asked: Asked) -> str | None:
        return self.after("Token", asked.one("Authorization"))


class InQuery(Bearer):
    """RFC 6750 2.3, under another name."""

    name = "token-query"
    settings: ClassVar[Block] = {"location": "url", "paramName": "api_key"}

    def sent(self, asked: Asked) -> str | None:
        values = [value for name, value in asked.query if name == "api_key"]
        return values[0] if len(values) == 1 and "Authorization" not in asked.headers else None


class InJson(Bearer):
    """A member of every JSON body."""

    name = "token-json-body"
    settings: ClassVar[Block] = {"location": "body", "paramName": "auth"}
    by_body = True

    def sent(self, asked: Asked) -> str | None:
        try:
            body: Any = json.loads(asked.body)
        except ValueError:
            return None
        token = body.get("auth") if isinstance(body, dict) else None
        return token if isinstance(token, str) else None


class InForm(Bearer):
    """RFC 6750 2.2: a field of every form."""

    name = "token-form-body"
    settings: ClassVar[Block] = {"location": "body", "paramName": "access_token"}
    by_body = True
    media_type = "urlencoded"

    def sent(self, asked: Asked) -> str | None:
        values = [value for name, value in asked.form() if name == "access_token"]
        return values[0] if len(values) == 1 else None


class EncryptedBag(Way):
    """``custom``: header fields from both bags."""

    name = "custom-bag"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.key = vault.secret("bag", 'k"&\\')

    def block(self, base: str, *, right: bool) -> Block:
        return {
            "auth": {"type": "custom"},
            "encrypted": {"key": self.key if right else self.vault.secret("wrong bag")},
            "unencrypted": {"account": "5765432"},
            "headers": [
                {"name": "X-Key", "value": "{{{connection.http.encrypted.key}}}"},
                {"name": "X-Account", "value": "{{connection.http.unencrypted.account}}"},
            ],
        }

    def admit(self, asked: Asked) -> None:
        if not same(asked.one("X-Key"), self.key) or asked.one("X-Account") != "5765432":
            raise Refused("wrong key or account")
