"""Signing in in a browser, over REST, over REST through a channel, and over gRPC (contract.md 2.9, connections.md 3.3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from fairlead.bootstrap import Running
from fairlead.settings import Settings
from tests.e2e.client import ApiClient, ApiError, RestClient
from tests.e2e.oauth_application import CLIENT, SECRET, OauthApplication, oauth_application, query_of

CALLBACK = "/connection/oauth2callback"


@pytest.fixture
async def application() -> AsyncIterator[OauthApplication]:
    """The application to sign in to."""
    async with oauth_application() as fake:
        yield fake


async def allowed(url: str) -> dict[str, str]:
    """What the browser brings back from the application."""
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        assert answer.status == 302
        assert urlsplit(answer.headers["Location"]).path == CALLBACK
        return query_of(answer.headers["Location"])


async def assert_signed_out(api: ApiClient, id: str) -> None:
    """Nothing is stored."""
    connection = await api.get(id)
    assert connection["needsAuthorization"] is True
    assert "token" not in connection["http"]["auth"]
    with pytest.raises(ApiError) as error:
        await api.run_export(id, {"export": {"http": {"relativeURI": "/orders"}}})
    assert error.value.code == "needs_authorization"


PKCE: list[dict[str, Any]] = [
    {},
    {"pkceCodeChallengeMethod": "s256"},
    {"pkceCodeChallengeMethod": "plain"},
    {"pkceCodeChallengeMethod": "s256", "clientSecret": None},
    {"clientCredentialsLocation": "body", "scope": ["orders.read", "orders write"], "scopeDelimiter": ","},
]


@pytest.mark.parametrize("oauth", PKCE)
async def test_a_person_signs_in(api: ApiClient, application: OauthApplication, oauth: dict[str, Any]) -> None:
    """The URL leads to the application, the callback stores the tokens, and the connection works from then on."""
    id = (await api.create({**application.connection(**oauth), "offline": True}))["_id"]
    await assert_signed_out(api, id)
    started = await api.authorize(id)
    watched = (id, started["_authorizationId"])
    sent = query_of(started["authorizationURL"])
    assert (sent["audience"], sent["response_type"], sent["client_id"]) == ("orders", "code", CLIENT)
    assert sent.get("scope") == (",".join(oauth["scope"]) if "scope" in oauth else None)
    assert await api.authorization(*watched) == {"status": "pending"}
    page = await api.callback(**await allowed(started["authorizationURL"]))
    assert (page.status, page.location) == (200, "")
    assert "The connection Orders is authorised" in page.html
    stored = await api.get(id)
    assert ("needsAuthorization" in stored, stored.get("offline", False)) == (False, False)
    assert stored["http"]["auth"]["token"] == {"token": "******", "refreshToken": "******"}
    assert await api.ping(id) == {"code": 200}
    exported = await api.run_export(id, {"export": {"http": {"relativeURI": "/orders"}}})
    assert exported["data"] == [{"id": 1}, {"id": 2}]
    progress = await api.authorization(*watched)
    assert progress["status"] == "succeeded"
    verifier = application.token_requests[-1].get("code_verifier", "")
    assert (len(verifier) == 43) is ("pkceCodeChallengeMethod" in oauth)
    if verifier:
        assert (sent["code_challenge"] == verifier) is (oauth["pkceCodeChallengeMethod"] == "plain")
    for secret in (SECRET, verifier or SECRET, "code-0", sent["state"], *application.issued):
        assert secret not in page.html + str(progress)


async def test_with_the_data_of_an_iclient(api: ApiClient, application: OauthApplication) -> None:
    """connections.md 3.3: client, scope and PKCE may all stand in the iClient."""
    oauth2 = {
        "clientId": CLIENT,
        "clientSecret": SECRET,
        "scope": ["a", "b"],
        "pkceCodeChallengeMethod": "S256",
        "auth": {"uri": f"{application.url}/authorize", "queryParameters": {"prompt": "consent"}},
        "token": {"uri": f"{application.url}/token"},
    }
    iclient = await api.iclients.create({"provider": "custom_oauth2", "oauth2": oauth2})
    document = application.connection()
    document["http"]["auth"]["oauth"] = {"useIClientFields": True}
    document["http"]["_iClientId"] = iclient["_id"]
    id = (await api.create(document))["_id"]
    url = (await api.authorize(id))["authorizationURL"]
    sent = query_of(url)
    assert (sent["scope"], sent["prompt"], sent["code_challenge_method"]) == ("a b", "consent", "S256")
    assert (await api.callback(**await allowed(url))).status == 200
    assert await api.ping(id) == {"code": 200}


async def test_a_connection_may_be_authorised_again(api: ApiClient, application: OauthApplication) -> None:
    """The tokens that came last count, also while the ones before are in use."""
    id = (await api.create(application.connection()))["_id"]
    for count in (1, 2):
        page = await api.callback(**await allowed((await api.authorize(id))["authorizationURL"]))
        assert page.status == 200
        application.issued = application.issued[-1:]
        assert await api.ping(id) == {"code": 200}
        assert len(application.token_requests) == count


async def test_a_connection_in_the_notation_rest(api: ApiClient, application: OauthApplication) -> None:
    """connections.md 1.3: `rest` connections sign in alike; their client is an iClient's."""
    oauth2 = {"clientId": CLIENT, "clientSecret": SECRET}
    iclient = await api.iclients.create({"provider": "custom_oauth2", "oauth2": oauth2})
    block = {
        "baseURI": application.url,
        "mediaType": "json",
        "authType": "oauth",
        "authURI": f"{application.url}/authorize",
        "oauthTokenURI": f"{application.url}/token",
        "pingRelativeURI": "/orders",
        "_iClientId": iclient["_id"],
    }
    stored = await api.create({"type": "rest", "name": "Orders", "rest": block})
    assert stored["needsAuthorization"] is True
    page = await api.callback(**await allowed((await api.authorize(stored["_id"]))["authorizationURL"]))
    assert page.status == 200
    assert await api.ping(stored["_id"]) == {"code": 200}


