"""Half of a surrogate pair is legal JSON and has no UTF-8 form: an application that says it takes nothing away from anybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.client import ApiClient, ApiError

HALF = rb"\ud800"
SHOWN = "\ufffd"


@pytest.fixture
async def odd() -> AsyncIterator[str]:
    """An application whose answers hold one, for every request: good below ``/good``, else 400."""

    async def answer(request: web.Request) -> web.Response:
        status = 200 if request.path.startswith("/good") else 400
        item = b'{"id":"%b","ok":"%b","m":"x%b"}' % (HALF, HALF, HALF)
        body = b'{"id":"%b","m":"x%b","error":"%b","items":[%b,%b]}' % (HALF, HALF, HALF, item, item)
        return web.Response(status=status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def connection(url: str, **block: Any) -> dict[str, Any]:
    """A connection to it."""
    return {"type": "http", "name": "odd", "http": {"baseURI": url, "mediaType": "json", **block}}


async def test_results_of_an_import(api: ApiClient, odd: str) -> None:
    """contract.md 4.4: one result per record whatever its answer holds; ids and messages show U+FFFD, ``_json`` is verbatim."""
    id = (await api.create(connection(odd)))["_id"]
    good = {"http": {"method": ["POST"], "relativeURI": ["/good"]}}
    results = await api.run_import(id, {"import": good, "data": [{"a": 1}, {"a": 2}]})
    assert [(each["statusCode"], each["id"], each["_json"]["id"]) for each in results] == [(200, SHOWN, "\ud800")] * 2

    bad = {"http": {"method": ["POST"], "relativeURI": ["/bad"], "response": {"errorPath": "m"}}}
    results = await api.run_import(id, {"import": bad, "data": [{"a": 1}]})
    assert results[0]["errors"] == [{"code": "400", "message": f"x{SHOWN}", "source": "application"}]

    batch = {**good["http"], "batchSize": 2, "response": {"resourcePath": ["items"]}}
    results = await api.run_import(id, {"import": {"http": batch}, "data": [{"a": 1}, {"a": 2}]})
    assert [each["id"] for each in results] == [SHOWN, SHOWN]
    failing = {**batch, "response": {"resourcePath": ["items"], "failPath": ["ok"], "errorPath": "m"}}
    results = await api.run_import(id, {"import": {"http": failing}, "data": [{"a": 1}, {"a": 2}]})
    assert [each["errors"][0]["message"] for each in results] == [f"x{SHOWN}"] * 2


async def test_pings(api: ApiClient, odd: str) -> None:
    """connections.md 4: the message of a failed ping, and what its explanation found."""
    for ping, code in (
        ({"relativeURI": "/bad", "errorPath": "m"}, 400),
        ({"relativeURI": "/good", "failPath": "m"}, 422),
        ({"relativeURI": "/good", "successPath": "m", "successValues": ["y"]}, 422),
    ):
        plain, explained = [
            await api.ping_virtual(connection(odd, ping=ping), explain=wanted) for wanted in (False, True)
        ]
        assert plain["code"] == explained["code"] == code
        assert plain["errors"] == explained["errors"]
        if code == 400:
            assert plain["errors"][0]["message"] == f"x{SHOWN}"


async def test_previews_and_tokens(api: ApiClient, odd: str) -> None:
    """contract.md 1.16: errors of exports, previews and of a token endpoint."""
    id = (await api.create(connection(odd)))["_id"]
    export = {"http": {"relativeURI": "/bad", "response": {"errorPath": "m"}}}
    with pytest.raises(ApiError) as error:
        await api.run_export(id, {"export": export})
    assert error.value.errors[0]["message"] in (f"x{SHOWN}", "x?")
    previewed = await api.preview({"_connectionId": id, **export})
    assert SHOWN in str(previewed)
    refresh = {"type": "token", "token": {"token": "t0k3n-of-mine", "refreshRelativeURI": "/bad", "refreshMethod": "POST", "refreshTokenPath": "t"}}  # fmt: skip
    told = await api.ping_virtual(
        connection(odd, auth={**refresh, "failStatusCode": 400}, ping={"relativeURI": "/bad"})
    )
    assert told["code"] in (400, 401)
