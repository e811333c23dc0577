"""OAuth 2.0 as oidc-provider, a certified server, understands it: client credentials, and authorization code with PKCE through its login
pages, with refresh tokens that rotate and betray whoever uses one twice."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from fairlead.settings import Settings
from tests.e2e.client import ApiError, RestClient
from tests.e2e.conftest import TOKEN
from tests.real.judging import ORDERS, Curl, accepted, connection, curl, needs_curl, orders, refused
from tests.servers.process import free_port
from tests.servers.provider import Person, expire, journal, live, needs_provider, register, withdraw

pytestmark = [needs_provider, needs_curl]

SCOPES = ["openid", "offline_access", "orders"]
CODE = ["authorization_code", "refresh_token"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an address that an authorization server can send a browser to."""
    address = f"127.0.0.1:{free_port()}"
    return Settings(
        grpc_address="127.0.0.1:0",
        http_address=address,
        database_url=f"sqlite:///{tmp_path / 'oidc.db'}",
        bootstrap_token=TOKEN,
        egress_allow="127.0.0.0/8",
        public_url=f"http://{address}",
    )


@pytest.fixture
def callback(settings: Settings) -> str:
    """Where the authorization server sends the browser."""
    return f"{settings.public_url}/connection/oauth2callback"


@pytest.fixture
async def person() -> AsyncIterator[Person]:
    """Alice at her browser."""
    alice = Person("alice")
    yield alice
    await alice.close()


def machine(issuer: str, id: str, secret: str, **more: Any) -> dict[str, Any]:
    """A connection that signs in with client credentials."""
    grant = {"grantType": "clientcredentials", "tokenURI": f"{issuer}/token", "clientId": id, "clientSecret": secret}
    return connection(issuer, "/orders", {"type": "oauth", "oauth": {**grant, "scope": ["orders"], **more}})


def browser(issuer: str, id: str, secret: str, **more: Any) -> dict[str, Any]:
    """A connection that a person has to authorize. ``prompt=consent`` is what OpenID Connect asks for before ``offline_access``."""
    oauth = {
        "grantType": "authorizecode",
        "authURI": f"{issuer}/auth?prompt=consent",
        "tokenURI": f"{issuer}/token",
        "clientId": id,
        "scope": SCOPES,
        "pkceCodeChallengeMethod": "s256",
        **({"clientSecret": secret} if secret else {}),
        **more,
    }
    return connection(issuer, "/orders", {"type": "oauth", "oauth": oauth})


async def grants(issuer: str, client: str) -> list[str]:
    """The grants of a client, refused ones with an exclamation mark."""
    return [f"{entry['grant']}{'!' if 'error' in entry else ''}" for entry in await journal(issuer, client)]


async def call_back(url: URL) -> tuple[int, str]:
    """Follow the redirect to fairlead as the browser does, without its token; status and page."""
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def begin(rest: RestClient, id: str) -> str:
    """The authorization URL of a connection."""
    status, _, content = await rest.raw("GET", f"/v1/connection/{id}/oauth2")
    assert status == 200, content
    return str(json.loads(content)["authorizationURL"])


async def authorized(rest: RestClient, issuer: str, callback: str, person: Person, **client: Any) -> tuple[str, str]:
    """A connection that a person has authorized, and the client's id."""
    client_id, secret = await register(issuer, CODE, callback, **client)
    id = (await rest.create(browser(issuer, client_id, secret)))["_id"]
    back = await person.authorize(await begin(rest, id), callback)
    status, page = await call_back(back)
    assert status == 200, page
    return id, client_id


# ---- the server itself


async def exchange(issuer: str, client: str, secret: str, **form: str) -> Curl:
    """Ask the token endpoint."""
    return await curl("--user", f"{client}:{secret}", "--data", urlencode(form), f"{issuer}/token")