@pytest.mark.parametrize(
    ("brought", "told"),
    [
        ({"error": "access_denied"}, "It said: access_denied"),
        ({"error": "x", "error_description": "<script>alert('1')</script>\x1b[2J"}, "x: &lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; [2J"),
        ({"error": "access_denied", "code": "code-0"}, "access_denied"),
        ({}, "sent no code"),
    ],
)  # fmt: skip
async def test_the_application_says_no(
    api: ApiClient, application: OauthApplication, brought: dict[str, str], told: str
) -> None:
    """400 with the reason, whose text is nobody's markup; nothing is stored, no token is asked for, the state is used up."""
    id = (await api.create(application.connection()))["_id"]
    started = await api.authorize(id)
    state = query_of(started["authorizationURL"])["state"]
    page = await api.callback(state=state, **brought)
    assert page.status == 400
    assert told in page.html
    assert "<script" not in page.html
    assert (await api.authorization(id, started["_authorizationId"]))["status"] == "failed"
    assert "was used already" in (await api.callback(state=state, code="code-0")).html
    assert application.token_requests == []
    await assert_signed_out(api, id)


async def test_a_state_that_is_not_good(api: ApiClient, application: OauthApplication) -> None:
    """400, and the one that is good stays so: missing, rubbish, each part changed, that of another authorisation in parts."""
    id = (await api.create(application.connection()))["_id"]
    url = (await api.authorize(id))["authorizationURL"]
    other = query_of((await api.authorize(id))["authorizationURL"])["state"].split(".")
    brought = await allowed(url)
    good = brought.pop("state").split(".")
    mixed = [[*good[:at], other[at], *good[at + 1 :]] for at in (0, 1, 3)]
    later = [str(int(good[0]) + 1), *good[1:]]
    for parts in (*mixed, later, good[:3], [*good, ""], [*good[:2], "k9", good[3]], ["0" * 2000], ["x", "é", "", ""]):
        page = await api.callback(**brought, state=".".join(parts))
        assert (page.status, "not ours" in page.html) == (400, True)
    assert (await api.callback(**brought)).status == 400
    assert application.token_requests == []
    assert (await api.callback(**brought, state=".".join(good))).status == 200


