"""Tokens that end, and endpoints that renew them: configured refresh requests, and OAuth 2.0 (RFC 6749, 9700)."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar
from urllib.parse import unquote_plus

from aiohttp import web

from tests.e2e.sign_in.plain import same
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way

USES = 3
"""Requests that an access token is good for."""


class Issuer:
    """Access tokens for a few uses each; refresh tokens for one use: a second one revokes everything (RFC 9700, 4.14.2)."""

    def __init__(self, vault: Vault, *, rotating: bool = True) -> None:
        self._vault = vault
        self._rotating = rotating
        self.left: dict[str, int] = {}
        self.refresh_tokens: set[str] = set()
        self.spent: set[str] = set()
        self.reused = 0

    def access(self, uses: int = USES) -> str:
        """A new access token; those before it end."""
        self.left.clear()
        token = self._vault.secret("access token", "at.")
        self.left[token] = uses
        return token

    def refresh(self) -> str:
        """A new refresh token."""
        token = self._vault.secret("refresh token", "rt/")
        self.refresh_tokens.add(token)
        return token

    def redeem(self, token: str | None) -> tuple[str, str | None] | None:
        """An access token, and a refresh token if they rotate; nothing for a refresh token that is not good."""
        if token in self.spent:
            self.reused += 1
            self.left.clear()
            self.refresh_tokens.clear()
            return None
        if token is None or token not in self.refresh_tokens:
            return None
        if not self._rotating:
            return self.access(), None
        self.refresh_tokens.discard(token)
        self.spent.add(token)
        return self.access(), self.refresh()

    def use(self, token: str | None) -> None:
        """Count a use; raises ``Refused``."""
        if token is None or self.left.get(token, 0) < 1:
            known = "expired" if token in self._vault.known else "unknown"
            raise Refused(f"{known} token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self.left[token] -= 1


class Renewed(Way):
    """A token that its refresh request renews: a form, rotating."""

    name = "refresh-form"
    refusals = 2
    renewals = 2
    rotating: ClassVar[bool] = True

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.issuer = Issuer(vault, rotating=self.rotating)

    def block(self, base: str, *, right: bool) -> Block:
        token = self.issuer.access() if right else self.vault.secret("wrong token")
        refresh_token = self.issuer.refresh() if right else self.vault.secret("wrong refresh token")
        settings = {"token": token, "refreshToken": refresh_token, **self.settings()}
        return {"auth": {"type": "token", "token": settings}}

    def settings(self) -> Block:
        """How the connection renews its token."""
        return {"refreshRelativeURI": "/token", "refreshMediaType": "urlencoded", "refreshMethod": "POST"}

    def admit(self, asked: Asked) -> None:
        scheme, _, token = (asked.one("Authorization") or "").partition(" ")
        self.issuer.use(token if scheme == "Bearer" else None)

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        if name != "token":
            return super().endpoint(name, asked)
        form = dict(asked.form())
        good = asked.method == "POST" and len(form) == 2 and form.get("grant_type") == "refresh_token"
        return self.answer(self.issuer.redeem(form.get("refresh_token")) if good else None)

    def answer(self, tokens: tuple[str, str | None] | None) -> web.Response:
        """The tokens, or a refusal (RFC 6749 5)."""
        if tokens is None:
            return web.json_response({"error": "invalid_grant", "error_description": "not good"}, status=400)
        self.renewed += 1
        return web.json_response(self.written(*tokens))

    def written(self, access: str, refresh: str | None) -> Block:
        """The members of a good answer."""
        return {"access_token": access, "expires_in": 3600, **({"refresh_token": refresh} if refresh else {})}


class Endless(Renewed):
    """Tokens for any number of requests, until the application ends them."""

    name = "refresh-endless"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.refused = 0

    def admit(self, asked: Asked) -> None:
        try:
            super().admit(asked)
        except Refused:
            self.refused += 1
            raise

    def answer(self, tokens: tuple[str, str | None] | None) -> web.Response:
        if tokens is not None:
            self.issuer.left[tokens[0]] = 1_000_000
        return super().answer(tokens)


class RenewedByTemplate(Renewed):
    """A JSON body of the connection's own, and an answer that holds the tokens deep inside."""

    name = "refresh-json"

    def settings(self) -> Block:
        body = '{"do":"renew","with":"{{connection.http.auth.token.refreshToken}}","client":"{{connection.http.encrypted.client}}"}'
        return {
            "refreshRelativeURI": "token",
            "refreshMediaType": "json",
            "refreshBody": body,
            "refreshTokenPath": "data.tokens[0].value",
            "refreshHeaders": [{"name": "X-Client", "value": "{{connection.http.unencrypted.client}}"}],
            "headerName": "X-Session",
            "scheme": "",
        }

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.client = vault.secret("client of the refresh")

    def block(self, base: str, *, right: bool) -> Block:
        bags = {"encrypted": {"client": self.client}, "unencrypted": {"client": "me"}}
        return {**super().block(base, right=right), **bags}

    def admit(self, asked: Asked) -> None:
        self.issuer.use(asked.one("X-Session"))

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        if name != "token":
            return super().endpoint(name, asked)
        try:
            body: Any = json.loads(asked.body)
        except ValueError:
            return self.answer(None)
        good = (
            asked.method == "POST"
            and asked.headers.get("Content-Type", "").startswith("application/json")
            and asked.one("X-Client") == "me"
            and same(body.get("client"), self.client)
            and body.get("do") == "renew"
        )
        return self.answer(self.issuer.redeem(body.get("with")) if good else None)

    def written(self, access: str, refresh: str | None) -> Block:
        return {"data": {"tokens": [{"value": access}]}, "refresh_token": refresh}


