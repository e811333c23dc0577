"""What users, token endpoints, challenges and clocks get wrong: a sentence that names the cause, no secret in it, nothing half stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.client import ApiClient, ApiError, GrpcClient
from tests.e2e.sign_in.application import Scripted, SignInApplication, serving
from tests.e2e.sign_in.digest import DigestQuoted
from tests.e2e.sign_in.tokens import Renewed
from tests.e2e.sign_in.way import Asked, Block
from tests.e2e.sign_in.ways import WAYS, connection


@pytest.fixture
async def fake() -> AsyncIterator[SignInApplication]:
    """The application with every way, and a digest whose nonces need care."""
    async with serving([*WAYS, DigestQuoted]) as application:
        yield application


def saying(text: str, status: int = 200, kind: str = "application/json", **headers: str) -> Scripted:
    """An endpoint that always answers this."""

    async def answer(asked: Asked) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(text=text, status=status, content_type=kind, headers=named)

    return answer


UNKNOWN = '{{nohelper "x" 1}}'


@pytest.mark.parametrize(
    ("auth", "code", "field"),
    [
        ({"type": "basic", "basic": {"username": "a:b", "password": "p4ss-word"}}, "invalid_field", "auth.basic.username"),
        ({"type": "token", "token": {"refreshRelativeURI": "/t", "refreshBody": UNKNOWN}}, "invalid_template", "auth.token.refreshBody"),
        ({"type": "token", "token": {"refreshRelativeURI": f"/{UNKNOWN}"}}, "invalid_template", "auth.token.refreshRelativeURI"),
        ({"type": "token", "token": {"refreshRelativeURI": "/t", "refreshHeaders": [{"name": "X", "value": UNKNOWN}]}}, "invalid_template", "auth.token.refreshHeaders.0.value"),
        ({"type": "cookie", "cookie": {"uri": "/l", "body": UNKNOWN}}, "invalid_template", "auth.cookie.body"),
        ({"type": "cookie", "cookie": {"uri": f"/{UNKNOWN}"}}, "invalid_template", "auth.cookie.uri"),
        ({"type": "jwtbearer", "jwt": {"signatureMethod": "hmac-sha256", "secret": "shared-secret", "payload": {"sub": UNKNOWN}}}, "invalid_template", "auth.jwt.payload.sub"),
        ({"type": "oauth", "oauth": {"grantType": "clientcredentials", "tokenURI": "http://a.test/t", "clientId": "c", "clientSecret": "s3cr3t", "accessTokenBody": UNKNOWN}}, "invalid_template", "auth.oauth.accessTokenBody"),
    ],
)  # fmt: skip
async def test_what_can_be_seen_on_save_is_refused_on_save(
    channel: GrpcClient, fake: SignInApplication, auth: Block, code: str, field: str
) -> None:
    """connections.md 2, 3.1: 422 with that field, and nothing is stored."""
    document = {"type": "http", "name": "x", "http": {"baseURI": fake.url, "mediaType": "json", "auth": auth}}
    with pytest.raises(ApiError) as error:
        await channel.create(document)
    (told,) = error.value.errors
    assert (error.value.status, told["code"], told["field"]) == (422, code, f"http.{field}")
    assert not [secret for secret in ("p4ss-word", "shared-secret", "s3cr3t") if secret in told["message"]]
    assert await channel.list() == []


async def test_a_colon_is_named_in_the_notation_of_the_document(api: ApiClient, fake: SignInApplication) -> None:
    """connections.md 1.3: a ``rest`` document hears of its own field."""
    block = {"baseURI": fake.url, "mediaType": "json", "authType": "basic", "basicAuth": {"username": "a:b"}}
    with pytest.raises(ApiError) as error:
        await api.create({"type": "rest", "name": "x", "rest": block})
    assert error.value.fields == {"rest.basicAuth.username"}
    assert "colon" in error.value.errors[0]["message"]


TOKEN_ENDPOINTS: dict[str, tuple[Scripted, int, str]] = {
    "html": (saying("<!DOCTYPE html><html><body>Sign in</body></html>", kind="text/html"), 401, "HTML"),
    "html that says to be json": (saying("<html></html>"), 401, "HTML"),
    "200 with an error": (saying('{"error":"server_busy","error_description":"try later"}'), 401, "server_busy: try later"),
    "302 to a login page": (saying("", 302, Location="https://login.example.test/?code=s"), 422, "login.example.test"),
    "empty token": (saying('{"access_token":""}'), 401, "an empty token at"),
    "no token": (saying('{"token":"abcdefgh-value"}'), 401, "nothing (its members: token) at"),
    "64 KiB": (saying(f'{{"access_token":"{"x" * 65536}"}}'), 401, "64 KiB"),
    "no body": (saying(""), 401, "without a body"),
    "5xx": (saying("<html>gateway</html>", 502, "text/html"), 502, "502"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKEN_ENDPOINTS)
@pytest.mark.parametrize("way", ["refresh-form", "oauth-client-header", "oauth-code"])
async def test_an_endpoint_that_gives_no_token_is_named_and_nothing_is_stored(
    channel: GrpcClient, fake: SignInApplication, way: str, name: str
) -> None:
    """connections.md 3, 3.2: offline after a refusal, not after anything else; the refresh token is still there for a second try."""
    endpoint, code, words = TOKEN_ENDPOINTS[name]
    one = fake.ways[way]
    assert isinstance(one, Renewed)
    id = (await channel.create(connection(one, fake.base(way))))["_id"]
    before = await channel.get(id)
    one.issuer.left.clear()
    fake.scripted[f"{way}/token"] = endpoint
    answer = await channel.ping(id)
    (told,) = answer["errors"]
    assert (answer["code"], told["source"]) == (code, "connection")
    assert words in told["message"]
    assert "abcdefgh-value" not in told["message"]
    assert [secret for secret in fake.vault.known if secret in told["message"]] == []
    after = await channel.get(id)
    assert after.pop("offline", False) is (code == 401)
    assert after == before
    del fake.scripted[f"{way}/token"]
    assert await channel.ping(id) == {"code": 200}
    assert one.renewed == 1


@pytest.mark.parametrize("said", ["-1", '"3600"', "1e309", "true", "[]", '"soon"', "0", "3600.5", "9" * 40])
async def test_an_end_that_makes_no_sense_is_no_end(channel: GrpcClient, fake: SignInApplication, said: str) -> None:
    """connections.md 3.3: the token is used as long as it is good; it is not asked for again with every request."""
    one = fake.ways["oauth-client-header"]
    asked = 0

    async def endpoint(request: Asked) -> web.Response:
        nonlocal asked
        asked += 1
        answer = one.endpoint("token", request)
        text = str(answer.text).replace('"expires_in": 3600', f'"expires_in": {said}')
        assert said in text
        return web.Response(text=text, content_type="application/json")

    fake.scripted["oauth-client-header/token"] = endpoint
    id = (await channel.create(connection(one, fake.base(one.name))))["_id"]
    assert [await channel.ping(id) for _ in range(3)] == [{"code": 200}] * 3
    assert (asked, fake.refused[one.name]) == (1, 0)


async def test_a_nonce_with_quotes_is_sent_back_as_it_came(channel: GrpcClient, fake: SignInApplication) -> None:
    """RFC 9110 5.6.4: a quoted string is unescaped for the digest and escaped in the header."""
    one = fake.ways["digest-quoted"]
    id = (await channel.create(connection(one, fake.base(one.name))))["_id"]
    assert await channel.ping(id) == {"code": 200}


MANY = ",".join(f"p{n}=1" for n in range(1000))


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ({"WWW_Authenticate": "Negotiate"}, "asks for Negotiate, which digest cannot answer"),
        ({"WWW_Authenticate": 'Vendor-Auth realm="r", Basic realm="b"'}, "asks for Vendor-Auth, Basic"),
        ({"WWW_Authenticate": f'Digest realm="r", nonce="n", {MANY}'}, "more than 64 parameters"),
        ({"WWW_Authenticate": 'Digest realm="r", nonce="n", algorithm=SHA-512-256'}, "its algorithm is SHA-512-256"),
        ({"WWW_Authenticate": 'Digest realm="r", nonce="'}, "makes no sense from character"),
        ({"WWW_Authenticate": 'Digest realm="r"'}, "it has no nonce"),
        ({}, "refused without a challenge"),
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_named(
    channel: GrpcClient, fake: SignInApplication, challenge: dict[str, str], words: str
) -> None:
    """connections.md 3.5: authentication failed, and why."""
    one = fake.ways["digest-md5"]
    fake.scripted["digest-md5/ping"] = saying("{}", 401, **challenge)
    id = (await channel.create(connection(one, fake.base(one.name))))["_id"]
    answer = await channel.ping(id)
    assert (answer["code"], answer["errors"][0]["source"]) == (401, "connection")
    assert words in answer["errors"][0]["message"]
    assert (await channel.get(id))["offline"] is True


@pytest.mark.parametrize("ahead", [-310.0, 310.0])
@pytest.mark.parametrize("way", ["wsse", "jwt-hs256", "oauth1-hmac-sha1"])
async def test_a_clock_that_is_five_minutes_off_is_named(
    channel: GrpcClient, fake: SignInApplication, way: str, ahead: float
) -> None:
    """The issue, bad input: what is signed with the time is refused, and the sentence says whose clock is off and how far."""
    fake.vault.ahead = ahead
    one = fake.ways[way]
    id = (await channel.create(connection(one, fake.base(way))))["_id"]
    answer: Any = await channel.ping(id)
    message = answer["errors"][0]["message"]
    assert answer["code"] == 401
    assert ("ahead of" if ahead > 0 else "behind") in message
    assert "clock" in message
    assert [secret for secret in fake.vault.known if secret in message] == []
    fake.vault.ahead = 0.0
    assert await channel.ping(id) == {"code": 200}