async def test_curl_judges_client_credentials(issuer: str) -> None:
    """oidc-provider gives a token to the right secret only, and the resource takes given tokens only."""
    client, secret = await register(issuer, ["client_credentials"])
    assert (await exchange(issuer, client, "wrong", grant_type="client_credentials")).json["error"] == "invalid_client"
    token = (await exchange(issuer, client, secret, grant_type="client_credentials", scope="orders")).json
    bearer = ["--header", f"Authorization: Bearer {token['access_token']}", f"{issuer}/orders"]
    assert (await curl(*bearer)).json["orders"] == ORDERS
    assert (await curl("--header", "Authorization: Bearer other", f"{issuer}/orders")).status == 401
    await expire(issuer)
    assert (await curl(*bearer)).status == 401


async def test_curl_judges_rotation(issuer: str, person: Person) -> None:
    """oidc-provider wants PKCE and its verifier, rotates refresh tokens, and ends the grant when one comes twice."""
    back = "http://127.0.0.1/back"
    client, secret = await register(issuer, CODE, back)
    query = {"client_id": client, "response_type": "code", "redirect_uri": back, "scope": " ".join(SCOPES)}
    query |= {"prompt": "consent", "state": "s"}
    refused = await person.authorize(f"{issuer}/auth?{urlencode(query)}", back)
    assert refused.query["error"] == "invalid_request", "PKCE is wanted"

    async def code(verifier: str) -> dict[str, str]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with_pkce = {**query, "code_challenge": challenge, "code_challenge_method": "S256"}
        to = await person.authorize(f"{issuer}/auth?{urlencode(with_pkce)}", back)
        return {"grant_type": "authorization_code", "code": to.query["code"], "redirect_uri": back}

    verifier = secrets.token_urlsafe(32)
    wrong = await exchange(issuer, client, secret, **await code(verifier), code_verifier=secrets.token_urlsafe(32))
    assert wrong.json["error"] == "invalid_grant"
    first = (await exchange(issuer, client, secret, **await code(verifier), code_verifier=verifier)).json
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await exchange(issuer, client, secret, **again)).json
    assert second["refresh_token"] != first["refresh_token"]
    assert (await exchange(issuer, client, secret, **again)).json["error"] == "invalid_grant", "used twice"
    newest = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    assert (await exchange(issuer, client, secret, **newest)).json["error"] == "invalid_grant", "the grant has ended"


# ---- client credentials


@pytest.mark.parametrize("location", ["basicauthheader", "body"])
async def test_client_credentials(rest: RestClient, issuer: str, location: str) -> None:
    """connections.md 3.3: one token serves many requests; an ended one is replaced without the caller's notice."""
    method = "client_secret_basic" if location == "basicauthheader" else "client_secret_post"
    client, secret = await register(issuer, ["client_credentials"], token_endpoint_auth_method=method)
    document = machine(issuer, client, secret, clientCredentialsLocation=location)
    id = (await rest.create(document))["_id"]
    for _ in range(3):
        assert await rest.ping(id) == {"code": 200}
        assert await orders(rest, id, "/orders") == ORDERS
    assert await grants(issuer, client) == ["client_credentials"]
    await expire(issuer)
    assert await orders(rest, id, "/orders") == ORDERS
    assert await grants(issuer, client) == ["client_credentials"] * 2
    assert await rest.ping_virtual(document) == {"code": 200}


@pytest.mark.parametrize("location", ["basicauthheader", "body"])
async def test_a_wrong_client_is_refused(rest: RestClient, issuer: str, location: str) -> None:
    """connections.md 3.3, 3: ``invalid_client`` is a refusal and takes the connection offline."""
    method = "client_secret_basic" if location == "basicauthheader" else "client_secret_post"
    client, _ = await register(issuer, ["client_credentials"], token_endpoint_auth_method=method)
    document = machine(issuer, client, "wrong-secret", clientCredentialsLocation=location)
    told = await refused(rest, document, path="/orders")
    assert "wrong-secret" not in str(told)
    assert await grants(issuer, client) == ["client_credentials!"] * 2, "ping and virtual ping, once each"