class RenewedByGet(Renewed):
    """GET with the refresh token in ``Authorization``; the refresh token stays."""

    name = "refresh-get"
    rotating = False

    def settings(self) -> Block:
        return {"refreshRelativeURI": "/token?x=1", "refreshMethod": "GET", "refreshTokenLocation": "header"}

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        scheme, _, token = (asked.one("Authorization") or "").partition(" ")
        good = name == "token" and asked.method == "GET" and not asked.body and scheme == "Bearer"
        return self.answer(self.issuer.redeem(token) if good else None)


class CustomRenewed(Renewed):
    """``custom`` whose templates show a token, fetched with a login before the first request."""

    name = "custom-refresh"
    renewals = 3

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.password = vault.secret("password of the login", "a&b=c+ ")

    def block(self, base: str, *, right: bool) -> Block:
        token = {
            "refreshRelativeURI": "/token",
            "refreshMediaType": "urlencoded",
            "refreshBody": "user=svc&password={{connection.http.encrypted.password}}",
            "refreshTokenPath": "session",
        }
        return {
            "auth": {"type": "custom", "token": token},
            "headers": [{"name": "X-Session", "value": "{{{connection.http.auth.token.token}}}"}],
            "encrypted": {"password": self.password if right else self.vault.secret("wrong password")},
        }

    def admit(self, asked: Asked) -> None:
        self.issuer.use(asked.one("X-Session"))

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        form = dict(asked.form())
        good = name == "token" and form.get("user") == "svc" and same(form.get("password"), self.password)
        if not good:
            return web.json_response({"error": {"text": "unknown user"}}, status=401)
        return self.answer((self.issuer.access(), None))

    def written(self, access: str, refresh: str | None) -> Block:
        return {"session": access}


