"""What every way of signing in has: secrets, a verdict on each request, and members of a connection that fit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from aiohttp import web

Block = dict[str, Any]


@dataclass
class Vault:
    """Makes every secret of one application, remembers all of them, and keeps its time."""

    ahead: float = 0.0
    """Seconds that the application's clock is ahead."""
    known: dict[str, str] = field(default_factory=dict)
    """Secret -> what it is."""
    computed: dict[str, str] = field(default_factory=dict)
    """What clients made of secrets and sent, signatures and digests -> what it is."""

    def secret(self, what: str, before: str = "") -> str:
        """A new secret; ``before`` is put in front of its random part."""
        return self.note(what, before + secrets.token_urlsafe(24))

    def note(self, what: str, text: str) -> str:
        """Remember ``text`` as something that nobody else may see."""
        self.known[text] = what
        return text

    def now(self) -> float:
        """Unix time by the application's clock."""
        return time.time() + self.ahead


@dataclass(frozen=True)
class Asked:
    """A request as it arrived: the target and the fields are the raw ones of the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    every: tuple[tuple[str, str], ...]
    """All header fields, repeated ones too."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def form(self) -> list[tuple[str, str]]:
        """The body as form fields; nothing of it when it says to be something else."""
        if self.headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            return []
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    def one(self, name: str) -> str | None:
        """The value of a header field that is there exactly once."""
        values = [value for key, value in self.every if key.lower() == name.lower()]
        return values[0] if len(values) == 1 else None


class Refused(Exception):
    """A request without good credentials, and how the application answers it."""

    def __init__(self, why: str, status: int = 401, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.headers = dict(headers or {})


class Way:
    """One way of signing in: the application's side, and what a connection must say for it."""

    name: ClassVar[str]
    wrong_code: ClassVar[int] = 401
    """The code of a ping with wrong credentials (contract.md 2.3)."""
    refusals: ClassVar[int] = 0
    """Requests that are refused on the way through a ping, three pages and three records with right credentials."""
    renewals: ClassVar[int] = 0
    """Renewals on that way."""
    media_type: ClassVar[str] = "json"
    by_body: ClassVar[bool] = False
    """Credentials stand in the body, so that every request has one."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.renewed = 0

    def block(self, base: str, *, right: bool) -> Block:
        """Members of the ``http`` block beside ``baseURI``, ``mediaType`` and ``ping``; ``base`` is the way's own base URI."""
        raise AssertionError(f"{self.name} says nothing")

    def admit(self, asked: Asked) -> None:
        """Return when the request is authenticated; raise ``Refused`` when it is not."""
        raise AssertionError(f"{self.name} checks nothing")

    def endpoint(self, name: str, asked: Asked) -> web.Response:
        """An answer of the way's own endpoint (``token``, ``login``)."""
        return web.json_response({"error": {"text": f"no {name} here"}}, status=404)

    def told(self, refused: Refused, why: str) -> web.Response:
        """How a refusal is written."""
        return web.json_response({"error": {"text": why}}, status=refused.status, headers=refused.headers)
