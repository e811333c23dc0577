"""Scenarios of connections, over REST, over REST through a channel, and over gRPC."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.client import ApiClient, ApiError
from tests.e2e.conftest import Served


def http(application: Served, path: str = "/ok", **more: Any) -> dict[str, Any]:
    """A connection to the fake application, notation ``http``."""
    block = {"baseURI": application.url, "mediaType": "json", "ping": {"relativeURI": path}, **more}
    return {"type": "http", "name": "fake", "http": block}


def token(path: str, **more: Any) -> dict[str, Any]:
    """Members of an ``http`` block that signs in with the fake application's token."""
    return {"ping": {"relativeURI": path}, "auth": {"type": "token", "token": {"token": "t0k3n-value", **more}}}


async def test_a_stored_connection_comes_back_as_written_and_masked(api: ApiClient, application: Served) -> None:
    """contract.md 2.1, 1.7: POST, GET and PUT answer the stored document, secrets as six asterisks."""
    document = http(application, **token("/bearer"), encrypted={"k": "v"}, unencrypted={"account": "5765432"})
    stored = await api.create(document)
    assert stored["http"]["auth"]["token"]["token"] == "******"
    assert stored["http"]["encrypted"] == "******"
    assert stored["http"]["unencrypted"] == {"account": "5765432"}
    assert stored["queues"] == [{"name": stored["_id"], "size": 0}]
    assert stored["createdAt"] == stored["lastModified"]
    assert await api.get(stored["_id"]) == stored
    assert stored in await api.list()


async def test_a_mask_in_a_put_keeps_the_secret_and_absence_erases_it(api: ApiClient, application: Served) -> None:
    """contract.md 1.7: GET, edit, PUT works; PUT replaces."""
    stored = await api.create(http(application, **token("/bearer")))
    edited = await api.update(stored["_id"], {**stored, "name": "renamed"})
    assert edited["name"] == "renamed"
    assert await api.ping(stored["_id"]) == {"code": 200}
    edited["http"]["auth"] = {"type": "custom"}
    replaced = await api.update(stored["_id"], edited)
    assert "token" not in replaced["http"]["auth"]


async def test_delete_is_final(api: ApiClient, application: Served) -> None:
    """contract.md 1.12: 204, and a second DELETE is 404."""
    stored = await api.create(http(application))
    await api.delete(stored["_id"])
    for call in (api.get, api.delete, api.ping):
        with pytest.raises(ApiError) as error:
            await call(stored["_id"])
        assert (error.value.status, error.value.code) == (404, "not_found")


async def test_a_lender_cannot_be_deleted_and_a_borrower_shows_its_queue(api: ApiClient, application: Served) -> None:
    """contract.md 1.13 and 2.1; connections.md 8.3: no chains."""
    lender = await api.create(http(application, concurrencyLevel=2))
    borrowing = {**http(application), "_borrowConcurrencyFromConnectionId": lender["_id"]}
    borrower = await api.create(borrowing)
    assert borrower["queues"][0]["name"] == lender["_id"]
    with pytest.raises(ApiError) as error:
        await api.delete(lender["_id"])
    assert error.value.code == "resource_in_use"
    chained = {**http(application), "_borrowConcurrencyFromConnectionId": borrower["_id"]}
    with pytest.raises(ApiError) as error:
        await api.create(chained)
    assert (error.value.code, error.value.fields) == ("invalid_ref", {"_borrowConcurrencyFromConnectionId"})


@pytest.mark.parametrize(
    ("block", "right"),
    [
        ({"ping": {"relativeURI": "/basic"}, "auth": {"type": "basic", "basic": {"username": "svc_orders", "password": "S3cr3t:pässword"}}}, True),
        ({"ping": {"relativeURI": "/basic"}, "auth": {"type": "basic", "basic": {"username": "svc_orders", "password": "wrong-password"}}}, False),
        (token("/bearer"), True),
        (token("/bearer", scheme=""), False),
        (token("/key", headerName="X-Api-Key", scheme=""), True),
        (token("/key", headerName="X-Api-Key", scheme=" "), True),
        (token("/query", location="url", paramName="token"), True),
        (token("/query", location="url"), False),
        (token("/query?token=mine", location="url", paramName="token"), False),
    ],
)  # fmt: skip
async def test_ping_tells_right_from_wrong_credentials(
    api: ApiClient, application: Served, block: dict[str, Any], right: bool
) -> None:
    """connections.md 3.1, 3.2; contract.md 2.3: stored and virtual ping answer alike, and the connection goes offline or online."""
    document = http(application, **block)
    stored = await api.create(document)
    answers = [await api.ping(stored["_id"]), await api.ping_virtual(document)]
    shown = await api.get(stored["_id"])
    if right:
        assert answers == [{"code": 200}] * 2
        assert "offline" not in shown
    else:
        assert [answer["code"] for answer in answers] == [401, 401]
        assert answers[0]["errors"][0]["source"] == "connection"
        assert shown["offline"] is True


