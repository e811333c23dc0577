"""oidc-provider, a certified OAuth 2.0 and OpenID Connect server, and a person at its login pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from yarl import URL

from tests.servers.process import command, needs, program, running

FOLDER = Path(__file__).parent / "oidc"
READY = re.compile(r"^ready (\S+)$", re.M)

needs_provider = needs(
    program("node") is not None and (FOLDER / "node_modules" / "oidc-provider").is_dir(),
    "Node.js 20 with oidc-provider is missing; install Node.js with npm (Debian: `apt-get install nodejs npm`), then `make oidc`",
)


@contextmanager
def provider() -> Iterator[str]:
    """Its issuer."""
    with TemporaryDirectory(prefix="fairlead-oidc-") as name:
        log = Path(name) / "output.log"
        with running(command("node", FOLDER / "server.mjs"), log, lambda: bool(READY.search(log.read_text("utf-8")))):
            found = READY.search(log.read_text("utf-8"))
            assert found
            yield found[1]


class Form(HTMLParser):
    """The first form of a page: where it goes and its hidden fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = values["action"]
        elif tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values["value"]


class Person:
    """A browser with a person in front of it: follows redirects, keeps cookies, fills in the forms of the login pages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # cookies of an IP address, too

    async def close(self) -> None:
        """Close the browser."""
        await self.session.close()

    async def authorize(self, url: str, back: str) -> URL:
        """Sign in and agree, starting at an authorization URL; where the server sends the browser, a URL below ``back``, not asked yet."""
        answer = await self.session.get(url, allow_redirects=False)
        for _ in range(20):
            page = await answer.text()
            here = answer.url
            if answer.status in (302, 303):
                to = here.join(URL(answer.headers["Location"], encoded=True))
                if str(to).startswith(back):
                    return to
                answer = await self.session.get(to, allow_redirects=False)
                continue
            assert answer.status == 200, f"{answer.status} at {here}: {page[:500]}"
            form = Form(page)
            fields = dict(form.fields)
            if fields["prompt"] == "login":
                fields |= {"login": self.name, "password": "any password will do"}
            answer = await self.session.post(here.join(URL(form.action)), data=fields, allow_redirects=False)
        raise AssertionError("the login pages do not end")


async def register(issuer: str, grants: list[str], redirect: str | None = None, **more: Any) -> tuple[str, str]:
    """Register a client; its id and secret (RFC 7591)."""
    client = {
        "grant_types": grants,
        "response_types": ["code"] if redirect else [],
        "redirect_uris": [redirect] if redirect else [],
        "scope": "openid offline_access orders" if redirect else "orders",
        **more,
    }
    async with aiohttp.ClientSession() as session, session.post(f"{issuer}/reg", json=client) as answer:
        made = await answer.json()
        assert answer.status == 201, made
        return made["client_id"], made.get("client_secret", "")


async def journal(issuer: str, client: str) -> list[dict[str, Any]]:
    """What the token endpoint did for a client, oldest first: the grant, and the error if there was one."""
    async with aiohttp.ClientSession() as session, session.get(f"{issuer}/journal") as answer:
        return [entry for entry in await answer.json() if entry.get("client") == client]


async def expire(issuer: str) -> None:
    """End every access token that was given out."""
    async with aiohttp.ClientSession() as session, session.post(f"{issuer}/expire") as answer:
        assert answer.status == 204


async def live(issuer: str, seconds: int) -> None:
    """Give out access tokens of that life from now on."""
    async with aiohttp.ClientSession() as session, session.post(f"{issuer}/short?seconds={seconds}") as answer:
        assert answer.status == 204


async def withdraw(issuer: str, client: str) -> None:
    """End every grant of a client, as a person does who withdraws an agreement; its tokens end with it."""
    async with aiohttp.ClientSession() as session, session.post(f"{issuer}/withdraw?client={client}") as answer:
        assert answer.status == 204
