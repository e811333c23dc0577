"""Digest as RFC 7616 has it, with every algorithm, quality and the form of RFC 2069: ours, so curl judges it before it judges anybody.

A nonce serves three requests and is stale then; a count must be greater than the last; nothing is taken twice."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from werkzeug.datastructures import Authorization

REALM: Final = 'orders of "example", Inc.'
USES: Final = 3
_HASHES: Final[Mapping[str, Callable[[bytes], hashlib._Hash]]] = {"md5": hashlib.md5, "sha-256": hashlib.sha256}


@dataclass
class DigestApplication:
    """Answers orders below ``/ALGORITHM/QOP`` (``none``: without) to one user."""

    user: str
    password: str
    counts: dict[str, list[int]] = field(default_factory=dict)
    """The counts that each nonce was used with."""
    stale: int = 0
    refused: int = 0

    def app(self) -> web.Application:
        """Ready to serve."""
        app = web.Application()
        app.router.add_route("*", "/{algorithm}/{qop}", self._orders)
        return app

    async def _orders(self, request: web.Request) -> web.Response:
        algorithm, qop = request.match_info["algorithm"], request.match_info["qop"]
        given = Authorization.from_header(request.headers.get("Authorization"))
        if given is None or given.type != "digest":
            return self._challenge(algorithm, qop)
        values = {name: value or "" for name, value in given.parameters.items()}
        if not self._is_right(values, algorithm, qop, request.method, request.raw_path, await request.read()):
            self.refused += 1
            return self._challenge(algorithm, qop)
        if self._is_used_up(values):
            self.stale += 1
            return self._challenge(algorithm, qop, stale=True)
        return web.json_response({"orders": [{"id": 1}]})

    def _is_right(
        self, values: Mapping[str, str], algorithm: str, qop: str, method: str, target: str, body: bytes
    ) -> bool:
        """Whether the response was made with the password, for this request and a nonce of ours."""
        hashed = _HASHES[algorithm.lower().removesuffix("-sess")]

        def h(*parts: str) -> str:
            return hashed(":".join(parts).encode()).hexdigest()

        nonce, cnonce = values.get("nonce", ""), values.get("cnonce", "")
        key = h(self.user, REALM, self.password)
        if algorithm.lower().endswith("-sess"):
            key = h(key, nonce, cnonce)
        what = h(method, target, hashed(body).hexdigest()) if qop == "auth-int" else h(method, target)
        parts = [key, nonce, what] if qop == "none" else [key, nonce, values.get("nc", ""), cnonce, qop, what]
        return (
            nonce in self.counts
            and (values.get("username"), values.get("realm"), values.get("uri")) == (self.user, REALM, target)
            and values.get("opaque") == f"opaque {nonce}"
            and values.get("qop", "none") == qop
            and secrets.compare_digest(h(*parts), values.get("response", ""))
        )

    def _is_used_up(self, values: Mapping[str, str]) -> bool:
        """Count a use; whether it was one too many, or its count no new one. The form of RFC 2069 does not count."""
        seen = self.counts[values["nonce"]]
        count = int(values.get("nc", "0"), 16) or len(seen) + 1
        seen.append(count)
        return len(seen) > USES or count <= max(seen[:-1], default=0)

    def _challenge(self, algorithm: str, qop: str, *, stale: bool = False) -> web.Response:
        nonce = secrets.token_urlsafe(12)
        self.counts[nonce] = []
        offered = "" if qop == "none" else f', qop="{qop}"'
        quoted = REALM.replace('"', '\\"')
        header = f'Digest realm="{quoted}", nonce="{nonce}", opaque="opaque {nonce}", algorithm={algorithm}{offered}'
        header += ", stale=true" if stale else ""
        return web.json_response({"error": "refused"}, status=401, headers={"WWW-Authenticate": header})