async def test_the_same_state_twice(api: ApiClient, application: OauthApplication) -> None:
    """The second is refused; the tokens of the first stay."""
    id = (await api.create(application.connection()))["_id"]
    brought = await allowed((await api.authorize(id))["authorizationURL"])
    assert [(await api.callback(**brought)).status for _ in range(2)] == [200, 400]
    assert len(application.token_requests) == 1
    assert await api.ping(id) == {"code": 200}


async def test_of_two_callbacks_at_once_one_counts(api: ApiClient, application: OauthApplication) -> None:
    """The code is sent once."""
    id = (await api.create(application.connection()))["_id"]
    brought = await allowed((await api.authorize(id))["authorizationURL"])
    pages = await asyncio.gather(*(api.callback(**brought) for _ in range(8)))
    assert sorted(page.status for page in pages) == [200, *[400] * 7]
    assert len(application.token_requests) == 1


REFUSALS: list[tuple[int, str, str, str]] = [
    (400, "application/json", '{"error":"invalid_grant","error_description":"<b>no</b>"}', "&lt;b&gt;no"),
    (200, "text/html", "<!doctype html><title>Log in</title>", "HTML"),
    (200, "application/json", '{"error":"bad_verification_code"}', "bad_verification_code"),
    (200, "application/json", '{"access_token":""}', "access_token"),
    (500, "text/plain", "broken code-0", "500"),
]


@pytest.mark.parametrize(("status", "kind", "body", "told"), REFUSALS)
async def test_the_token_endpoint_gives_no_token(
    api: ApiClient, application: OauthApplication, status: int, kind: str, body: str, told: str
) -> None:
    """502 with what it said; nothing is stored, and the state is used up."""
    application.token_answer = web.Response(status=status, text=body, content_type=kind)
    id = (await api.create(application.connection()))["_id"]
    started = await api.authorize(id)
    brought = await allowed(started["authorizationURL"])
    page = await api.callback(**brought)
    assert page.status == 502
    assert told in page.html
    assert all(text not in page.html for text in ("code-0", SECRET, "<b>"))
    progress = await api.authorization(id, started["_authorizationId"])
    assert (progress["status"], progress["message"][:30]) == ("failed", "The application gave no token.")
    application.token_answer = None
    assert (await api.callback(**brought)).status == 400
    await assert_signed_out(api, id)


async def test_a_failure_leaves_the_tokens_before(api: ApiClient, application: OauthApplication) -> None:
    """A connection that works goes on working when somebody tries to authorise it again in vain."""
    id = (await api.create(application.connection()))["_id"]
    assert (await api.callback(**await allowed((await api.authorize(id))["authorizationURL"]))).status == 200
    application.token_answer = web.json_response({"error": "invalid_grant"}, status=400)
    assert (await api.callback(**await allowed((await api.authorize(id))["authorizationURL"]))).status == 502
    stored = await api.get(id)
    assert ("needsAuthorization" in stored, stored.get("offline", False)) == (False, False)
    assert await api.ping(id) == {"code": 200}


async def test_only_what_is_authorised_in_a_browser_can_be_started(
    api: ApiClient, application: OauthApplication
) -> None:
    """422 `invalid_field` with the field as it was written; what is not there is 404; a deleted connection ends in a page."""
    block = {"baseURI": application.url, "mediaType": "json"}
    granted = application.connection(grantType="clientcredentials")
    written = {"type": "rest", "name": "r", "rest": {**block, "authType": "basic", "basicAuth": {"username": "u", "password": "p"}}}  # fmt: skip
    for document, field in ((granted, "http.auth.type"), (written, "rest.authType")):
        id = (await api.create(document))["_id"]
        with pytest.raises(ApiError) as error:
            await api.authorize(id)
        assert (error.value.status, error.value.code, error.value.fields) == (422, "invalid_field", {field})
    id = (await api.create(application.connection()))["_id"]
    started = await api.authorize(id)
    for call in (api.authorize("d" * 24), api.authorization(id, "d" * 24), api.authorization("d" * 24, started["_authorizationId"])):  # fmt: skip
        with pytest.raises(ApiError) as error:
            await call
        assert (error.value.status, error.value.code) == (404, "not_found")
    brought = await allowed(started["authorizationURL"])
    await api.delete(id)
    page = await api.callback(**brought)
    assert (page.status, "connection not found" in page.html) == (400, True)


