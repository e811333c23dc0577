"""Many people at one host: a token, a session or a password each, and everybody sees what is theirs."""

from __future__ import annotations

import base64
import json
from http.cookies import SimpleCookie

from aiohttp import web

from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way


class People(Way):
    """Whoever signs in is named by the answer; ``block_of`` gives person ``n`` a way of signing in by turns."""

    name = "people"

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.secrets: dict[str, str] = {}
        """Token, password or session -> person."""
        self.logins = 0

    def block_of(self, base: str, person: int) -> Block:
        """Members of the ``http`` block of that person."""
        secret = self.vault.secret("secret of a person")
        name = f"person-{person}"
        self.secrets[secret] = name
        auth: Block
        if person % 3 == 0:
            auth = {"type": "token", "token": {"token": secret}}
        elif person % 3 == 1:
            auth = {"type": "basic", "basic": {"username": name, "password": secret}}
        else:
            auth = {"type": "cookie", "cookie": {"uri": "/login", "body": f'{{"secret":"{secret}"}}'}}
        return {"baseURI": base, "mediaType": "json", "auth": auth}

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        if name == "login":
            person = self.secrets.get(json.loads(asked.body).get("secret"))
            if person is None or "Cookie" in asked.headers:
                return web.json_response({}, status=401)
            session = self.vault.secret("session of a person")
            self.secrets[session] = person
            self.logins += 1
            return web.json_response({}, headers={"Set-Cookie": f"SID={session}; Path=/"})
        if name == "mine":
            try:
                return web.json_response({"owner": self.who(asked)})
            except Refused as refused:
                return self.told(refused, refused.why)
        return super().endpoint(name, asked)

    def who(self, asked: Asked) -> str:
        """The one person who signed in; two at once are refused."""
        scheme, _, value = (asked.one("Authorization") or "").partition(" ")
        given = []
        if scheme == "Bearer":
            given.append(self.secrets.get(value))
        if scheme == "Basic":
            user, _, password = base64.b64decode(value).decode().partition(":")
            given.append(user if self.secrets.get(password) == user else None)
        if "Cookie" in asked.headers:
            sent = SimpleCookie(asked.one("Cookie") or "")
            given.append(self.secrets.get(sent["SID"].value) if list(sent) == ["SID"] else None)
        if len(given) != 1 or given[0] is None:
            raise Refused("nobody, or more than one person")
        return given[0]
