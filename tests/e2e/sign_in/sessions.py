"""Sessions that a login opens: RFC 6265 cookies, each good for a few requests."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from typing import Any, ClassVar

from aiohttp import web

from tests.e2e.sign_in.plain import same
from tests.e2e.sign_in.tokens import USES
from tests.e2e.sign_in.way import Asked, Block, Refused, Vault, Way


class LoginByPost(Way):
    """A JSON login that sets two cookies; both are needed."""

    name = "cookie-post"
    refusals = 2
    renewals = 3
    good_status: ClassVar[int] = 200

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.password = vault.secret("password of the login", 'p"\\&')
        self.left: dict[str, int] = {}
        self.second: dict[str, str] = {}

    def block(self, base: str, *, right: bool) -> Block:
        password = self.password if right else self.vault.secret("wrong password")
        return {"auth": {"type": "cookie", "cookie": self.settings()}, "encrypted": {"password": password}}

    def settings(self) -> Block:
        """``auth.cookie``."""
        return {"uri": "/login", "body": '{"user":"svc","password":"{{connection.http.encrypted.password}}"}'}

    def admit(self, asked: Asked) -> None:
        sent = SimpleCookie(asked.one("Cookie") or "")
        session = sent["SID"].value if "SID" in sent else ""
        if self.left.get(session, 0) < 1 or "XT" not in sent or self.second[session] != sent["XT"].value:
            raise Refused("no session" if session not in self.left else "the session has ended")
        if "other" in sent:
            raise Refused("a cookie of another path")
        self.left[session] -= 1

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        if name != "login":
            return super().endpoint(name, asked)
        if "Cookie" in asked.headers or not self.is_right(asked):
            return self.refusal()
        answer = self.opened()
        session = self.vault.secret("session", "s.")
        self.left = {session: USES}
        self.second[session] = self.vault.secret("second cookie", "x-")
        answer.headers.add("Set-Cookie", f"SID={session}; Path=/{self.name}; HttpOnly; SameSite=Lax")
        answer.headers.add("Set-Cookie", f"XT={self.second[session]}; Max-Age=600")
        answer.headers.add(
            "Set-Cookie", f"other={self.vault.secret('cookie of another path')}; Path=/{self.name}/login"
        )
        self.renewed += 1
        return answer

    def is_right(self, asked: Asked) -> bool:
        """Whether this is a login with the right password."""
        try:
            body: Any = json.loads(asked.body)
        except ValueError:
            return False
        json_sent = asked.headers.get("Content-Type", "").startswith("application/json")
        return (
            asked.method == "POST" and json_sent and body.get("user") == "svc" and same(body["password"], self.password)
        )

    def opened(self) -> web.Response:
        """The answer of a good login, without its cookies."""
        return web.json_response({"ok": True}, status=self.good_status)

    def refusal(self) -> web.Response:
        """The answer of a bad login."""
        return web.json_response({"error": {"text": "unknown user"}}, status=401)


class LoginByGet(LoginByPost):
    """A login by GET, the password in the query."""

    name = "cookie-get"

    def settings(self) -> Block:
        return {"uri": "login?user=svc&password={{connection.http.encrypted.password}}", "method": "GET"}

    def is_right(self, asked: Asked) -> bool:
        query = dict(asked.query)
        right = query.get("user") == "svc" and same(query.get("password"), self.password)
        return asked.method == "GET" and not asked.body and right


class LoginWithRedirect(LoginByPost):
    """A login page of a browser: 302 is good, 200 shows the page again, with a cookie of its own."""

    name = "cookie-redirect"

    def settings(self) -> Block:
        return {**super().settings(), "method": "POST", "successStatusCode": 302}

    def opened(self) -> web.Response:
        return web.Response(status=302, headers={"Location": f"/{self.name}/welcome"})

    def refusal(self) -> web.Response:
        cookie = {"Set-Cookie": "visit=1; Path=/"}
        return web.Response(text="<html><body>Sign in</body></html>", content_type="text/html", headers=cookie)
