"""JSON web tokens judged by PyJWT, which joserfc judges in turn."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, refused
from tests.servers.verifier import jwt_application, key_pair, serving

SECRET = "a secret of 32 bytes and some more of it, for all lengths of HMAC"
RSA, RSA_PUBLIC = key_pair("rsa")
EC, EC_PUBLIC = key_pair("ec")
ALGORITHMS = {
    "hmac-sha256": "HS256",
    "hmac-sha512": "HS512",
    "rsa-sha256": "RS256",
    "rsa-sha512": "RS512",
    "es256": "ES256",
    "ps256": "PS256",
}
PUBLIC = {
    "HS256": SECRET,
    "HS512": SECRET,
    "ES256": EC_PUBLIC,
    **dict.fromkeys(("RS256", "RS512", "PS256"), RSA_PUBLIC),
}
AUDIENCE, ISSUER = "https://api.example.test", "fairlead"
PAYLOAD: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "{{{connection.http.unencrypted.who}}}", "exp": 120}


@pytest.fixture
async def verifier() -> AsyncIterator[str]:
    """PyJWT."""
    async with serving(jwt_application(PUBLIC, AUDIENCE, ISSUER)) as url:
        yield url


def bearer(method: str, *, other_key: bool = False, **other: Any) -> dict[str, Any]:
    """An authentication block with the right key, or another of its kind, and with other members of the payload."""
    if method.startswith("hmac"):
        key = {"secret": f"not {SECRET}" if other_key else SECRET}
    else:
        kind, own = ("ec", EC) if method.startswith("es") else ("rsa", RSA)
        key = {"privateKey": key_pair(kind)[0] if other_key else own}
    return {"type": "jwtbearer", "jwt": {"signatureMethod": method, "payload": {**PAYLOAD, **other}, **key}}


def document(verifier: str, method: str, auth: dict[str, Any]) -> dict[str, Any]:
    """A connection that is judged by the method's algorithm."""
    return connection(verifier, f"/{ALGORITHMS[method]}", auth, unencrypted={"who": "svc"})


@pytest.mark.parametrize("algorithm", ALGORITHMS.values())
async def test_joserfc_judges_the_server(verifier: str, algorithm: str) -> None:
    """PyJWT takes what joserfc signs, and refuses what is expired, for another or of another algorithm, and nothing at all."""
    now = int(time.time())
    right = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60}
    keys: dict[str, Key] = {"H": OctKey.import_key(SECRET), "E": ECKey.import_key(EC)}
    key = keys.get(algorithm[0]) or RSAKey.import_key(RSA)
    for claims, expected in ((right, 200), ({**right, "exp": now - 60}, 401), ({**right, "aud": "other"}, 401)):
        token = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
        assert await status(f"{verifier}/{algorithm}", token) == expected
    other = jwt.encode({"alg": "HS384"}, right, OctKey.import_key(SECRET), algorithms=["HS384"])
    assert await status(f"{verifier}/{algorithm}", other) == 401
    assert await status(f"{verifier}/{algorithm}", "") == 401


async def status(url: str, token: str) -> int:
    """Of a GET with a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("method", ALGORITHMS)
async def test_what_is_signed_right_is_taken(rest: RestClient, verifier: str, method: str) -> None:
    """connections.md 3.9: ``exp`` as an offset, ``iat`` added, both as times that PyJWT takes."""
    await accepted(rest, document(verifier, method, bearer(method)), f"/{ALGORITHMS[method]}")


async def test_a_lifetime_is_given_to_a_token_without(rest: RestClient, verifier: str) -> None:
    """connections.md 3.9: ``exp`` is set when it is absent."""
    auth = bearer("rsa-sha256")
    del auth["jwt"]["payload"]["exp"]
    await accepted(rest, document(verifier, "rsa-sha256", auth))


@pytest.mark.parametrize("method", ALGORITHMS)
@pytest.mark.parametrize(
    "wrong", [{"other_key": True}, {"aud": "https://other.example.test"}, {"iss": "another"}, {"exp": 1_000_000_000}]
)
async def test_wrong_tokens_are_refused(rest: RestClient, verifier: str, method: str, wrong: dict[str, Any]) -> None:
    """connections.md 3.9, 6.2: another key, audience, issuer, or a life that ended: refused, and not asked for ever."""
    await refused(rest, document(verifier, method, bearer(method, **wrong)))


async def test_another_algorithm_is_refused(rest: RestClient, verifier: str) -> None:
    """A token signed with the right key but another algorithm than the application expects."""
    await refused(rest, connection(verifier, "/PS256", bearer("rsa-sha256"), unencrypted={"who": "svc"}))