async def test_an_expired_token_is_renewed_once_for_all(rest: RestClient, issuer: str) -> None:
    """connections.md 3, 6.2: twenty runs at once with an ended token make one token request."""
    client, secret = await register(issuer, ["client_credentials"])
    id = await authorized_machine(rest, issuer, client, secret)
    await expire(issuer)
    found = await asyncio.gather(*(orders(rest, id, "/orders") for _ in range(20)))
    assert found == [ORDERS] * 20
    assert await grants(issuer, client) == ["client_credentials"] * 2


async def authorized_machine(rest: RestClient, issuer: str, client: str, secret: str) -> str:
    """A connection that holds its first token."""
    id = str((await rest.create(machine(issuer, client, secret)))["_id"])
    assert await rest.ping(id) == {"code": 200}
    return id


async def test_short_lives(rest: RestClient, issuer: str) -> None:
    """connections.md 3.3: tokens of two seconds are renewed ahead of their end; no request fails, and no more tokens than lives are asked
    for."""
    client, secret = await register(issuer, ["client_credentials"])
    await live(issuer, 2)
    try:
        id = await authorized_machine(rest, issuer, client, secret)
        begin = time.monotonic()
        while time.monotonic() < begin + 5:
            assert await orders(rest, id, "/orders") == ORDERS
        took = time.monotonic() - begin
    finally:
        await live(issuer, 3600)
    asked = await grants(issuer, client)
    assert set(asked) == {"client_credentials"}
    assert 3 <= len(asked) <= 2 + took / 1.7, (
        "a token lives for 2 s and is renewed 0.2 s before its end at the earliest"
    )


# ---- the type token, with a refresh request that asks the token endpoint


def refreshing(issuer: str, id: str, secret: str) -> dict[str, Any]:
    """A connection that knows nothing of OAuth but the body of a request."""
    bag = {"unencrypted": {"id": id}, "encrypted": {"secret": secret}}
    bags = "client_id={{connection.http.unencrypted.id}}&client_secret={{connection.http.encrypted.secret}}"
    body = f"grant_type=client_credentials&scope=orders&{bags}"
    return connection(
        issuer, "/orders", {"type": "token", "token": {"refreshRelativeURI": "/token", "refreshBody": body}}, **bag
    )


async def test_a_token_is_fetched_and_refreshed(rest: RestClient, issuer: str) -> None:
    """connections.md 3.2: fetched before the first request, and again when it is refused."""
    client, secret = await register(issuer, ["client_credentials"], token_endpoint_auth_method="client_secret_post")
    id = await accepted(rest, refreshing(issuer, client, secret), "/orders")
    before = len(await grants(issuer, client))
    await expire(issuer)
    assert await asyncio.gather(*(orders(rest, id, "/orders") for _ in range(10))) == [ORDERS] * 10
    assert len(await grants(issuer, client)) == before + 1


async def test_a_refused_refresh(rest: RestClient, issuer: str) -> None:
    """connections.md 3.2: a 401 of the token endpoint takes the connection offline."""
    client, _ = await register(issuer, ["client_credentials"], token_endpoint_auth_method="client_secret_post")
    told = await refused(rest, refreshing(issuer, client, "wrong-secret"), path="/orders")
    assert "wrong-secret" not in str(told)


# ---- authorization code


async def test_a_person_authorizes_a_connection(rest: RestClient, issuer: str, callback: str, person: Person) -> None:
    """connections.md 3.3, contract.md 2.9: before it ``needs_authorization``, after it every request carries the token."""
    client, secret = await register(issuer, CODE, callback)
    id = (await rest.create(browser(issuer, client, secret)))["_id"]
    with pytest.raises(ApiError) as error:
        await rest.ping(id)
    assert (error.value.status, error.value.code) == (422, "needs_authorization")
    back = await person.authorize(await begin(rest, id), callback)
    assert back.query["code"]
    assert back.query["state"]
    status, page = await call_back(back)
    assert status == 200, page
    assert await rest.ping(id) == {"code": 200}
    assert await orders(rest, id, "/orders") == ORDERS
    shown = await rest.get(id)
    assert "offline" not in shown
    assert not shown.get("needsAuthorization")
    assert await grants(issuer, client) == ["authorization_code"]
    status, _ = await call_back(back)
    assert status == 400, "a state serves once"
    assert await grants(issuer, client) == ["authorization_code"], "nothing is exchanged for a used state"