async def test_a_token_in_the_body_of_a_ping(api: ApiClient, application: Served) -> None:
    """connections.md 3.2: location body adds the member to the JSON object of a POST."""
    block = token("/body", location="body", paramName="auth")
    block["ping"] = {"relativeURI": "/body", "method": "POST", "body": '{"x":1}'}
    assert await api.ping_virtual(http(application, **block)) == {"code": 200}


async def test_custom_credentials_come_from_templates(api: ApiClient, application: Served) -> None:
    """connections.md 3.7, 10: headers and query from the encrypted and unencrypted bags, in both notations."""
    header = {"name": "X-Custom", "value": "{{{connection.http.encrypted.key}}}"}
    uri = "/custom?account={{connection.http.unencrypted.account}}"
    bags = {"encrypted": {"key": "s3cr3t-key"}, "unencrypted": {"account": "5765432"}, "headers": [header]}
    assert await api.ping_virtual(http(application, uri, **bags)) == {"code": 200}
    rest = {
        "type": "rest",
        "name": "flat",
        "rest": {
            "baseURI": application.url,
            "mediaType": "json",
            "authType": "custom",
            "pingRelativeURI": "/custom?account={{connection.rest.unencrypted.account}}",
            "headers": [{"name": "X-Custom", "value": "{{{connection.rest.encrypted.key}}}"}],
            "encrypted": {"key": "s3cr3t-key"},
            "unencrypted": {"account": "5765432"},
        },
    }
    assert await api.ping_virtual(rest) == {"code": 200}
    stored = await api.create(rest)
    assert await api.ping(stored["_id"]) == {"code": 200}
    assert (stored["rest"]["encryptedFields"], stored["rest"]["scope"]) == ([], [])


async def test_authentication_failure_in_the_body_of_a_200(api: ApiClient, application: Served) -> None:
    """connections.md 6.1, the specification's example."""
    fails = {"failStatusCode": 200, "failPath": "reason", "failValues": ["Authentication"]}
    good = token("/auth-in-body")
    good["auth"] |= fails
    bad = token("/auth-in-body")
    bad["auth"] |= {**fails, "token": {"token": "another-token"}}
    assert await api.ping_virtual(http(application, **good)) == {"code": 200}
    answer = await api.ping_virtual(http(application, **bad))
    assert (answer["code"], answer["errors"][0]["source"]) == (401, "connection")


@pytest.mark.parametrize(
    ("path", "code", "source"),
    [
        ("/status/404", 404, "application"),
        ("/status/500", 500, "application"),
        ("/reset", 502, "connection"),
        ("/status/403", 403, "application"),
    ],
)
async def test_a_failing_application_is_an_answer_of_ping(
    api: ApiClient, application: Served, path: str, code: int, source: str
) -> None:
    """contract.md 2.3: 200 with the failure's code, message and source."""
    answer = await api.ping_virtual(http(application, path))
    assert answer["code"] == code
    assert answer["errors"][0]["code"] == code
    assert answer["errors"][0]["source"] == source


async def test_ping_without_a_uri_tries_to_connect(api: ApiClient, application: Served) -> None:
    """contract.md 2.3: nothing to try is 200 after a successful connect, 502 when nobody listens."""
    document = http(application)
    del document["http"]["ping"]
    assert await api.ping_virtual(document) == {"code": 200}
    document["http"]["baseURI"] = "http://127.0.0.1:1"
    assert (await api.ping_virtual(document))["code"] == 502
    assert application.application.seen == []