class Oauth(Renewed):
    """RFC 6749: what all grants share. The client's own name needs encoding before it becomes Base64 (2.3.1)."""

    name = "oauth"
    renewals = 3
    scope: ClassVar[str] = ""
    in_body: ClassVar[bool] = False
    grant: ClassVar[str] = "client_credentials"
    public: ClassVar[bool] = False

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.client_id = "client:ä 1"
        self.client_secret = vault.secret("client secret", "s:%+&")
        self.user_password = vault.secret("password of the person", "p&+ ")

    def block(self, base: str, *, right: bool) -> Block:
        oauth = {"tokenURI": f"{base}/token", "clientId": self.client_id, **self.oauth(base)}
        if not self.public:
            oauth["clientSecret"] = self.client_secret
        auth: Block = {"type": "oauth", "oauth": oauth}
        if not right:
            self.spoil(auth)
        return {"auth": auth}

    def oauth(self, base: str) -> Block:
        """Members of ``auth.oauth`` beside client and token URI."""
        return {}

    def spoil(self, auth: Block) -> None:
        """Make the credentials wrong."""
        auth["oauth"]["clientSecret"] = self.vault.secret("wrong client secret")

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        if name != "token":
            return super().endpoint(name, asked)
        form = asked.form()
        names = [key for key, _ in form]
        if asked.method != "POST" or len(set(names)) != len(names) or not form:
            return web.json_response({"error": "invalid_request"}, status=400)
        if asked.one("Accept") != "application/json":
            return web.json_response({"error": "invalid_request", "error_description": "Accept"}, status=400)
        fields = dict(form)
        if not self.is_client(asked, fields):
            headers = {} if self.in_body else {"WWW-Authenticate": 'Basic realm="token"'}
            return web.json_response({"error": "invalid_client"}, status=400 if self.in_body else 401, headers=headers)
        return self.granted(fields)

    def is_client(self, asked: Asked, fields: dict[str, str]) -> bool:
        """RFC 6749 2.3.1; both ways at once are refused."""
        given = (fields.pop("client_id", None), fields.pop("client_secret", None))
        header = asked.one("Authorization")
        if self.public:
            return header is None and given == (self.client_id, None)
        if self.in_body:
            return header is None and given[0] == self.client_id and same(given[1], self.client_secret)
        scheme, _, encoded = (header or "").partition(" ")
        try:
            client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        pair = (unquote_plus(client), unquote_plus(secret))
        return scheme == "Basic" and given == (None, None) and pair == (self.client_id, self.client_secret)

    def granted(self, fields: dict[str, str]) -> web.Response:
        """The answer to a client that is known."""
        expected = {"grant_type": self.grant, **({"scope": self.scope} if self.scope else {})}
        if self.grant == "password":
            expected |= {"username": "ada@person.test", "password": self.user_password}
        return self.answer((self.issuer.access(), None) if fields == expected else None)

    def written(self, access: str, refresh: str | None) -> Block:
        return {**super().written(access, refresh), "token_type": "Bearer"}


class ClientCredentials(Oauth):
    """RFC 6749 4.4, the client in the header, two scopes."""

    name = "oauth-client-header"
    scope = "orders.read,orders.write"

    def oauth(self, base: str) -> Block:
        return {"grantType": "clientcredentials", "scope": ["orders.read", "orders.write"], "scopeDelimiter": ","}


class ClientInBody(Oauth):
    """RFC 6749 4.4, the client in the form."""

    name = "oauth-client-body"
    in_body = True
    wrong_code = 400

    def oauth(self, base: str) -> Block:
        return {"grantType": "clientcredentials", "clientCredentialsLocation": "body"}


class Password(Oauth):
    """RFC 6749 4.3. The first answer brings a refresh token, with which the next ones are had."""

    name = "oauth-password"
    grant = "password"
    scope = "all"
    wrong_code = 400

    def oauth(self, base: str) -> Block:
        person = {"username": "ada@person.test", "password": self.user_password}
        return {"grantType": "password", "scope": ["all"], **person}

    def spoil(self, auth: Block) -> None:
        auth["oauth"]["password"] = self.vault.secret("wrong password of the person")

    def granted(self, fields: dict[str, str]) -> web.Response:
        if fields.get("grant_type") == "refresh_token":
            return self.answer(self.issuer.redeem(fields.get("refresh_token")))
        expected = {"grant_type", "username", "password", "scope"}
        right = same(fields.get("password"), self.user_password) and fields.get("username") == "ada@person.test"
        good = set(fields) == expected and right and fields["scope"] == "all" and not self.renewed
        return self.answer((self.issuer.access(), self.issuer.refresh()) if good else None)


class AuthorizationCode(Oauth):
    """RFC 6749 4.1 after somebody has signed in: the token has ended, the refresh token rotates."""

    name = "oauth-code"
    refusals = 3
    renewals = 3

    def oauth(self, base: str) -> Block:
        return {"grantType": "authorizecode", "authURI": f"{base}/authorize"}

    def block(self, base: str, *, right: bool) -> Block:
        block = super().block(base, right=right)
        refresh = self.issuer.refresh() if right else self.vault.secret("wrong refresh token")
        block["auth"]["token"] = {"token": self.vault.secret("token that has ended"), "refreshToken": refresh}
        return block

    def spoil(self, auth: Block) -> None:
        pass  # the refresh token is what is wrong

    def granted(self, fields: dict[str, str]) -> web.Response:
        good = set(fields) == {"grant_type", "refresh_token"} and fields["grant_type"] == "refresh_token"
        return self.answer(self.issuer.redeem(fields.get("refresh_token")) if good else None)


class PublicClient(AuthorizationCode):
    """The same for a client without a secret (RFC 7636)."""

    name = "oauth-code-public"
    public = True

    def oauth(self, base: str) -> Block:
        return {**super().oauth(base), "pkceCodeChallengeMethod": "s256"}
