"""OAuth 1.0a as oauthlib verifies it and JSON web tokens as PyJWT does: applications that share no code with fairlead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

ORDERS: Final = {"orders": [{"id": 1}]}


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve on a free port; the base URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def key_pair(kind: str) -> tuple[str, str]:
    """A private and its public key, PEM; ``kind`` is ``rsa`` or ``ec``."""
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@dataclass
class Consumer:
    """Who may ask, and with what. Keys and tokens are letters and digits: oauthlib takes no others."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    token_secret: str
    public_key: str
    nonces: set[tuple[str, str]] = field(default_factory=set)


class Validator(RequestValidator):  # type: ignore[misc]  # oauthlib ships no types
    """One consumer with one token; a nonce counts once."""

    nonce_length = client_key_length = access_token_length = 1, 64  # RFC 5849 bounds none; oauthlib's own are 20 to 30
    enforce_ssl = False
    dummy_client = dummy_access_token = "unknown"

    def __init__(self, consumer: Consumer) -> None:
        super().__init__()
        self._consumer = consumer

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == self._consumer.consumer_key

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == self._consumer.access_token

    def validate_realms(
        self, client_key: str, token: str, request: Any, uri: str | None = None, realms: Any = None
    ) -> bool:
        return True

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: Any,
        request_token: Any = None,
        access_token: Any = None,
    ) -> bool:
        fresh = (timestamp, nonce) not in self._consumer.nonces
        self._consumer.nonces.add((timestamp, nonce))
        return fresh

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self._consumer.consumer_secret

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self._consumer.token_secret

    def get_rsa_key(self, client_key: str, request: Any) -> str:
        return self._consumer.public_key


def oauth1_application(consumer: Consumer) -> web.Application:
    """Answers orders to whoever signed as the consumer, 401 to the others."""
    endpoint = ResourceEndpoint(Validator(consumer))

    async def orders(request: web.Request) -> web.Response:
        right, _ = endpoint.validate_protected_resource_request(
            f"http://{request.host}{request.raw_path}",
            request.method,
            await request.text(),
            dict(request.headers),
            None,
        )
        return _answer(right, "OAuth")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", orders)
    return app


def jwt_application(keys: Mapping[str, str], audience: str, issuer: str) -> web.Application:
    """Answers orders below ``/ALGORITHM`` to tokens signed with that algorithm's key for the audience, 401 to the others."""

    async def orders(request: web.Request) -> web.Response:
        algorithm = request.match_info["algorithm"]
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            jwt.decode(
                token,
                keys[algorithm],
                algorithms=[algorithm],
                audience=audience,
                issuer=issuer,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.InvalidTokenError as error:
            return _answer(False, "Bearer", str(error))
        return _answer(scheme == "Bearer", "Bearer")

    app = web.Application()
    app.router.add_get("/{algorithm}", orders)
    return app


def _answer(right: bool, scheme: str, why: str = "refused") -> web.Response:
    if right:
        return web.json_response(ORDERS)
    return web.json_response({"error": why}, status=401, headers={"WWW-Authenticate": scheme})
