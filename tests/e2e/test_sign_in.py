"""Signing in, judged by an application that is not ours: right and wrong credentials in every way, over every client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fairlead.bootstrap import start_service
from fairlead.settings import Settings
from tests.e2e.client import ApiClient, ApiError, GrpcClient
from tests.e2e.conftest import TOKEN
from tests.e2e.sign_in.application import ORDERS, SignInApplication, serving
from tests.e2e.sign_in.people import People
from tests.e2e.sign_in.tokens import Endless
from tests.e2e.sign_in.way import Refused, Way
from tests.e2e.sign_in.ways import WAYS, connection, exists_in_rest

RECORDS = [{"sku": "a"}, {"sku": "b ä&="}, {"sku": "c"}]
CALLS = 1 + 3 + len(RECORDS)
"""A ping, three pages, and the records."""

CASES = [(way, "http") for way in WAYS] + [(way, "rest") for way in WAYS if exists_in_rest(way)]
SIGNED = [way.name for way in WAYS if way.name.startswith(("wsse", "oauth1", "custom-hmac", "digest"))]
REPLAYS = [name for name in SIGNED if name not in ("digest-no-qop", "oauth1-plaintext")]
"""Ways whose requests are good once; without qop and with PLAINTEXT nothing in a request says so, or nothing of it is signed."""
every_way = pytest.mark.parametrize(
    ("way", "notation"), CASES, ids=[f"{notation}-{way.name}" for way, notation in CASES]
)


@pytest.fixture
async def fake() -> AsyncIterator[SignInApplication]:
    """The application with every way."""
    async with serving(WAYS) as application:
        yield application


def export(way: Way) -> dict[str, Any]:
    """Three pages of orders; a way that signs bodies asks with POST."""
    block: dict[str, Any] = {
        "relativeURI": "/orders?offset={{export.http.paging.skip}}",
        "paging": {"method": "skip", "maxCountPath": "total"},
        "response": {"resourcePath": "orders"},
    }
    if way.by_body:
        block |= {"method": "POST", "body": "q=a%20b" if way.media_type == "urlencoded" else '{"q":"a b"}'}
    return {"export": {"pageSize": 3, "http": block}}


def importing(way: Way) -> dict[str, Any]:
    """Three records, a request each."""
    block: dict[str, Any] = {"relativeURI": ["/records"], "method": ["POST"]}
    if way.media_type == "urlencoded":
        block["body"] = ["sku={{encodeURI record.sku}}"]
    return {"import": {"http": block}, "data": RECORDS}


async def test_there_are_more_than_twenty_four_ways() -> None:
    """The issue's own number, each once."""
    assert len({way.name for way in WAYS}) == len(WAYS) >= 24
    assert len(CASES) >= 48


@every_way
async def test_right_credentials_work_in_every_request(
    api: ApiClient, fake: SignInApplication, way: type[Way], notation: str
) -> None:
    """connections.md 3: ping, pages and records are all authenticated; what the application refuses on the way is what it must, and
    nothing is renewed more often than a credential ended."""
    one = fake.ways[way.name]
    id = (await api.create(connection(one, fake.base(way.name), notation=notation)))["_id"]
    assert await api.ping(id) == {"code": 200}, fake.reasons
    assert (await api.run_export(id, export(one)))["data"] == ORDERS
    assert [entry["statusCode"] for entry in await api.run_import(id, importing(one))] == [200] * len(RECORDS)
    assert sorted(fake.stored, key=str) == RECORDS if not way.by_body else len(fake.stored) == len(RECORDS)
    assert fake.admitted == {way.name: CALLS}
    assert (fake.refused[way.name], one.renewed) == (way.refusals, way.renewals), fake.reasons
    assert "offline" not in await api.get(id)


@every_way
async def test_wrong_credentials_are_refused_in_every_call(
    api: ApiClient, fake: SignInApplication, way: type[Way], notation: str
) -> None:
    """contract.md 2.3, 1.16, 4.4; connections.md 6.2: a ping tells the failure, an export is 422 with it, every record is 401; the
    connection goes offline, and nothing was ever served."""
    one = fake.ways[way.name]
    wrong = connection(one, fake.base(way.name), right=False, notation=notation)
    pinged, exported, imported = [(await api.create(wrong))["_id"] for _ in range(3)]
    answer = await api.ping(pinged)
    assert (answer["code"], answer["errors"][0]["code"]) == (way.wrong_code, way.wrong_code)
    assert answer["errors"][0]["source"] == "connection"
    with pytest.raises(ApiError) as error:
        await api.run_export(exported, export(one))
    told = error.value.errors[0]
    assert (error.value.status, told["code"], told["source"]) == (422, str(way.wrong_code), "connection")
    results = await api.run_import(imported, importing(one))
    assert [entry["statusCode"] for entry in results] == [401] * len(RECORDS)
    assert {entry["errors"][0]["source"] for entry in results} == {"connection"}
    assert [(await api.get(id))["offline"] for id in (pinged, exported, imported)] == [True] * 3
    assert (fake.served, fake.stored, one.renewed) == ([], [], 0)
    assert [secret for secret in fake.vault.known if secret in f"{answer} {told} {results}"] == []


