"""httpbin: basic, digest in all its forms, bearer, cookies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, curl, needs_curl, refused
from tests.servers.httpbin import needs_httpbin

pytestmark = [needs_httpbin, needs_curl]

USER, PASSWORD = "svc_orders", "s3cr3t"
DIGESTS = [
    f"/digest-auth/{qop}/{USER}/{PASSWORD}/{algorithm}"
    for qop in ("auth", "auth-int")
    for algorithm in ("MD5", "SHA-256")
]


def named(kind: str, password: str) -> dict[str, Any]:
    """Credentials with a password."""
    return {"type": kind, "basic": {"username": USER, "password": password}}


@pytest.mark.parametrize(
    ("option", "path"), [("--basic", f"/basic-auth/{USER}/{PASSWORD}"), *(("--digest", path) for path in DIGESTS[:2])]
)
async def test_curl_judges_the_server(bin_url: str, option: str, path: str) -> None:
    """httpbin takes the right password from curl and refuses a wrong one. (curl does not speak ``auth-int``.)"""
    assert (await curl(option, "--user", f"{USER}:{PASSWORD}", bin_url + path)).status == 200
    assert (await curl(option, "--user", f"{USER}:wrong", bin_url + path)).status == 401


async def test_curl_judges_bearer_and_cookies(bin_url: str) -> None:
    """httpbin wants a bearer token, whichever, and says which cookies it got."""
    assert (await curl("--header", "Authorization: Bearer t0k3n", f"{bin_url}/bearer")).json["token"] == "t0k3n"
    assert (await curl("--header", "Authorization: Basic t0k3n", f"{bin_url}/bearer")).status == 401
    assert (await curl("--cookie", "sid=31d4", f"{bin_url}/cookies")).json == {"cookies": {"sid": "31d4"}}


async def test_basic(rest: RestClient, bin_url: str) -> None:
    """connections.md 3.1."""
    path = f"/basic-auth/{USER}/{PASSWORD}"
    await accepted(rest, connection(bin_url, path, named("basic", PASSWORD)))
    await refused(rest, connection(bin_url, path, named("basic", "wrong")))


async def test_hidden_basic(rest: RestClient, bin_url: str) -> None:
    """connections.md 3.1, 6.1: credentials go without being asked for; a 404 is a refusal where it is configured."""
    path = f"/hidden-basic-auth/{USER}/{PASSWORD}"
    await accepted(rest, connection(bin_url, path, named("basic", PASSWORD)))
    await refused(rest, connection(bin_url, path, {**named("basic", "wrong"), "failStatusCode": 404}), 404)


@pytest.mark.parametrize("path", DIGESTS)
async def test_digest(rest: RestClient, bin_url: str, path: str) -> None:
    """connections.md 3.5: MD5 and SHA-256, with the body signed and without."""
    await accepted(rest, connection(bin_url, path, named("digest", PASSWORD)))
    await refused(rest, connection(bin_url, path, named("digest", "wrong")))


async def test_bearer(rest: RestClient, bin_url: str) -> None:
    """connections.md 3.2: httpbin answers with the token it read; another scheme is refused."""
    ping = {"relativeURI": "/bearer", "successPath": "token", "successValues": ["t0k3n"]}
    right = connection(bin_url, "", {"type": "token", "token": {"token": "t0k3n"}}, ping=ping)
    await accepted(rest, right)
    wrong = {"type": "token", "token": {"token": "t0k3n", "scheme": "Token"}}
    await refused(rest, connection(bin_url, "/bearer", wrong))


def session(value: str, **more: Any) -> dict[str, Any]:
    """A connection whose login sets the cookie ``sid`` and whose ping wants to see ``right`` in it."""
    login = {"uri": f"/cookies/set?sid={value}", "method": "GET", **more}
    fails = {"failStatusCode": 200, "failPath": "cookies.sid", "failValues": ["wrong"]}
    ping = {"relativeURI": "/cookies", "successPath": "cookies.sid", "successValues": ["right"]}
    return {"ping": ping, "auth": {"type": "cookie", "cookie": login, **fails}}


async def test_cookies(rest: RestClient, bin_url: str) -> None:
    """connections.md 3.4: login with GET; a session that the application calls wrong is refused; a login that answers 401, too."""
    id = await accepted(rest, connection(bin_url, "", **session("right")))
    export = {"http": {"relativeURI": "/cookies"}}
    assert (await rest.run_export(id, {"export": export}))["data"] == [{"cookies": {"sid": "right"}}]
    await refused(rest, connection(bin_url, "", **session("wrong")))
    await refused(rest, connection(bin_url, "", **session("right", uri="/status/401")))


async def test_two_jars(rest: RestClient, bin_url: str) -> None:
    """connections.md 3.4: connections to one host do not share their cookies, and an answer's cookie joins the jar of its own."""
    ids = [await accepted(rest, connection(bin_url, "", **session("right"))) for _ in range(2)]
    await rest.run_export(ids[0], {"export": {"http": {"relativeURI": "/cookies/set?cart=7"}}})
    found = [(await rest.run_export(id, {"export": {"http": {"relativeURI": "/cookies"}}}))["data"] for id in ids]
    assert found == [[{"cookies": {"cart": "7", "sid": "right"}}], [{"cookies": {"sid": "right"}}]]