async def test_every_problem_of_a_group_is_told_at_once_and_nothing_is_stored(api: ApiClient) -> None:
    """contract.md 1.5: order of checks; the conditional rules of connections.md 2."""
    document = {
        "type": "http",
        "name": "x",
        "http": {
            "baseURI": "ftp://host.test",
            "mediaType": "json",
            "auth": {"type": "basic", "basic": {"username": "a:b"}, "failValues": ["x"]},
            "ping": {"successValues": ["ok"]},
            "rateLimit": {"limit": 500},
        },
    }
    with pytest.raises(ApiError) as error:
        await api.create(document)
    assert error.value.status == 422
    assert error.value.fields == {
        "http.baseURI",
        "http.auth.basic.username",
        "http.auth.failPath",
        "http.ping.successPath",
        "http.rateLimit.limit",
    }
    assert await api.list() == []


async def test_broken_templates_and_paths_are_found_on_save(api: ApiClient, application: Served) -> None:
    """connections.md 2: templates are compiled on save; fields are named in the notation of the document."""
    document = {
        "type": "rest",
        "name": "x",
        "rest": {
            "baseURI": application.url,
            "mediaType": "json",
            "authType": "custom",
            "pingRelativeURI": "/{{#if x}}",
            "headers": [{"name": "X", "value": "{{nohelper 1}}"}],
        },
    }
    with pytest.raises(ApiError) as error:
        await api.create(document)
    assert error.value.fields == {"rest.pingRelativeURI", "rest.headers.0.value"}
    assert {entry["code"] for entry in error.value.errors} == {"invalid_template"}


async def test_other_types_are_refused_on_create(api: ApiClient) -> None:
    """connections.md 1.1: 422 adaptor_not_supported."""
    with pytest.raises(ApiError) as error:
        await api.create({"type": "ftp", "name": "x", "ftp": {"hostURI": "h"}})
    assert (error.value.status, error.value.code) == (422, "adaptor_not_supported")


async def test_type_cannot_change(api: ApiClient, application: Served) -> None:
    """connections.md 1.1."""
    stored = await api.create(http(application))
    rest = {"baseURI": application.url, "mediaType": "json", "authType": "custom"}
    with pytest.raises(ApiError) as error:
        await api.update(stored["_id"], {"type": "rest", "name": "x", "rest": rest})
    assert error.value.code == "update_not_allowed"


async def test_lists_filter_page_and_project(api: ApiClient, application: Served) -> None:
    """contract.md 1.11."""
    ids = [(await api.create({**http(application), "name": f"c{n}", "externalId": f"e{n}"}))["_id"] for n in range(3)]
    assert [entry["_id"] for entry in await api.list()] == ids
    assert [entry["_id"] for entry in await api.list(limit="1", skip="1")] == [ids[1]]
    assert [entry["name"] for entry in await api.list(externalId="e2")] == ["c2"]
    assert len(await api.list(externalId="e2", type="http")) == 1
    assert await api.list(externalId="e2", type="rest") == []
    (first, *_) = await api.list(include="externalId,http.mediaType")
    assert first == {"_id": ids[0], "name": "c0", "externalId": "e0", "http": {"mediaType": "json"}}
    assert all("http" not in entry for entry in await api.list(exclude="http"))
    for query in ({"limit": "0"}, {"skip": "x"}, {"include": "a", "exclude": "b"}, {"include": "a*"}):
        with pytest.raises(ApiError) as error:
            await api.list(**query)
        assert (error.value.status, error.value.code) == (400, "invalid_query_params")


async def test_the_token_tells_its_user(api: ApiClient) -> None:
    """contract.md 6.1."""
    info = await api.token_info()
    assert (len(info["_userId"]), info["scope"]) == (24, "*")


async def test_parallel_writers_all_succeed_and_the_last_one_wins(api: ApiClient, application: Served) -> None:
    """contract.md 1.12: without If-Match every PUT is carried out whole; who wrote is told (1.6)."""
    stored = await api.create(http(application))
    user = (await api.token_info())["_userId"]
    assert stored["lastModifiedBy"] == user
    answers = await asyncio.gather(
        *(api.update(stored["_id"], {**http(application, f"/{n}"), "name": f"n{n}"}) for n in range(40))
    )
    shown = await api.get(stored["_id"])
    assert shown in answers
    assert all(answer["name"][1:] == answer["http"]["ping"]["relativeURI"][1:] for answer in answers)


