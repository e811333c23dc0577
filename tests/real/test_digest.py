"""Every form of digest, against an application of ours that curl judges as an independent client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, curl, needs_curl, orders, refused
from tests.servers.digest import USES, DigestApplication
from tests.servers.verifier import serving

pytestmark = needs_curl

USER, PASSWORD = 'svc "orders"', "Circle: Of Life"
ALGORITHMS = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]
CURLS = [(algorithm, "auth") for algorithm in ALGORITHMS] + [("MD5", "none"), ("SHA-256", "none")]
FORMS = [(algorithm, qop) for algorithm in ALGORITHMS for qop in ("auth", "auth-int")] + [
    ("MD5", "none"),
    ("SHA-256", "none"),
]


@pytest.fixture
def application() -> DigestApplication:
    """The application, with what it counts."""
    return DigestApplication(USER, PASSWORD)


@pytest.fixture
async def url(application: DigestApplication) -> AsyncIterator[str]:
    """Where it is."""
    async with serving(application.app()) as base:
        yield base


def named(password: str, user: str = USER) -> dict[str, Any]:
    """Credentials."""
    return {"type": "digest", "basic": {"username": user, "password": password}}


@pytest.mark.parametrize(("algorithm", "qop"), CURLS)
async def test_curl_judges_the_application(application: DigestApplication, url: str, algorithm: str, qop: str) -> None:
    """It takes the right password from curl and refuses a wrong one, a wrong user and none. (curl does not speak ``auth-int``.)"""
    path = f"{url}/{algorithm}/{qop}?limit=5&status=open%20%26%20paid"
    assert (await curl("--digest", "--user", f"{USER}:{PASSWORD}", path)).status == 200
    assert (await curl("--digest", "--user", f"{USER}:{PASSWORD}", "--data", "n=1", path)).status == 200
    assert application.refused == 0
    assert (await curl("--digest", "--user", f"{USER}:wrong", path)).status == 401
    assert (await curl("--digest", "--user", f"other:{PASSWORD}", path)).status == 401
    assert application.refused == 2
    assert (await curl(path)).status == 401


@pytest.mark.parametrize(("algorithm", "qop"), FORMS)
async def test_every_form(rest: RestClient, application: DigestApplication, url: str, algorithm: str, qop: str) -> None:
    """connections.md 3.5, RFC 7616: quotes in realm and user, nonces that are stale after three uses, bodies, counts that grow."""
    path = f"/{algorithm}/{qop}?limit=5&status=open%20%26%20paid"
    id = await accepted(rest, connection(url, path, named(PASSWORD), concurrencyLevel=1), path)
    for _ in range(2 * USES):
        assert await orders(rest, id, path)
    model = {"http": {"relativeURI": [path], "method": ["POST"], "body": ['{"n":"{{record.n}}"}']}}
    results = await rest.run_import(id, {"import": model, "data": [{"n": "ü"}] * 2 * USES})
    assert [result["statusCode"] for result in results] == [200] * 2 * USES
    assert application.refused == 0
    assert application.stale > 0


@pytest.mark.parametrize(("algorithm", "qop"), FORMS)
async def test_wrong_credentials(
    rest: RestClient, application: DigestApplication, url: str, algorithm: str, qop: str
) -> None:
    """connections.md 3.5, 6.2: one answer to a challenge that is not stale, then it is final."""
    for count, auth in enumerate((named("wrong"), named(PASSWORD, "other")), start=1):
        await refused(rest, connection(url, f"/{algorithm}/{qop}", auth))
        assert application.refused == 2 * count, "ping and virtual ping"
