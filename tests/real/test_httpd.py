"""Apache httpd: basic, digest with nonces that live for two seconds, and its login form with a session cookie."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, curl, needs_curl, orders, refused
from tests.servers.httpd import PASSWORD, USER, Httpd, needs_httpd

pytestmark = [needs_httpd, needs_curl]

WRONG = [(USER, "S3cr3t:password"), (USER, ""), ("svc_order", PASSWORD)]
NONCE = re.compile(r'\bnonce="([^"]+)"')
LIFE = 2.0
LONG = 2 * LIFE


def named(kind: str, user: str, password: str) -> dict[str, Any]:
    """Credentials with a user name and a password."""
    return {"type": kind, "basic": {"username": user, "password": password}}


@pytest.mark.parametrize("kind", ["basic", "digest"])
async def test_curl_judges_the_server(apache: Httpd, kind: str) -> None:
    """httpd takes the right password from curl, and refuses others, other users and none."""
    right = await curl(f"--{kind}", "--user", f"{USER}:{PASSWORD}", f"{apache.url}/{kind}")
    assert (right.status, right.json["user"]) == (200, USER)
    for user, password in WRONG:
        assert (await curl(f"--{kind}", "--user", f"{user}:{password}", f"{apache.url}/{kind}")).status == 401
    assert (await curl(f"{apache.url}/{kind}")).status == 401


@pytest.mark.parametrize("kind", ["basic", "digest"])
async def test_the_right_password_is_taken(rest: RestClient, apache: Httpd, kind: str) -> None:
    """connections.md 3.1, 3.5: UTF-8, a colon in the password, a query in the target."""
    document = connection(apache.url, f"/{kind}?limit=5&status=open%20%26%20paid", named(kind, USER, PASSWORD))
    await accepted(rest, document, f"/{kind}?page=1")


@pytest.mark.parametrize("kind", ["basic", "digest"])
@pytest.mark.parametrize(("user", "password"), WRONG)
async def test_a_wrong_password_is_refused(
    rest: RestClient, apache: Httpd, kind: str, user: str, password: str
) -> None:
    """connections.md 3.1, 3.5, 6.2: authentication failed, no loop of challenges, offline."""
    asked = f"wrong-{kind}-{WRONG.index((user, password))}"
    await refused(rest, connection(apache.url, f"/{kind}?{asked}", named(kind, user, password)))
    needed = 2 if kind == "basic" else 4  # ping and virtual ping
    assert [line.status for line in await apache.seen(asked, needed)] == [401] * needed


async def test_a_thousand_requests_while_nonces_go_stale(
    rest: RestClient, apache: Httpd, capsys: pytest.CaptureFixture[str]
) -> None:
    """connections.md 3.5: no request fails for a nonce, and none is repeated but for the first challenge and once for each stale nonce."""
    id = await storing(rest, apache)
    begin = time.monotonic()
    statuses: list[int] = []
    while len(statuses) < 1000 or time.monotonic() < begin + LONG:
        statuses += await store(rest, id, 100, "thousand")
    took = time.monotonic() - begin
    seen = await apache.seen("thousand", len(statuses) + 1)
    # Lines are written after the answers: by now the refused ones are known, and the last line is on its way.
    seen = await apache.seen("thousand", len(statuses) + sum(line.status == 401 for line in seen))
    nonces = {match[1] for line in seen if (match := NONCE.search(line.sent))}
    extra = [line.challenge for line in seen if line.status == 401]
    stale = [challenge for challenge in extra if "stale=true" in challenge]
    with capsys.disabled():
        figures = (
            f"{len(nonces)} nonces, {len(stale)} stale, {len(extra)} requests more, {statuses.count(401)} failures"
        )
        print(f"\ndigest: {len(statuses)} requests in {took:.1f} s, {figures}")
    assert statuses == [200] * len(statuses)
    assert len(nonces) > 1
    assert len(extra) == 1 + len(stale)
    assert len(stale) <= took / LIFE
    assert len(seen) == len(statuses) + len(extra)


async def test_a_nonce_that_went_stale_while_nobody_asked(rest: RestClient, apache: Httpd) -> None:
    """connections.md 3.5: the next run takes the new nonce and repeats one request, which nobody notices; five at once repeat one each."""
    id = await storing(rest, apache, concurrencyLevel=5)
    for count in (1, 20):
        assert await store(rest, id, 20, f"before-{count}") == [200] * 20
        await grow_stale(apache, f"curl-{count}")
        assert await store(rest, id, count, f"after-{count}") == [200] * count
        extra = [line.challenge for line in await apache.seen(f"after-{count}", count + 1) if line.status == 401]
        assert 1 <= len(extra) <= min(count, 5)
        assert all("stale=true" in challenge for challenge in extra)


async def storing(rest: RestClient, apache: Httpd, concurrencyLevel: int = 1) -> str:
    """A stored connection that signs in with digest."""
    right = named("digest", USER, PASSWORD)
    document = connection(apache.url, "/digest", right, concurrencyLevel=concurrencyLevel)
    return str((await rest.create(document))["_id"])


async def store(rest: RestClient, id: str, count: int, query: str) -> list[int]:
    """The status of each of so many records of an import, a request each."""
    model = {"http": {"relativeURI": [f"/digest/store?{query}"], "method": ["POST"]}}
    body = {"import": model, "data": [{"n": n} for n in range(count)]}
    return [result["statusCode"] for result in await rest.run_import(id, body)]


async def grow_stale(apache: Httpd, query: str) -> None:
    """Until a nonce of now is stale: curl shows one again and again."""
    url = f"{apache.url}/digest?{query}"
    assert (await curl("--digest", "--user", f"{USER}:{PASSWORD}", url)).status == 200
    sent = (await apache.seen(query, 2))[-1].sent
    end = time.monotonic() + 5 * LIFE
    while (await curl("--header", f"Authorization: {sent}", url)).status == 200:
        assert time.monotonic() < end, "nonces do not go stale"
        await asyncio.sleep(0.1)


def form(password: str, **more: Any) -> dict[str, Any]:
    """Credentials of the login form."""
    template = (
        "httpd_username={{connection.http.unencrypted.user}}&httpd_password={{connection.http.encrypted.password}}"
    )
    return {
        "mediaType": "urlencoded",
        "successMediaType": "json",
        "encrypted": {"password": password},
        "unencrypted": {"user": USER},
        "auth": {"type": "cookie", "cookie": {"uri": "/form/login", "body": template, **more}},
    }


async def test_curl_judges_the_login_form(apache: Httpd) -> None:
    """httpd gives a session to the right password, none to a wrong one, and shows nothing without a session."""
    fields = ["--data-urlencode", f"httpd_username={USER}", "--data-urlencode"]
    jar = str(apache.folder / "cookies.txt")
    login = await curl(*fields, f"httpd_password={PASSWORD}", "--cookie-jar", jar, f"{apache.url}/form/login")
    assert login.status == 302
    assert (await curl("--cookie", jar, f"{apache.url}/form/orders")).json["user"] == USER
    assert (await curl(*fields, "httpd_password=wrong", f"{apache.url}/form/login")).status == 401
    assert (await curl(f"{apache.url}/form/orders")).status == 401


@pytest.mark.parametrize("expected", [{}, {"successStatusCode": 302}])
async def test_the_login_form_is_passed(rest: RestClient, apache: Httpd, expected: dict[str, Any]) -> None:
    """connections.md 3.4: the redirect of a login is its success and is not followed; the cookie of an IP address is sent back."""
    asked = f"form-{len(expected)}"
    await accepted(rest, connection(apache.url, f"/form/orders?{asked}", **form(PASSWORD, **expected)), "/form/orders")
    assert [line.status for line in await apache.seen(asked, 2)] == [200] * 2


async def test_the_login_form_refuses(rest: RestClient, apache: Httpd) -> None:
    """connections.md 3.4: a login answered 401 is refused and takes the connection offline."""
    await refused(rest, connection(apache.url, "/form/orders", **form("wrong-password")))


async def test_a_session_is_shared_by_the_requests_of_a_connection(rest: RestClient, apache: Httpd) -> None:
    """connections.md 3.4: one login for many requests."""
    document = connection(apache.url, "/form/orders", **form(PASSWORD, uri="/form/login?logged-in"))
    id = str((await rest.create(document))["_id"])
    for _ in range(5):
        assert await orders(rest, id, "/form/orders?shared")
    assert [line.status for line in await apache.seen("shared", 5)] == [200] * 5
    assert len(await apache.seen("logged-in")) == 1