async def test_a_lender_never_goes_while_somebody_starts_to_borrow(api: ApiClient, application: Served) -> None:
    """contract.md 1.13: the check of a reference and the write that relies on it are one step."""
    lender = (await api.create(http(application)))["_id"]
    borrowing = {**http(application), "_borrowConcurrencyFromConnectionId": lender}
    calls = [api.delete(lender), *(api.create(borrowing) for _ in range(10))]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    borrowers = [entry for entry in await api.list() if "_borrowConcurrencyFromConnectionId" in entry]
    if outcomes[0] is None:
        assert borrowers == []
    else:
        assert (await api.get(lender))["_id"] == lender


@pytest.mark.parametrize("place", ["export", "import", "ping", "baseURI"])
async def test_a_secret_rendered_into_an_address_is_not_told(api: ApiClient, application: Served, place: str) -> None:
    """contract.md 1.7: errors show the mask, whatever a template made of the secret."""
    bag = {"k": "SEKRIT-bag-value"}
    template = "http://{{{connection.http.encrypted.k}}}.invalid/"
    document = http(application, template if place == "ping" else "/ok", encrypted=bag)
    if place == "baseURI":
        document["http"]["baseURI"] = "{{{connection.http.encrypted.k}}}"
    id = (await api.create(document))["_id"]
    block = {"relativeURI": template} if place == "export" else {"relativeURI": [template]}
    try:
        if place == "export":
            told = await api.run_export(id, {"export": {"http": block}})
        elif place == "import":
            told = await api.run_import(id, {"import": {"http": block}, "data": [{}]})
        else:
            told = await api.ping(id)
    except ApiError as error:
        told = error.errors
    assert "SEKRIT-bag-value" not in str(told)


@pytest.mark.parametrize(
    "value",
    [
        "{{connection.http.encrypted.k}}",
        "Key {{{connection.http.encrypted.k}}}",
        "{{{base64Encode connection.http.encrypted.k}}}",
        "{{#with connection.http.encrypted}}{{k}}{{/with}}",
        '{{getValue "connection.http.encrypted.k" ""}}',
    ],
)
async def test_a_header_with_an_encrypted_value_stays_at_its_origin(
    api: ApiClient, application: Served, serve: Any, value: str
) -> None:
    """connections.md 13.4: a redirect to another origin carries neither authentication nor `encrypted` values in headers."""
    arrived: list[dict[str, str]] = []

    async def elsewhere(request: web.Request) -> web.Response:
        arrived.append({name.lower(): text for name, text in request.headers.items()})
        return web.json_response({})

    application.application.redirect = await serve("/there", elsewhere) + "/there"
    headers = [{"name": "X-Enc", "value": value}, {"name": "X-Open", "value": "{{connection.http.unencrypted.o}}"}]
    block = token("/redirect", headerName="X-Api-Key", scheme="")
    document = http(application, headers=headers, encrypted={"k": "s3cr3t-value"}, unencrypted={"o": "open"}, **block)
    assert await api.ping_virtual(document) == {"code": 200}
    assert arrived[0]["x-open"] == "open"
    assert "x-enc" not in arrived[0]
    assert "x-api-key" not in arrived[0]


async def test_a_token_of_the_query_goes_along_at_the_same_origin(api: ApiClient, application: Served) -> None:
    """connections.md 13.4: only another origin loses the credentials."""
    application.application.redirect = "/query?page=1"
    assert await api.ping_virtual(http(application, **token("/redirect", location="url", paramName="token"))) == {
        "code": 200
    }


async def test_a_token_with_a_line_break_is_refused(api: ApiClient, application: Served) -> None:
    """connections.md 13.2: no value with CR or LF ever becomes a header; the message does not show the token."""
    block = token("/bearer")
    block["auth"]["token"]["token"] = "t0k3n-value\nX-Evil: 1"
    with pytest.raises(ApiError) as error:
        await api.create(http(application, **block))
    assert (error.value.code, error.value.fields) == ("invalid_field", {"http.auth.token.token"})
    assert "t0k3n" not in str(error.value.errors)