async def test_a_public_client(rest: RestClient, issuer: str, callback: str, person: Person) -> None:
    """connections.md 2, 3.3: with PKCE no client secret is needed."""
    id, _ = await authorized(rest, issuer, callback, person, token_endpoint_auth_method="none")  # a method's name
    assert await rest.ping(id) == {"code": 200}


async def test_a_plain_challenge_is_refused_readably(
    rest: RestClient, issuer: str, callback: str, person: Person
) -> None:
    """connections.md 3.3: oidc-provider takes no ``plain``; its error arrives at the callback, and nothing is stored."""
    client, secret = await register(issuer, CODE, callback)
    document = browser(issuer, client, secret, pkceCodeChallengeMethod="plain")
    id = (await rest.create(document))["_id"]
    back = await person.authorize(await begin(rest, id), callback)
    assert back.query["error"] == "invalid_request"
    status, page = await call_back(back)
    assert status == 400
    assert "invalid_request" in page
    with pytest.raises(ApiError) as error:
        await rest.ping(id)
    assert error.value.code == "needs_authorization"


async def test_a_wrong_secret_at_the_exchange(rest: RestClient, issuer: str, callback: str, person: Person) -> None:
    """contract.md 2.9: the exchange is refused, the page says so, nothing is stored."""
    client, _ = await register(issuer, CODE, callback)
    id = (await rest.create(browser(issuer, client, "wrong-secret")))["_id"]
    status, page = await call_back(await person.authorize(await begin(rest, id), callback))
    assert status == 502
    assert "wrong-secret" not in page
    assert await grants(issuer, client) == ["authorization_code!"]
    with pytest.raises(ApiError) as error:
        await rest.ping(id)
    assert error.value.code == "needs_authorization"


async def test_a_foreign_state(rest: RestClient, issuer: str, callback: str, person: Person) -> None:
    """contract.md 2.9: a code with a state of somebody else's is not exchanged."""
    client, secret = await register(issuer, CODE, callback)
    id = (await rest.create(browser(issuer, client, secret)))["_id"]
    back = await person.authorize(await begin(rest, id), callback)
    status, _ = await call_back(back.update_query(state="somebody-elses"))
    assert status == 400
    assert await grants(issuer, client) == []


async def test_rotation_survives_many_renewals(rest: RestClient, issuer: str, callback: str, person: Person) -> None:
    """connections.md 3, 3.3: eight ended tokens, ten requests at once after each: one refresh each, and no refresh token is used twice."""
    id, client = await authorized(rest, issuer, callback, person)
    for _ in range(8):
        await expire(issuer)
        assert await asyncio.gather(*(orders(rest, id, "/orders") for _ in range(10))) == [ORDERS] * 10
    assert await grants(issuer, client) == ["authorization_code", *["refresh_token"] * 8]


async def test_a_grant_that_ended_wants_the_person_again(
    rest: RestClient, issuer: str, callback: str, person: Person
) -> None:
    """connections.md 3.3: ``invalid_grant`` is final: asked once, offline, ``needsAuthorization``; authorizing again brings it back."""
    id, client = await authorized(rest, issuer, callback, person)
    await withdraw(issuer, client)
    answer = await rest.ping(id)
    assert answer["code"] == 401, answer
    shown = await rest.get(id)
    assert (shown["offline"], shown["needsAuthorization"]) == (True, True)
    assert await grants(issuer, client) == ["authorization_code", "refresh_token!"]
    status, page = await call_back(await person.authorize(await begin(rest, id), callback))
    assert status == 200, page
    assert await rest.ping(id) == {"code": 200}
    assert "offline" not in await rest.get(id)