class TestReturning:
    """With `FAIRLEAD_OAUTH_RETURN_URL`."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """A return URL with a query of its own, and the URL under which browsers reach this edge."""
        return replace(
            settings, public_url="https://fairlead.test/a", oauth_return_url="https://app.test/done?from=f&x=%20"
        )

    async def test_the_browser_is_sent_on(self, api: ApiClient, application: OauthApplication) -> None:
        """302 with connection and result; without a good state there is nothing to return for."""
        id = (await api.create(application.connection()))["_id"]
        url = (await api.authorize(id))["authorizationURL"]
        assert query_of(url)["redirect_uri"] == f"https://fairlead.test/a{CALLBACK}"
        async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
            brought = query_of(answer.headers["Location"])
        place = f"https://app.test/done?from=f&x=%20&connection={id}&result="
        assert (await api.callback(**brought)).location == f"{place}success"
        refused = query_of((await api.authorize(id))["authorizationURL"])["state"]
        page = await api.callback(state=refused, error="access_denied")
        assert (page.status, page.location) == (302, f"{place}failure")
        page = await api.callback(state=refused, error="access_denied")
        assert (page.status, page.location) == (400, "")


async def test_the_manners_of_the_page(edge: RestClient, application: OauthApplication) -> None:
    """No token is asked for, nothing is kept or run, HEAD uses nothing up, and whatever is wrong is a page too."""
    id = (await edge.create(application.connection()))["_id"]
    status, _, content = await edge.raw("GET", f"/v1/connection/{id}/oauth2/")
    assert (status, b"authorizationURL" in content) == (200, True)
    brought = await allowed((await edge.authorize(id))["authorizationURL"])
    async with aiohttp.ClientSession() as browser:

        async def asked(method: str, path: str, **options: Any) -> tuple[int, Any, str]:
            async with browser.request(method, edge.base + path, **options) as answer:
                return answer.status, answer.headers, await answer.text()

        assert (await asked("HEAD", CALLBACK, params=brought))[::2] == (200, "")
        status, headers, html = await asked("GET", CALLBACK, params=brought, headers={"Authorization": "Bearer wrong"})
        assert status == 200
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert "<title>fairlead</title>" in html
        status, headers, html = await asked("GET", f"{CALLBACK}?state=%ff")
        assert (status, headers["Content-Type"]) == (400, "text/html; charset=utf-8")
        assert "state must be UTF-8 text" in html
        assert (await asked("GET", f"{CALLBACK}/"))[0] == 400
        assert (await asked("POST", CALLBACK))[0] == 401
        assert (await asked("GET", f"/v1{CALLBACK}"))[0] == 401


async def test_a_browser_that_is_closed_takes_no_exchange_with_it(
    rest: RestClient, running: Running, application: OauthApplication
) -> None:
    """The code is spent: its tokens are stored although nobody sees the page."""
    application.hold = asyncio.Event()
    id = (await rest.create(application.connection()))["_id"]
    started = await rest.authorize(id)
    brought = await allowed(started["authorizationURL"])
    closed = asyncio.create_task(rest.callback(**brought))
    await application.asked.wait()
    closed.cancel()
    assert (await rest.authorization(id, started["_authorizationId"]))["status"] == "pending"
    application.hold.set()
    await running.authorization.close(10)
    assert (await rest.authorization(id, started["_authorizationId"]))["status"] == "succeeded"
    assert await rest.ping(id) == {"code": 200}
