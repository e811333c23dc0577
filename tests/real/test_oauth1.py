"""OAuth 1.0a judged by oauthlib, which authlib's client judges in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from authlib.oauth1 import ClientAuth

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, orders, refused
from tests.servers.verifier import Consumer, key_pair, oauth1_application, serving

PRIVATE, PUBLIC = key_pair("rsa")
CONSUMER = Consumer("ck123", "cs secret&=%", "at456", "ts-789/+", PUBLIC)
SECRETS = {"consumerSecret": CONSUMER.consumer_secret, "tokenSecret": CONSUMER.token_secret}
METHODS = ["hmac-sha1", "hmac-sha256", "hmac-sha512", "rsa-sha1", "rsa-sha256", "plaintext"]
TARGET = "/v1/orders?limit=5&status=open%20%26%20paid&limit=4&empty="


@pytest.fixture
async def verifier() -> AsyncIterator[str]:
    """oauthlib with a memory of its own."""
    async with serving(oauth1_application(replace(CONSUMER, nonces=set()))) as url:
        yield url


def oauth1(method: str, **other: str) -> dict[str, Any]:
    """Right credentials, but for those given."""
    values = {
        "signatureMethod": method,
        "consumerKey": CONSUMER.consumer_key,
        "accessToken": CONSUMER.access_token,
        **({"consumerPrivateKey": PRIVATE} if method.startswith("rsa") else SECRETS),
        **other,
    }
    return {"type": "oauth1", "oauth": {"oauth1": values}}


def signed(url: str, method: str, **other: str) -> dict[str, str]:
    """Headers made by authlib."""
    values = {
        "client_id": CONSUMER.consumer_key,
        "client_secret": CONSUMER.consumer_secret,
        "token": CONSUMER.access_token,
        "token_secret": CONSUMER.token_secret,
        "rsa_key": PRIVATE,
        "signature_method": method,
        **other,
    }
    _, headers, _ = ClientAuth(**values).prepare("GET", url, {}, None)
    return dict(headers)


async def status(url: str, headers: dict[str, str]) -> int:
    """Of a plain GET."""
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("method", ["HMAC-SHA1", "RSA-SHA1", "PLAINTEXT"])
async def test_authlib_judges_the_server(verifier: str, method: str) -> None:
    """oauthlib takes what authlib signs, once, and refuses wrong secrets and nothing at all."""
    url = f"{verifier}/v1/orders?limit=5"
    wrong = {"rsa_key": key_pair("rsa")[0]} if method == "RSA-SHA1" else {"token_secret": "wrong"}
    headers = signed(url, method)
    assert await status(url, headers) == 200
    assert await status(url, headers) == 401, "a replayed nonce"
    assert await status(url, signed(url, method, **wrong)) == 401
    assert await status(url, {}) == 401


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_signed_right_is_taken(rest: RestClient, verifier: str, method: str) -> None:
    """connections.md 3.8: a query that must be encoded twice and a parameter that comes twice; no nonce is used again."""
    id = await accepted(rest, connection(verifier, TARGET, oauth1(method)), "/v1/orders?page=1")
    for _ in range(10):
        await orders(rest, id, "/v1/orders?page=1")


@pytest.mark.parametrize("method", METHODS)
async def test_wrong_secrets_are_refused(rest: RestClient, verifier: str, method: str) -> None:
    """connections.md 3.8, 6: each wrong part by itself."""
    wrong = [{"consumerKey": "ck124"}, {"accessToken": "at457"}]
    if method.startswith("rsa"):
        wrong += [{"consumerPrivateKey": key_pair("rsa")[0]}]
    else:
        wrong += [{"consumerSecret": "cs secret"}, {"tokenSecret": "ts-789"}]
    for part in wrong:
        await refused(rest, connection(verifier, TARGET, oauth1(method, **part)))


async def test_the_realm_is_told(rest: RestClient, verifier: str) -> None:
    """connections.md 3.8: ``realm`` comes first and is not signed."""
    await accepted(rest, connection(verifier, TARGET, oauth1("hmac-sha1", realm="orders@example.test")))


@pytest.mark.parametrize("method", METHODS)
async def test_an_urlencoded_body_is_signed(rest: RestClient, verifier: str, method: str) -> None:
    """connections.md 3.8: the members of a form belong to what is signed, those of JSON do not."""
    for media, body in (
        ("urlencoded", "name=Ada%20Lovelace&n={{record.n}}&e=%C3%A9"),
        ("json", '{"n":"{{record.n}}"}'),
    ):
        document = connection(verifier, TARGET, oauth1(method), mediaType=media, successMediaType="json")
        id = (await rest.create(document))["_id"]
        model = {"http": {"relativeURI": ["/v1/orders?a=1"], "method": ["POST"], "body": [body]}}
        results = await rest.run_import(id, {"import": model, "data": [{"n": "1 & 2"}, {"n": "ü+"}]})
        assert [result["statusCode"] for result in results] == [200, 200], (media, results)