@pytest.mark.parametrize("name", REPLAYS)
async def test_the_application_refuses_what_it_has_seen_before(
    channel: GrpcClient, fake: SignInApplication, name: str
) -> None:
    """A server that accepts whatever it is sent proves nothing: the same request a second time, and one that was changed, are refused."""
    way = fake.ways[name]
    id = (await channel.create(connection(way, fake.base(name))))["_id"]
    assert await channel.ping(id) == {"code": 200}
    assert fake.last is not None
    with pytest.raises(Refused, match=r"before|nonce_used"):
        way.admit(fake.last)
    if name != "wsse":
        with pytest.raises(Refused, match="sign"):
            way.admit(replace(fake.last, method="DELETE"))


async def test_an_xpath_finds_an_authentication_failure(api: ApiClient, fake: SignInApplication) -> None:
    """connections.md 5.1, 6.1: where answers are XML the path is an XPath, with attributes and predicates."""
    way = fake.ways["failure-in-xml"]
    for path, values, code in (
        ("/answer/fault[code='AUTH']/@at", ["here"], 401),
        ("//code", ["AUTH"], 401),
        ("//code", ["auth"], 200),
    ):
        document = connection(way, fake.base(way.name), right=False)
        document["http"] |= {"errorMediaType": "xml"}
        document["http"]["auth"] |= {"failPath": path, "failValues": values}
        assert (await api.ping_virtual(document))["code"] == code


async def expired(api: ApiClient, fake: SignInApplication, way: Endless) -> str:
    """A connection whose token has just ended."""
    document = connection(way, fake.base(way.name))
    way.issuer.left.clear()
    return str((await api.create(document))["_id"])


def many(count: int) -> dict[str, Any]:
    """An import of so many records, a request each."""
    block = {"relativeURI": ["/records"], "method": ["POST"]}
    return {"import": {"http": block}, "data": [{"n": n} for n in range(count)]}


async def test_five_hundred_requests_with_an_expired_token_refresh_it_once(settings: Settings) -> None:
    """connections.md 3: one refresh at a time per connection, however many requests need it; every request succeeds."""
    async with serving([Endless]) as fake, both(replace(settings, max_outbound=600), 1) as (api,):
        way = fake.ways[Endless.name]
        assert isinstance(way, Endless)
        id = await expired(api, fake, way)
        results = await asyncio.gather(*(api.run_import(id, many(50)) for _ in range(10)))
        assert {entry["statusCode"] for result in results for entry in result} == {200}
        assert (way.renewed, way.issuer.reused, len(fake.stored)) == (1, 0, 500)
        assert 2 <= way.refused <= 500


async def test_two_services_on_one_store_refresh_once(settings: Settings) -> None:
    """connections.md 3: across processes too; nobody sends the refresh token that rotated a second time."""
    async with serving([Endless]) as fake, both(settings, 2) as apis:
        way = fake.ways[Endless.name]
        assert isinstance(way, Endless)
        id = await expired(apis[0], fake, way)
        for api in apis:
            assert (await api.get(id))["name"] == way.name
        for renewals in (1, 2, 3):
            calls = [api.run_import(id, many(25)) for _ in range(5) for api in apis]
            results = await asyncio.gather(*calls)
            assert {entry["statusCode"] for result in results for entry in result} == {200}
            assert (way.renewed, way.issuer.reused) == (renewals, 0)
            way.issuer.left.clear()


@asynccontextmanager
async def both(settings: Settings, count: int) -> AsyncIterator[list[GrpcClient]]:
    """Clients of so many services with one database."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            running = await start_service(settings)
            stack.push_async_callback(running.stop, 0)
            client = GrpcClient(running.grpc_address, TOKEN)
            stack.push_async_callback(client.close)
            clients.append(client)
        yield clients


async def test_a_hundred_identities_at_one_host_never_mix(channel: GrpcClient) -> None:
    """The issue: sessions by cookie, token or password never cross connections, also not through connection reuse in the client."""
    async with serving([People]) as fake:
        people = fake.ways[People.name]
        assert isinstance(people, People)
        blocks = [people.block_of(fake.base("people"), n) for n in range(100)]
        documents = [{"type": "http", "name": f"person-{n}", "http": block} for n, block in enumerate(blocks)]
        stored = await asyncio.gather(*(channel.create(document) for document in documents))
        body = {"export": {"http": {"relativeURI": "/mine"}}}
        for _ in range(3):
            answers = await asyncio.gather(*(channel.run_export(entry["_id"], body) for entry in stored))
            assert [answer["data"] for answer in answers] == [[{"owner": f"person-{n}"}] for n in range(100)]
        assert people.logins == 33
