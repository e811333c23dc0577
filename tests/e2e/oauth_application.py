"""A fake application with OAuth 2.0: it gives tokens only for a code of its own, by the client, PKCE verifier and address of its start."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

CLIENT: Final = "client-1"
SECRET: Final = "s3cr3t-of-the-client"
BASIC: Final = "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()


@dataclass
class OauthApplication:
    """Authorises whoever comes, at once. What it answers instead of a token is said by ``token_answer``."""

    url: str = ""
    started: dict[str, dict[str, str]] = field(default_factory=dict)
    """The query of each authorisation request, by the code that it got."""
    token_requests: list[dict[str, str]] = field(default_factory=list)
    token_answer: web.Response | None = None
    issued: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """The token endpoint answers when this is set."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def authorize(self, request: web.Request) -> web.Response:
        """Back to where the request says, with a code (RFC 6749 4.1.2)."""
        query = dict(request.query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        code = f"code-{len(self.started)}"
        self.started[code] = query
        back = {"code": code, "state": query["state"], "iss": self.url, "session_state": "x.y"}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        """A token for the code, once (RFC 6749 4.1.3, RFC 7636 4.6)."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.token_requests.append(form)
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.token_answer is not None:
            return self.token_answer
        started = self.started.pop(form.get("code", ""), None)
        if (
            started is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != started["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not _is_client(request, form) or not _verifies(started, form.get("code_verifier")):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = f"access-token-{len(self.token_requests)}"
        self.issued.append(token)
        return web.json_response({"access_token": token, "refresh_token": "refresh-token-1", "expires_in": 3600})

    async def orders(self, request: web.Request) -> web.Response:
        """The resource."""
        if request.headers.get("Authorization") not in {f"Bearer {token}" for token in self.issued}:
            return web.json_response({"error": "unauthorised"}, status=401)
        return web.json_response([{"id": 1}, {"id": 2}])

    def connection(self, **oauth: Any) -> dict[str, Any]:
        """A connection to it."""
        settings = {
            "authURI": f"{self.url}/authorize?audience=orders",
            "tokenURI": f"{self.url}/token",
            "clientId": CLIENT,
            "clientSecret": SECRET,
            **oauth,
        }
        block = {"baseURI": self.url, "mediaType": "json", "ping": {"relativeURI": "/orders"}}
        auth = {"type": "oauth", "oauth": {name: value for name, value in settings.items() if value is not None}}
        return {"type": "http", "name": "Orders", "http": {**block, "auth": auth}}


def _is_client(request: web.Request, form: dict[str, str]) -> bool:
    """Right credentials in the header or the form; a public client shows PKCE instead."""
    if "Authorization" in request.headers:
        return request.headers["Authorization"] == BASIC and "client_secret" not in form
    return form.get("client_id") == CLIENT and ("code_verifier" in form or form.get("client_secret") == SECRET)


def _verifies(started: dict[str, str], verifier: str | None) -> bool:
    challenge = started.get("code_challenge")
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    if started["code_challenge_method"] == "plain":
        return verifier == challenge
    digest = hashlib.sha256(verifier.encode()).digest()
    return started["code_challenge_method"] == "S256" and urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


@asynccontextmanager
async def oauth_application() -> AsyncIterator[OauthApplication]:
    """The application on a free port."""
    fake = OauthApplication()
    app = web.Application()
    app.router.add_get("/authorize", fake.authorize)
    app.router.add_post("/token", fake.token)
    app.router.add_get("/orders", fake.orders)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    if fake.hold is not None:
        fake.hold.set()
    await runner.cleanup()


def query_of(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return dict(parse_qsl(urlsplit(url).query))
